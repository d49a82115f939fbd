//! The same questions by kcat, whose librdkafka is Debian's, years older than ours.

use crate::clients::{unique, until};
use crate::cluster::Cluster;
use serde_json::Value;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A command of kcat that waits for its input.
fn spawn(cluster: &Cluster, args: &[&str]) -> Child {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &cluster.brokers, "-m", "20"]).args(args);
    kcat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    kcat.spawn().expect("kcat is there: tests/setup brings it")
}

fn run(cluster: &Cluster, args: &[&str], input: &str) -> Output {
    let mut kcat = spawn(cluster, args);
    kcat.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    kcat.wait_with_output().unwrap()
}

/// What a command prints that succeeds.
fn kcat(cluster: &Cluster, args: &[&str], input: &str) -> String {
    let output = run(cluster, args, input);
    assert!(output.status.success(), "kcat {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// All of a topic, as `kcat -C -f` formats it.
fn read(cluster: &Cluster, topic: &str, more: &[&str]) -> String {
    kcat(cluster, &[&["-C", "-t", topic, "-e", "-q"], more].concat(), "")
}

#[test]
fn topics() {
    let cluster = Cluster::any();
    let topic = cluster.topic("kcat-topics", 3, &[]);
    let of = |args: &[&str]| -> Value { serde_json::from_str(&kcat(&cluster, args, "")).unwrap() };
    let one = of(&["-L", "-J", "-t", &topic]);
    let partitions = one["topics"][0]["partitions"].as_array().unwrap();
    assert_eq!((&one["topics"][0]["topic"], partitions.len()), (&Value::from(topic.as_str()), 3));
    assert!(partitions.iter().all(|partition| partition["leader"] == partition["isrs"][0]["id"]), "{one}");
    let all = of(&["-L", "-J"]);
    assert!(all["topics"].as_array().unwrap().iter().any(|any| any["topic"] == *topic), "{all}");
    let output = run(&cluster, &["-C", "-t", "kcat-absent", "-e", "-q"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("Unknown topic or partition"), "{said}");
}

#[test]
fn records() {
    let cluster = Cluster::any();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = cluster.topic(&format!("kcat-{codec}"), 1, &[]);
        let write = ["-P", "-t", &topic, "-z", codec, "-K", "=", "-Z", "-H", "from=kcat", "-H", "none"];
        kcat(&cluster, &write, "a=one\nb=\nŁódź=three\n");
        let found = read(&cluster, &topic, &["-Z", "-f", "%o %k %s %h\n"]);
        assert_eq!(
            found,
            "0 a one from=kcat,none=NULL\n1 b NULL from=kcat,none=NULL\n2 Łódź three from=kcat,none=NULL\n"
        );
    }
}

#[test]
fn places() {
    let cluster = Cluster::any();
    let topic = cluster.topic("kcat-places", 1, &[]);
    let write = |value: &str| kcat(&cluster, &["-P", "-t", &topic], value);
    write("1\n2\n3\n");
    std::thread::sleep(Duration::from_millis(50));
    write("4\n5\n");
    let times = read(&cluster, &topic, &["-f", "%T\n"]);
    let fourth = times.lines().nth(3).unwrap();
    for (from, wanted) in [("beginning", "1\n2\n3\n4\n5\n"), ("-2", "4\n5\n"), ("2", "3\n4\n5\n")] {
        assert_eq!(read(&cluster, &topic, &["-o", from]), wanted, "-o {from}");
    }
    assert_eq!(read(&cluster, &topic, &["-o", &format!("s@{fourth}")]), "4\n5\n");
    let queries = [(fourth, 3), ("-2", 0), ("-1", 5)].map(|(time, offset)| (format!("{topic}:0:{time}"), offset));
    for (query, offset) in queries {
        let told = kcat(&cluster, &["-Q", "-t", &query], "");
        assert!(told.trim_end().ends_with(&format!("offset {offset}")), "{query}: {told}");
    }
}

#[test]
fn groups() {
    let cluster = Cluster::any();
    let (topic, group) = (cluster.topic("kcat-groups", 2, &[]), unique("kcat"));
    let member = |count: &str| {
        let args = ["-G", &group, "-q", "-c", count, "-X", "auto.offset.reset=earliest", &topic];
        let mut found = kcat(&cluster, &args, "").lines().map(str::to_owned).collect::<Vec<_>>();
        found.sort_unstable();
        found
    };
    for partition in ["0", "1"] {
        kcat(&cluster, &["-P", "-t", &topic, "-p", partition], &format!("{partition}a\n{partition}b\n"));
    }
    assert_eq!(member("4"), ["0a", "0b", "1a", "1b"]);
    kcat(&cluster, &["-P", "-t", &topic, "-p", "1"], "1c\n");
    assert_eq!(member("1"), ["1c"], "it goes on where the one before committed");
}

#[test]
fn transactions() {
    let cluster = Cluster::any();
    let (topic, id) = (cluster.topic("kcat-transactions", 1, &[]), format!("transactional.id={}", unique("kcat")));
    let producer = ["-P", "-t", &topic, "-X", &id];
    kcat(&cluster, &producer, "committed\n");
    let mut dead = spawn(&cluster, &producer);
    dead.stdin.as_mut().unwrap().write_all(b"lost\n".repeat(2_000).as_slice()).unwrap();
    let uncommitted = ["-X", "isolation.level=read_uncommitted"];
    let is_open = || read(&cluster, &topic, &uncommitted).lines().count() >= 1_000;
    until(Duration::from_secs(20), "much of an open transaction is there", is_open);
    dead.kill().unwrap();
    dead.wait().unwrap();
    // who comes next with its id aborts what it left
    kcat(&cluster, &producer, "again\n");
    assert_eq!(read(&cluster, &topic, &["-X", "isolation.level=read_committed"]), "committed\nagain\n");
}
