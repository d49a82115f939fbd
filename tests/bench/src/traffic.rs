//! Much text, quickly: items of 20 to 60 words over a vocabulary of Zipf's kind, every tenth an edited copy of one of
//! the newest 50,000. For speed and memory, not for quality.

use crate::dice::Dice;

/// How far back copies reach.
const BACK: usize = 50_000;
/// Words of a headline.
const HEADLINE: usize = 8;

/// Items as lines of JSON, over one day.
pub fn lines(count: usize, seed: u64) -> Vec<String> {
    let texts = texts(count, seed);
    let line = |(n, text): (usize, &String)| {
        let cut = text.match_indices(' ').nth(HEADLINE - 1).map_or(text.len(), |(at, _)| at);
        let (headline, summary) = text.split_at(cut);
        let (hour, minute, outlet) = (n * 24 / count, n % 60, n % 500);
        format!(
            r#"{{"id":"{n:032x}","headline":"{headline}","summary":"{}","url":"https://example.org/{n}","first_seen_at":"2026-11-24T{hour:02}:{minute:02}:00Z","publisher":{{"name":"Publisher {outlet}","domain":"example{outlet}.org"}}}}"#,
            summary.trim_start(),
        )
    };
    texts.iter().enumerate().map(line).collect()
}

/// The texts of these items, headline first.
pub fn texts(count: usize, seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed);
    let mut texts: Vec<Vec<u32>> = Vec::with_capacity(count);
    for n in 0..count {
        let text = if n > 100 && dice.roll(10) == 0 {
            let mut text = texts[n - 1 - dice.roll(n.min(BACK))].clone();
            let place = dice.roll(text.len());
            text[place] = dice.roll(100_000) as u32;
            text
        } else {
            let words = dice.between(20, 60);
            (0..words).map(|_| (dice.roll(400) * dice.roll(400) / (1 + dice.roll(400))) as u32).collect()
        };
        texts.push(text);
    }
    let told = |text: &Vec<u32>| text.iter().map(|word| format!("w{word:x}e")).collect::<Vec<_>>().join(" ");
    texts.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn lines_are_items_with_the_texts() {
        let (lines, texts) = (lines(200, 3), texts(200, 3));
        for (line, text) in lines.iter().zip(&texts) {
            let item: Value = serde_json::from_str(line).unwrap();
            let told = ["headline", "summary"].map(|field| item[field].as_str().unwrap().to_owned());
            assert_eq!(&told.join(" "), text);
        }
    }
}
