//! Which wire agency a text credits: the mark that the same story elsewhere is no scoop of its own.

/// Agencies known by name, as they credit themselves and as they are written here.
const KNOWN: [(&str, &str); 40] = [
    ("AAP", "AAP"),
    ("AFP", "AFP"),
    ("AGENCE FRANCE-PRESSE", "AFP"),
    ("AKIPRESS", "AKIpress"),
    ("ANADOLU", "Anadolu"),
    ("ANI", "ANI"),
    ("ANP", "ANP"),
    ("ANSA", "ANSA"),
    ("AP", "AP"),
    ("APA", "APA"),
    ("ASSOCIATED PRESS", "AP"),
    ("BELGA", "Belga"),
    ("BERNAMA", "Bernama"),
    ("BLOOMBERG", "Bloomberg"),
    ("CANADIAN PRESS", "Canadian Press"),
    ("DPA", "dpa"),
    ("EFE", "EFE"),
    ("EUROPA PRESS", "Europa Press"),
    ("IANS", "IANS"),
    ("INTERFAX", "Interfax"),
    ("IRNA", "IRNA"),
    ("KYODO", "Kyodo"),
    ("KYODO NEWS", "Kyodo"),
    ("LUSA", "Lusa"),
    ("MTI", "MTI"),
    ("NTB", "NTB"),
    ("PA", "PA"),
    ("PA MEDIA", "PA"),
    ("PAP", "PAP"),
    ("PRESS ASSOCIATION", "PA"),
    ("PTI", "PTI"),
    ("REUTERS", "Reuters"),
    ("RITZAU", "Ritzau"),
    ("STT", "STT"),
    ("TASS", "TASS"),
    ("THE ASSOCIATED PRESS", "AP"),
    ("TT", "TT"),
    ("UKRINFORM", "Ukrinform"),
    ("XINHUA", "Xinhua"),
    ("YONHAP", "Yonhap"),
];

/// How far from its ends a text is searched, in characters.
const REACH: usize = 160;

/// The agency that a text credits:
/// - in a dateline, `ARDEN (NWA) — …` or `(Reuters) - …`: a known name, or 2 to 6 capital letters;
/// - in a credit at the end, `… . (NWA)`, `… — AFP`, `Source: Reuters`: the same.
///
/// Capitals in brackets elsewhere are abbreviations, `the alliance (NATO) said`, and count only if known.
pub fn agency(text: &str) -> Option<String> {
    let head = &text[..text.char_indices().nth(REACH).map_or(text.len(), |(at, _)| at)];
    dateline(head).or_else(|| credit(text.trim_end()))
}

fn known(name: &str) -> Option<String> {
    let name = name.trim().to_uppercase();
    KNOWN.iter().find(|(credit, _)| *credit == name).map(|(_, written)| (*written).to_owned())
}

fn capitals(name: &str) -> Option<String> {
    ((2..=6).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| name.to_owned())
}

/// `PLACE (NAME) —` at the start; of the place, a few words at most, each is a name or a number.
fn dateline(head: &str) -> Option<String> {
    let open = head.find('(')?;
    let (place, rest) = (&head[..open], &head[open + 1..]);
    let close = rest.find(')')?;
    let (name, after) = (&rest[..close], rest[close + 1..].trim_start());
    let dashed = after.starts_with(['—', '–', '-', '―', ':']);
    let named = |word: &str| word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric());
    let mut words = place.split_whitespace();
    let place_like = words.clone().count() <= 6 && words.all(named) && !place.contains(['!', '?', '\n']);
    if !place_like {
        return None;
    }
    // "(AFP/Reuters)", "(Reuters Health)": the first is the one to credit
    let first = name.split(['/', ',']).next().unwrap_or(name);
    known(first).filter(|_| dashed || place.trim().is_empty()).or_else(|| capitals(first).filter(|_| dashed))
}

/// The last few words of the text.
fn credit(text: &str) -> Option<String> {
    let from = text.char_indices().rev().nth(REACH).map_or(0, |(at, _)| at);
    let tail = text[from..].trim_end_matches(['.', ' ', '\n']);
    if let Some((before, name)) = tail.strip_suffix(')').and_then(|tail| tail.rsplit_once('(')) {
        let apart = before.trim_end().ends_with(['.', '!', '?', '"', '”', '’', '…']) || before.ends_with('\n');
        return known(name).or_else(|| capitals(name).filter(|_| apart));
    }
    let after = |mark: &str| tail.rsplit_once(mark).map(|(_, name)| name.trim());
    let dash = ["— ", "– ", "-- ", "\n"].into_iter().find_map(|mark| known(after(mark)?));
    dash.or_else(|| ["Source: ", "Credit: ", "SOURCE: "].into_iter().find_map(|mark| known(after(mark)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datelines_and_credits() {
        for (text, name) in [
            ("ARDEN (AP) — The dam held.", Some("AP")),
            ("TORSAY, Nov 24 (NWA) - The bridge is open.", Some("NWA")),
            ("(Reuters) The bank cut rates.", Some("Reuters")),
            ("KYIV (Associated Press) -- Talks.", Some("AP")),
            ("The dam held on Tuesday. (NWA)", Some("NWA")),
            ("The dam held, they said. — AFP", Some("AFP")),
            ("The dam held.\nSource: Xinhua", Some("Xinhua")),
            ("“It held,” she said (dpa).", Some("dpa")),
            ("The alliance (NATO) - founded in 1949 - met.", None),
            ("Members of the alliance (NATO) met.", None),
            ("He joined the Group of Seven (G7)", None),
            ("He leads the union (EU)", None),
            ("", None),
            ("(", None),
        ] {
            assert_eq!(agency(text).as_deref(), name, "{text}");
        }
    }
}
