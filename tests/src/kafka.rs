//! Apache Kafka itself, in folders of its own: one node that is broker and controller in one process (KRaft), three that
//! replicate everything, or one with a second door, by TLS and SCRAM.
//!
//! Where `KAFKA_BROKERS` names a cluster, that is used and left alone. Topics are separated by their prefix, so tests
//! may share a broker.

use crate::{free_ports, installed, output, read, until};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tempfile::TempDir;

const START: Duration = Duration::from_secs(90);
/// Any 22 characters of base64.
const CLUSTER: &str = "tidings-tests-00000000";
/// The password of a key store, of which Java requires one.
const STORE: &str = "changeit";

/// A running cluster; it is killed and its data removed when this is dropped.
pub struct Kafka {
    brokers: String,
    nodes: Vec<Node>,
}

/// A door by TLS, for who knows the password.
pub struct Door {
    /// For `bootstrap.servers`.
    pub brokers: String,
    /// PEM file of the certificate to trust.
    pub ca: PathBuf,
}

/// Who may come in by a [`Door`], with SCRAM-SHA-512.
pub const USER: (&str, &str) = ("tidings", "open sesame");

struct Node {
    address: String,
    dir: TempDir,
    jars: PathBuf,
    process: Child,
}

impl Kafka {
    /// Starts one node, or takes the cluster of `KAFKA_BROKERS`; returns when it answers.
    pub fn start() -> Self {
        match std::env::var("KAFKA_BROKERS") {
            Ok(brokers) => Self { brokers, nodes: Vec::new() },
            Err(_) => Self::cluster(free_ports::<1>(), free_ports::<1>(), None),
        }
    }

    /// Starts one node, to be killed; nothing, and says so, where `KAFKA_BROKERS` names a cluster.
    pub fn to_kill() -> Option<Self> {
        let kafka = Self::start();
        if !kafka.is_own() {
            println!("skipped: the cluster of KAFKA_BROKERS is not ours to kill");
        }
        kafka.is_own().then_some(kafka)
    }

    /// Starts three nodes, of which any one may go; returns when all answer.
    pub fn replicated() -> Self {
        Self::cluster(free_ports::<3>(), free_ports::<3>(), None)
    }

    /// Starts one node with a second door.
    pub fn secured() -> (Self, Door) {
        let [port] = free_ports();
        let kafka = Self::cluster(free_ports::<1>(), free_ports::<1>(), Some(port));
        let ca = kafka.nodes[0].dir.path().join("ca.pem");
        (kafka, Door { brokers: format!("127.0.0.1:{port}"), ca })
    }

    fn cluster<const N: usize>(clients: [u16; N], controllers: [u16; N], door: Option<u16>) -> Self {
        let jars = installed("kafka");
        let address = |port| format!("127.0.0.1:{port}");
        let nodes = (0..N).map(|no| {
            let dir = tempfile::Builder::new().prefix("tidings-kafka-").tempdir();
            let dir = dir.expect("a temporary folder can be made");
            let properties = properties(dir.path(), no, clients[no], &controllers, door);
            fs::write(dir.path().join("server.properties"), properties).expect("the temporary folder can be written");
            let mut format = java(&jars, dir.path());
            format.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"]);
            if door.is_some() {
                certify(dir.path());
                format.args(["--add-scram", &format!("SCRAM-SHA-512=[name={},password={}]", USER.0, USER.1)]);
            }
            output(&mut format);
            let process = spawn(&jars, dir.path());
            Node { address: address(clients[no]), dir, jars: jars.clone(), process }
        });
        let mut kafka = Self { brokers: clients.map(address).join(","), nodes: nodes.collect() };
        (0..N).for_each(|node| kafka.wait(node));
        kafka
    }

    /// The one that other tests of this process use too, started by the first and ended with the last.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Kafka>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let kafka = Arc::new(Self::start());
            *shared = Arc::downgrade(&kafka);
            kafka
        })
    }

    /// For `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Whether it is the test's to kill.
    pub fn is_own(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// How many nodes of it are ours.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The processes of its nodes.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.nodes.iter().map(|node| node.process.id())
    }

    /// SIGKILL for every node.
    pub fn kill9(&mut self) {
        (0..self.own().len()).for_each(|node| self.kill9_node(node));
    }

    /// SIGKILL for one node, counted from 0.
    pub fn kill9_node(&mut self, node: usize) {
        let node = &mut self.own()[node];
        node.process.kill().expect("a child can be killed");
        node.process.wait().expect("a child can be waited for");
    }

    /// Starts every node again, on the same ports and data; returns when all answer.
    pub fn restart(&mut self) {
        for node in self.own() {
            node.process = spawn(&node.jars, node.dir.path());
        }
        (0..self.nodes.len()).for_each(|node| self.wait(node));
    }

    /// Starts one node again; returns when it answers.
    pub fn restart_node(&mut self, node: usize) {
        let own = &mut self.own()[node];
        own.process = spawn(&own.jars, own.dir.path());
        self.wait(node);
    }

    /// The node that leads a partition, by the word of the others.
    pub fn leader(&self, topic: &str, partition: usize) -> usize {
        // broker ids are the nodes' numbers from 1
        read::leader(&self.brokers, topic, partition) - 1
    }

    /// Moves every partition's lead to the first of its replicas, which is where it was created.
    pub fn move_leaders_back(&self) {
        let node = self.nodes.first().expect("a cluster of our own");
        let tool = ["org.apache.kafka.tools.LeaderElectionCommand", "--election-type", "preferred"];
        let all = ["--all-topic-partitions", "--bootstrap-server", &self.brokers];
        output(java(&node.jars, node.dir.path()).args(tool).args(all));
    }

    fn own(&mut self) -> &mut [Node] {
        assert!(self.is_own(), "the cluster of KAFKA_BROKERS is not ours to kill: ask is_own() first");
        &mut self.nodes
    }

    fn wait(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        until(START, "Apache Kafka answers", || {
            if let Ok(Some(status)) = node.process.try_wait() {
                let log = fs::read_to_string(node.dir.path().join("log")).unwrap_or_default();
                panic!("Apache Kafka ended at its start: {status}\n{log}");
            }
            read::answers(&node.address).then_some(())
        });
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // nothing can be done about a failure here
            node.process.kill().ok();
            node.process.wait().ok();
        }
    }
}

fn java(jars: &Path, dir: &Path) -> Command {
    let mut command = Command::new("java");
    // it lives for minutes: what the second compiler and a collector with threads of its own cost is never repaid
    command.current_dir(dir).args(["-Xms256m", "-Xmx768m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    command.arg(jars.join("*"));
    command
}

fn spawn(jars: &Path, dir: &Path) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).expect("the log can be written");
    let copy = log.try_clone().expect("a file can be opened twice");
    java(jars, dir)
        .args(["kafka.Kafka", "server.properties"])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(copy)
        .spawn()
        .expect("java was found a moment ago")
}

/// Makes a key, and a certificate of it that whoever is to trust it takes for the authority.
fn certify(dir: &Path) {
    let store = ["-alias", "broker", "-keystore", "broker.p12", "-storetype", "PKCS12", "-storepass", STORE];
    let key = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=broker", "-ext", "san=ip:127.0.0.1"];
    output(Command::new("keytool").current_dir(dir).args(key).args(store));
    output(Command::new("keytool").current_dir(dir).args(["-exportcert", "-rfc", "-file", "ca.pem"]).args(store));
}

fn properties(dir: &Path, no: usize, client: u16, controllers: &[u16], door: Option<u16>) -> String {
    let (id, controller, nodes) = (no + 1, controllers[no], controllers.len());
    let voters = controllers.iter().zip(1..).map(|(port, id)| format!("{id}@127.0.0.1:{port}")).collect::<Vec<_>>();
    let (voters, data, majority) = (voters.join(","), dir.join("data"), nodes / 2 + 1);
    let plain = format!("PLAINTEXT://127.0.0.1:{client}");
    let (advertised, secured) = match door {
        None => (plain, String::new()),
        Some(port) => (format!("{plain},DOOR://127.0.0.1:{port}"), secured()),
    };
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners={advertised},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners={advertised}\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         min.insync.replicas={majority}\n\
         offsets.topic.replication.factor={nodes}\n\
         transaction.state.log.replication.factor={nodes}\n\
         transaction.state.log.min.isr={majority}\n\
         group.initial.rebalance.delay.ms=0\n\
         log.initial.task.delay.ms=500\n\
         log.retention.check.interval.ms=500\n\
         log.cleaner.backoff.ms=500\n\
         {secured}",
        data.display()
    )
}

/// What a [`Door`] takes.
fn secured() -> String {
    format!(
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DOOR:SASL_SSL\n\
         sasl.enabled.mechanisms=SCRAM-SHA-512\n\
         listener.name.door.scram-sha-512.sasl.jaas.config=\
         org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
         listener.name.door.ssl.keystore.type=PKCS12\n\
         listener.name.door.ssl.keystore.location=broker.p12\n\
         listener.name.door.ssl.keystore.password={STORE}\n"
    )
}
