//! Produce: batches into logs, each partition answered by itself.

use crate::log::Appended;
use crate::log::batch::Header;
use crate::node::Node;
use crate::store::Phase;
use crate::topics::Partition;
use crate::transactions::owned;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

impl Node {
    pub fn produce(&self, request: ProduceRequest) -> ProduceResponse {
        let transactional_id = request.transactional_id.as_ref().map(|id| id.as_str());
        let mut topics = Vec::new();
        for topic in request.topic_data {
            let mut partitions = Vec::new();
            for data in topic.partition_data {
                let response = PartitionProduceResponse::default().with_index(data.index);
                let batch = data.records.unwrap_or_default();
                let partition = self.topics.partition(&topic.name, data.index);
                let appended = partition.as_ref().map_err(|error| *error).and_then(|partition| {
                    let place = (topic.name.to_string(), data.index);
                    self.append(transactional_id, partition, &place, &batch)
                });
                partitions.push(match appended {
                    Ok((appended, start)) => response
                        .with_base_offset(appended.base_offset)
                        .with_log_append_time_ms(appended.append_time.unwrap_or(-1))
                        .with_log_start_offset(start),
                    Err(error) => {
                        response.with_error_code(error.code()).with_base_offset(-1).with_log_append_time_ms(-1)
                    }
                });
            }
            topics.push(TopicProduceResponse::default().with_name(topic.name).with_partition_responses(partitions));
        }
        self.appended.notify_waiters();
        ProduceResponse::default().with_responses(topics)
    }

    fn append(
        &self,
        transactional_id: Option<&str>,
        partition: &Partition,
        place: &(String, i32),
        batch: &[u8],
    ) -> Result<(Appended, i64), ResponseError> {
        let header = Header::parse(batch).ok_or(ResponseError::CorruptMessage)?;
        // Held over the append: nobody can end or fence the transaction in between.
        let _store = match transactional_id {
            None if header.is_transactional() => return Err(ResponseError::InvalidTxnState),
            None => None,
            Some(id) => {
                let store = self.store();
                let transaction = owned(&store, id, header.producer_id, header.producer_epoch)?;
                let takes = transaction.phase == Phase::Ongoing
                    && transaction.partitions.contains(place)
                    && header.is_transactional();
                if !takes {
                    return Err(ResponseError::InvalidTxnState);
                }
                Some(store)
            }
        };
        let mut log = partition.log();
        let appended = log.append(batch)?;
        Ok((appended, log.start()))
    }
}
