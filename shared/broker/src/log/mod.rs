//! A partition log: record batches in segment files, exactly as they came over the wire.
//!
//! Promises: offsets grow by one per record and are never given twice; a batch is in the log whole or not at
//! all; what was acknowledged is in the page cache (on the disk with `fsync`), so it survives the death of
//! this process. Everything in memory is a fold of the files, made anew by [`Log::open`].

pub mod batch;
mod compact;
mod producers;
mod segment;
#[cfg(test)]
mod tests;

use crate::topic_config::TopicConfig;
use batch::Header;
use bytes::Bytes;
use kafka_protocol::ResponseError;
pub use producers::Aborted;
use producers::Producers;
use segment::Segment;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

/// The batches of one partition.
pub struct Log {
    directory: PathBuf,
    /// In order of offset; the last is written to, and there always is one.
    segments: Vec<Segment>,
    /// The offset of the next record: the high watermark of a single node.
    end: i64,
    start: i64,
    producers: Producers,
    config: TopicConfig,
    fsync: bool,
    /// Its topic was deleted: whoever still holds it must not touch the directory, which may have a new owner.
    destroyed: bool,
}

/// Where a batch went.
#[derive(Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Milliseconds; `None` where records keep the client's time.
    pub append_time: Option<i64>,
}

/// What a fetch gets.
pub struct Fetched {
    /// Whole batches.
    pub records: Bytes,
    /// The offset after them.
    pub next_offset: i64,
}

impl Log {
    /// Opens or makes the log in `directory`, reading every batch once.
    pub fn open(directory: PathBuf, config: TopicConfig, fsync: bool) -> io::Result<Log> {
        fs::create_dir_all(&directory)?;
        let start = match fs::read_to_string(directory.join("start")) {
            Ok(text) => text
                .trim()
                .parse()
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("start: found {text:?}")))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut bases = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            bases.extend(Segment::offset_in(&name));
            if path.extension().is_some_and(|e| e == compact::UNFINISHED) {
                fs::remove_file(&path)?;
            }
        }
        bases.sort_unstable();
        let mut log = Log {
            directory,
            segments: Vec::with_capacity(bases.len()),
            end: start,
            start,
            producers: Producers::default(),
            config,
            fsync,
            destroyed: false,
        };
        let now = now();
        for base in bases {
            log.end = log.end.max(base);
            let (end, producers) = (&mut log.end, &mut log.producers);
            let segment = Segment::recover(&log.directory, base, now, |header, batch| {
                *end = (*end).max(header.last_offset() + 1);
                producers.apply(header, batch, now);
            })?;
            log.segments.push(segment);
        }
        if log.segments.is_empty() {
            log.roll(now)?;
        }
        log.producers.forget_aborted_before(log.start);
        Ok(log)
    }

    /// The first offset that can be read.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The offset of the next record.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// Below it every transaction is decided (KIP-98's LSO).
    pub fn last_stable(&self) -> i64 {
        self.producers.first_open().unwrap_or(self.end)
    }

    /// Whether this producer has a transaction open here.
    pub fn is_open(&self, producer_id: i64) -> bool {
        self.producers.is_open(producer_id)
    }

    /// Takes new settings.
    pub fn configure(&mut self, config: TopicConfig) {
        self.config = config;
    }

    /// Appends a client's batch. One that is here already is answered with its offset and not added.
    pub fn append(&mut self, batch: &[u8]) -> Result<Appended, ResponseError> {
        if self.destroyed {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        let header = Header::parse(batch).ok_or(ResponseError::CorruptMessage)?;
        if header.length > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        // A produce request v3 or later carries one batch per partition, and only brokers write markers.
        if header.length != batch.len() || header.is_control() || header.count != header.span + 1 {
            return Err(ResponseError::InvalidRecord);
        }
        if header.has_append_time() {
            return Err(ResponseError::InvalidTimestamp);
        }
        if self.config.compact && !all_have_keys(batch) {
            return Err(ResponseError::InvalidRecord);
        }
        if header.producer_id >= 0
            && let Some(base_offset) = self.producers.check(&header)?
        {
            return Ok(Appended { base_offset, append_time: None });
        }
        let now = now();
        let mut bytes = batch.to_vec();
        let append_time = self.config.append_time.then_some(now);
        if let Some(time) = append_time {
            batch::stamp(&mut bytes, time);
        }
        let base_offset = self.write(bytes, now).map_err(|error| {
            tracing::error!(directory = %self.directory.display(), %error, "append failed");
            ResponseError::KafkaStorageError
        })?;
        Ok(Appended { base_offset, append_time })
    }

    /// Ends a producer's transaction.
    pub fn append_marker(&mut self, producer_id: i64, epoch: i16, commit: bool) -> io::Result<()> {
        let now = now();
        self.write(batch::marker(producer_id, epoch, commit, now), now)?;
        Ok(())
    }

    fn write(&mut self, mut bytes: Vec<u8>, now: i64) -> io::Result<i64> {
        let base_offset = self.end;
        batch::place(&mut bytes, base_offset);
        let header = Header::parse(&bytes).expect("the batch was whole before it got its place");
        let active = self.active();
        let full = active.size + bytes.len() as u64 > self.config.segment_bytes
            || now - active.created > self.config.segment_ms;
        if !active.index.is_empty() && full {
            self.roll(now)?;
        }
        let fsync = self.fsync;
        let active = self.segments.last_mut().expect("there always is a segment");
        if active.index.is_empty() {
            active.created = now;
        }
        active.append(&header, &bytes, fsync)?;
        self.end = header.last_offset() + 1;
        self.producers.apply(&header, &bytes, now);
        Ok(base_offset)
    }

    fn active(&self) -> &Segment {
        self.segments.last().expect("there always is a segment")
    }

    /// Closes the active segment and begins the next.
    fn roll(&mut self, now: i64) -> io::Result<()> {
        self.segments.push(Segment::create(&self.directory, self.end, now)?);
        if self.fsync {
            fs::File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Batches from `offset` up to `limit`, about `max_bytes` of them and at least one if there is one.
    pub fn fetch(&self, offset: i64, max_bytes: usize, limit: i64) -> io::Result<Fetched> {
        let mut fetched = Fetched { records: Bytes::new(), next_offset: offset };
        // The last segment that starts at or below the offset may have lost its end to compaction.
        let from = self.segments.partition_point(|s| s.base_offset <= offset).saturating_sub(1);
        for segment in &self.segments[from..] {
            let first = segment.index.partition_point(|e| e.last_offset < offset);
            let batches = &segment.index[first..];
            let Some(position) = batches.first().map(|e| e.position) else {
                continue;
            };
            let mut length = 0;
            for entry in batches.iter().take_while(|e| e.base_offset < limit) {
                let next = (entry.position - position) as usize + entry.length as usize;
                if length > 0 && next > max_bytes {
                    break;
                }
                length = next;
                fetched.next_offset = entry.last_offset + 1;
            }
            fetched.records = segment.read(position, length)?;
            break;
        }
        Ok(fetched)
    }

    /// Aborted transactions that overlap the offsets `from..to`.
    pub fn aborted(&self, from: i64, to: i64) -> impl Iterator<Item = &Aborted> {
        let overlaps = move |a: &&Aborted| a.last >= from && a.first < to;
        self.producers.aborted().iter().filter(overlaps)
    }

    /// The first record at or after a time: its offset and its timestamp.
    pub fn offset_for_time(&self, timestamp: i64) -> io::Result<Option<(i64, i64)>> {
        for segment in self.segments.iter().filter(|s| s.max_timestamp >= timestamp) {
            for entry in &segment.index {
                if entry.max_timestamp < timestamp || entry.last_offset < self.start {
                    continue;
                }
                let bytes = segment.read(entry.position, entry.length as usize)?;
                if Header::parse(&bytes).is_none_or(|h| h.is_control()) {
                    continue;
                }
                let mut found = None;
                batch::each_record(&bytes, |record| {
                    if record.timestamp >= timestamp && record.offset >= self.start {
                        found = found.or(Some((record.offset, record.timestamp)));
                    }
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The first record with the latest timestamp: its offset and its timestamp.
    pub fn newest(&self) -> io::Result<Option<(i64, i64)>> {
        let readable = |s: &&Segment| s.index.last().is_some_and(|e| e.last_offset >= self.start);
        let latest = self.segments.iter().filter(readable).map(|s| s.max_timestamp).max();
        latest.map_or(Ok(None), |latest| self.offset_for_time(latest))
    }

    /// Bytes on the disk.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|s| s.size).sum()
    }

    /// Makes `offset` the first that can be read, and deletes segments that are wholly below it: those first,
    /// for on a full disk there may be no room to note the offset before.
    pub fn advance_start(&mut self, offset: i64) -> io::Result<()> {
        if offset <= self.start || self.destroyed {
            return Ok(());
        }
        while self.segments.get(1).is_some_and(|s| s.base_offset <= offset) {
            fs::remove_file(&self.segments.remove(0).path)?;
        }
        let unfinished = self.directory.join("start.new");
        fs::write(&unfinished, offset.to_string())?;
        fs::rename(&unfinished, self.directory.join("start"))?;
        self.start = offset;
        self.producers.forget_aborted_before(offset);
        Ok(())
    }

    /// Closes an old segment, deletes what is past retention, forgets silent producers.
    pub fn retain(&mut self) -> io::Result<()> {
        if self.destroyed {
            return Ok(());
        }
        let now = now();
        self.producers.expire(now);
        let expired_before = match self.config.retention_ms {
            Some(ms) if self.config.delete => now - ms,
            _ => i64::MIN,
        };
        let active = self.active();
        let old = now - active.created > self.config.segment_ms;
        let close = !active.index.is_empty() && (old || active.max_timestamp < expired_before);
        // On a full disk there may be no room for the next segment, and all the more reason to go on.
        let rolled = if close { self.roll(now) } else { Ok(()) };
        if !self.config.delete {
            return rolled;
        }
        let mut size = self.size();
        let mut start = self.start;
        for pair in self.segments.windows(2) {
            let (segment, next) = (&pair[0], pair[1].base_offset);
            let too_much = self.config.retention_bytes.is_some_and(|limit| size > limit);
            let gone = segment.max_timestamp < expired_before || too_much;
            if !gone || next > self.last_stable() {
                break;
            }
            size -= segment.size;
            start = next;
        }
        self.advance_start(start).and(rolled)
    }

    /// Deletes everything.
    pub fn destroy(&mut self) -> io::Result<()> {
        self.destroyed = true;
        fs::remove_dir_all(&self.directory)
    }

    /// The directory that holds it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Whether compaction will know what to keep.
fn all_have_keys(batch: &[u8]) -> bool {
    let mut all = true;
    batch::each_record(batch, |record| all &= record.key.is_some()).is_ok() && all
}

/// The wall clock, milliseconds since the epoch.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}
