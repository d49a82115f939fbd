//! Articles of a language of its own: events with a cast of invented people, places and organisations, told in
//! sentences of a fixed grammar; or articles of yours, from lines of JSON.

use crate::{dice::Dice, words};
use serde_json::Value;

/// An article: a headline and sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Its headline; may be empty.
    pub headline: String,
    /// Its text.
    pub sentences: Vec<String>,
}

impl Article {
    /// The whole text.
    pub fn text(&self) -> String {
        self.sentences.join(" ")
    }
}

/// Who and what an event is about.
struct Cast {
    people: Vec<String>,
    places: Vec<String>,
    firms: Vec<String>,
}

/// Tells of events. All tellers of one seed tell the same.
pub struct Teller {
    dice: Dice,
}

impl Teller {
    /// A teller of invented events.
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed) }
    }

    /// `tellings` articles on one event, each in its own words: the same cast, other sentences.
    pub fn event(&mut self, tellings: usize, sentences: usize) -> Vec<Article> {
        let cast = self.cast();
        (0..tellings).map(|_| self.article(&cast, sentences)).collect()
    }

    /// A report of a kind that comes again and again.
    pub fn recurring(&mut self) -> Article {
        let cast = self.cast();
        let (headline, text) = words::TEMPLATES[self.dice.roll(words::TEMPLATES.len())];
        Article { headline: self.fill(headline, &cast), sentences: vec![self.fill(text, &cast)] }
    }

    fn article(&mut self, cast: &Cast, count: usize) -> Article {
        let headline = self.headline(cast);
        let mut sentences = Vec::new();
        for n in 0..count {
            let pattern = self.dice.pick(if n == 0 { &words::LEADS[..] } else { &words::SENTENCES[..] });
            sentences.push(self.fill(pattern, cast));
        }
        Article { headline, sentences }
    }

    fn headline(&mut self, cast: &Cast) -> String {
        let parts = [&words::SUBJECTS[..], &words::DEEDS, &words::CIRCUMSTANCES].map(|list| self.dice.pick(list));
        let told = self.fill(&parts.join(" "), cast).replace(" ,", ",");
        told[..1].to_uppercase() + told[1..].trim_end()
    }

    fn cast(&mut self) -> Cast {
        let people = (0..3).map(|_| format!("{} {}", self.dice.pick(&words::FIRST), self.name())).collect();
        let places = (0..3).map(|_| self.name()).collect();
        let firms = (0..2).map(|_| format!("{} {}", self.name(), self.dice.pick(&words::FIRMS))).collect();
        Cast { people, places, firms }
    }

    fn name(&mut self) -> String {
        format!("{}{}", self.dice.pick(&words::HEADS), self.dice.pick(&words::TAILS))
    }

    /// A pattern with its words put in.
    fn fill(&mut self, pattern: &str, cast: &Cast) -> String {
        let mut parts = pattern.split('$');
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len());
            let word = self.word(&part[..end], cast);
            told.push_str(&word);
            told.push_str(&part[end..]);
        }
        told
    }

    fn word(&mut self, kind: &str, cast: &Cast) -> String {
        let one = |dice: &mut Dice, list: &[String]| list[dice.roll(list.len())].clone();
        let dice = &mut self.dice;
        match kind {
            "person" => one(dice, &cast.people),
            "place" => one(dice, &cast.places),
            "org" => one(dice, &cast.firms),
            "digit" => dice.roll(10).to_string(),
            "percent" => format!("{}.{}", dice.roll(40), dice.roll(10)),
            "money" => format!("${} million", dice.between(2, 900)),
            "year" => dice.between(1950, 2020).to_string(),
            "number" => match dice.roll(3) {
                0 => dice.between(2, 30).to_string(),
                1 => dice.between(30, 999).to_string(),
                _ => format!("{},{}", dice.between(1, 60), dice.between(100, 999)),
            },
            "Noun" => {
                let word = self.word("noun", cast);
                word[..1].to_uppercase() + &word[1..]
            }
            _ => words::list(kind).map_or_else(|| kind.to_owned(), |list| dice.pick(list).to_owned()),
        }
    }
}

/// Splits a text into sentences: after a full stop, question or exclamation mark before a capital or a quote.
pub fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    for word in text.split_whitespace() {
        let ends = |last: &String| last.trim_end_matches(['"', '”', '\'']).ends_with(['.', '?', '!']);
        let begins = word.starts_with(|c: char| c.is_uppercase() || "\"“‘[".contains(c));
        match sentences.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if !(begins && ends(last)) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => sentences.push(word.to_owned()),
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// Reads an article from a line of JSON: `headline` or `title`, and `body`, `text` or `summary`.
pub fn read(line: &str) -> Result<Article, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let first = |names: &[&str]| names.iter().find_map(|name| value[*name].as_str()).unwrap_or_default().to_owned();
    let article = Article {
        headline: first(&["headline", "title"]),
        sentences: sentences(&first(&["body", "text", "summary", "description"])),
    };
    if article.headline.trim().is_empty() && article.sentences.is_empty() {
        return Err("an article has `headline` or `title`, and `body`, `text` or `summary`".to_owned());
    }
    Ok(article)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_and_leaves_no_pattern_unfilled() {
        let told = |seed| (0..200).map(|_| Teller::new(seed).event(2, 12)).collect::<Vec<_>>();
        assert_eq!(told(1), told(1));
        assert_ne!(told(1)[0], told(2)[0]);
        let mut teller = Teller::new(3);
        for _ in 0..300 {
            let article = teller.recurring();
            assert!(!article.headline.contains('$') || article.headline.contains("million"), "{article:?}");
        }
        let names = ["person", "place", "org", "digit", "percent", "money", "year", "number", "Noun"];
        let patterns = words::SUBJECTS
            .iter()
            .chain(&words::DEEDS)
            .chain(&words::CIRCUMSTANCES)
            .chain(&words::LEADS)
            .chain(&words::SENTENCES);
        for kind in patterns.flat_map(|pattern| pattern.split('$').skip(1)) {
            let kind = &kind[..kind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(kind.len())];
            assert!(names.contains(&kind) || words::list(kind).is_some(), "{kind}");
        }
    }

    #[test]
    fn sentences_end_before_capitals() {
        assert_eq!(
            sentences("One is. Two 1.5 is! “Three?” Four\n etc. and"),
            ["One is.", "Two 1.5 is!", "“Three?”", "Four etc. and"]
        );
        assert_eq!(sentences("  "), Vec::<String>::new());
    }

    #[test]
    fn articles_are_read_under_the_names_that_corpora_use() {
        let article = read(r#"{"title":"T","text":"One. Two."}"#).unwrap();
        assert_eq!((article.headline.as_str(), article.sentences.len()), ("T", 2));
        assert!(read("{}").is_err());
    }
}
