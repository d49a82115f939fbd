//! Standby: the second instance of dedup and of sink follows the active one's changelog and takes over when that is
//! killed amid its work, knowing all that it knew: verdicts and alerts are those of the filters over the same input.

use crate::{LIMIT, begin};
use std::time::{Duration, Instant};
use tidings_model::topic;
use tidings_tests::chaos::{Load, prove};
use tidings_tests::line::Line;
use tidings_tests::until;

/// The group finds the active one dead within its session timeout of 6 s; the rest is the standby's.
const TAKE_OVER: Duration = Duration::from_secs(10);

#[test]
fn the_second_instance_takes_over() {
    let mut load = Load::new(0, 10, 20);
    // one, so that the order is recorded in which the sink had its stories: then its alerts are all the filter's
    let mut line = Line::on_kafka(&format!("partitions = 1\n{}", load.config()));
    line.start_five();
    for service in ["dedup", "sink"] {
        line.spawn_as(&format!("{service}-2"), service);
        line.wait_ready(&format!("{service}-2"));
    }
    begin(&line, &mut load);
    for service in ["dedup", "sink"] {
        let flowed = line.read(&topic::ENRICHED).len();
        until(LIMIT, "items flow", || (line.read(&topic::ENRICHED).len() > flowed + 200).then_some(()));
        let label = format!("stage=\"{service}\"");
        let names = [service.to_owned(), format!("{service}-2")];
        let gauge = |line: &Line, name: &str, metric: &str| line.series(name, metric, &[label.as_str()]);
        let tasks = |line: &Line, name: &str| gauge(line, name, "tidings_stream_tasks");
        let behind = |line: &Line, name: &str| gauge(line, name, "tidings_stream_standby_lag_records");
        let (active, standby) = until(LIMIT, "one is active, and the other follows", || {
            let active = names.iter().position(|name| tasks(&line, name) == Some(1.0))?;
            let (active, standby) = (&names[active], &names[1 - active]);
            let follows = behind(&line, standby).is_some_and(|lag| lag >= 0.0);
            (behind(&line, active) == Some(-1.0) && follows).then_some((active, standby))
        });
        line.kill9(active);
        let killed = Instant::now();
        let starts = |line: &Line| line.series(standby, "tidings_stream_restore_seconds_count", &[&label]);
        until(LIMIT, "the standby is active", || (starts(&line) == Some(1.0)).then_some(()));
        let took = killed.elapsed();
        let restored = line.series(standby, "tidings_stream_restored_changes_total", &[&label]);
        assert!(restored.is_some_and(|changes| changes < 100.0), "{restored:?} changes were not known to the standby");
        println!("figure: {service}: the standby was active {took:.1?} after the kill");
        assert!(took < TAKE_OVER, "{service} was taken over after {took:.1?}");
    }
    let flowed = line.read(&topic::ENRICHED).len();
    until(LIMIT, "items flow", || (line.read(&topic::ENRICHED).len() > flowed + 200).then_some(()));
    load.pause();
    let proof = prove(&line, &load);
    proof.assert_exact();
    println!("figure: {} alerts of bursts among them", proof.bursts.0);
    assert!(proof.bursts.0 > 0, "there was no burst to be told of");
}
