//! A full disk: nothing acknowledged is lost, and the broker goes on when there is room again.

use crate::clients::{WAIT, flush, options, send, until, wait};
use crate::cluster::Cluster;
use crate::restart::listening;
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Mounts a disk of its own for the broker, which starts again when it dies, on the same disk.
const MOUNT: &str =
    "mount -t tmpfs -o size=8m tmpfs \"$BROKER_DATA\" && echo mounted || exit; \"$0\" \"$@\"; \"$0\" \"$@\"";
/// Bytes of a record's value.
const VALUE: usize = 4_096;

#[test]
fn what_was_acknowledged_survives_a_full_disk_and_kill_9_and_the_rest_arrives_when_there_is_room() {
    // Only to know whether it is the embedded broker's turn, and to have a free port.
    let Some(cluster) = Cluster::embedded() else {
        return;
    };
    let brokers = cluster.brokers.clone();
    drop(cluster);
    let home = tempfile::tempdir().unwrap();
    let mut shell = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", MOUNT])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "restart::broker", "--ignored", "--nocapture"])
        .env("BROKER_DATA", home.path())
        .env("BROKER_PORT", brokers.parse::<SocketAddr>().unwrap().port().to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap()).lines();
    if output.next().is_none_or(|line| line.unwrap() != "mounted") {
        shell.wait().unwrap();
        println!("skipped: this system lets nobody mount a disk for a test (unshare --map-root-user --mount)");
        return;
    }
    let first = listening(&mut output);
    let cluster = Cluster::elsewhere(brokers);

    // Half of the disk goes to what will make room.
    let ballast = cluster.topic("ballast", 1, &[("segment.bytes", "262144")]);
    let kept = cluster.topic("kept", 1, &[]);
    let filler = cluster.producer(&[]);
    let value = |n: usize| format!("{n:0>VALUE$}");
    (0..1_000).for_each(|n| send(&filler, &ballast, 0, None, Some(&value(n))));
    flush(&filler);
    let settings = [("message.timeout.ms", "120000"), ("batch.size", "65536"), ("retry.backoff.max.ms", "200")];
    let producer = cluster.producer(&settings);
    (0..1_500).for_each(|n| send(&producer, &kept, 0, None, Some(&value(n))));
    let arrived = || producer.context().arrived.lock().unwrap().len();
    let mut before = usize::MAX;
    until(2 * WAIT, "the disk is full", || {
        let now = arrived();
        let stuck = now == before && now > 0;
        before = now;
        producer.poll(Duration::from_millis(1_000));
        stuck && arrived() == now
    });
    assert!(before < 1_500, "the disk never was full");
    assert!(producer.context().lost.lock().unwrap().is_empty(), "refused for good, where it could be tried again");
    let read = || cluster.values(&kept, "read_committed");
    let acknowledged = |read: Vec<String>| read.iter().enumerate().all(|(n, v)| *v == value(n)) && read.len() >= before;
    assert!(acknowledged(read()), "it still serves what it has acknowledged");

    assert!(Command::new("kill").args(["-9", &first]).status().unwrap().success());
    let second = listening(&mut output);
    assert!(acknowledged(read()), "after its death, too");

    let mut places = TopicPartitionList::new();
    places.add_partition_offset(&ballast, 0, Offset::End).unwrap();
    wait(cluster.admin().delete_records(&places, &options())).unwrap();
    until(4 * WAIT, "the rest arrives", || {
        producer.poll(Duration::from_millis(50));
        producer.in_flight_count() == 0
    });
    flush(&producer);
    let read = read();
    assert!(read.iter().enumerate().all(|(n, v)| *v == value(n)), "in order");
    assert_eq!(read.len(), 1_500, "each once");
    assert!(Command::new("kill").args(["-9", &second]).status().unwrap().success());
    shell.wait().unwrap();
}
