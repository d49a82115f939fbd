//! Names become entities: short forms, spellings, types, offsets.

use super::*;
use crate::{names::CapitalisedNames, recognise::Span};
use proptest::prelude::*;
use tidings_model::EntityType;

fn item(headline: &str, summary: &str, body: &str) -> Item {
    let mut item: Item = serde_json::from_str(r#"{"id":"1"}"#).unwrap();
    let field = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (item.headline, item.summary, item.body) = (field(headline), field(summary), field(body));
    item
}

fn found(item: &Item) -> Vec<Entity> {
    entities(item, Some("en"), Some(&CapitalisedNames::english()), &Kb::load(None).unwrap(), 0.4)
}

/// `name/type: mention, mention` of each entity, by name.
fn shown(item: &Item) -> String {
    let entities = found(item);
    let mut lines: Vec<String> = entities
        .iter()
        .map(|entity| {
            let kind = format!("{:?}", entity.kind).to_lowercase();
            let mentions: Vec<&str> = entity.mentions.iter().map(|mention| mention.text.as_str()).collect();
            format!("{}/{}: {}", entity.name, &kind[..3], mentions.join(", "))
        })
        .collect();
    lines.sort();
    lines.join(" | ")
}

#[test]
fn short_forms_and_headlines_belong_to_the_full_name() {
    let cases = [
        (
            ("Kell Offers Arbitration as Walkout Looms", "It is said that Mira Kell hopes. Kell went on."),
            "Mira Kell/per: Kell, Mira Kell, Kell",
        ),
        (("", "that Xi Jinping left, and then Xi said no"), "Xi Jinping/per: Xi Jinping, Xi"),
        (
            ("", "that Michael Jordan left, and Jordan said no in Jordan"),
            "Jordan/pla: Jordan | Michael Jordan/per: Michael Jordan, Jordan",
        ),
        (("", "that Osprey Lines paid, and then shares of Osprey rose"), "Osprey Lines/org: Osprey Lines, Osprey"),
        (
            ("", "that Ann Benn and Orla Benn left, and then Benn said no"),
            "Ann Benn/per: Ann Benn | Benn/per: Benn | Orla Benn/per: Orla Benn",
        ),
        (("", "after Storm Hedda struck, with little lost to Hedda then"), "Storm Hedda/oth: Storm Hedda, Hedda"),
        (
            ("", "that he flew from the Port of Arden to the town of Arden"),
            "Arden/pla: Arden | Port of Arden/pla: Port of Arden",
        ),
    ];
    for ((headline, body), want) in cases {
        assert_eq!(shown(&item(headline, "", body)), want, "{headline} {body}");
    }
}

#[test]
fn the_knowledge_base_and_the_recogniser_agree_on_a_span() {
    let cases = [
        ("then Russian President Vladimir Putin spoke", "Russian/gro: Russian | Vladimir Putin/per: Vladimir Putin"),
        ("when Russia-China ties grew stronger still", "China/pla: China | Russia/pla: Russia"),
        ("with Ukrainian Oleksa Benn at hand now", "Oleksa Benn/per: Oleksa Benn | Ukrainian/gro: Ukrainian"),
        (
            "by the University of New South Wales and others",
            "University of New South Wales/org: University of New South Wales",
        ),
        ("the singer Paris Hilton went away", "Paris Hilton/per: Paris Hilton"),
        ("he told the UN Security Council again", "UN Security Council/org: UN Security Council"),
        ("Reading the letter took long. It told us nothing", ""),
        ("Turkey said no to all of them", "Turkey/pla: Turkey"),
        (
            "then Real Madrid lost to Africa CDC in Madrid",
            "Africa CDC/org: Africa CDC | Madrid/pla: Madrid | Real Madrid/org: Real Madrid",
        ),
        ("Nice words, said he. They flew to Nice", "Nice/pla: Nice, Nice"),
    ];
    for (body, want) in cases {
        assert_eq!(shown(&item("", "", body)), want, "{body}");
    }
}

#[test]
fn a_headline_in_capitals_is_read_by_known_names() {
    assert_eq!(
        shown(&item("PUTIN WARNS KELL OVER NORTH KOREA", "", "There was no answer from Mira Kell to him.")),
        "Mira Kell/per: KELL, Mira Kell | North Korea/pla: NORTH KOREA | Vladimir Putin/per: PUTIN"
    );
}

#[test]
fn spellings_of_one_name_have_one_id() {
    let id = |text: &str| found(&item("", "", &format!("then the envoy {text} spoke again")))[0].id.clone();
    let zelensky = ["Zelensky", "Zelenskiy", "Zelenskyy", "Zelenskyi", "Volodymyr Zelenskij"].map(id);
    assert_eq!(zelensky, ["Q3874799"; 5]);
    let unknown = ["Oleksa Zoryansky", "Oleksa Zoryanskiy", "Oleksa Zorianskyy"].map(id);
    assert_eq!(unknown, [local_id("Oleksa Zoryansky"), unknown[0].clone(), unknown[0].clone()]);
    assert_eq!(unknown[0].len(), 32);
}

#[test]
fn the_headline_weighs_more_than_the_lead_and_the_lead_more_than_the_rest() {
    let long = "word ".repeat(80);
    let item = item("Envoy is back in Cairo", "He met people in Athens", &format!("{long} and people in Lima"));
    let entities = found(&item);
    let told: Vec<(&str, f32, bool)> =
        entities.iter().map(|entity| (entity.name.as_str(), entity.salience, entity.in_headline)).collect();
    assert_eq!(told, [("Cairo", 0.75, true), ("Athens", 0.6, false), ("Lima", 0.35, false)]);
}

#[test]
fn what_stands_in_a_link_to_another_article_is_marked_and_weighs_nothing() {
    let mut item = item("", "", "when China met. Read also: Envoy of Russia in talks again. In Iran the two");
    let link = |field: &str, start, end| Link {
        field: field.into(),
        text: String::new(),
        url: String::new(),
        start,
        end,
        resolved: true,
    };
    // one is a headline, one is on a name alone, one is in another field
    item.links = vec![link("body", 27, 57), link("body", 62, 66), link("summary", 0, 30)];
    let entities = found(&item);
    let told: Vec<(&str, bool, f32)> =
        entities.iter().map(|entity| (entity.name.as_str(), entity.mentions[0].in_link, entity.salience)).collect();
    assert_eq!(told, [("China", false, 0.6), ("Iran", false, 0.6), ("Russia", true, 0.0)]);
}

proptest! {
    #[test]
    fn mentions_are_where_they_say(
        texts in prop::collection::vec(
            "\\PC{0,60}|((Xi|Mira|Kell|Zelensky|é|von|of|Port|Ltd|Mr|U\\.S\\.|的|\u{301}|TAIPEI|'s|\"|—|the)[ .,\n-]{0,3}){0,25}",
            3,
        ),
    ) {
        let item = item(&texts[0], &texts[1], &texts[2]);
        let fields: std::collections::BTreeMap<&str, Vec<char>> =
            item.texts().map(|(name, text)| (name, text.chars().collect())).collect();
        let mut places = Vec::new();
        for entity in found(&item) {
            prop_assert!((0.0..=1.0).contains(&entity.salience));
            prop_assert!(entity.kind != EntityType::Unknown && !entity.name.is_empty());
            for mention in &entity.mentions {
                let (start, end) = (mention.start as usize, mention.end as usize);
                prop_assert_eq!(fields[mention.field.as_str()][start..end].iter().collect::<String>(), mention.text.clone());
                places.push((mention.field.clone(), start, end));
            }
        }
        places.sort();
        prop_assert!(places.windows(2).all(|two| two[0].0 != two[1].0 || two[0].2 <= two[1].1), "{places:?}");
    }
}

#[test]
fn what_names_nobody_is_no_entity() {
    use crate::neural::Models;
    let models = Models::load(&crate::Config::default()).unwrap();
    let english = models.recognisers().next().unwrap();
    let told = |body: &str| -> Vec<String> {
        let entities = entities(&item("", "", body), Some("en"), Some(&english), models.kb(), 0.0);
        entities.into_iter().map(|entity| entity.name).collect()
    };
    assert_eq!(told("JAKARTA (NWA) - The delegation left for Berlin on Friday."), ["Jakarta", "Berlin"]);
    assert_eq!(told("VELMONT (NWA) - The records were exposed for six weeks."), ["Velmont"]);
    assert_eq!(told("PORT BRENNICK — The records were exposed for six weeks."), ["Port Brennick"]);
    assert_eq!(told("He wrote to the Gazette that the Chamber had met in Berlin."), ["Berlin"]);
}

#[test]
fn the_document_decides_what_a_name_means() {
    let kb = Kb::load(None).unwrap();
    // two cities of that name, neither much larger than the other
    let sides: Vec<_> = kb.meanings(&tokens("Kochi")).into_iter().map(|number| kb.entry(number).country()).collect();
    assert_eq!(sides, [Some("Q668"), Some("Q17")]);
    let city = |of: &str| {
        let entities = found(&item("", "", &format!("then {of} envoy flew to the city of Kochi again")));
        let city = entities.into_iter().find(|entity| entity.name == "Kochi").unwrap();
        (city.id_kind, city.country)
    };
    assert_eq!(city("a Japanese"), (IdKind::Geonames, Some("Q17".to_owned())));
    assert_eq!(city("an Indian"), (IdKind::Geonames, Some("Q668".to_owned())));
    assert_eq!(city("the"), (IdKind::Local, None));
}

#[test]
fn a_short_name_is_of_whom_the_reader_takes_it_for() {
    let ids = |text: &str| {
        let mut told: Vec<_> =
            found(&item("", "", text)).into_iter().map(|entity| (entity.name, entity.mentions.len())).collect();
        told.sort();
        told
    };
    let pair = |a: (&str, usize), b: (&str, usize)| [(a.0.to_owned(), a.1), (b.0.to_owned(), b.1)];
    let text = "when President Trump and Melania Trump arrived, and then Trump said no";
    assert_eq!(ids(text), pair(("Donald Trump", 2), ("Melania Trump", 1)));
    let text = "when Macron arrived with his wife Brigitte Macron, and then Macron said no";
    assert_eq!(ids(text), pair(("Brigitte Macron", 1), ("Emmanuel Macron", 2)));
    let text = "when Hunter Biden left Iran, and then Biden said no";
    assert_eq!(ids(text), pair(("Hunter Biden", 2), ("Iran", 1)));
}

/// A recogniser that finds these names.
struct Told(&'static [(&'static str, EntityType, f32)]);

impl Recognise for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn is_model(&self) -> bool {
        true
    }

    fn knows(&self, _: &str) -> bool {
        true
    }

    fn recognise(&self, text: &str, _: &[Token<'_>]) -> Vec<Span> {
        let span = |&(name, kind, confidence): &(&str, EntityType, f32)| {
            let start = text.find(name).expect("the text has the name");
            Span { start, end: start + name.len(), kind, confidence, told: false }
        };
        self.0.iter().map(span).collect()
    }
}

#[test]
fn neighbours_tell_what_a_name_is() {
    use EntityType::{Organisation, Person, Place};
    let told = |text: &str, names: &'static [(&'static str, EntityType, f32)]| {
        let entities = entities(&item("", "", text), Some("en"), Some(&Told(names)), &Kb::load(None).unwrap(), 0.4);
        entities.into_iter().map(|entity| (entity.name, entity.kind)).collect::<Vec<_>>()
    };
    let one = |name: &str, kind| (name.to_owned(), kind);
    let names = &[("Turkana", Place, 0.9), ("Garissu", Person, 0.95)];
    assert_eq!(told("the roads to Turkana and Garissu", names), [one("Turkana", Place), one("Garissu", Place)]);
    let names = &[("Turkana", Place, 0.9), ("Garissu", Person, 0.995)];
    assert_eq!(told("the roads to Turkana and Garissu", names)[1], one("Garissu", Person), "the model is certain");
    let names = &[("Tigist", Person, 0.9), ("Worku", Person, 0.9)];
    assert_eq!(told("then Tigist Worku Benno spoke", names), [one("Tigist Worku Benno", Person)]);
    let names = &[("Mira", Person, 0.9), ("Kell", Person, 0.9)];
    assert_eq!(told("then MiraKell and Turkana", names), [one("MiraKell", Person)], "two names in one word");
    let names = &[("Disaster Agency", Organisation, 0.9)];
    assert_eq!(told("then the Disaster Agency (Nadmo) spoke", names)[1], one("Nadmo", Organisation));
    let names = &[("ACCRU - Cocoa", Organisation, 0.9)];
    assert_eq!(told("ACCRU - Cocoa prices fell again today", names), [one("Accru", Place)]);
    let names = &[("Bank Bets on Gas as Equinox", Organisation, 0.9)];
    assert_eq!(told("Bank Bets on Gas as Equinox Returns", names), []);
}

#[test]
fn a_headline_in_title_case_swallows_no_known_name() {
    let names = &[("Putin Heads", EntityType::Person, 0.9)];
    let item = item("Zelensky Warns As Putin Heads To Beijing", "", "");
    let mut told: Vec<String> = entities(&item, Some("en"), Some(&Told(names)), &Kb::load(None).unwrap(), 0.4)
        .into_iter()
        .map(|entity| entity.name)
        .collect();
    told.sort();
    assert_eq!(told, ["Beijing", "Vladimir Putin", "Volodymyr Zelenskyy"]);
}

#[test]
fn an_agency_that_is_credited_is_no_subject() {
    let names: Vec<String> =
        found(&item("", "", "TAIPEI (Reuters) - The island said no.")).into_iter().map(|entity| entity.name).collect();
    assert_eq!(names, ["Taipei"]);
}

#[test]
fn names_that_differ_in_more_than_transliteration_stay_apart() {
    let id = |text: &str| found(&item("", "", &format!("then the envoy {text} spoke again")))[0].id.clone();
    assert_ne!(id("Gertrude Stein"), id("Gertrude Steyn"));
}

#[test]
fn a_name_keeps_its_id_whatever_it_is_taken_for() {
    let told = |text: &str| {
        let entities = found(&item("", "", text));
        assert_eq!(entities.len(), 1, "{entities:?}");
        (entities[0].kind, entities[0].id.clone())
    };
    let (place, there) = told("it was said that the delegation met in Brennick again");
    let (person, he) = told("it was said that President Brennick met the delegation again");
    assert_eq!((place, person), (EntityType::Place, EntityType::Person));
    assert_eq!(there, he);
}

#[test]
fn a_competition_is_not_the_place_that_it_is_named_for() {
    let told = |text: &str| {
        let entities = entities(&item("", "", text), Some("en"), None, &Kb::load(None).unwrap(), 0.4);
        entities.into_iter().map(|entity| entity.name).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told("they won the Asia Cup, the US Open and the Asian Games in Qatar"), "Qatar");
    assert_eq!(told("Iran Open to Talks"), "Iran");
    assert_eq!(told("Iran Wins Asia Cup"), "Iran");
    assert_eq!(told("then NATO Open days were held"), "NATO");
    assert_eq!(told("Qatar opens the games"), "Qatar");
}
