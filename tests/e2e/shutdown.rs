//! The end of a service: at SIGTERM it is gone within ten seconds, whatever it was doing, and a rolling restart under
//! load loses and doubles nothing.

use crate::{LIMIT, begin, bereft};
use std::time::{Duration, Instant};
use tidings_model::topic;
use tidings_tests::chaos::{Load, prove};
use tidings_tests::kafka::Kafka;
use tidings_tests::line::{Line, SERVICES};
use tidings_tests::until;

/// Kubernetes waits longer before it kills.
const DRAIN: Duration = Duration::from_secs(10);
/// Snippets that wait to be worked on under full load: enough for some seconds.
const BACKLOG: usize = 20_000;

/// Asks all services to end, the last of the line first, so that each still has work, and tells how long each took.
///
/// # Panics
/// When one took too long, or ended with a failure.
fn stop_all(line: &mut Line, state: &str) {
    let took: Vec<_> = SERVICES
        .into_iter()
        .rev()
        .map(|service| {
            let began = Instant::now();
            let status = line.stop(service);
            (service, began.elapsed(), status)
        })
        .collect();
    let slowest = took.iter().map(|(_, took, _)| took.as_secs_f64()).fold(0.0, f64::max);
    println!("figure: {state}: ended within {slowest:.1} s");
    for (service, took, status) in took {
        assert!(took < DRAIN + Duration::from_secs(1), "{state}: {service} took {took:?} to end");
        assert!(status.success(), "{state}: {service} ended with {status}");
    }
}

fn restart_all(line: &mut Line) {
    SERVICES.into_iter().for_each(|service| line.restart(service));
}

#[test]
fn sigterm_ends_each_service_in_time() {
    let mut load = Load::new(0, 10, 40);
    let mut line = Line::on_kafka(&load.config());
    line.start_five();
    stop_all(&mut line, "idle");

    load.burst(&line.tool(), BACKLOG);
    restart_all(&mut line);
    begin(&line, &mut load);
    until(LIMIT, "items flow", || (line.metric("sink", "tidings_stream_records_consumed_total") > 0.0).then_some(()));
    stop_all(&mut line, "full load");
    let left = line.read(&topic::UNIQUE).len() - line.read(&topic::ENRICHED).len();
    assert!(left > 500, "{left} were left for enrich: that was no full load");

    // ready is said before the group has had its say; the restore itself: `shared/stream/tests/runner.rs`
    restart_all(&mut line);
    stop_all(&mut line, "just started");

    restart_all(&mut line);
    load.pause();
    prove(&line, &load).assert_exact();
}

#[test]
fn sigterm_ends_each_service_without_a_broker() {
    let Some(mut kafka) = Kafka::to_kill() else { return };
    let mut load = Load::new(0, 10, 40);
    let mut line = bereft(&mut kafka, &mut load);
    stop_all(&mut line, "broker gone");
    kafka.restart();
    restart_all(&mut line);
    load.resume();
    load.pause();
    prove(&line, &load).assert_exact();
}

#[test]
fn a_rolling_restart_under_load_loses_and_doubles_nothing() {
    let mut load = Load::new(0, 10, 40);
    let mut line = Line::on_kafka(&load.config());
    line.start_five();
    begin(&line, &mut load);
    until(LIMIT, "items flow", || (!line.read(&topic::ENRICHED).is_empty()).then_some(()));
    for service in SERVICES {
        // as a Deployment rolls: the new one is there before the old one goes
        let next = format!("{service}+next");
        line.spawn_as(&next, service);
        line.wait_ready(&next);
        std::thread::sleep(Duration::from_secs(2));
        let began = Instant::now();
        let status = line.stop(service);
        assert!(
            status.success() && began.elapsed() < DRAIN,
            "{service} ended with {status} after {:?}",
            began.elapsed()
        );
        std::thread::sleep(Duration::from_secs(2));
    }
    load.pause();
    prove(&line, &load).assert_exact();
}
