//! Compaction: closed segments keep only the newest record of each key.
//!
//! Three steps, so that clients never wait for it: [`Log::snapshot`] under the log's lock, [`Snapshot::clean`]
//! without it (closed segments don't change), [`Log::install`] under it again. Promises: offsets stay;
//! nothing at or above the last stable offset is touched; records of aborted transactions go; a producer's
//! last batch stays, if only as an empty one, so its next sequence number is still known after a restart; and
//! so does the log's last batch, so a reader always gets to the end.
//! Tombstones and the markers of vanished transactions go after `delete.retention.ms`.
//!
//! <https://kafka.apache.org/documentation/#compaction>; KIP-534 for the delete horizon.

use super::Log;
use super::batch::{self, Header};
use super::producers::Aborted;
use super::segment::{self, Entry};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The suffix of a compacted segment that hasn't taken its place yet; such files are removed on opening.
pub const UNFINISHED: &str = "cleaned";

/// A log's segments at one moment.
pub struct Snapshot {
    segments: Vec<Part>,
    stable: i64,
    end: i64,
    aborted: Vec<Aborted>,
    delete_retention_ms: i64,
}

struct Part {
    base_offset: i64,
    path: PathBuf,
    file: Arc<File>,
    index: Vec<Entry>,
    max_timestamp: i64,
}

/// A compacted segment, ready to take the old one's place.
pub struct Cleaned {
    base_offset: i64,
    path: PathBuf,
    index: Vec<Entry>,
    size: u64,
    max_timestamp: i64,
}

impl Log {
    /// What there is to compact; `None` if nothing changed since the last time.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let (_, closed) = self.segments.split_last()?;
        let stable = self.last_stable();
        let dirty = |s: &super::Segment| !s.clean && s.index.iter().all(|e| e.last_offset < stable);
        if self.destroyed || !self.config.compact || !closed.iter().any(dirty) {
            return None;
        }
        let part = |s: &super::Segment| Part {
            base_offset: s.base_offset,
            path: s.path.clone(),
            file: Arc::clone(&s.file),
            index: s.index.clone(),
            max_timestamp: s.max_timestamp,
        };
        Some(Snapshot {
            segments: self.segments.iter().map(part).collect(),
            stable,
            end: self.end,
            aborted: self.producers.aborted().to_vec(),
            delete_retention_ms: self.config.delete_retention_ms,
        })
    }

    /// Puts compacted segments in place of those that are still there.
    pub fn install(&mut self, cleaned: Vec<Cleaned>) -> io::Result<()> {
        if self.destroyed {
            return Ok(());
        }
        for new in cleaned {
            let found = self.segments.binary_search_by_key(&new.base_offset, |s| s.base_offset);
            let Ok(at) = found else {
                fs::remove_file(&new.path)?; // retention was faster
                continue;
            };
            let old = &mut self.segments[at];
            fs::rename(&new.path, &old.path)?;
            old.file = Arc::new(segment::open(&old.path)?);
            (old.size, old.index, old.max_timestamp) = (new.size, new.index, new.max_timestamp);
            old.clean = true;
            let upto = self.segments[at + 1].base_offset;
            self.producers.forget_aborted_before(upto);
            if self.segments[at].index.is_empty() {
                fs::remove_file(&self.segments.remove(at).path)?;
            }
        }
        Ok(())
    }
}

impl Snapshot {
    /// Writes the compacted segments beside the old ones. Stops early, with nothing, when `stop` is set.
    pub fn clean(&self, now: i64, stop: &AtomicBool) -> io::Result<Vec<Cleaned>> {
        let Some(keep) = self.survey(stop)? else {
            return Ok(Vec::new());
        };
        let mut cleaned = Vec::new();
        let mut living = HashSet::new(); // producers whose transaction still has batches
        let closed = &self.segments[..self.segments.len() - 1];
        for part in closed {
            if part.index.iter().any(|e| e.last_offset >= self.stable) {
                break;
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            let expired = part.max_timestamp < now - self.delete_retention_ms;
            match self.rewrite(part, &keep, expired, &mut living) {
                Ok(new) => cleaned.push(new),
                Err(error) => {
                    // A full disk, mostly: what was written so far would only hold the room.
                    fs::remove_file(part.path.with_extension(UNFINISHED)).ok();
                    cleaned.iter().for_each(|new| drop(fs::remove_file(&new.path)));
                    return Err(error);
                }
            }
        }
        Ok(cleaned)
    }

    /// Finds the newest offset of each key and the last batch of each producer.
    fn survey(&self, stop: &AtomicBool) -> io::Result<Option<Keep>> {
        let mut keep = Keep::default();
        for part in &self.segments {
            for entry in part.index.iter().take_while(|e| e.base_offset < self.stable) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let bytes = read(part, entry)?;
                let Some(header) = Header::parse(&bytes).filter(|h| !h.is_control()) else {
                    continue;
                };
                if header.producer_id >= 0 {
                    keep.last_batch.insert(header.producer_id, header.base_offset);
                }
                if !self.is_aborted(&header) {
                    batch::each_record(&bytes, |record| {
                        if let Some(key) = record.key {
                            keep.newest.insert(key.into(), record.offset);
                        }
                    })?;
                }
            }
        }
        Ok(Some(keep))
    }

    fn rewrite(&self, part: &Part, keep: &Keep, expired: bool, living: &mut HashSet<i64>) -> io::Result<Cleaned> {
        let path = part.path.with_extension(UNFINISHED);
        let mut file = io::BufWriter::new(File::create(&path)?);
        let mut cleaned =
            Cleaned { base_offset: part.base_offset, path, index: Vec::new(), size: 0, max_timestamp: -1 };
        for entry in &part.index {
            let bytes = read(part, entry)?;
            let whole = |what| io::Error::new(io::ErrorKind::InvalidData, what);
            let header = Header::parse(&bytes).ok_or_else(|| whole("indexed batch is damaged"))?;
            let at_end = entry.last_offset + 1 == self.end;
            let out = if header.is_control() {
                let vanished = !living.remove(&header.producer_id);
                (!(vanished && expired) || at_end).then(|| bytes.to_vec())
            } else {
                let aborted = self.is_aborted(&header);
                let thinned = batch::filter(&bytes, |record| {
                    let newest = record.key.and_then(|key| keep.newest.get(key));
                    !aborted && newest == Some(&record.offset) && !(record.is_tombstone && expired)
                })?;
                let last = keep.last_batch.get(&header.producer_id) == Some(&header.base_offset);
                let empty = Header::parse(&thinned).is_none_or(|h| h.count == 0);
                (!empty || last || at_end).then_some(thinned)
            };
            let Some(out) = out else { continue };
            if header.is_transactional() && !header.is_control() {
                living.insert(header.producer_id);
            }
            file.write_all(&out)?;
            cleaned.index.push(Entry {
                position: cleaned.size,
                length: out.len() as u32, // no longer than the batch it was
                ..*entry
            });
            cleaned.size += out.len() as u64;
            cleaned.max_timestamp = cleaned.max_timestamp.max(header.max_timestamp);
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
        Ok(cleaned)
    }

    fn is_aborted(&self, header: &Header) -> bool {
        let within =
            |a: &Aborted| a.producer_id == header.producer_id && (a.first..=a.last).contains(&header.base_offset);
        header.is_transactional() && self.aborted.iter().any(within)
    }
}

#[derive(Default)]
struct Keep {
    newest: HashMap<Box<[u8]>, i64>,
    last_batch: HashMap<i64, i64>,
}

fn read(part: &Part, entry: &Entry) -> io::Result<Bytes> {
    segment::read_at(&part.file, entry.position, entry.length as usize)
}
