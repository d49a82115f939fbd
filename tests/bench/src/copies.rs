//! The ways in which copies of news differ from what they are copies of, each as a change of headline and text.

use crate::{
    dice::Dice,
    news::{Article, sentences},
    words,
};

/// A headline and a text, as an item has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The headline; may be empty.
    pub headline: String,
    /// The text; may be empty.
    pub text: String,
}

/// A way in which a copy differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Cut short, with an ellipsis.
    Truncated,
    /// Dateline, agency credit, byline; a tail that a site appends; the publisher's name after the headline.
    Credited,
    /// Other quotes, dashes, entities and spaces.
    Retyped,
    /// One to three words replaced, removed or inserted.
    Edited,
    /// Sentences in another order.
    Reordered,
    /// Other figures.
    Renumbered,
    /// Sentences of another article after it, such as a box of related stories.
    Appended,
    /// More of the same article.
    Continued,
    /// Another headline.
    Retitled,
    /// Several of these at once.
    Combined,
    /// The publisher's name after a headline.
    Suffixed,
    /// A label before a headline.
    Labelled,
    /// Capitals.
    Recased,
    /// What a search engine shows of it: some of its sentences, in another order.
    Extracted,
    /// The same, each sentence cut off.
    Clipped,
}

impl Way {
    /// The ways of texts.
    pub const OF_TEXTS: [Self; 10] = [
        Self::Truncated,
        Self::Credited,
        Self::Retyped,
        Self::Edited,
        Self::Reordered,
        Self::Renumbered,
        Self::Appended,
        Self::Continued,
        Self::Retitled,
        Self::Combined,
    ];
    /// The ways of headlines without a text.
    pub const OF_HEADLINES: [Self; 7] =
        [Self::Suffixed, Self::Labelled, Self::Recased, Self::Retyped, Self::Edited, Self::Truncated, Self::Combined];

    /// Its name in reports.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// A copy of what an item shows of an article; `other` is another article. `None` where this way changes nothing,
    /// as there are no figures to change.
    pub fn copy(self, shown: &Told, whole: &Article, other: &Article, dice: &mut Dice) -> Option<Told> {
        let Told { headline, text } = shown;
        if text.is_empty() {
            let headline = self.of_headline(headline, dice)?;
            return Some(Told { headline, text: String::new() }).filter(|copy| copy != shown);
        }
        let with = |text: String| Told { headline: headline.clone(), text };
        let copy = match self {
            Self::Truncated => with(truncated(text, dice)),
            Self::Credited => {
                let suffix = dice.pick(&["", " - BBC News", " | Reuters", " (AP)"]);
                Told { headline: format!("{headline}{suffix}"), text: prefix(dice) + text + &tail(dice) }
            }
            Self::Retyped => Told { headline: retyped(headline, dice), text: retyped(text, dice) },
            Self::Edited => {
                let edits = dice.between(1, 3);
                with(edited(text, edits, dice))
            }
            Self::Reordered => with(reordered(text, dice)?),
            Self::Renumbered => with(renumbered(text, dice)?),
            Self::Appended => {
                let count = dice.between(1, 3);
                let more = other.sentences.iter().take(count).cloned().collect::<Vec<_>>().join(" ");
                let more = &more[..more.floor_char_boundary(text.len() + 40)];
                with(format!("{text} {}{more}", dice.pick(&["Related: ", "", "Also: "])))
            }
            Self::Continued => {
                let all = whole.text();
                let (words, has) = (all.split_whitespace().count(), text.split_whitespace().count());
                let longer = has * dice.between(20, 35) / 10;
                (whole.sentences.len() >= 4 && words >= 2 * has).then(|| with(first_words(&all, longer)))?
            }
            Self::Retitled => {
                let label = dice.pick(&["UPDATE 2-", "BREAKING: ", "Live: ", ""]);
                Told { headline: label.to_owned() + &edited(headline, 2, dice), text: text.clone() }
            }
            Self::Combined => {
                let headline = if dice.chance(50) { edited(headline, 1, dice) } else { headline.clone() };
                let suffix = dice.pick(&["", " - BBC News", " | Reuters"]);
                let mut ways: [fn(String, &mut Dice) -> String; 5] = [
                    |text, dice| prefix(dice) + &text,
                    |text, dice| text + &tail(dice),
                    |text, dice| retyped(&text, dice),
                    |text, dice| {
                        let edits = dice.between(1, 3);
                        edited(&text, edits, dice)
                    },
                    |text, dice| truncated(&text, dice),
                ];
                dice.shuffle(&mut ways);
                let text = ways[..3].iter().fold(text.clone(), |text, way| way(text, dice));
                Told { headline: headline + suffix, text }
            }
            Self::Extracted | Self::Clipped => {
                let mut picked: Vec<_> = whole.sentences.iter().filter(|_| dice.chance(50)).cloned().collect();
                if picked.len() < 3 {
                    return None;
                }
                dice.shuffle(&mut picked);
                if self == Self::Clipped {
                    picked.iter_mut().for_each(|sentence| *sentence = clipped(sentence, dice));
                }
                Told { headline: String::new(), text: picked.join(" ") }
            }
            Self::Suffixed | Self::Labelled | Self::Recased => {
                Told { headline: self.of_headline(headline, dice)?, text: text.clone() }
            }
        };
        Some(copy).filter(|copy| copy != shown)
    }

    fn of_headline(self, headline: &str, dice: &mut Dice) -> Option<String> {
        let suffixes = [" - BBC News", " | Reuters", " (AP)", " - The New York Times", " : NPR", " | CNN Politics", ""];
        let labels = ["UPDATE 2-", "BREAKING: ", "", "Live: ", "WRAPUP 1-", "EXCLUSIVE: ", "Watch: ", "Analysis: "];
        Some(match self {
            Self::Suffixed => headline.to_owned() + dice.pick(&suffixes[..6]),
            Self::Labelled => dice.pick(&labels).to_owned() + headline,
            Self::Recased => match dice.roll(3) {
                0 => headline.to_uppercase(),
                1 => headline.to_lowercase(),
                _ => title_case(headline),
            },
            Self::Retyped => retyped(headline, dice),
            Self::Edited => edited(headline, 1, dice),
            Self::Truncated => {
                let words = headline.split_whitespace().count();
                first_words(headline, (words * 7 / 10).max(4)) + dice.pick(&["...", "…"])
            }
            Self::Combined => {
                dice.pick(&labels[..3]).to_owned()
                    + &edited(headline, 1, dice)
                    + dice.pick(&["", " - BBC News", " | Reuters"])
            }
            _ => return None,
        })
    }
}

/// The first words of a text.
pub fn first_words(text: &str, count: usize) -> String {
    text.split_whitespace().take(count).collect::<Vec<_>>().join(" ")
}

fn prefix(dice: &mut Dice) -> String {
    let cities = ["LONDON", "PARIS", "BEIJING", "MOSCOW", "WASHINGTON", "NEW YORK", "TOKYO", "BERLIN", "DUBAI", "KYIV"];
    let (city, agency) =
        (dice.pick(&cities), dice.pick(&["Reuters", "AP", "AFP", "Xinhua", "dpa", "CNN", "Bloomberg"]));
    match dice.roll(7) {
        0 => format!("{city} ({agency}) - "),
        1 => format!("{city}, March {} ({agency}) -- ", dice.between(1, 30)),
        2 => format!("{city} — "),
        3 => format!("({agency}) "),
        4 => format!("{agency} - "),
        5 => format!("By {}, {agency} Writer ", name(dice)),
        _ => format!("{city} ({agency}) — "),
    }
}

fn tail(dice: &mut Dice) -> String {
    let (one, two) = (name(dice), name(dice));
    match dice.roll(10) {
        0 => format!(" (Reporting by {one}; Editing by {two})"),
        1 => " Read more...".to_owned(),
        2 => " Continue reading...".to_owned(),
        3 => {
            " Copyright 2026 The Associated Press. All rights reserved. This material may not be published, broadcast, \
              rewritten or redistributed."
                .to_owned()
        }
        4 => " © 2026 AFP".to_owned(),
        5 => format!(" Follow {one} on Twitter."),
        6 => " The post appeared first on Daily News.".to_owned(),
        7 => " Click here to read the full story.".to_owned(),
        8 => " [...]".to_owned(),
        _ => " Sign up for our newsletter to get the latest headlines delivered to your inbox.".to_owned(),
    }
}

fn name(dice: &mut Dice) -> String {
    format!("{} {}{}", dice.pick(&words::FIRST), dice.pick(&words::HEADS), dice.pick(&words::TAILS))
}

fn truncated(text: &str, dice: &mut Dice) -> String {
    let words = text.split_whitespace().count();
    let kept = (words * dice.between(50, 85) / 100).max(5);
    first_words(text, kept) + dice.pick(&["...", "…", " ...", "[…]", "… [+2345 chars]"])
}

/// A sentence as a search engine ends it; a short one whole.
fn clipped(sentence: &str, dice: &mut Dice) -> String {
    let words = sentence.split_whitespace().count();
    match words.checked_sub(10) {
        Some(more) => first_words(sentence, 9 + dice.roll(more + 1)) + dice.pick(&[" ...", "…"]),
        None => sentence.to_owned(),
    }
}

fn retyped(text: &str, dice: &mut Dice) -> String {
    let mut text = text.replace('\'', dice.pick(&["’", "&#8217;", "&#x27;"]));
    let quotes = [("“", "”"), ("&quot;", "&quot;"), ("«", "»")][dice.roll(3)];
    text = text.replace('“', quotes.0).replace('”', quotes.1);
    let mut parts = text.split('"').map(str::to_owned).collect::<Vec<_>>().into_iter();
    let mut quoted = parts.next().unwrap_or_default();
    for (n, part) in parts.enumerate() {
        quoted += if n % 2 == 0 { quotes.0 } else { quotes.1 };
        quoted += &part;
    }
    text = quoted;
    if dice.chance(50) {
        text = text.replace("&quot;", "\"").replace('&', "&amp;");
        text = text.replace(" - ", dice.pick(&[" — ", " &mdash; ", " – "]));
    } else {
        text = text.replace(" - ", " – ");
    }
    let mut words: Vec<_> = text.split(' ').map(str::to_owned).collect();
    for _ in 0..(words.len() / 15).max(1) {
        let place = dice.roll(words.len());
        if dice.chance(50) {
            words[place].push('\u{a0}');
        }
    }
    words.join(" ")
}

fn edited(text: &str, edits: usize, dice: &mut Dice) -> String {
    let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    for _ in 0..edits {
        let place = dice.roll(words.len());
        let kind = dice.pick(&["noun", "adj", "do"]);
        let other = dice.pick(words::list(kind).unwrap_or(&["other"])).to_owned();
        match dice.roll(4) {
            0 | 1 if !words.is_empty() => words[place] = other,
            2 if words.len() > 4 => drop(words.remove(place)),
            _ => words.insert(place, other),
        }
    }
    words.join(" ")
}

fn reordered(text: &str, dice: &mut Dice) -> Option<String> {
    let was = sentences(text);
    let mut now = was.clone();
    for _ in 0..5 {
        dice.shuffle(&mut now);
        if now != was {
            return Some(now.join(" "));
        }
    }
    None
}

/// Each whole number of up to six digits, one to nine higher.
fn renumbered(text: &str, dice: &mut Dice) -> Option<String> {
    let change = |word: &str, dice: &mut Dice| {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let whole = (1..=6).contains(&end) && !word[end..].starts_with([',', '.']) || word[end..].len() == 1;
        let number: usize = word[..end].parse().ok().filter(|_| whole)?;
        Some(format!("{}{}", number + dice.between(1, 9), &word[end..]))
    };
    let mut changed = false;
    let words: Vec<_> = text
        .split(' ')
        .map(|word| {
            let other = change(word, dice);
            changed |= other.is_some();
            other.unwrap_or_else(|| word.to_owned())
        })
        .collect();
    changed.then(|| words.join(" "))
}

fn title_case(text: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    text.split(' ').map(upper).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_changes_what_it_says() {
        let article =
            |text: &str| Article { headline: "Storm closes five ports in Lonsund".into(), sentences: sentences(text) };
        let whole =
            article("Storm \"Anna\" hit. At least 12 hurt. Ports - all - closed. Nobody's home. Ferries sank in it.");
        let other = article("Bank fined. It will appeal.");
        let shown = Told { headline: whole.headline.clone(), text: "Storm \"Anna\" hit. At least 12 hurt.".into() };
        let mut dice = Dice::new(1);
        for way in Way::OF_TEXTS.into_iter().chain([Way::Extracted, Way::Clipped]) {
            let copies: Vec<_> = (0..20).filter_map(|_| way.copy(&shown, &whole, &other, &mut dice)).collect();
            assert!(copies.len() > 5, "{way:?}");
            for Told { text, .. } in copies {
                let right = match way {
                    Way::Truncated => text.ends_with(['.', '…', ']']) && !text.contains("hurt"),
                    Way::Renumbered => text.contains("At least ") && !text.contains("12"),
                    Way::Reordered => text == "At least 12 hurt. Storm \"Anna\" hit.",
                    Way::Appended => text.contains("12 hurt. ") && text.contains("Bank fined."),
                    Way::Continued => text.starts_with(&shown.text) && text.len() > shown.text.len() + 10,
                    Way::Extracted => sentences(&text).iter().all(|s| whole.sentences.contains(s)),
                    _ => true,
                };
                assert!(right, "{way:?}: {text}");
            }
        }
        let title = Told { headline: whole.headline.clone(), text: String::new() };
        for way in Way::OF_HEADLINES {
            let copy = (0..20).find_map(|_| way.copy(&title, &whole, &other, &mut dice)).unwrap();
            assert!(copy.headline != title.headline && copy.text.is_empty(), "{way:?}");
        }
        assert_eq!(
            Way::Renumbered.copy(&Told { text: "No figures.".into(), ..shown }, &whole, &other, &mut dice),
            None
        );
    }
}
