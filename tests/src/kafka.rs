//! Apache Kafka itself: one node, broker and controller in one process (KRaft), in a folder of its own.
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

/// A running broker; it is killed and its data removed when this is dropped.
pub struct Kafka {
    brokers: String,
    node: Option<Node>,
}

struct Node {
    dir: TempDir,
    jars: PathBuf,
    process: Child,
}

impl Kafka {
    /// Starts one, or takes that of `KAFKA_BROKERS`; returns when it answers.
    pub fn start() -> Self {
        if let Ok(brokers) = std::env::var("KAFKA_BROKERS") {
            return Self { brokers, node: None };
        }
        let jars = installed("kafka");
        let dir = tempfile::Builder::new().prefix("tidings-kafka-").tempdir().expect("a temporary folder can be made");
        let [client, controller] = free_ports();
        fs::write(dir.path().join("server.properties"), properties(dir.path(), client, controller))
            .expect("the temporary folder can be written");
        // any 22 characters of base64
        let cluster = "tidings-tests-00000000";
        let tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "--standalone", "-c", "server.properties"];
        output(java(&jars, dir.path()).args(tool));
        let brokers = format!("127.0.0.1:{client}");
        let process = spawn(&jars, dir.path());
        let mut kafka = Self { brokers, node: Some(Node { dir, jars, process }) };
        kafka.wait();
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
        self.node.is_some()
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        let node = self.node();
        node.process.kill().expect("a child can be killed");
        node.process.wait().expect("a child can be waited for");
    }

    /// Starts it again, on the same port and data; returns when it answers.
    pub fn restart(&mut self) {
        let node = self.node();
        node.process = spawn(&node.jars, node.dir.path());
        self.wait();
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("the cluster of KAFKA_BROKERS is not ours to kill: ask is_own() first")
    }

    fn wait(&mut self) {
        let brokers = self.brokers.clone();
        let node = self.node();
        until(START, "Apache Kafka answers", || {
            if let Ok(Some(status)) = node.process.try_wait() {
                let log = fs::read_to_string(node.dir.path().join("log")).unwrap_or_default();
                panic!("Apache Kafka ended at its start: {status}\n{log}");
            }
            read::answers(&brokers).then_some(())
        });
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Some(node) = &mut self.node {
            // nothing can be done about a failure here
            node.process.kill().ok();
            node.process.wait().ok();
        }
    }
}

fn java(jars: &Path, dir: &Path) -> Command {
    let mut command = Command::new("java");
    command.current_dir(dir).args(["-Xms256m", "-Xmx768m", "-cp"]).arg(jars.join("*"));
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

fn properties(dir: &Path, client: u16, controller: u16) -> String {
    let data = dir.join("data");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n",
        data.display()
    )
}
