//! What a partition knows of its producers: sequence numbers, epochs, open and aborted transactions.
//!
//! Promises: a batch sent again is found again, not appended again (its last five are remembered, as many
//! as a client may have in flight); a lower epoch is fenced; the last stable offset never passes the start
//! of an open transaction. All of it is a fold of the log, so a restart knows the same.
//!
//! KIP-98; `ProducerStateManager` of Apache Kafka for the corner cases.

use super::batch::{self, Header};
use kafka_protocol::ResponseError;
use std::collections::{HashMap, VecDeque};

const IN_FLIGHT: usize = 5;
/// A producer that wrote nothing for this long is forgotten (`producer.id.expiration.ms`).
const EXPIRY_MS: i64 = 86_400_000;

/// Producers of one partition.
#[derive(Default)]
pub struct Producers {
    by_id: HashMap<i64, Producer>,
    aborted: Vec<Aborted>,
}

#[derive(Default)]
struct Producer {
    epoch: i16,
    recent: VecDeque<Sent>,
    transaction_start: Option<i64>,
    /// By our clock, for a client's may be years off.
    last_append: i64,
}

struct Sent {
    first: i32,
    last: i32,
    base_offset: i64,
}

/// Records of `producer_id` from `first` up to its marker at `last` don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    pub producer_id: i64,
    pub first: i64,
    pub last: i64,
}

impl Producers {
    /// Whether a batch may be appended; `Some(offset)`: it was, there.
    pub fn check(&self, header: &Header) -> Result<Option<i64>, ResponseError> {
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(None); // a newcomer, or one whose records are all gone: any sequence will do
        };
        if header.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.base_sequence < 0 {
            return Ok(None);
        }
        if header.producer_epoch > producer.epoch {
            return match header.base_sequence {
                0 => Ok(None),
                _ => Err(ResponseError::OutOfOrderSequenceNumber),
            };
        }
        let (first, last) = (header.base_sequence, last_sequence(header));
        if let Some(sent) = producer.recent.iter().find(|s| (s.first, s.last) == (first, last)) {
            return Ok(Some(sent.base_offset));
        }
        match producer.recent.back() {
            Some(sent) if first != after(sent.last, 1) => Err(ResponseError::OutOfOrderSequenceNumber),
            _ => Ok(None),
        }
    }

    /// Remembers a batch that is in the log. `bytes` are read only of markers. `now` is milliseconds.
    pub fn apply(&mut self, header: &Header, bytes: &[u8], now: i64) {
        if header.producer_id < 0 {
            return;
        }
        let producer = self.by_id.entry(header.producer_id).or_default();
        if header.producer_epoch > producer.epoch {
            producer.recent.clear();
            producer.epoch = header.producer_epoch;
        }
        producer.last_append = now;
        if header.is_control() {
            if let Some(first) = producer.transaction_start.take()
                && batch::commits(bytes) == Some(false)
            {
                self.aborted.push(Aborted { producer_id: header.producer_id, first, last: header.last_offset() });
            }
            return;
        }
        if header.base_sequence >= 0 {
            producer.recent.push_back(Sent {
                first: header.base_sequence,
                last: last_sequence(header),
                base_offset: header.base_offset,
            });
            if producer.recent.len() > IN_FLIGHT {
                producer.recent.pop_front();
            }
        }
        if header.is_transactional() {
            producer.transaction_start.get_or_insert(header.base_offset);
        }
    }

    /// The first offset of the oldest open transaction.
    pub fn first_open(&self) -> Option<i64> {
        self.by_id.values().filter_map(|p| p.transaction_start).min()
    }

    /// Whether this producer has a transaction open here.
    pub fn is_open(&self, producer_id: i64) -> bool {
        self.by_id.get(&producer_id).is_some_and(|p| p.transaction_start.is_some())
    }

    /// Aborted transactions, by the offset of their markers.
    pub fn aborted(&self) -> &[Aborted] {
        &self.aborted
    }

    /// Forgets aborted transactions whose records are all below `offset`, for nobody can read them.
    pub fn forget_aborted_before(&mut self, offset: i64) {
        self.aborted.retain(|a| a.last >= offset);
    }

    /// Forgets producers that have long been silent.
    pub fn expire(&mut self, now: i64) {
        self.by_id.retain(|_, p| p.transaction_start.is_some() || p.last_append > now - EXPIRY_MS);
    }
}

fn last_sequence(header: &Header) -> i32 {
    after(header.base_sequence, header.span)
}

/// Sequence numbers wrap from `i32::MAX` to 0.
fn after(sequence: i32, by: i32) -> i32 {
    ((i64::from(sequence) + i64::from(by)) % (i64::from(i32::MAX) + 1)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::tests::{From, batch};
    use kafka_protocol::records::Compression;

    fn sent(epoch: i16, sequence: i32, base_offset: i64) -> (Header, Vec<u8>) {
        let from = From { producer_id: 1, epoch, sequence, transactional: true };
        let pairs = [("a", Some("1")), ("b", Some("2"))];
        let mut bytes = batch(from, Compression::None, &pairs);
        batch::place(&mut bytes, base_offset);
        (Header::parse(&bytes).unwrap(), bytes)
    }

    #[test]
    fn sequences() {
        let mut producers = Producers::default();
        for (n, sequence) in [(0, 0), (1, 2), (2, 4)] {
            let (header, bytes) = sent(3, sequence, n * 2);
            assert_eq!(producers.check(&header), Ok(None));
            producers.apply(&header, &bytes, 5_000);
        }
        let check = |epoch, sequence| producers.check(&sent(epoch, sequence, 0).0);
        assert_eq!(check(3, 6), Ok(None), "the next");
        assert_eq!(check(3, 2), Ok(Some(2)), "the same again");
        assert_eq!(check(3, 8), Err(ResponseError::OutOfOrderSequenceNumber), "a gap");
        assert_eq!(check(2, 6), Err(ResponseError::InvalidProducerEpoch), "a zombie");
        assert_eq!(check(4, 0), Ok(None), "a new epoch starts at 0");
        assert_eq!(check(4, 6), Err(ResponseError::OutOfOrderSequenceNumber));
        assert_eq!((after(i32::MAX, 1), after(i32::MAX - 1, 3)), (0, 1));
    }

    #[test]
    fn open_then_aborted_then_forgotten() {
        let mut producers = Producers::default();
        let (header, bytes) = sent(0, 0, 10);
        producers.apply(&header, &bytes, 5_000);
        assert_eq!(producers.first_open(), Some(10));
        let mut end = batch::marker(1, 1, false, 5_000);
        batch::place(&mut end, 12);
        producers.apply(&Header::parse(&end).unwrap(), &end, 5_000);
        assert_eq!((producers.first_open(), producers.is_open(1)), (None, false));
        let aborted = Aborted { producer_id: 1, first: 10, last: 12 };
        assert_eq!(producers.aborted(), [aborted]);
        assert_eq!(
            producers.check(&sent(0, 2, 0).0),
            Err(ResponseError::InvalidProducerEpoch),
            "the marker's epoch fences"
        );
        producers.forget_aborted_before(13);
        assert!(producers.aborted().is_empty());
        producers.expire(5_000 + EXPIRY_MS);
        assert_eq!(producers.check(&sent(0, 2, 0).0), Ok(None), "forgotten");
    }
}
