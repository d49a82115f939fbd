//! Fetch, ListOffsets and OffsetForLeaderEpoch: records out of logs, and where they are.
//!
//! Promises: a `read_committed` fetch never passes the last stable offset and names the aborted transactions
//! in what it returns; a fetch returns as soon as it has what it asked for, or an error, or its time is up.
//! Fetch sessions (KIP-227) are declined with session id 0, as the protocol allows.

use crate::node::Node;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse, ProducerId,
};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The most that one response carries, bytes (`fetch.max.bytes`).
const MOST_BYTES: usize = 55 << 20;
const READ_COMMITTED: i8 = 1;
/// ListOffsets' names for the two ends of a log, and for its newest record by time (KIP-734).
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const NEWEST: i64 = -3;

struct Gathered {
    response: FetchResponse,
    bytes: usize,
    failed: bool,
}

impl Node {
    pub async fn fetch(&self, request: FetchRequest) -> FetchResponse {
        let patience = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let deadline = Instant::now() + patience;
        let enough = usize::try_from(request.min_bytes).unwrap_or(0).max(1);
        loop {
            let mut appended = std::pin::pin!(self.appended.notified());
            appended.as_mut().enable(); // before looking, so that nothing slips between
            let gathered = self.gather(&request);
            if gathered.bytes >= enough || gathered.failed || Instant::now() >= deadline {
                return gathered.response;
            }
            tokio::select! {
                () = appended => {}
                () = sleep_until(deadline) => {}
            }
        }
    }

    fn gather(&self, request: &FetchRequest) -> Gathered {
        let mut room = usize::try_from(request.max_bytes).unwrap_or(0).min(MOST_BYTES);
        let (mut bytes, mut failed) = (0, false);
        let mut topics = Vec::new();
        for topic in &request.topics {
            let mut partitions = Vec::new();
            for wanted in &topic.partitions {
                // The first batch goes out whatever its size, or a small client would never get past it.
                let limit = if bytes == 0 { room.max(1) } else { room };
                let data = self.read(&topic.topic, wanted, request.isolation_level, limit);
                let length = data.records.as_ref().map_or(0, Bytes::len);
                bytes += length;
                room = room.saturating_sub(length);
                failed |= data.error_code != 0;
                partitions.push(data);
            }
            topics.push(FetchableTopicResponse::default().with_topic(topic.topic.clone()).with_partitions(partitions));
        }
        Gathered { response: FetchResponse::default().with_responses(topics), bytes, failed }
    }

    fn read(&self, topic: &str, wanted: &FetchPartition, isolation: i8, room: usize) -> PartitionData {
        let committed = isolation == READ_COMMITTED;
        let data = PartitionData::default()
            .with_partition_index(wanted.partition)
            .with_preferred_read_replica(BrokerId(-1))
            .with_aborted_transactions(committed.then(Vec::new))
            .with_high_watermark(-1)
            .with_records(Some(Bytes::new()));
        let partition = match self.topics.partition(topic, wanted.partition) {
            Ok(partition) => partition,
            Err(error) => return data.with_error_code(error.code()),
        };
        let log = partition.log();
        let data = data.with_last_stable_offset(log.last_stable()).with_log_start_offset(log.start());
        if !(log.start()..=log.end()).contains(&wanted.fetch_offset) {
            return data.with_error_code(ResponseError::OffsetOutOfRange.code());
        }
        let data = data.with_high_watermark(log.end());
        if room == 0 {
            return data;
        }
        let limit = if committed { log.last_stable() } else { log.end() };
        let most = usize::try_from(wanted.partition_max_bytes).unwrap_or(0).min(room);
        match log.fetch(wanted.fetch_offset, most, limit) {
            Err(error) => {
                let directory = log.directory().display();
                tracing::error!(%directory, %error, "read failed");
                data.with_error_code(ResponseError::KafkaStorageError.code())
            }
            Ok(fetched) => {
                let aborted = committed.then(|| {
                    let within = log.aborted(wanted.fetch_offset, fetched.next_offset);
                    let aborted = within.map(|a| {
                        AbortedTransaction::default()
                            .with_producer_id(ProducerId(a.producer_id))
                            .with_first_offset(a.first)
                    });
                    aborted.collect()
                });
                data.with_aborted_transactions(aborted).with_records(Some(fetched.records))
            }
        }
    }

    pub fn list_offsets(&self, request: ListOffsetsRequest, version: i16) -> ListOffsetsResponse {
        let committed = request.isolation_level == READ_COMMITTED;
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|wanted| {
                let response = ListOffsetsPartitionResponse::default()
                    .with_partition_index(wanted.partition_index)
                    .with_leader_epoch(if version >= 4 { 0 } else { -1 });
                match self.find_offset(&topic.name, wanted, committed) {
                    Ok((offset, timestamp)) => response.with_offset(offset).with_timestamp(timestamp),
                    Err(error) => response.with_error_code(error.code()).with_offset(-1).with_timestamp(-1),
                }
            });
            ListOffsetsTopicResponse::default().with_partitions(partitions.collect()).with_name(topic.name.clone())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    /// An offset and, where it was found by time, its timestamp; -1 for neither.
    fn find_offset(
        &self,
        topic: &str,
        wanted: &ListOffsetsPartition,
        committed: bool,
    ) -> Result<(i64, i64), ResponseError> {
        let partition = self.topics.partition(topic, wanted.partition_index)?;
        let log = partition.log();
        match wanted.timestamp {
            LATEST if committed => Ok((log.last_stable(), -1)),
            LATEST => Ok((log.end(), -1)),
            EARLIEST => Ok((log.start(), -1)),
            time => {
                let found = if time == NEWEST { log.newest() } else { log.offset_for_time(time) };
                found.map(|found| found.unwrap_or((-1, -1))).map_err(|error| {
                    tracing::error!(directory = %log.directory().display(), %error, "read failed");
                    ResponseError::KafkaStorageError
                })
            }
        }
    }

    /// Where an epoch of the leader ended: there has been one only, and it goes on (KIP-320).
    pub fn epoch_ends(&self, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|wanted| {
                let response = EpochEndOffset::default().with_partition(wanted.partition);
                let epochs = (wanted.current_leader_epoch, wanted.leader_epoch);
                match self.topics.partition(&topic.topic, wanted.partition) {
                    Err(error) => response.with_error_code(error.code()),
                    Ok(_) if epochs.0 > 0 => response.with_error_code(ResponseError::UnknownLeaderEpoch.code()),
                    Ok(partition) if epochs.1 == 0 => {
                        response.with_leader_epoch(0).with_end_offset(partition.log().end())
                    }
                    Ok(_) => response,
                }
            });
            let partitions = partitions.collect();
            OffsetForLeaderTopicResult::default().with_partitions(partitions).with_topic(topic.topic.clone())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }
}
