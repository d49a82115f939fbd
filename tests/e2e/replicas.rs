//! Three brokers, everything replicated: one is killed, its leads move, it comes back, its leads move back; all under
//! load, and nothing is lost or doubled.

use crate::{LIMIT, begin};
use std::time::Duration;
use tidings_model::topic;
use tidings_tests::chaos::{Load, prove};
use tidings_tests::kafka::Kafka;
use tidings_tests::line::Line;
use tidings_tests::until;

#[test]
fn a_broker_is_lost_and_leads_move() {
    let mut kafka = Kafka::replicated();
    let mut load = Load::new(0, 10, 20);
    let mut line = Line::on(kafka.brokers(), &format!("replication = 3\n{}", load.config()));
    line.run(&["topics", "create"]);
    line.start_five();
    begin(&line, &mut load);
    let flows = |line: &Line, what: &str| {
        let before = line.read(&topic::ENRICHED).len();
        until(LIMIT, what, || (line.read(&topic::ENRICHED).len() > before + 100).then_some(()));
    };
    flows(&line, "items flow");

    let raw = line.topic(&topic::RAW);
    let lost = kafka.leader(&raw, 0);
    kafka.kill9_node(lost);
    flows(&line, "items flow with two brokers of three");
    assert_ne!(kafka.leader(&raw, 0), lost, "another leads");

    kafka.restart_node(lost);
    until(LIMIT, "its lead is back where it was", || {
        // refused until the replica has caught up
        std::thread::sleep(Duration::from_secs(1));
        kafka.move_leaders_back();
        (kafka.leader(&raw, 0) == lost).then_some(())
    });
    flows(&line, "items flow after the leads have moved");
    load.pause();
    prove(&line, &load).assert_exact();
}
