//! One file of a partition log: whole batches, end to end, with an index of them in memory.
//!
//! Promise: what is read was whole when it was written. A tail torn by a crash is cut off on opening.

use super::batch::Header;
use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a batch lies in its file.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub base_offset: i64,
    pub last_offset: i64,
    pub position: u64,
    pub length: u32,
    pub max_timestamp: i64,
}

/// A file of batches, named by the first offset that it may hold.
pub struct Segment {
    pub base_offset: i64,
    pub path: PathBuf,
    /// Shared with a compaction that reads it without holding the log.
    pub file: Arc<File>,
    pub size: u64,
    /// When its first batch came, milliseconds.
    pub created: i64,
    /// -1 while it is empty.
    pub max_timestamp: i64,
    pub index: Vec<Entry>,
    /// Compacted since it was closed.
    pub clean: bool,
}

impl Segment {
    /// The path of the segment that starts at `base_offset`.
    pub fn path(directory: &Path, base_offset: i64) -> PathBuf {
        directory.join(format!("{base_offset:020}.log"))
    }

    /// The offset in a segment's file name.
    pub fn offset_in(name: &str) -> Option<i64> {
        name.strip_suffix(".log")?.parse().ok()
    }

    /// An empty segment; the file is made if it isn't there.
    pub fn create(directory: &Path, base_offset: i64, now: i64) -> io::Result<Segment> {
        let path = Segment::path(directory, base_offset);
        Ok(Segment {
            base_offset,
            file: Arc::new(open(&path)?),
            path,
            size: 0,
            created: now,
            max_timestamp: -1,
            index: Vec::new(),
            clean: false,
        })
    }

    /// Opens an existing segment, shows each batch to `look`, and cuts off what is no whole batch.
    pub fn recover(
        directory: &Path,
        base_offset: i64,
        now: i64,
        mut look: impl FnMut(&Header, &[u8]),
    ) -> io::Result<Segment> {
        let mut segment = Segment::create(directory, base_offset, now)?;
        let bytes = fs::read(&segment.path)?;
        let mut rest = &bytes[..];
        while let Some(header) = Header::parse(rest) {
            let (batch, tail) = rest.split_at(header.length);
            look(&header, batch);
            segment.note(&header);
            rest = tail;
        }
        if !rest.is_empty() {
            tracing::warn!(file = %segment.path.display(), bytes = rest.len(), "torn tail cut off");
            segment.file.set_len(segment.size)?;
        }
        if let Some(first) = segment.index.first() {
            segment.created = first.max_timestamp;
        }
        Ok(segment)
    }

    /// Adds a batch. On failure the file is as before.
    pub fn append(&mut self, header: &Header, batch: &[u8], fsync: bool) -> io::Result<()> {
        let written = self.file.write_all_at(batch, self.size);
        let synced = written.and_then(|()| if fsync { self.file.sync_data() } else { Ok(()) });
        if let Err(error) = synced {
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.note(header);
        Ok(())
    }

    fn note(&mut self, header: &Header) {
        self.index.push(Entry {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            position: self.size,
            length: header.length as u32, // a batch's length is an i32 on the wire
            max_timestamp: header.max_timestamp,
        });
        self.size += header.length as u64;
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
    }

    /// Reads `length` bytes at `position`.
    pub fn read(&self, position: u64, length: usize) -> io::Result<Bytes> {
        read_at(&self.file, position, length)
    }
}

/// Reads `length` bytes at `position`.
pub fn read_at(file: &File, position: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, position)?;
    Ok(bytes.into())
}

/// Opens for reading and writing, making the file if need be.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
