//! A small broker that speaks the Kafka protocol, for one machine: laptops, small newsrooms, tests.
//!
//! Any client may talk to it (the README has which were tried): topics, classic consumer groups, idempotent and
//! transactional producers, retention, compaction. What it promises:
//! - **Acknowledged records, committed offsets and decided transactions survive the death of the process**,
//!   `kill -9` included, each once and in order. With [`Config::fsync`] they survive the loss of power too.
//! - `read_committed` consumers see no aborted record and none of an open transaction.
//! - Topics are never made by themselves, unless [`Config::auto_create`] says so.
//!
//! What it is not: one node without replication, on loopback only, without TLS, SASL, ACLs or quotas; no KIP-848
//! groups, no share groups, no topic ids. It reads its logs through at start, so that takes longer as data
//! grows. For production use Apache Kafka; `bootstrap.servers` is the only difference.
//!
//! ```text
//! server ── api ──┬─ produce, fetch ───── topics ── log/ (segments)
//!   frames        ├─ offsets ─────────┐
//!                 ├─ transactions ────┼── store (one file of JSON lines)
//!                 ├─ admin, configs ──┤
//!                 ├─ cluster ─────────┘
//!                 └─ groups/ (memory)
//! ```

mod admin;
mod api;
mod cluster;
mod configs;
mod decode;
mod fetch;
mod groups;
mod log;
mod node;
mod offsets;
mod produce;
mod server;
mod store;
mod topic_config;
mod topics;
mod transactions;

use node::Node;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How late a dead member or a transaction out of time may be noticed.
const TICK: Duration = Duration::from_millis(100);
/// How often retention and compaction look for work.
const CLEANING: Duration = Duration::from_secs(1);

/// Where it listens, where it keeps data.
#[derive(Clone, Debug)]
pub struct Config {
    /// A loopback address; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The directory for everything; made if it isn't there.
    pub data: PathBuf,
    /// Whether each append reaches the disk before it is acknowledged.
    pub fsync: bool,
    /// With how many partitions a topic is made when a client asks where it is; `None`: it is not made.
    pub auto_create: Option<i32>,
}

/// Why the broker can't start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has no protection against others.
    #[error(
        "listen: found {0}, wanted a loopback address such as 127.0.0.1:9092: \
         the embedded broker is for one machine; for others to connect, use Apache Kafka"
    )]
    NotLoopback(SocketAddr),
    /// Two brokers on the same files would destroy them.
    #[error("data: {} is in use by another broker; stop it, or name another directory", .0.display())]
    Locked(PathBuf),
    /// The port is taken or not allowed.
    #[error("listen: {address}: {source}; stop what listens there, or choose another port")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// From the operating system.
        source: io::Error,
    },
    /// The data can't be read or written.
    #[error("data: {}: {source}", .path.display())]
    Data {
        /// As configured.
        path: PathBuf,
        /// From the operating system, or what is damaged.
        source: io::Error,
    },
}

/// A running broker. Dropping it ends it too, at its leisure; [`Broker::stop`] waits.
pub struct Broker {
    node: Arc<Node>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Broker {
    /// Starts a broker on the current tokio runtime; it accepts connections when this returns.
    pub async fn start(config: Config) -> Result<Broker, Error> {
        if !config.listen.ip().is_loopback() {
            return Err(Error::NotLoopback(config.listen));
        }
        let lock = lock(&config.data)?;
        let refused = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let Config { data, fsync, auto_create, .. } = config.clone();
        let opening = move || Node::open(&data, lock, address, fsync, auto_create);
        let opened = tokio::task::spawn_blocking(opening).await.map_err(io::Error::other);
        let node = Arc::new(opened.and_then(|node| node).map_err(|source| Error::Data { path: config.data, source })?);
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(server::serve(Arc::clone(&node), listener, stopped.clone())),
            tokio::spawn(tick(Arc::clone(&node), stopped.clone())),
            tokio::spawn(clean(Arc::clone(&node), stopped)),
        ];
        tracing::info!(%address, "broker listens");
        Ok(Broker { node, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.node.address
    }

    /// Closes all connections and ends; within a second. Nothing is left to flush: what was acknowledged
    /// has been handed to the operating system.
    pub async fn stop(self) {
        self.node.stopping.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "broker task died");
            }
        }
    }
}

/// Takes the directory for this process.
fn lock(data: &Path) -> Result<File, Error> {
    let failed = |source| Error::Data { path: data.to_owned(), source };
    fs::create_dir_all(data).map_err(failed)?;
    let file = File::create(data.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn tick(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => node.tick(),
            _ = stop.changed() => return,
        }
    }
}

async fn clean(node: Arc<Node>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLEANING) => {
                let node = Arc::clone(&node);
                if let Err(error) = tokio::task::spawn_blocking(move || node.clean()).await {
                    tracing::error!(%error, "cleaning died");
                }
            }
            _ = stop.changed() => return,
        }
    }
}
