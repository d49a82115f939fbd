//! What a name is, judged by the words in it and around it.

use super::{Text, is_part};
use crate::{
    lexicon::Class,
    recognise::Span,
    token::{Gap, Shape, Token},
};
use tidings_model::EntityType;

/// A type, and how sure it is.
type Judged = (EntityType, f32);

impl Text<'_, '_> {
    /// What the words `first..last` name, if anything.
    pub(super) fn judge(&self, first: usize, last: usize, titled: bool) -> Option<Judged> {
        if first >= last
            || self.tokens[first].text.ends_with('.') && last == first + 1 && !is_acronym(&self.tokens[first])
        {
            return None;
        }
        if titled {
            return Some((EntityType::Person, 0.9));
        }
        if self.is_dateline(first, last) {
            return Some((EntityType::Place, 0.85));
        }
        let generic =
            last == first + 1 && is_part(self.tokens[first].text) && !Class::Given.has(self.tokens[first].text);
        if generic {
            // "the Chamber", "the Gazette": which one, only its readers know.
            return None;
        }
        self.by_words(first, last).or_else(|| self.by_surroundings(first, last)).or_else(|| self.by_length(first, last))
    }

    /// By the words of the name.
    fn by_words(&self, first: usize, last: usize) -> Option<Judged> {
        let words = &self.tokens[first..last];
        let (head, tail) = (words[0].text, words[words.len() - 1].text);
        let many = words.len() > 1;
        let organisation = words.iter().any(|word| word.is_capital() && Class::Organisation.has(word.text));
        let ends = |class: Class| words[words.len() - 1].is_capital() && class.has(tail);
        if many && (ends(Class::Suffix) || ends(Class::Company) || Class::Organisation.has(head)) {
            return Some((EntityType::Organisation, 0.85));
        }
        if many && ends(Class::PlaceLast) {
            return Some((EntityType::Place, 0.8));
        }
        if many && organisation {
            return Some((EntityType::Organisation, 0.85));
        }
        if many && words.iter().any(|word| word.is_capital() && Class::Event.has(word.text)) {
            return Some((EntityType::Other, 0.7));
        }
        if many && Class::PlaceFirst.has(head) {
            return Some((EntityType::Place, 0.8));
        }
        if many && Class::Given.has(head) {
            return Some((EntityType::Person, 0.85));
        }
        None
    }

    /// By the words around it.
    fn by_surroundings(&self, first: usize, last: usize) -> Option<Judged> {
        if last == first + 1 && is_acronym(&self.tokens[first]) {
            return (!Class::NoAcronym.has(self.tokens[first].text)).then_some((EntityType::Organisation, 0.6));
        }
        self.by_neighbours(first, last).or_else(|| {
            let before = self.word_before(first);
            let weak = self.tokens[first].starts && last == first + 1;
            if weak && self.tokens[first].text.ends_with('s') {
                // "Analysts said": more often the plural of a common word than a name.
                return None;
            }
            let speaks = before.is_some_and(|token| matches!(token.text, "said" | "says" | "told"))
                || self.get(last).is_some_and(|token| token.shape == Shape::Lower && Class::Speech.has(token.text));
            let described = self.is_described(last);
            (speaks || described).then_some((EntityType::Person, if weak && !described { 0.5 } else { 0.75 }))
        })
    }

    /// What stands before a name, parted from it by a space.
    fn word_before(&self, first: usize) -> Option<&Token<'_>> {
        self.before(first, 1).filter(|_| self.tokens[first].gap == Gap::Space)
    }

    /// By the word before it or after it that says of what kind it is.
    fn by_neighbours(&self, first: usize, last: usize) -> Option<Judged> {
        let place_noun = self.get(last).is_some_and(|token| {
            token.gap == Gap::Space && token.shape == Shape::Lower && Class::PlaceNoun.has(token.text)
        });
        if place_noun {
            return Some((EntityType::Place, 0.8));
        }
        let before = self.word_before(first).filter(|token| token.shape == Shape::Lower || token.starts);
        let (before, two_before) = (before?, self.before(first, 2));
        let of = |class: Class| two_before.is_some_and(|token| class.has(token.text));
        match before.text.to_lowercase().as_str() {
            title if Class::Title.has(title) => Some((EntityType::Person, 0.85)),
            noun if Class::OrganisationNoun.has(noun) => Some((EntityType::Organisation, 0.8)),
            "of" if of(Class::OfPlace) => Some((EntityType::Place, 0.85)),
            "in" | "of" if of(Class::InCompany) => Some((EntityType::Organisation, 0.7)),
            "in" => Some((EntityType::Place, 0.75)),
            word if Class::AtPlace.has(word) => Some((EntityType::Place, 0.6)),
            _ => None,
        }
    }

    /// What the words in a name and around it say that it is, whoever recognised it.
    pub(crate) fn cue(&self, name: &Span) -> Option<Judged> {
        let first = self.tokens.partition_point(|token| token.end <= name.start);
        let last = self.tokens.partition_point(|token| token.start < name.end);
        if first >= last {
            return None;
        }
        let acronym = last == first + 1 && is_acronym(&self.tokens[first]);
        let before = self.word_before(first);
        let titled = before.is_some_and(|token| token.shape == Shape::Capital && Class::Title.has(token.text));
        // "said Somchai Rattanakul, a noodle seller"
        let quoted = before.is_some_and(|token| matches!(token.text, "said" | "says"))
            && self.tokens[first..last].iter().filter(|token| token.is_capital()).count() > 1
            && self.get(last).is_some_and(|token| token.is_mark(",."));
        let person = titled || quoted || self.is_described(last);
        self.by_words(first, last)
            .or_else(|| person.then_some((EntityType::Person, 0.85)))
            .or_else(|| self.by_neighbours(first, last).filter(|_| !acronym))
    }

    /// ", who", ", 45,", ", a former butcher": a person is described.
    fn is_described(&self, last: usize) -> bool {
        let comma = self.get(last).is_some_and(|token| token.is_mark(","));
        comma
            && self.get(last + 1).is_some_and(|token| match token.shape {
                Shape::Number => token.text.len() == 2 && self.get(last + 2).is_some_and(|next| next.is_mark(",.")),
                _ => token.text == "who" || self.is_occupation(last + 1),
            })
    }

    /// "president of", "a former adviser": at most three words, the last of which calls a person what he or she is.
    fn is_occupation(&self, first: usize) -> bool {
        let lower = |at: &usize| self.get(*at).is_some_and(|token| token.shape == Shape::Lower);
        let words = (first..first + 3).take_while(lower).map(|at| self.tokens[at].text);
        // of the titles, these are companies' and teams' too
        let any =
            |word: &str| matches!(word, "owner" | "leader" | "founder" | "champion" | "head" | "chief" | "forward");
        words.into_iter().any(|word| Class::Title.has(word) && !any(word))
    }

    /// By its length alone.
    fn by_length(&self, first: usize, last: usize) -> Option<Judged> {
        let words = self.tokens[first..last].iter().filter(|token| token.is_capital());
        match words.count() {
            2..=4 => Some((EntityType::Person, 0.55)),
            1 if last > first + 1 => Some((EntityType::Other, 0.45)),
            1 if self.tokens[first].starts || self.tokens[first].text.chars().count() < 3 => None,
            1 => Some((EntityType::Other, 0.45)),
            _ => Some((EntityType::Other, 0.4)),
        }
    }
}

/// Two to six capitals.
fn is_acronym(token: &Token<'_>) -> bool {
    token.shape == Shape::Upper && (2..=6).contains(&token.text.chars().filter(|c| c.is_alphabetic()).count())
}
