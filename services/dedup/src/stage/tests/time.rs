//! The window and the memory: late, future and undated items.

use super::*;

#[test]
fn the_window_and_the_memory_end() {
    let story = |id: &str, hours: i64| json!({"id": id, "summary": STORM, "first_seen_at": at(hours)});
    let revised = |id: &str, hours: i64| json!({"id": id, "summary": "Ports reopen", "first_seen_at": at(hours)});
    let mut stage = dedup();
    assert_eq!(told(&mut stage, &story("a", 0)), "new");
    assert_eq!(told(&mut stage, &story("b", 72)), "copy of a: syndicated, same text");
    assert_eq!(told(&mut stage, &story("c", 145)), "new", "too late for both");
    for n in 0..20 {
        let id = format!("later {n}");
        told(&mut stage, &json!({"id": id, "headline": format!("report {n}"), "first_seen_at": at(145)}));
    }
    let has_words = |stage: &Dedup, id: &str| {
        stage.memory.get(&serde_json::from_value(json!(id)).unwrap()).map(|kept| kept.print.is_some())
    };
    assert_eq!(["a", "b", "c"].map(|id| has_words(&stage, id)), [Some(false), Some(false), Some(true)]);
    assert_eq!(told(&mut stage, &revised("b", 72)), "copy of a: syndicated, same text", "nothing to compare it with");
    assert_eq!(told(&mut stage, &revised("a", 0)), "update a");
    for n in 0..40 {
        told(
            &mut stage,
            &json!({"id": format!("last {n}"), "headline": format!("word {n}"), "first_seen_at": at(900)}),
        );
    }
    assert_eq!(["a", "b", "c"].map(|id| has_words(&stage, id)), [None; 3]);
}

#[test]
fn a_false_date_moves_nothing_but_itself() {
    let story = |id: &str, hours: i64| json!({"id": id, "summary": STORM, "first_seen_at": at(hours)});
    let report = |n: i64, hours: i64| json!({"id": format!("r{n}"), "headline": "x", "first_seen_at": at(hours)});
    let two_years = 2 * 365 * 24;
    let mut stage = dedup();
    told(&mut stage, &story("first of all", two_years));
    assert_eq!(told(&mut stage, &story("a", 0)), "new");
    for n in 0..30 {
        // every third record lies
        told(&mut stage, &report(n, if n % 3 == 2 { two_years } else { 1 }));
    }
    assert_eq!(told(&mut stage, &story("b", 2)), "copy of a: syndicated, same text");
    assert!(stage.memory.now(Config::default().window) <= Timestamp::from_millis(START + 2 * HOUR));
}

/// A mass edit of old articles, or an import of an archive: many late items in a row.
#[test]
fn late_items_never_take_the_window_away() {
    let word = |n: i64| format!("w{:x}", crate::sketch::mix(n as u64) % 40_000);
    let story = |id: String, n: i64, hours: i64| {
        let text: Vec<_> = (0..30).map(|place| word(n * 100 + place)).collect();
        json!({"id": id, "summary": text.join(" "), "first_seen_at": at(hours)})
    };
    for (live, late) in [(400, 30), (1, 15), (400, 3000)] {
        let mut stage = dedup();
        (0..live).for_each(|n| assert_eq!(told(&mut stage, &story(format!("live {n}"), n, 0)), "new"));
        (0..late).for_each(|n| {
            told(&mut stage, &story(format!("late {n}"), 1000 + n, -54 * 24));
        });
        for n in 0..live {
            let copy = format!("copy of live {n}: syndicated, same text");
            assert_eq!(told(&mut stage, &story(format!("copy {n}"), n, 1)), copy, "after {late} late items");
        }
    }
}

/// What lies in the future keeps nothing else in the window, and leaves it with its neighbours.
#[test]
fn what_came_before_something_old_is_old() {
    let report = |n: i64, hours: i64| json!({"id": n, "headline": format!("report {n}"), "first_seen_at": at(hours)});
    let mut stage = dedup();
    for n in 0..200 {
        told(&mut stage, &report(n, if n % 20 == 0 { 20_000 } else { n }));
    }
    // those of the last 72 hours
    assert!((72..=84).contains(&stage.memory.in_window()), "{}", stage.memory.in_window());
}

#[test]
fn without_times_input_order_counts_and_nothing_is_evicted() {
    let mut stage = dedup();
    told(&mut stage, &json!({"id": "a", "summary": STORM}));
    (0..100).for_each(|n| {
        told(&mut stage, &json!({"id": n, "headline": format!("report {n}")}));
    });
    assert_eq!(told(&mut stage, &json!({"id": "b", "summary": STORM})), "copy of a: syndicated, same text");
    assert_eq!(stage.memory.in_window(), 102);
}
