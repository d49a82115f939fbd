//! Dead letters: what could not be processed, kept whole on `news.dlq.v1` with the reason in its headers.

use crate::{Record, topic};

/// Original bytes longer than this are cut, and the letter says so.
const LIMIT: usize = 900 * 1024;

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
    /// As a record: key, bytes and headers are the original's; `dlq.*` headers say why it is here.
    pub fn record(&self) -> Record {
        let mut headers = self.headers.to_vec();
        let cut = self.value.filter(|value| value.len() > LIMIT).map(<[u8]>::len);
        let notes = [
            ("dlq.stage", self.stage.to_owned()),
            ("dlq.code", self.code.to_owned()),
            ("dlq.message", self.message.to_owned()),
            ("dlq.topic", self.topic.to_owned()),
            ("dlq.partition", self.partition.to_string()),
            ("dlq.offset", self.offset.to_string()),
        ];
        headers.extend(notes.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        headers.extend(cut.map(|bytes| ("dlq.cut_from".to_owned(), bytes.to_string().into_bytes())));
        let value = self.value.map(|value| value[..value.len().min(LIMIT)].to_vec());
        Record { topic: &topic::DLQ, key: self.key.to_vec(), route: None, headers, value }
    }
}
