//! What a name is, judged by the words in it and around it.

use super::{Text, is_part};
use crate::{
    lexicon::Class,
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
        if many && (Class::Suffix.has(tail) || Class::Company.has(tail) || organisation) {
            return Some((EntityType::Organisation, 0.85));
        }
        if many && words.iter().any(|word| word.is_capital() && Class::Event.has(word.text)) {
            return Some((EntityType::Other, 0.7));
        }
        if many && (Class::PlaceFirst.has(head) || Class::PlaceLast.has(tail)) {
            return Some((EntityType::Place, 0.8));
        }
        if many && Class::Given.has(head) {
            return Some((EntityType::Person, 0.85));
        }
        None
    }

    /// By the words around it.
    fn by_surroundings(&self, first: usize, last: usize) -> Option<Judged> {
        let acronym = last == first + 1 && is_acronym(&self.tokens[first]);
        if acronym {
            return (!Class::NoAcronym.has(self.tokens[first].text)).then_some((EntityType::Organisation, 0.6));
        }
        let before = self.before(first, 1).filter(|_| self.tokens[first].gap == Gap::Space);
        let before = before.filter(|token| token.shape == Shape::Lower || token.starts);
        if before.is_some_and(|token| Class::Title.has(token.text)) {
            return Some((EntityType::Person, 0.85));
        }
        if before.is_some_and(|token| token.text == "of")
            && self.before(first, 2).is_some_and(|token| Class::OfPlace.has(token.text))
        {
            return Some((EntityType::Place, 0.85));
        }
        if before.is_some_and(|token| token.text == "in")
            && self.before(first, 2).is_some_and(|token| Class::InCompany.has(token.text))
        {
            return Some((EntityType::Organisation, 0.7));
        }
        if before.is_some_and(|token| Class::AtPlace.has(token.text)) {
            let sure = before.is_some_and(|token| token.text.eq_ignore_ascii_case("in"));
            return Some((EntityType::Place, if sure { 0.75 } else { 0.6 }));
        }
        let weak = self.tokens[first].starts && last == first + 1;
        if weak && self.tokens[first].text.ends_with('s') {
            // "Analysts said": more often the plural of a common word than a name.
            return None;
        }
        let speaks = before.is_some_and(|token| matches!(token.text, "said" | "says" | "told"))
            || self.get(last).is_some_and(|token| token.shape == Shape::Lower && Class::Speech.has(token.text));
        (speaks || self.is_described(last)).then_some((EntityType::Person, if weak { 0.5 } else { 0.75 }))
    }

    /// ", who", ", 45,": a person is described.
    fn is_described(&self, last: usize) -> bool {
        let comma = self.get(last).is_some_and(|token| token.is_mark(","));
        comma
            && self.get(last + 1).is_some_and(|token| match token.shape {
                Shape::Number => token.text.len() == 2 && self.get(last + 2).is_some_and(|next| next.is_mark(",.")),
                _ => token.text == "who",
            })
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
