//! The language of an item, to choose the recogniser by.
//!
//! What the publisher declares stands, unless the text is written in a script that the language is not: feeds
//! say `en` by default. Otherwise English is told by its small words, the others by `whatlang` where it is sure.
//! Nothing is guessed: too short a text has no language.

use std::borrow::Cow;
use tidings_model::Item;
use whatlang::{Lang, Script};

/// Fewer letters than this say nothing of a language.
const LEAST_LETTERS: usize = 12;

/// More bytes than this tell no more.
const MOST_BYTES: usize = 2_000;

/// A headline has no more words.
const FEW: usize = 12;

/// Frequent words that no other language of the table has so often.
const ENGLISH: [&str; 24] = [
    "the", "of", "and", "with", "that", "this", "which", "from", "were", "have", "has", "said", "says", "after", "its",
    "been", "their", "they", "would", "into", "who", "his", "about", "by",
];

/// BCP 47 primary subtag, ISO 639-3 code (as `whatlang` names it), script.
const LANGUAGES: [(&str, &str, Script); 70] = [
    ("af", "afr", Script::Latin),
    ("ak", "aka", Script::Latin),
    ("am", "amh", Script::Ethiopic),
    ("ar", "ara", Script::Arabic),
    ("az", "aze", Script::Latin),
    ("be", "bel", Script::Cyrillic),
    ("bg", "bul", Script::Cyrillic),
    ("bn", "ben", Script::Bengali),
    ("ca", "cat", Script::Latin),
    ("cs", "ces", Script::Latin),
    ("cy", "cym", Script::Latin),
    ("da", "dan", Script::Latin),
    ("de", "deu", Script::Latin),
    ("el", "ell", Script::Greek),
    ("en", "eng", Script::Latin),
    ("eo", "epo", Script::Latin),
    ("es", "spa", Script::Latin),
    ("et", "est", Script::Latin),
    ("fa", "pes", Script::Arabic),
    ("fi", "fin", Script::Latin),
    ("fr", "fra", Script::Latin),
    ("gu", "guj", Script::Gujarati),
    ("he", "heb", Script::Hebrew),
    ("hi", "hin", Script::Devanagari),
    ("hr", "hrv", Script::Latin),
    ("hu", "hun", Script::Latin),
    ("hy", "hye", Script::Armenian),
    ("id", "ind", Script::Latin),
    ("it", "ita", Script::Latin),
    ("ja", "jpn", Script::Hiragana),
    ("jv", "jav", Script::Latin),
    ("ka", "kat", Script::Georgian),
    ("km", "khm", Script::Khmer),
    ("kn", "kan", Script::Kannada),
    ("ko", "kor", Script::Hangul),
    ("la", "lat", Script::Latin),
    ("lt", "lit", Script::Latin),
    ("lv", "lav", Script::Latin),
    ("mk", "mkd", Script::Cyrillic),
    ("ml", "mal", Script::Malayalam),
    ("mr", "mar", Script::Devanagari),
    ("my", "mya", Script::Myanmar),
    ("nb", "nob", Script::Latin),
    ("ne", "nep", Script::Devanagari),
    ("nl", "nld", Script::Latin),
    ("or", "ori", Script::Oriya),
    ("pa", "pan", Script::Gurmukhi),
    ("pl", "pol", Script::Latin),
    ("pt", "por", Script::Latin),
    ("ro", "ron", Script::Latin),
    ("ru", "rus", Script::Cyrillic),
    ("si", "sin", Script::Sinhala),
    ("sk", "slk", Script::Latin),
    ("sl", "slv", Script::Latin),
    ("sn", "sna", Script::Latin),
    ("sr", "srp", Script::Cyrillic),
    ("sv", "swe", Script::Latin),
    ("ta", "tam", Script::Tamil),
    ("te", "tel", Script::Telugu),
    ("th", "tha", Script::Thai),
    ("tk", "tuk", Script::Latin),
    ("tl", "tgl", Script::Latin),
    ("tr", "tur", Script::Latin),
    ("uk", "ukr", Script::Cyrillic),
    ("ur", "urd", Script::Arabic),
    ("uz", "uzb", Script::Latin),
    ("vi", "vie", Script::Latin),
    ("yi", "yid", Script::Hebrew),
    ("zh", "cmn", Script::Mandarin),
    ("zu", "zul", Script::Latin),
];

/// Languages that are written in more than one script, one of them this second one.
const SECOND_SCRIPTS: [(&str, Script); 6] = [
    ("ja", Script::Katakana),
    ("ja", Script::Mandarin),
    ("sr", Script::Latin),
    ("uz", Script::Cyrillic),
    ("az", Script::Cyrillic),
    ("pa", Script::Arabic),
];

/// The primary subtag of the item's language, where it is known.
pub fn of(item: &Item) -> Option<Cow<'_, str>> {
    let text = item.texts().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
    if let Some(declared) = item.language.as_ref().map(|language| primary(&language.tag))
        && whatlang::detect_script(&text).is_none_or(|script| may_be(&declared, script))
    {
        return Some(declared);
    }
    detect(&text).map(Cow::Borrowed)
}

/// `en` of `en-GB`; a different tag of the same language is brought to the common one.
fn primary(tag: &str) -> Cow<'_, str> {
    let subtag = tag.split(['-', '_']).next().unwrap_or("");
    match subtag {
        "eng" => "en".into(),
        _ if !subtag.bytes().all(|b| b.is_ascii_lowercase()) => subtag.to_ascii_lowercase().into(),
        _ => subtag.into(),
    }
}

/// Whether that language is written in that script; of languages that the table lacks anything is believed.
fn may_be(language: &str, script: Script) -> bool {
    match LANGUAGES.iter().find(|(tag, code, _)| *tag == language || *code == language) {
        Some((tag, _, usual)) => *usual == script || SECOND_SCRIPTS.contains(&(*tag, script)),
        None => true,
    }
}

fn detect(text: &str) -> Option<&'static str> {
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    if text.chars().filter(|c| c.is_alphabetic()).count() < LEAST_LETTERS {
        return None;
    }
    // Asked first: it is quicker than all trigrams, and surer of a headline.
    if is_english(text) {
        return Some("en");
    }
    // an unsure guess of English does no harm, for most news without a declaration is; other models would invent names
    let sure = |found: &whatlang::Info| found.is_reliable() || found.lang() == Lang::Eng;
    whatlang::detect(text).filter(sure).and_then(|found| tag(found.lang()))
}

fn tag(found: Lang) -> Option<&'static str> {
    LANGUAGES.iter().find(|(_, code, _)| *code == found.code()).map(|(tag, ..)| *tag)
}

/// Two different small words of English, or one of few words; and a small word among eight.
fn is_english(text: &str) -> bool {
    let (mut words, mut small, mut seen) = (0, 0, 0_u32);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        if let Some(at) = ENGLISH.iter().position(|small| small.eq_ignore_ascii_case(word)) {
            small += 1;
            seen |= 1 << at;
        }
    }
    let least = if words <= FEW { 1 } else { 2 };
    seen.count_ones() >= least && small * 8 >= words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(tag: Option<&str>, headline: &str) -> Item {
        let mut item: Item = serde_json::from_str(r#"{"id":"1"}"#).unwrap();
        item.headline = Some(headline.to_owned());
        item.language = tag.map(|tag| tidings_model::Language { tag: tag.to_owned(), source: Default::default() });
        item
    }

    #[test]
    fn a_declaration_stands_unless_the_script_contradicts_it() {
        let cases = [
            (Some("en-GB"), "Xi meets Putin", Some("en")),
            (Some("PT_br"), "Presidente viaja", Some("pt")),
            (
                Some("en"),
                "Президент России прибыл сегодня с визитом в столицу Китая, где его встретили журналисты и жители города",
                Some("ru"),
            ),
            (Some("sr"), "Predsednik je otputovao u Peking", Some("sr")),
            (Some("ja"), "習近平国家主席がモスクワを訪問した", Some("ja")),
            (Some("tlh"), "Qapla' batlh je", Some("tlh")),
            (Some("en"), "", Some("en")),
            (None, "Envoy says that a deal is within reach after two nights of talks", Some("en")),
            (None, "Der Minister sagte am Mittwoch, dass die Gespräche fortgesetzt werden sollen", Some("de")),
            (None, "El presidente dijo el miércoles que las conversaciones continuarán mañana en Madrid", Some("es")),
            (None, "Le président a déclaré que les négociations reprendront vendredi à Genève", Some("fr")),
            (
                None,
                "De minister zei woensdag in Den Haag dat de onderhandelingen volgende week zullen worden hervat, of later",
                Some("nl"),
            ),
            (None, "The envoy Mira Kell met Donald Trump in Oslo.", Some("en")),
            (Some("eng"), "Xi meets Putin", Some("en")),
            (None, "Xi", None),
            (None, "12:30", None),
        ];
        for (tag, headline, want) in cases {
            assert_eq!(of(&item(tag, headline)).as_deref(), want, "{tag:?} {headline}");
        }
    }

    #[test]
    fn every_language_of_the_detector_has_a_row() {
        for lang in Lang::all() {
            assert!(tag(*lang).is_some(), "{}", lang.code());
        }
    }
}
