//! Standby: the second instance of dedup and of sink follows the active one's changelog and takes over when it is
//! killed, knowing all that the first one knew.

use crate::{LIMIT, assert_whole, values};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};
use tidings_model::topic;
use tidings_tests::line::Line;
use tidings_tests::until;

/// The group finds the active one dead within its session timeout of 6 s; the rest is the standby's.
const TAKE_OVER: Duration = Duration::from_secs(10);

#[test]
fn the_second_instance_takes_over() {
    let mut line = Line::on_kafka("");
    line.start_five();
    for service in ["dedup", "sink"] {
        line.spawn_as(&format!("{service}-2"), service);
        line.wait_ready(&format!("{service}-2"));
    }
    hand_in(&line, "first", 0..200);
    until(LIMIT, "the first portion is through", || (values(&line, &topic::ENRICHED).len() == 200).then_some(()));

    for service in ["dedup", "sink"] {
        let label = format!("stage=\"{service}\"");
        let names = [service.to_owned(), format!("{service}-2")];
        let gauge = |line: &Line, name: &str, metric: &str| line.series(name, metric, &[label.as_str()]);
        let tasks = |line: &Line, name: &str| gauge(line, name, "tidings_stream_tasks");
        let behind = |line: &Line, name: &str| gauge(line, name, "tidings_stream_standby_lag_records");
        let (active, standby) = until(LIMIT, "one is active, the other has read all", || {
            let active = names.iter().position(|name| tasks(&line, name) == Some(1.0))?;
            let (active, standby) = (&names[active], &names[1 - active]);
            (behind(&line, active) == Some(-1.0) && behind(&line, standby) == Some(0.0)).then_some((active, standby))
        });
        line.kill9(active);
        let killed = Instant::now();
        until(LIMIT, "the standby is active", || (tasks(&line, standby) == Some(1.0)).then_some(()));
        let took = killed.elapsed();
        println!("figure: {service}: the standby was active {took:.1?} after the kill");
        assert!(took < TAKE_OVER, "{service} was taken over after {took:.1?}");
    }

    // the same texts under other names are copies of what the killed one had seen
    hand_in(&line, "second", 0..200);
    until(LIMIT, "the copies are found", || (values(&line, &topic::DUPLICATES).len() == 200).then_some(()));
    assert_eq!(assert_whole(&line), 400);
    assert_eq!(values(&line, &topic::ENRICHED).len(), 200);
}

fn hand_in(line: &Line, provider: &str, range: std::ops::Range<usize>) {
    let item = |no: usize| {
        let words: Vec<String> =
            (0..24).map(|word| tidings_model::digest([&format!("{no} {word}")[..]])[..7].to_owned()).collect();
        let (headline, summary) = (words[..8].join(" "), words[8..].join(" "));
        let id = no.to_string();
        format!("{}\n", json!({"provider": provider, "external_id": id, "headline": headline, "summary": summary}))
    };
    let path = line.dir().join("portion.jsonl");
    fs::write(&path, range.map(item).collect::<String>()).unwrap();
    line.run(&["ingest", path.to_str().unwrap(), "--format", "jsonl"]);
}
