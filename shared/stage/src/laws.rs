//! What must hold for every stage, as one line in its tests: `laws::hold(Stage::new, events)`.

use crate::{Change, Event, Prepared, Stage, state::newest};
use tidings_model::{Record, Timestamp};

/// Panics unless, over these events,
/// 1. the same input gives the same steps (deterministic),
/// 2. a state restored from its changelog decides as the live one (restored = live),
/// 3. a compacted changelog restores as the full one (compaction keeps the meaning).
///
/// `events` is called many times and must give the same events each time.
pub fn hold<S: Stage>(new: impl Fn() -> S, events: impl Fn() -> Vec<(Timestamp, Event<S>)>) {
    let whole = trace(&mut new(), events());
    assert_eq!(whole.steps, trace(&mut new(), events()).steps, "the same input gave other steps");
    for cut in 0..=events().len() {
        let head: Vec<_> = events().into_iter().take(cut).collect();
        let tail = || events().into_iter().skip(cut).collect::<Vec<_>>();
        let log = trace(&mut new(), head).changelog;
        for (kind, log) in [("restored", log.clone()), ("compacted", compact(&log))] {
            let mut stage = new();
            for change in &log {
                let change = S::Change::decode(&change.key, change.value.as_deref());
                stage.apply(&change.expect("what was encoded decodes"));
            }
            assert_eq!(whole.steps[cut..], trace(&mut stage, tail()).steps, "{kind} at {cut} differs from live");
        }
    }
}

struct Trace {
    steps: Vec<String>,
    changelog: Vec<Record>,
}

fn trace<S: Stage>(stage: &mut S, events: Vec<(Timestamp, Event<S>)>) -> Trace {
    let mut trace = Trace { steps: Vec::new(), changelog: Vec::new() };
    for (at, event) in events {
        trace.steps.push(match stage.step(at, &event) {
            Ok(Prepared { out, changes, .. }) => {
                let shown = format!("{out:?} {changes:?}");
                trace.changelog.extend(changes);
                shown
            }
            Err(reject) => reject.to_string(),
        });
    }
    trace
}

/// The changelog as Kafka's compaction leaves it.
fn compact(log: &[Record]) -> Vec<Record> {
    let kept = newest(log.iter().map(|change| Some(&change.key[..])));
    log.iter().zip(kept).filter(|(_, kept)| *kept).map(|(change, _)| change.clone()).collect()
}
