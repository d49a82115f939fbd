//! Dead letters: what could not be processed, kept whole on `news.dlq.v1` with the reason in its headers.

use crate::{Record, topic};

/// Key and value of a letter have this many bytes together at most, …
const LIMIT: usize = 900 * 1024;
/// … and its own headers this many: with the reasons it is a record that brokers take.
const HEADERS: usize = 64 * 1024;
/// What a header costs on the wire beside its name and value, at most: two lengths.
const LENGTHS: usize = 10;

/// A record that a stage refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter<'a> {
    /// The stage that refused it.
    pub stage: &'a str,
    /// Stable reason, such as `json` or `text_missing`.
    pub code: &'a str,
    /// The reason for a reader: field, value, mend.
    pub message: &'a str,
    /// Where it lay.
    pub topic: &'a str,
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; absent for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [(String, Vec<u8>)],
}

impl DeadLetter<'_> {
    /// As a record: key, bytes and headers are the original's; `dlq.*` headers say why it is here. A key or value that is
    /// too large is cut, `dlq.key_cut_from` and `dlq.cut_from` tell its length; headers for which there is no room are
    /// left out, `dlq.headers_left_out` counts them.
    pub fn record(&self) -> Record {
        let mut room = LIMIT;
        let mut fit = |bytes: &[u8]| {
            let kept = bytes[..bytes.len().min(room)].to_vec();
            room -= kept.len();
            let from = (kept.len() < bytes.len()).then(|| bytes.len().to_string());
            (kept, from)
        };
        let (key, key_cut) = fit(self.key);
        let (value, cut) = self.value.map(&mut fit).unzip();
        let (mut headers, mut room) = (self.headers.to_vec(), HEADERS);
        // `dlq.*` is ours to say
        headers.retain(|(name, _)| !name.starts_with("dlq."));
        let whole = headers.len();
        headers.retain(|(name, value)| {
            let left = room.checked_sub(name.len() + value.len() + LENGTHS);
            room = left.unwrap_or(room);
            left.is_some()
        });
        let left_out = whole - headers.len();
        let notes = [
            ("dlq.stage", Some(self.stage.to_owned())),
            ("dlq.code", Some(self.code.to_owned())),
            ("dlq.message", Some(self.message.to_owned())),
            ("dlq.topic", Some(self.topic.to_owned())),
            ("dlq.partition", Some(self.partition.to_string())),
            ("dlq.offset", Some(self.offset.to_string())),
            ("dlq.key_cut_from", key_cut),
            ("dlq.cut_from", cut.flatten()),
            ("dlq.headers_left_out", (left_out > 0).then(|| left_out.to_string())),
        ];
        let told = |(name, note): (&str, Option<String>)| Some((name.to_owned(), note?.into_bytes()));
        headers.extend(notes.into_iter().filter_map(told));
        Record { topic: &topic::DLQ, key, route: None, headers, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_cut_and_marked_wherever_it_is() {
        let big = vec![b'x'; 1_048_000];
        let small = || vec![("who".to_owned(), b"me".to_vec()), ("dlq.topic".to_owned(), b"another".to_vec())];
        let cases = [
            (&b"k"[..], &b"v"[..], small(), &[][..]),
            (b"k", &big, small(), &["dlq.cut_from"]),
            (&big, b"v", small(), &["dlq.key_cut_from", "dlq.cut_from"]),
            (b"k", b"v", [small(), vec![("big".to_owned(), big.clone())]].concat(), &["dlq.headers_left_out"]),
            (b"k", b"v", vec![small().remove(0); 100_000], &["dlq.headers_left_out"]),
        ];
        for (key, value, headers, marks) in cases {
            let letter = DeadLetter {
                stage: "dedup",
                code: "json",
                message: "no JSON",
                topic: "news.raw.v1",
                partition: 0,
                offset: 7,
                key,
                value: Some(value),
                headers: &headers,
            };
            let record = letter.record();
            let found: Vec<&str> = record
                .headers
                .iter()
                .map(|(name, _)| &**name)
                .skip_while(|name| *name != "dlq.offset")
                .skip(1)
                .collect();
            assert_eq!(found, marks);
            let sizes = record.headers.iter().map(|(name, value)| name.len() + value.len() + LENGTHS);
            let size = record.key.len() + record.value.as_ref().map_or(0, Vec::len) + sizes.sum::<usize>();
            assert!(size < 1000 * 1024, "{size} bytes for a topic that takes 1,048,588");
            assert_eq!(record.headers[0], headers[0], "what fits is kept");
            let topics = record.headers.iter().filter(|(name, _)| name == "dlq.topic");
            assert_eq!(topics.map(|(_, value)| &**value).collect::<Vec<_>>(), [b"news.raw.v1"], "where it lay");
            if marks.is_empty() {
                assert_eq!((&*record.key, record.value.as_deref()), (key, Some(value)));
            }
        }
    }
}
