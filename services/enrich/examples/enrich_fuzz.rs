//! Throws odd texts at the stage: `enrich_fuzz SECONDS SEED` mutates the lines of `tests/odd.txt` for so many seconds of
//! the CPU and stops with code 1 at a text that panics, is refused, has a mention elsewhere than it says, or takes longer
//! than its length explains. A text that it finds belongs into `tests/odd.txt`.

use rustix::time::{ClockId, clock_gettime};
use std::{env, error::Error, panic};
use tidings_enrich::{Config, Enrich, Models};
use tidings_model::{Item, Timestamp, Unique};
use tidings_stage::{Event, Stage as _};

/// Pieces that texts are made of besides the lines.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "'",
    "’s",
    "'s",
    "\"",
    "“",
    "—",
    "-",
    "‑",
    ".",
    "...",
    "…",
    ",",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "&",
    "of ",
    "for ",
    "and ",
    "von ",
    "al-",
    "The ",
    "Mr ",
    "President ",
    "Xi",
    "Putin",
    "Zelenskyy",
    "TAIPEI",
    "Kell",
    "Mira ",
    "Ltd",
    "University ",
    "Ministry ",
    "U.S.",
    "U.",
    "é",
    "e\u{301}",
    "\u{301}",
    "\u{200d}",
    "👩‍👩‍👧",
    "的",
    "习近平",
    "ß",
    "İ",
    "ǅ",
    "½",
    "²",
    "1",
    "1,000",
    "$",
    "km",
    "http://",
    "www.a.b",
    "a@b.c",
    ":-)",
    "\u{0}",
    "\u{1c}",
    "\u{3000}",
    "said ",
    ", Texas",
    ", Ga.",
    "Georgia",
    "Paris",
    "Cup",
    "Москвой ",
    "서울에서",
    "은",
    "İstanbul'da",
    "’ın",
    "dell'",
    "L’",
];

/// What the items say that they are written in; nothing, now and then.
const LANGUAGES: &[&str] = &["", "en", "ru", "uk", "pl", "cs", "fi", "hu", "de", "ko", "tr", "fr", "it", "xx"];

/// Milliseconds that any text may take, and those of a thousand bytes.
const PATIENCE: (f64, f64) = (100.0, 50.0);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(seconds), Some(seed)) = (arguments.next(), arguments.next()) else {
        return Err("enrich_fuzz SECONDS SEED".into());
    };
    let (seconds, mut random): (f64, _) = (seconds.parse()?, Random(seed.parse::<u64>()? | 1));
    let lines: Vec<&str> = include_str!("../tests/odd.txt").split('\n').collect();
    let config = Config::default();
    let models = Models::load(&config).map_err(|problems| problems[0].to_string())?;
    let mut stage = Enrich::new(&config, &models);
    let (mut texts, mut slowest, start) = (0_u64, 0.0_f64, cpu_seconds());
    while cpu_seconds() - start < seconds {
        let fields = [random.text(&lines), random.text(&lines), random.text(&lines)];
        let language = LANGUAGES[random.below(LANGUAGES.len())];
        let bytes: usize = fields.iter().map(String::len).sum();
        let before = cpu_seconds();
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| check(&mut stage, &fields, language)));
        let spent = (cpu_seconds() - before) * 1000.0;
        let verdict = outcome.unwrap_or_else(|_| Err("it panics".to_owned()));
        slowest = slowest.max(spent / (PATIENCE.0 + PATIENCE.1 * bytes as f64 / 1000.0));
        let slow = if slowest > 1.0 { Err(format!("{spent:.0} ms for {bytes} bytes")) } else { Ok(()) };
        if let Err(what) = verdict.and(slow) {
            return Err(format!("after {texts} texts: {what}: {language} {fields:?}").into());
        }
        texts += 1;
    }
    println!(
        "{texts} texts in {seconds} s of the CPU; the slowest took {:.0} % of what its length allows",
        slowest * 100.0
    );
    Ok(())
}

/// Enriches an item of these fields and looks at what comes out.
fn check(stage: &mut Enrich, fields: &[String; 3], language: &str) -> Result<(), String> {
    let mut item = serde_json::json!({"id": "1", "headline": fields[0], "summary": fields[1], "body": fields[2]});
    if !language.is_empty() {
        item["language"] = serde_json::json!({"tag": language, "source": "declared"});
    }
    let item: Item = serde_json::from_value(item).map_err(|error| error.to_string())?;
    let unique = serde_json::json!({"item": item, "cluster": {"id": "c", "verdict": "new"}}).to_string();
    let unique: Unique = serde_json::from_str(&unique).map_err(|error| error.to_string())?;
    let event = Event::Record(unique);
    let prepared = stage.step(Timestamp::ABSENT, &event).map_err(|reject| reject.to_string())?;
    for mention in prepared.step.out.iter().flat_map(|out| &out.entities).flat_map(|entity| &entity.mentions) {
        let (_, text) = item.texts().find(|(name, _)| *name == mention.field).ok_or("a field that is not there")?;
        let there = text.chars().skip(mention.start as usize).take((mention.end - mention.start) as usize);
        if there.collect::<String>() != mention.text {
            return Err(format!("{:?} is not at {}", mention.text, mention.start));
        }
    }
    Ok(())
}

/// Xorshift: the same texts for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// A line with changes, or pieces, sometimes many times over.
    fn text(&mut self, lines: &[&str]) -> String {
        let mut text = lines[self.below(lines.len())].to_owned();
        for _ in 0..self.below(6) {
            let at = text.floor_char_boundary(self.below(text.len() + 1));
            let end = text.floor_char_boundary((at + self.below(12)).min(text.len()));
            match self.below(6) {
                0 => text.replace_range(at..end, ""),
                1 => text = text[at..].to_uppercase(),
                2 => text.insert_str(at, lines[self.below(lines.len())]),
                3 => {
                    let most = 1 << self.below(9);
                    let again = text[at..end].repeat(self.below(most));
                    text.insert_str(at, &again);
                }
                _ => {
                    let pieces: String = (0..1 + self.below(8)).map(|_| PIECES[self.below(PIECES.len())]).collect();
                    text.insert_str(at, &pieces);
                }
            }
        }
        text
    }
}

/// On the processor, of this thread.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
