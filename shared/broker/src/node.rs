//! The node: everything that requests and upkeep share.
//!
//! Locks are taken in this order, held briefly and never across an await: groups, store, topics, one log.

use crate::groups::Groups;
use crate::log::now;
use crate::store::Store;
use crate::topics::Topics;
use kafka_protocol::messages::BrokerId;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;
use tokio::sync::Notify;

/// The only broker, controller, leader and coordinator.
pub const ID: BrokerId = BrokerId(1);

/// The state of the broker.
pub struct Node {
    /// What clients are told to connect to.
    pub address: SocketAddr,
    /// With how many partitions asking for a topic makes it.
    pub auto_create: Option<i32>,
    pub topics: Topics,
    /// Wakes waiting fetches: something was appended or decided.
    pub appended: Notify,
    /// Set once: long work ends early.
    pub stopping: AtomicBool,
    groups: Mutex<Groups>,
    store: Mutex<Store>,
    /// Held as long as the node lives, so that no other broker opens the directory.
    _lock: File,
}

impl Node {
    /// Opens what `data` holds, and finishes transactions that were decided. Blocks: it reads every log through.
    pub fn open(
        data: &Path,
        lock: File,
        address: SocketAddr,
        fsync: bool,
        auto_create: Option<i32>,
    ) -> io::Result<Node> {
        let store = Store::open(data.join("store.jsonl"), fsync)?;
        let topics = Topics::open(data.join("topics"), &store.content().topics, fsync)?;
        let node = Node {
            address,
            auto_create,
            topics,
            appended: Notify::new(),
            stopping: AtomicBool::new(false),
            groups: Mutex::new(Groups::new(now())),
            store: Mutex::new(store),
            _lock: lock,
        };
        node.finish_transactions(now());
        Ok(node)
    }

    pub fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().expect("no thread panics while it holds the groups")
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no thread panics while it holds the store")
    }

    /// What time alone brings about: dead members, late rebalances, transactions out of time.
    pub fn tick(&self) {
        self.groups().tick(Instant::now());
        self.finish_transactions(now());
    }

    /// Retention and compaction. Blocks.
    pub fn clean(&self) {
        for partition in self.topics.partitions() {
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            let retained = partition.log().retain();
            let snapshot = partition.log().snapshot();
            let compacted = snapshot.map_or(Ok(()), |snapshot| {
                let cleaned = snapshot.clean(now(), &self.stopping)?;
                partition.log().install(cleaned)
            });
            if let Err(error) = retained.and(compacted) {
                let directory = partition.log().directory().to_owned();
                tracing::warn!(directory = %directory.display(), %error, "not cleaned");
            }
        }
    }
}
