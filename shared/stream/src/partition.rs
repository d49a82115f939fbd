//! Which partition a routing key belongs to: Java's and librdkafka's murmur2, so that every client agrees.

use crate::kafka::STEP;
use rdkafka::{
    client::{Client, ClientContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How many partitions topics have; asked once each, for it never changes.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<String, i32>>);

impl Counts {
    /// Partitions of a topic.
    pub(crate) fn of<C: ClientContext>(&self, client: &Client<C>, topic: &str) -> KafkaResult<i32> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = known.get(topic) {
            return Ok(*count);
        }
        let metadata = client.fetch_metadata(Some(topic), STEP)?;
        let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        if count == 0 {
            return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition));
        }
        known.insert(topic.to_owned(), count);
        Ok(count)
    }

    /// The partition of a topic that `route` belongs to.
    pub(crate) fn partition<C: ClientContext>(
        &self,
        client: &Client<C>,
        topic: &str,
        route: &[u8],
    ) -> KafkaResult<i32> {
        Ok(of(route, self.of(client, topic)?))
    }
}

/// The partition, out of `count`, of `key` (`org.apache.kafka.common.utils.Utils.murmur2`, `toPositive`).
fn of(key: &[u8], count: i32) -> i32 {
    let positive = murmur2(key) & 0x7fff_ffff;
    i32::try_from(positive % u32::try_from(count.max(1)).unwrap_or(1)).expect("less than an i32")
}

fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Apache Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn as_java_hashes() {
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash.cast_unsigned(), "{key}");
        }
    }
}
