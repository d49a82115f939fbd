//! Recognises names by their capitals: rules, no model.
//!
//! A name is a run of capitalised words in running text, with the small words and marks that names have inside
//! (`Ursula von der Leyen`, `University of New South Wales`, `Jonas Thorup-Lind`). What it is, its surroundings
//! tell: a title before it, a verb of speech after it, a word such as `Ministry` or `River` in it.
//!
//! Where capitals mean nothing it says nothing: headlines in title case or in capitals, and a lone word at the
//! start of a sentence. The document pass finds the names there that the rest of the text establishes.

mod hints;

use crate::{
    lexicon::Class,
    recognise::{Recognise, Span},
    token::{Gap, Shape, Style, Token},
};
use std::collections::HashSet;

/// The longest name, in tokens: beyond it stands a list without commas.
const LONGEST: usize = 12;

/// The rule-based recogniser.
#[derive(Debug, Clone, Copy)]
pub struct CapitalisedNames {
    languages: &'static [&'static str],
    /// How far the rules are trusted in these languages.
    trust: f32,
}

impl CapitalisedNames {
    /// For English.
    pub fn english() -> Self {
        Self { languages: &["en"], trust: 1.0 }
    }

    /// For languages in Latin script that write names, and little else, with a capital. German is not of them.
    pub fn latin() -> Self {
        const LANGUAGES: &[&str] = &[
            "af", "ca", "cs", "cy", "da", "eo", "es", "et", "fi", "fr", "ga", "hr", "hu", "id", "is", "it", "lt", "lv",
            "nb", "nl", "nn", "no", "pl", "pt", "ro", "sk", "sl", "sq", "sv", "tl", "tr", "vi",
        ];
        // what only the length of a name speaks for does not count there: articles and verbs take capitals too
        Self { languages: LANGUAGES, trust: 0.7 }
    }
}

impl Recognise for CapitalisedNames {
    fn name(&self) -> &str {
        "names-1"
    }

    fn is_model(&self) -> bool {
        false
    }

    fn knows(&self, language: &str) -> bool {
        self.languages.contains(&language)
    }

    fn recognise(&self, _: &str, tokens: &[Token<'_>]) -> Vec<Span> {
        let mut names = Text::of(tokens).names();
        names.iter_mut().for_each(|name| name.confidence *= self.trust);
        names
    }
}

/// The words that occur without a capital: one that does is no name where a sentence starts with it.
fn lower<'t>(tokens: &[Token<'t>]) -> HashSet<&'t str> {
    tokens.iter().filter(|token| token.shape == Shape::Lower).map(|token| token.text).collect()
}

/// A text in the eyes of the rules.
pub(crate) struct Text<'a, 't> {
    tokens: &'a [Token<'t>],
    lower: HashSet<&'t str>,
}

impl<'a, 't> Text<'a, 't> {
    /// Of these tokens.
    pub(crate) fn of(tokens: &'a [Token<'t>]) -> Self {
        Self { tokens, lower: lower(tokens) }
    }

    /// The names in it, in English.
    pub(crate) fn names(&self) -> Vec<Span> {
        let (mut spans, mut at) = (Vec::new(), 0);
        while at < self.tokens.len() {
            if !self.may_start(at) {
                at += 1;
                continue;
            }
            let end = self.run(at);
            let (first, last, titled) = self.trim(at, end);
            if let Some((kind, confidence)) = self.judge(first, last, titled) {
                let (start, end) = (self.tokens[first].start, self.tokens[last - 1].end);
                spans.push(Span { start, end, kind, confidence, told: false });
            }
            at = self.after_dateline(first, last).unwrap_or(end);
        }
        spans
    }

    fn get(&self, at: usize) -> Option<&Token<'t>> {
        self.tokens.get(at)
    }

    fn before(&self, at: usize, back: usize) -> Option<&Token<'t>> {
        at.checked_sub(back).map(|at| &self.tokens[at])
    }

    /// Whether a name may have this token as a word of its own.
    fn is_name_word(&self, at: usize) -> bool {
        self.get(at).is_some_and(|token| {
            let day = Class::Calendar.has(token.text) && !self.follows_given_name(at);
            token.is_capital() && token.style == Style::Prose && !day
        })
    }

    /// After a given name `May`, `April` and their like are names.
    fn follows_given_name(&self, at: usize) -> bool {
        self.before(at, 1).is_some_and(|token| token.is_capital() && Class::Given.has(token.text))
    }

    fn may_start(&self, at: usize) -> bool {
        let part = self.before(at, 1).is_some_and(|hyphen| {
            let glued = self.tokens[at].gap == Gap::Glued && hyphen.gap == Gap::Glued && hyphen.is_mark("-‑");
            glued && self.before(at, 2).is_some_and(Token::is_capital)
        });
        self.is_name_word(at) && !part
    }

    /// One past the last token of the run that starts at `at`.
    fn run(&self, at: usize) -> usize {
        let mut end = at + 1;
        while end - at < LONGEST {
            let Some(next) = self.joins(at, end) else { break };
            end = next;
        }
        end
    }

    /// Where the run `first..end` goes on, and its new end.
    fn joins(&self, first: usize, end: usize) -> Option<usize> {
        let token = self.get(end)?;
        match token.gap {
            Gap::Break => None,
            Gap::Glued if token.shape == Shape::Possessive => {
                // "St Alder's Hospital", not "China's Ministry".
                let tail = self.get(end + 1)?;
                let institution = ["university", "college", "hospital", "church", "school", "cathedral"];
                let joins = self.is_name_word(end + 1) && institution.contains(&tail.text.to_lowercase().as_str());
                joins.then_some(end + 2)
            }
            Gap::Glued if token.is_mark("-‑") => self.joins_hyphen(first, end),
            Gap::Glued => None,
            Gap::Space if token.is_mark("&") => self.is_spaced_name(end + 1).then_some(end + 2),
            Gap::Space if self.is_name_word(end) => (!self.breaks(end)).then_some(end + 1),
            Gap::Space => self.joins_small(first, end),
        }
    }

    fn is_spaced_name(&self, at: usize) -> bool {
        self.is_name_word(at) && self.tokens[at].gap == Gap::Space && !self.breaks(at)
    }

    /// Whether a capitalised word starts something new.
    fn breaks(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let small = token.text.chars().count() < 5 && Class::Common.has(token.text) && !is_part(token.text);
        token.starts || small && !self.follows_given_name(at)
    }

    /// "Thorup-Lind", "Jong-un"; not "Moscow-backed".
    fn joins_hyphen(&self, first: usize, end: usize) -> Option<usize> {
        let part = self.get(end + 1).filter(|part| part.gap == Gap::Glued)?;
        let given_name = part.shape == Shape::Lower && end > first + 1 && !Class::Hyphen.has(part.text);
        (self.is_name_word(end + 1) || given_name).then_some(end + 2)
    }

    /// "von der" before a name; "of", "for", "and" inside the name of an organisation or a place.
    fn joins_small(&self, first: usize, end: usize) -> Option<usize> {
        let small = |at: usize| self.get(at).filter(|token| token.shape == Shape::Lower && token.gap == Gap::Space);
        let particles = (0..3).take_while(|n| small(end + n).is_some_and(|t| Class::Particle.has(t.text))).count();
        if particles > 0 {
            let name = end + particles;
            // "al-Assad": the particle and the name are joined by a hyphen.
            let hyphen = self.get(name).is_some_and(|token| token.gap == Gap::Glued && token.is_mark("-‑"));
            if hyphen && self.is_name_word(name + 1) {
                return Some(name + 2);
            }
            if self.is_spaced_name(name) {
                return Some(name + 1);
            }
        }
        let word = small(end)?.text;
        let last = self.tokens[end - 1].text;
        let headed = Class::Organisation.has(last) || Class::PlaceFirst.has(last);
        let listed = word == "and" && self.tokens[first..end].iter().any(|token| matches!(token.text, "of" | "for"));
        let joins = match word {
            "of" | "for" => headed,
            "and" => listed && Class::Organisation.has(self.tokens[first].text),
            _ => false,
        };
        let article = usize::from(joins && small(end + 1).is_some_and(|token| token.text == "the"));
        let name = end + 1 + article;
        let named = self.is_name_word(name) && self.tokens[name].gap == Gap::Space && !self.tokens[name].starts;
        (joins && named).then_some(name + 1)
    }

    /// The name within the run: without leading words of the sentence and without titles. The last value tells
    /// whether a title stood before it.
    fn trim(&self, mut first: usize, end: usize) -> (usize, usize, bool) {
        let mut last = end;
        while first < last && self.is_sentence_word(first, last) {
            first += 1;
        }
        if let Some(at) = self.after_office(first, last) {
            return (at, last, true);
        }
        let is = |at: usize, classes: &[Class]| classes.iter().any(|class| class.has(self.tokens[at].text));
        let ends = [Class::Company, Class::Suffix, Class::Organisation, Class::PlaceLast];
        if last > first + 1 && is(last - 1, &ends) || first < last && is(first, &[Class::Organisation]) {
            return (first, last, false);
        }
        let is_title = |at: usize| Class::Title.has(self.tokens[at].text);
        let title = (first..last).rev().find(|at| is_title(*at));
        let mut cue = false;
        match title {
            Some(at) if at + 1 == last => {
                // "Putin's Spokesman", "Prime Minister": the end of the run is no name.
                while last > first && (is_title(last - 1) || Class::Modifier.has(self.tokens[last - 1].text)) {
                    last -= 1;
                }
            }
            Some(at) => (first, cue) = (at + 1, true),
            None => {}
        }
        while first < last && !self.tokens[first].is_capital() {
            first += 1;
        }
        (first, last, cue)
    }

    /// Where the person starts in "Secretary of State Orla Benn", whose run starts with `State`.
    fn after_office(&self, first: usize, last: usize) -> Option<usize> {
        let of = self.before(first, 1).is_some_and(|token| matches!(token.text, "of" | "for"));
        let office = of && self.before(first, 2).is_some_and(|token| Class::Title.has(token.text));
        let person = (first..last).find(|at| !Class::Modifier.has(self.tokens[*at].text))?;
        (office && person > first).then_some(person)
    }

    /// A word that has its capital from the start of the sentence, or that never starts a name.
    fn is_sentence_word(&self, at: usize, last: usize) -> bool {
        let token = &self.tokens[at];
        if !token.is_capital() {
            return true;
        }
        if token.shape == Shape::Upper && !Class::NoAcronym.has(token.text) && token.text.chars().count() > 1 {
            return false;
        }
        let part = at + 1 < last && is_part(token.text);
        let lower = token.starts && self.lower.contains(token.text.to_lowercase().as_str());
        !part && (Class::Common.has(token.text) || lower && !Class::Title.has(token.text))
    }

    /// The token after the agency of a dateline: "ARDEN (NWA) -".
    fn after_dateline(&self, first: usize, last: usize) -> Option<usize> {
        if first == last || !self.is_dateline(first, last) || !self.tokens[last].is_mark("(") {
            return None;
        }
        (last + 1..last + 6).find(|at| self.get(*at).is_some_and(|token| token.is_mark(")"))).map(|close| close + 1)
    }

    /// Capitals that open a segment before a bracket or a dash.
    fn is_dateline(&self, first: usize, last: usize) -> bool {
        let names = &self.tokens[first..last];
        names[0].starts
            && names.iter().all(|token| token.shape == Shape::Upper && token.text.chars().count() > 2)
            && self.get(last).is_some_and(|token| token.is_mark("(—–-") && token.gap == Gap::Space)
    }
}

/// Words that may be the first of a name though they are common: "National Bank", "North Sea".
pub(crate) fn is_part(word: &str) -> bool {
    use Class::{Company, Event, Given, Organisation, Part, PlaceFirst, PlaceLast, Suffix};
    [Company, Organisation, Part, PlaceFirst, PlaceLast, Suffix, Event, Given].into_iter().any(|class| class.has(word))
}

#[cfg(test)]
mod tests;
