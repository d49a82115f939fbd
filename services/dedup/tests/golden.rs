//! Verdicts that changes of dedup must not change unawares: the items in `golden/`, each file a stream of its own, and
//! beside it what was found of them.
//!
//! `feeds.jsonl` is by hand: addresses, revisions, withdrawals, publishers, scripts without spaces. The others are
//! `generate_news --kind KIND --count 60 --seed 2026`, of long texts and extracts 20, so each item tells in `truth` where
//! it belongs. A verdict that ought to change is renewed with the command that the failure prints, and read in review.

use std::{fmt::Write as _, fs, path::Path};
use tidings_dedup::{Config, Decision, Dedup, Outcome, RawItem};
use tidings_model::topic;
use tidings_stage::{Event, Input, Stage};

const STREAMS: [&str; 6] = ["feeds", "snippets", "titles", "long", "natural", "extracts"];

#[test]
fn verdicts_are_those_that_were_reviewed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    fs::create_dir_all(&found).expect("a folder for what was found");
    let mut changed = Vec::new();
    for stream in STREAMS {
        let items = fs::read_to_string(golden.join(stream).with_extension("jsonl")).expect("items");
        let verdicts = verdicts(&items);
        let file = found.join(stream).with_extension("txt");
        fs::write(&file, &verdicts).expect("what was found is written");
        let expected = fs::read_to_string(golden.join(stream).with_extension("txt")).unwrap_or_default();
        let differ = expected.lines().zip(verdicts.lines()).find(|(expected, found)| expected != found);
        if expected != verdicts {
            let (expected, found) = differ.unwrap_or(("", "more or fewer verdicts"));
            changed.push(format!(
                "{stream}: first `{expected}`, now `{found}`\n  cp {} {}",
                file.display(),
                golden.display()
            ));
        }
    }
    assert!(changed.is_empty(), "verdicts changed; if they ought to, renew them:\n{}", changed.join("\n"));
}

/// What is found of each line, in a line.
fn verdicts(items: &str) -> String {
    let mut stage = Dedup::new(&Config::default());
    let mut verdicts = String::new();
    for line in items.lines() {
        let item = RawItem::decode(&topic::RAW, b"", Some(line.as_bytes())).expect("an item");
        let id = item.0.id.clone();
        let verdict = match stage.step(item.seen().unwrap_or_default(), &Event::Record(item)) {
            Ok(prepared) => prepared.step.out.first().map_or_else(|| "nothing".to_owned(), tell),
            Err(reject) => format!("refused: {}", reject.code),
        };
        writeln!(verdicts, "{id}: {verdict}").expect("memory takes all");
    }
    verdicts
}

fn tell(decision: &Decision) -> String {
    match &decision.outcome {
        Outcome::Unique(unique) => {
            let cluster = &unique.cluster;
            let promoted = cluster.promoted.as_ref().map(|of| format!(", {} promoted", of.id)).unwrap_or_default();
            format!("{:?} in {}{promoted}", cluster.verdict, cluster.id)
        }
        Outcome::Duplicate(copy) => {
            format!("{:?} of {} in {}: {}, {}", copy.relation, copy.of.id, copy.cluster, copy.score, copy.why)
        }
    }
}
