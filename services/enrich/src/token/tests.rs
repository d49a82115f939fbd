//! Words, their shapes, and where sentences start.

use super::*;
use proptest::prelude::*;

#[test]
fn words_keep_what_belongs_to_them() {
    let cases = [
        ("Russia’s war", "Russia|’s|war"),
        ("the U.S., he", "the|U.S.|,|he"),
        ("in D.C. today.", "in|D.C.|today|."),
        ("George W. Bush", "George|W.|Bush"),
        ("St. Alder's", "St.|Alder|'s"),
        ("O’Neill doesn't", "O’Neill|doesn't"),
        ("Russia-China ties", "Russia|-|China|ties"),
        ("the leaders’ talks", "the|leaders|’|talks"),
        ("ends.Then 3.75", "ends|.|Then|3|.|75"),
        ("中国 Xi", "中|国|Xi"),
        ("e\u{301}te\u{301}", "e\u{301}te\u{301}"),
        ("wait...", "wait|.|.|."),
    ];
    for (text, want) in cases {
        let found: Vec<&str> = tokens(text).iter().map(|token| token.text).collect();
        assert_eq!(found.join("|"), want, "{text}");
    }
}

#[test]
fn sentences_start_after_full_stops_quotes_and_breaks() {
    let cases = [
        ("He left. Then they", "He Then"),
        ("the U.S. surged", "the"),
        ("Xi said. “We stay,” Putin said", "Xi We"),
        ("he said: Never", "he Never"),
        ("One\n\nTwo\nthree", "One Two"),
        ("chair (Group of Seven) met", "chair"),
        ("told \"it\" Xi", "told it"),
        ("Mr. Kell", "Mr."),
    ];
    for (text, want) in cases {
        let tokens = tokens(text);
        let found: Vec<&str> =
            tokens.iter().filter(|token| token.starts && token.shape != Shape::Mark).map(|token| token.text).collect();
        assert_eq!(found.join(" "), want, "{text}");
    }
}

#[test]
fn headlines_in_title_case_and_capitals_are_seen() {
    let cases = [
        ("Storm Hedda Cuts Power to 12,000 Homes", Style::Titled),
        ("Storm Hedda cuts power to 12,000 homes", Style::Prose),
        ("STORM HEDDA CUTS POWER", Style::Shouted),
        ("President Xi Jinping visits Moscow", Style::Prose),
        ("TAIPEI and MOSCOW — China's top leader Xi Jinping has wrapped up", Style::Prose),
        ("Moscow", Style::Prose),
        ("Xi Jinping and Vladimir Putin", Style::Titled),
    ];
    for (text, want) in cases {
        assert_eq!(tokens(text)[0].style, want, "{text}");
    }
}

proptest! {
    #[test]
    fn offsets_count_code_points(text in ".{0,60}|([A-Za-z'’. \\n\u{301}中-]{0,60})") {
        let chars: Vec<char> = text.chars().collect();
        let mut end = 0;
        for token in tokens(&text) {
            prop_assert!(token.start >= end && token.end > token.start);
            prop_assert_eq!(chars[token.start..token.end].iter().collect::<String>(), token.text);
            end = token.end;
        }
    }
}
