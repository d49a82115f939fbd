//! The broker under test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidings_broker::{Broker, Config};
use tokio::runtime::Runtime;

/// What clients connect to.
pub struct Cluster {
    /// For `bootstrap.servers`.
    pub brokers: String,
    embedded: Option<Embedded>,
}

struct Embedded {
    runtime: Runtime,
    broker: Option<Broker>,
    home: TempDir,
}

impl Cluster {
    /// The broker that `KAFKA_BROKERS` names, or an embedded one.
    pub fn any() -> Cluster {
        match std::env::var("KAFKA_BROKERS") {
            Ok(brokers) => Cluster::elsewhere(brokers),
            Err(_) => Cluster::start(),
        }
    }

    /// An embedded broker; `None`, with a word, when another one is under test.
    pub fn embedded() -> Option<Cluster> {
        if std::env::var("KAFKA_BROKERS").is_ok() {
            println!("skipped: it concerns the embedded broker, and KAFKA_BROKERS names another");
            return None;
        }
        Some(Cluster::start())
    }

    /// A broker that somebody else runs.
    pub fn elsewhere(brokers: String) -> Cluster {
        Cluster { brokers, embedded: None }
    }

    fn start() -> Cluster {
        let runtime = Runtime::new().unwrap();
        let home = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let broker = runtime.block_on(Broker::start(config(any, home.path()))).unwrap();
        Cluster {
            brokers: broker.address().to_string(),
            embedded: Some(Embedded { runtime, broker: Some(broker), home }),
        }
    }

    /// Stops the embedded broker and starts it again, with the same data on the same port.
    pub fn restart(&mut self) {
        let embedded = self.embedded.as_mut().unwrap();
        let broker = embedded.broker.take().unwrap();
        let address = broker.address();
        let began = Instant::now();
        embedded.runtime.block_on(broker.stop());
        assert!(began.elapsed() < Duration::from_secs(1), "stop took {:?}", began.elapsed());
        let config = config(address, embedded.home.path());
        embedded.broker = Some(embedded.runtime.block_on(Broker::start(config)).unwrap());
    }

    /// Where the embedded broker keeps its data.
    pub fn home(&self) -> &Path {
        self.embedded.as_ref().unwrap().home.path()
    }

    /// Whether it is ours, which can be restarted and looked into.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// How patient a case must be: another broker looks after late transactions and the like less often.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(if self.is_embedded() { 30 } else { 90 })
    }
}

/// The configuration of an embedded broker.
pub fn config(listen: SocketAddr, data: &Path) -> Config {
    Config { listen, data: data.to_owned(), fsync: false, auto_create: None }
}

/// Runs one ignored test of this binary in a process of its own, which can be killed.
pub fn process(test: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
