//! Names under case endings and particles: `Москве`, `w Warszawie`, `Helsingissä`, `서울에서`.
//!
//! No morphology: an ending is taken off, the nominative's put on, and the word counts only where the knowledge base
//! lists a place or an organisation of that name. A mention in a case is the whole word, as corpora of these languages
//! label it; a particle, an elided article or a suffix behind an apostrophe is no part of it, and is split off before
//! names are looked for.

use crate::{
    kb::{Kb, Number},
    token::{Gap, Shape, Token, is_apostrophe, shape},
};

/// An ending, and that of the nominative.
type Ending = (&'static str, &'static str);

/// Shorter names are not sought: too many words are nearly one.
const LEAST: usize = 4;

/// What is left of a word without its ending has so many letters at least.
const STEM: usize = 3;

#[rustfmt::skip]
const RUSSIAN: &[Ending] = &[
    ("ией", "ия"), ("ию", "ия"), ("ии", "ия"), ("ой", "а"), ("ей", "я"), ("ы", "а"), ("и", "а"), ("е", "а"), ("у", "а"),
    ("и", "ь"), ("я", "ь"), ("ю", "ь"), ("ем", "ь"), ("е", "ь"), ("я", "й"), ("ю", "й"), ("ем", "й"), ("е", "й"),
    ("ом", ""), ("ем", ""), ("а", ""), ("у", ""), ("е", ""),
];
#[rustfmt::skip]
const UKRAINIAN: &[Ending] = &[
    ("ією", "ія"), ("ію", "ія"), ("ії", "ія"), ("ою", "а"), ("ею", "а"), ("и", "а"), ("і", "а"), ("у", "а"),
    ("я", "ь"), ("ю", "ь"), ("і", "ь"), ("ем", "ь"), ("ї", "й"), ("ю", "й"), ("я", "й"),
    ("ові", ""), ("ом", ""), ("ем", ""), ("а", ""), ("у", ""), ("і", ""),
];
#[rustfmt::skip]
const POLISH: &[Ending] = &[
    ("ji", "ja"), ("ję", "ja"), ("ją", "ja"), ("ii", "ia"), ("ię", "ia"), ("ią", "ia"), ("sce", "ska"),
    ("ie", "a"), ("y", "a"), ("ę", "a"), ("ą", "a"), ("i", "a"), ("iem", ""), ("em", ""), ("ie", ""), ("owi", ""),
    ("u", ""), ("a", ""),
];
#[rustfmt::skip]
const CZECH: &[Ending] = &[
    ("ií", "ie"), ("ii", "ie"), ("ou", "a"), ("y", "a"), ("ě", "a"), ("u", "a"), ("em", "o"), ("a", "o"), ("u", "o"),
    ("em", ""), ("ě", ""), ("e", ""), ("u", ""), ("a", ""),
];
#[rustfmt::skip]
const FINNISH: &[Ending] = &[
    ("ngissä", "nki"), ("ngistä", "nki"), ("ngin", "nki"), ("issa", ""), ("issä", ""), ("ista", ""), ("istä", ""),
    ("iin", "i"), ("aan", "a"), ("ään", "ä"), ("iin", ""), ("in", ""), ("ssa", ""), ("ssä", ""), ("sta", ""),
    ("stä", ""), ("lla", ""), ("llä", ""), ("lta", ""), ("ltä", ""), ("lle", ""), ("n", ""), ("a", ""), ("ä", ""),
];
#[rustfmt::skip]
const HUNGARIAN: &[Ending] = &[
    ("ában", "a"), ("ából", "a"), ("ába", "a"), ("ának", "a"), ("ával", "a"), ("ára", "a"), ("áról", "a"),
    ("ához", "a"), ("ától", "a"), ("át", "a"), ("án", "a"), ("ban", ""), ("ben", ""), ("ból", ""), ("ből", ""),
    ("ba", ""), ("be", ""), ("nak", ""), ("nek", ""), ("gal", ""), ("nel", ""), ("ra", ""), ("re", ""),
    ("ról", ""), ("ről", ""), ("tól", ""), ("től", ""), ("hoz", ""), ("hez", ""),
    ("on", ""), ("en", ""), ("ot", ""), ("et", ""), ("t", ""),
];
const GENITIVE: &[Ending] = &[("s", "")];

#[rustfmt::skip]
const PARTICLES: &[&str] = &[
    "으로부터", "에서는", "에서도", "에서의", "에게서", "로부터", "으로는", "이라고", "에서", "에게", "에는", "에도", "으로", "까지",
    "부터", "보다", "처럼", "과의", "와의", "과는", "와는", "라고", "에", "은", "는", "이", "가", "을", "를", "의", "와", "과", "도",
    "만", "로",
];

fn endings(language: &str) -> &'static [Ending] {
    match language {
        "ru" => RUSSIAN,
        "uk" => UKRAINIAN,
        "pl" => POLISH,
        "cs" => CZECH,
        "fi" => FINNISH,
        "hu" => HUNGARIAN,
        "de" | "sv" | "da" | "nb" | "no" | "nn" => GENITIVE,
        _ => &[],
    }
}

/// The entry that a word names in another case than the nominative.
pub(crate) fn nominative(kb: &Kb, token: &Token<'_>, language: Option<&str>) -> Option<Number> {
    if token.shape != Shape::Capital {
        return None;
    }
    endings(language?).iter().find_map(|(ending, nominative)| {
        let stem = token.text.strip_suffix(ending).filter(|stem| stem.chars().count() >= STEM)?;
        let word = format!("{stem}{nominative}");
        if word.chars().count() < LEAST { None } else { kb.listed(&word) }
    })
}

/// The words with particles and suffixes of known names as words of their own.
pub(crate) fn split<'t>(kb: &Kb, tokens: Vec<Token<'t>>, language: Option<&str>) -> Vec<Token<'t>> {
    let head = match language {
        Some("ko") => korean,
        Some("tr") => |_: &Kb, token: &Token<'_>| turkish(token),
        Some("fr" | "it" | "ca") => elided,
        _ => return tokens,
    };
    let parts = |token: Token<'t>| match head(kb, &token) {
        None => [Some(token), None],
        Some(bytes) => {
            let (head, text) = token.text.split_at(bytes);
            let (byte, start) = (token.byte + bytes, token.start + head.chars().count());
            let rest = Token { text, byte, start, shape: shape(text), gap: Gap::Glued, starts: false, ..token };
            [Some(Token { text: head, end: start, shape: shape(head), ..token }), Some(rest)]
        }
    };
    tokens.into_iter().flat_map(parts).flatten().collect()
}

/// Where the particle starts.
fn korean(kb: &Kb, token: &Token<'_>) -> Option<usize> {
    let is_hangul = token.text.starts_with(|c| matches!(c, '가'..='힣'));
    if !is_hangul || kb.listed(token.text).is_some() {
        return None;
    }
    let stems = PARTICLES.iter().filter_map(|particle| token.text.strip_suffix(particle));
    stems.filter(|stem| stem.chars().count() > 1).find(|stem| kb.listed(stem).is_some()).map(str::len)
}

/// `İstanbul'da`: only names take the apostrophe. That in `Kur'an` is of the word.
fn turkish(token: &Token<'_>) -> Option<usize> {
    let name = matches!(token.shape, Shape::Capital | Shape::Upper);
    let (stem, suffix) = token.text.rsplit_once(is_apostrophe).filter(|_| name)?;
    let starts = ['ı', 'i', 'u', 'ü', 'c', 'ç', 'd', 'k', 'l', 'm', 'n', 'r', 's', 't', 'y'];
    let is_suffix = matches!(suffix, "a" | "e") || suffix.starts_with(starts);
    (is_suffix && suffix.chars().all(char::is_lowercase) && stem.chars().count() > 1).then_some(stem.len())
}

/// Where the name starts in `l'Allemagne`; `Côte d'Ivoire`, and `L'Oréal` at the start of a sentence, are whole.
fn elided(kb: &Kb, token: &Token<'_>) -> Option<usize> {
    const ARTICLES: [&str; 9] = ["l", "qu", "dell", "all", "nell", "dall", "sull", "un", "quell"];
    let at = token.text.find(is_apostrophe)?;
    if kb.listed(&token.text.replace(is_apostrophe, "'")).is_some() {
        return None;
    }
    let (head, tail) = token.text.split_at(at);
    let rest = tail.trim_start_matches(is_apostrophe);
    let article = ARTICLES.contains(&head) || token.starts && ARTICLES.contains(&head.to_lowercase().as_str());
    let name = rest.starts_with(char::is_uppercase) && (article || kb.listed(rest).is_some());
    name.then_some(token.text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    #[test]
    fn a_name_is_found_under_its_ending() {
        let kb = Kb::load(None).unwrap();
        let cases = [
            ("ru", "Москве Москвы Москвой", "Moscow"),
            ("ru", "России Россией Россию", "Russia"),
            ("ru", "Киева Киеву", "Kyiv"),
            ("ru", "Китаем Китая", "China"),
            ("ru", "Израиля", "Israel"),
            ("uk", "України Україною", "Ukraine"),
            ("uk", "Німеччини", "Germany"),
            ("pl", "Warszawie Warszawy", "Warsaw"),
            ("pl", "Rosji Rosją", "Russia"),
            ("pl", "Polsce", "Poland"),
            ("pl", "Berlinie Berlina", "Berlin"),
            ("cs", "Moskvy Moskvě", "Moscow"),
            ("cs", "Ruskem Ruska", "Russia"),
            ("fi", "Helsingissä Helsingin", "Helsinki"),
            ("fi", "Venäjän Venäjällä", "Russia"),
            ("fi", "Moskovasta", "Moscow"),
            ("hu", "Moszkvában", "Moscow"),
            ("hu", "Oroszországgal", "Russia"),
            ("de", "Deutschlands", "Germany"),
        ];
        for (language, words, want) in cases {
            for token in tokens(words) {
                let found = nominative(&kb, &token, Some(language)).map(|number| kb.entry(number).name);
                assert_eq!(found, Some(want), "{}", token.text);
            }
        }
        for (language, words) in [
            ("ru", "москве Путина Рима Встреча"),
            ("pl", "Donald Romy Wiosna"),
            ("cs", "Romy Romů"),
            ("fi", "Sauli Tampere"),
            ("en", "Berlins Москве"),
        ] {
            for token in tokens(words) {
                assert_eq!(nominative(&kb, &token, Some(language)), None, "{}", token.text);
            }
        }
    }

    #[test]
    fn particles_are_words_of_their_own() {
        let kb = Kb::load(None).unwrap();
        let told = |language, text| {
            let tokens = split(&kb, tokens(text), Some(language));
            let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
            let chars: Vec<char> = text.chars().collect();
            for token in &tokens {
                assert_eq!(chars[token.start..token.end].iter().collect::<String>(), token.text);
                assert!(text[token.byte..].starts_with(token.text));
            }
            words.join("|")
        };
        assert_eq!(told("ko", "서울에서 한국은 미국의 러시아와 회의는"), "서울|에서|한국|은|미국|의|러시아|와|회의는");
        assert_eq!(told("tr", "İstanbul'da ABD’nin dün"), "İstanbul|'da|ABD|’nin|dün");
        assert_eq!(told("tr", "Kur'an Kur'an'da Ankara'ya Roma'a"), "Kur'an|Kur'an|'da|Ankara|'ya|Roma|'a");
        assert_eq!(told("it", "L'Ucraina dell'Unione L'Oréal"), "L'|Ucraina|dell'|Unione|L'Oréal");
        assert_eq!(told("fr", "d’Ukraine d'Ivoire aujourd'hui"), "d’|Ukraine|d'Ivoire|aujourd'hui");
        assert_eq!(told("fr", "L’Oréal annonce. L'Allemagne"), "L’Oréal|annonce|.|L'|Allemagne");
        assert_eq!(told("it", "L'Aia dice no"), "L'Aia|dice|no");
        assert_eq!(told("en", "O'Neill l'Allemagne"), "O'Neill|l'Allemagne");
    }
}
