//! Words and phrases in texts, whatever their case and punctuation.

/// A text as phrases see it: lower case, every run of other characters than letters and digits one space.
pub(super) struct Folded(String);

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        let mut folded = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_alphanumeric() {
                folded.extend(c.to_lowercase());
            } else if !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        Self(folded.trim().to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the phrase stands here in whole words. Scripts that are written without spaces have none: there, any
    /// place will do.
    pub(super) fn contains(&self, phrase: &Self) -> bool {
        let edge = |outside: Option<char>, inside: Option<char>| {
            outside.is_none_or(|c| c == ' ' || is_unspaced(c)) || inside.is_some_and(is_unspaced)
        };
        !phrase.is_empty()
            && self.0.match_indices(&phrase.0).any(|(start, found)| {
                let (before, after) = (&self.0[..start], &self.0[start + found.len()..]);
                edge(before.chars().next_back(), found.chars().next())
                    && edge(after.chars().next(), found.chars().next_back())
            })
    }
}

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Thai and Lao, Khmer, kana, Han.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_whole_words_in_any_case() {
        for (text, phrase, found) in [
            ("The Port of Arden burns", "port of arden", true),
            ("Arden's mayor", "ARDEN", true),
            ("Gardens open", "arden", false),
            ("Ardennes, Arden", "arden", true),
            ("a by-election", "by election", true),
            ("the U.S. Navy", "u.s.", true),
            ("bus strike", "us", false),
            ("Élysée", "élysée", true),
            ("東京港で爆発", "爆発", true),
            ("anything", "", false),
            ("anything", "—", false),
        ] {
            assert_eq!(Folded::new(text).contains(&Folded::new(phrase)), found, "{phrase:?} in {text:?}");
        }
    }
}
