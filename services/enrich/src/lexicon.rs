//! What an English word tells of a name beside it, read from `lexicon/english.txt`.
//!
//! The list is written by hand for this project and compiled in; a test reads all of it.

use std::{collections::HashMap, sync::LazyLock};

const SOURCE: &str = include_str!("../lexicon/english.txt");

static WORDS: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for line in SOURCE.lines().filter(|line| !line.starts_with('#')) {
        let mut line = line.split_ascii_whitespace();
        let class = line.next().and_then(Class::named);
        for word in line {
            *words.entry(word).or_default() |= class.expect("a test reads the compiled-in list").bit();
        }
    }
    words
});

macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident $name:literal,)+) => {
        /// A class of words; a word may be of several.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Class {
            $($(#[$doc])* $class,)+
        }

        impl Class {
            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$class),)+
                    _ => None,
                }
            }
        }
    };
}

classes!(
    /// Never a name alone, and never the first word of one.
    Common "common",
    /// A day or a month.
    Calendar "calendar",
    /// Stands before a person: `President`, `Mr`, `curator`.
    Title "title",
    /// Stands before a title: `Prime`, `Deputy`.
    Modifier "modifier",
    /// Heads an organisation: `University`, `Ministry`.
    Organisation "organisation",
    /// Ends a company: `Ltd`, `Airlines`.
    Company "company",
    /// Ends another organisation: `Party`, `Times`.
    Suffix "suffix",
    /// May start the name of an organisation, common as it is: `National`.
    Part "part",
    /// Starts a place: `Lake`, `Port`.
    PlaceFirst "place-first",
    /// Ends a place: `River`, `Street`.
    PlaceLast "place-last",
    /// Follows a place and is no part of its name: `province`.
    PlaceNoun "place-noun",
    /// Stands before an organisation: `airline`.
    OrganisationNoun "organisation-noun",
    /// Is in the name of an event, a prize, a treaty.
    Event "event",
    /// A verb of speech.
    Speech "speech",
    /// A preposition that a place follows.
    AtPlace "at-place",
    /// A noun after whose `in` a company follows: `shares`.
    InCompany "in-company",
    /// A noun after whose `of` a place follows.
    OfPlace "of-place",
    /// A small word inside names: `von`, `bin`.
    Particle "particle",
    /// Follows a hyphen and is no part of the name: `-backed`.
    Hyphen "hyphen",
    /// Capitals that are no organisation: `CEO`, `XIV`.
    NoAcronym "no-acronym",
    /// A given name.
    Given "given",
);

impl Class {
    fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Whether `word` is of this class, whatever its case and its full stops.
    pub fn has(self, word: &str) -> bool {
        let bits = match word.bytes().all(|b| b.is_ascii_lowercase()) {
            true => WORDS.get(word),
            false => WORDS.get(word.replace('.', "").to_lowercase().as_str()),
        };
        bits.is_some_and(|bits| bits & self.bit() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_class_and_every_word_is_in_lower_case() {
        for line in SOURCE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (class, words) = line.split_once(' ').unwrap();
            assert!(Class::named(class).is_some(), "{line}");
            assert_eq!(words, words.to_lowercase());
        }
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        assert!(Class::Title.has("Mr.") && Class::Title.has("PRESIDENT") && Class::Title.has("curator"));
        assert!(Class::Common.has("The") && !Class::Common.has("Zoryansky"));
    }
}
