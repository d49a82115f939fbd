//! Transactions: producer ids, fencing, and the way from begin to commit or abort.
//!
//! ```text
//!   Empty ──► Ongoing ──► PrepareCommit ──► CompleteCommit ──► Ongoing …
//!                  └────► PrepareAbort ───► CompleteAbort ───► Ongoing …
//! ```
//! The decision is in the store before the first marker is in a log, and the markers are in the logs before
//! the offsets and the end are in the store: what a crash or a full disk interrupts is carried out later,
//! from the decision. Transactional appends and all of this happen under the store's lock, so that a producer
//! can't be fenced between the check of its batch and the append.
//!
//! KIP-98; KIP-447 for offsets with the group's generation.

use crate::node::Node;
use crate::offsets::MOST_METADATA;
use crate::store::{Entry, Offset, Phase, Store, Transaction};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, ProducerId, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
};
use std::collections::BTreeSet;
use std::io;

/// `transaction.max.timeout.ms`.
const LONGEST_TIMEOUT_MS: i32 = 900_000;
/// Epochs end here; then the producer gets a new id.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// A store that can't be written: clients look for the coordinator and try again.
fn unavailable(_logged: io::Error) -> ResponseError {
    ResponseError::CoordinatorNotAvailable
}

fn code(result: Result<(), ResponseError>) -> i16 {
    result.map_or_else(|error| error.code(), |()| 0)
}

/// The transaction of this id, if it is this producer's.
pub fn owned<'a>(store: &'a Store, id: &str, producer_id: i64, epoch: i16) -> Result<&'a Transaction, ResponseError> {
    match store.content().transactions.get(id) {
        Some(t) if t.producer_id != producer_id => Err(ResponseError::InvalidProducerIdMapping),
        Some(t) if t.epoch != epoch => Err(ResponseError::InvalidProducerEpoch),
        Some(t) => Ok(t),
        None => Err(ResponseError::InvalidProducerIdMapping),
    }
}

fn save(store: &mut Store, id: &str, transaction: Transaction) -> Result<(), ResponseError> {
    let id = id.to_owned();
    store.record(vec![Entry::Transaction { id, transaction }]).map_err(unavailable)
}

fn fresh_producer_id(store: &mut Store) -> Result<i64, ResponseError> {
    let id = store.content().next_producer_id;
    store.record(vec![Entry::ProducerIds { next: id + 1 }]).map_err(unavailable)?;
    Ok(id)
}

/// Begins a transaction, unless it has begun.
fn begin(transaction: &mut Transaction, now: i64) -> Result<(), ResponseError> {
    match transaction.phase {
        Phase::Ongoing => {}
        Phase::PrepareCommit | Phase::PrepareAbort => {
            return Err(ResponseError::ConcurrentTransactions);
        }
        Phase::Empty | Phase::CompleteCommit | Phase::CompleteAbort => {
            transaction.phase = Phase::Ongoing;
            transaction.started = now;
        }
    }
    Ok(())
}

impl Node {
    pub fn init_producer_id(&self, request: &InitProducerIdRequest, now: i64) -> InitProducerIdResponse {
        let mut store = self.store();
        let result = match &request.transactional_id {
            None => fresh_producer_id(&mut store).map(|id| (id, 0)),
            Some(id) => self.init_transactional(&mut store, id.as_str(), request, now),
        };
        let response = InitProducerIdResponse::default();
        match result {
            Ok((id, epoch)) => response.with_producer_id(ProducerId(id)).with_producer_epoch(epoch),
            Err(error) => {
                response.with_error_code(error.code()).with_producer_id(ProducerId(-1)).with_producer_epoch(-1)
            }
        }
    }

    /// Fences whoever had the id, aborts what it left open, and gives the next epoch.
    fn init_transactional(
        &self,
        store: &mut Store,
        id: &str,
        request: &InitProducerIdRequest,
        now: i64,
    ) -> Result<(i64, i16), ResponseError> {
        if !(1..=LONGEST_TIMEOUT_MS).contains(&request.transaction_timeout_ms) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        let timeout_ms = i64::from(request.transaction_timeout_ms);
        let transaction = match store.content().transactions.get(id).cloned() {
            None => Transaction {
                producer_id: fresh_producer_id(store)?,
                epoch: 0,
                timeout_ms,
                phase: Phase::Empty,
                started: now,
                partitions: BTreeSet::new(),
                offsets: Vec::new(),
            },
            Some(mut transaction) => {
                let claimed = (request.producer_id.0, request.producer_epoch);
                if claimed.0 >= 0 && claimed != (transaction.producer_id, transaction.epoch) {
                    return Err(ResponseError::ProducerFenced);
                }
                match transaction.phase {
                    Phase::PrepareCommit | Phase::PrepareAbort => {
                        return Err(ResponseError::ConcurrentTransactions);
                    }
                    Phase::Ongoing => {
                        transaction.epoch += 1;
                        transaction = self.decide(store, id, transaction, false)?;
                    }
                    Phase::Empty | Phase::CompleteCommit | Phase::CompleteAbort => {
                        transaction.epoch += 1;
                    }
                }
                if transaction.epoch >= LAST_EPOCH {
                    transaction.producer_id = fresh_producer_id(store)?;
                    transaction.epoch = 0;
                }
                Transaction { timeout_ms, phase: Phase::Empty, ..transaction }
            }
        };
        let given = (transaction.producer_id, transaction.epoch);
        save(store, id, transaction)?;
        Ok(given)
    }

    /// Decides a transaction and carries the decision out.
    fn decide(
        &self,
        store: &mut Store,
        id: &str,
        mut transaction: Transaction,
        commit: bool,
    ) -> Result<Transaction, ResponseError> {
        transaction.phase = match commit {
            true => Phase::PrepareCommit,
            false => Phase::PrepareAbort,
        };
        save(store, id, transaction.clone())?;
        self.complete(store, id, transaction).map_err(|error| {
            tracing::error!(transactional_id = id, %error, "decided, not complete; will be tried again");
            ResponseError::ConcurrentTransactions
        })
    }

    /// Carries a decision out: markers where they are missing, then offsets and the end, in one write.
    fn complete(&self, store: &mut Store, id: &str, mut transaction: Transaction) -> io::Result<Transaction> {
        let commit = transaction.phase == Phase::PrepareCommit;
        for (topic, partition) in std::mem::take(&mut transaction.partitions) {
            let Ok(partition) = self.topics.partition(&topic, partition) else {
                continue; // the topic was deleted
            };
            let mut log = partition.log();
            if log.is_open(transaction.producer_id) {
                log.append_marker(transaction.producer_id, transaction.epoch, commit)?;
            }
        }
        let offsets = std::mem::take(&mut transaction.offsets);
        let mut entries = Vec::new();
        if commit {
            entries.extend(offsets.into_iter().map(Entry::Offset));
        }
        transaction.phase = match commit {
            true => Phase::CompleteCommit,
            false => Phase::CompleteAbort,
        };
        entries.push(Entry::Transaction { id: id.to_owned(), transaction: transaction.clone() });
        store.record(entries)?;
        self.appended.notify_waiters();
        Ok(transaction)
    }

    /// Aborts what is out of time and completes what a crash or a full disk left decided.
    pub fn finish_transactions(&self, now: i64) {
        let mut store = self.store();
        let late = |t: &Transaction| match t.phase {
            Phase::Ongoing => now - t.started > t.timeout_ms,
            Phase::PrepareCommit | Phase::PrepareAbort => true,
            Phase::Empty | Phase::CompleteCommit | Phase::CompleteAbort => false,
        };
        let transactions = &store.content().transactions;
        let late: Vec<_> =
            (transactions.iter()).filter(|(_, t)| late(t)).map(|(id, t)| (id.clone(), t.clone())).collect();
        for (id, mut transaction) in late {
            let finished = if transaction.phase == Phase::Ongoing {
                tracing::info!(transactional_id = id, "transaction timed out");
                transaction.epoch += 1; // fences the producer
                self.decide(&mut store, &id, transaction, false).err().map(|e| e.to_string())
            } else {
                self.complete(&mut store, &id, transaction).err().map(|e| e.to_string())
            };
            if let Some(error) = finished {
                tracing::warn!(transactional_id = id, error, "transaction not finished");
            }
        }
    }

    pub fn add_partitions(&self, request: AddPartitionsToTxnRequest, now: i64) -> AddPartitionsToTxnResponse {
        let mut store = self.store();
        let id = request.v3_and_below_transactional_id.as_str();
        let producer = request.v3_and_below_producer_id.0;
        let epoch = request.v3_and_below_producer_epoch;
        let result = owned(&store, id, producer, epoch).cloned().and_then(|mut transaction| {
            begin(&mut transaction, now)?;
            for topic in &request.v3_and_below_topics {
                for partition in &topic.partitions {
                    self.topics.partition(&topic.name, *partition)?;
                    transaction.partitions.insert((topic.name.to_string(), *partition));
                }
            }
            save(&mut store, id, transaction)
        });
        let topics = request.v3_and_below_topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|partition| {
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(partition)
                    .with_partition_error_code(code(result))
            });
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name)
                .with_results_by_partition(partitions.collect())
        });
        AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
    }

    pub fn add_offsets(&self, request: &AddOffsetsToTxnRequest, now: i64) -> AddOffsetsToTxnResponse {
        let mut store = self.store();
        let id = request.transactional_id.as_str();
        let transaction = owned(&store, id, request.producer_id.0, request.producer_epoch).cloned();
        let result = transaction.and_then(|mut transaction| {
            begin(&mut transaction, now)?;
            save(&mut store, id, transaction)
        });
        AddOffsetsToTxnResponse::default().with_error_code(code(result))
    }

    pub fn commit_offsets_in_transaction(&self, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
        let group = request.group_id.to_string();
        let id = request.transactional_id.as_str();
        let mut groups = self.groups();
        let mut store = self.store();
        let transaction = owned(&store, id, request.producer_id.0, request.producer_epoch).cloned();
        let result = transaction.and_then(|mut transaction| {
            if request.generation_id >= 0 || !request.member_id.is_empty() {
                let instance = request.group_instance_id.as_deref();
                groups.check(&group, &request.member_id, instance, request.generation_id)?;
            }
            if transaction.phase != Phase::Ongoing {
                return Err(ResponseError::InvalidTxnState);
            }
            for topic in &request.topics {
                for partition in &topic.partitions {
                    self.topics.partition(&topic.name, partition.partition_index)?;
                    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
                    if metadata.len() > MOST_METADATA {
                        return Err(ResponseError::OffsetMetadataTooLarge);
                    }
                    let offset = Offset {
                        group: group.clone(),
                        topic: topic.name.to_string(),
                        partition: partition.partition_index,
                        offset: partition.committed_offset,
                        leader_epoch: Some(partition.committed_leader_epoch).filter(|epoch| *epoch >= 0),
                        metadata: metadata.to_owned(),
                    };
                    transaction.offsets.retain(|o| {
                        (&o.group, &o.topic, o.partition) != (&offset.group, &offset.topic, offset.partition)
                    });
                    transaction.offsets.push(offset);
                }
            }
            save(&mut store, id, transaction)
        });
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|partition| {
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(code(result))
            });
            TxnOffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions.collect())
        });
        TxnOffsetCommitResponse::default().with_topics(topics.collect())
    }

    pub fn end_transaction(&self, request: &EndTxnRequest) -> EndTxnResponse {
        let mut store = self.store();
        let id = request.transactional_id.as_str();
        let transaction = owned(&store, id, request.producer_id.0, request.producer_epoch).cloned();
        let result = transaction.and_then(|t| match (t.phase, request.committed) {
            (Phase::Ongoing, commit) => self.decide(&mut store, id, t, commit).map(drop),
            (Phase::CompleteCommit, true) | (Phase::CompleteAbort, false) => Ok(()), // sent again
            (Phase::PrepareCommit | Phase::PrepareAbort, _) => Err(ResponseError::ConcurrentTransactions),
            _ => Err(ResponseError::InvalidTxnState),
        });
        EndTxnResponse::default().with_error_code(code(result))
    }
}
