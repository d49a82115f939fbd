//! Files as inbox records, line by line: a line is read, judged and let go, and one line can't take the memory.

use crate::item;
use serde::Deserialize as _;
use std::{
    fmt,
    io::{self, BufRead, Read as _},
};
use tidings_model::{Inbox, OriginKind, Timestamp, topic};
use tidings_stage::Reject;

/// The longest line, in bytes, its end not counted.
pub const LINE_LIMIT: usize = 1024 * 1024;

/// What whoever holds the door may add to a record (a time, a provider), in bytes.
const DOOR_ROOM: usize = 4 * 1024;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// Which field, what was found, what would be right.
    pub reason: Reject,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for LineError {}

/// One inbox record as JSON per line (<https://jsonlines.org>); empty lines are passed over. A bad line is an error
/// and the next is read; after an error of reading itself there is no next.
pub fn jsonl(reader: impl BufRead) -> impl Iterator<Item = Result<Inbox, LineError>> {
    numbered(reader).map(|(line, read)| read.map_err(|reason| LineError { line, reason }))
}

/// The same, each line with its number.
pub(crate) fn numbered(reader: impl BufRead) -> impl Iterator<Item = (usize, Result<Inbox, Reject>)> {
    let mut lines = Lines::new(reader);
    std::iter::from_fn(move || {
        loop {
            let read = match lines.next()? {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => record(&text),
                Err(LineError { reason, .. }) => Err(reason),
            };
            return Some((lines.number, read));
        }
    })
}

/// Search snippets: a line with the lead, then a line with the extract, which may be empty. Empty lines before a lead
/// are passed over; a lead without its extract is an error.
pub fn lead_extract(reader: impl BufRead) -> impl Iterator<Item = Result<Inbox, LineError>> {
    let mut lines = Lines::new(reader);
    std::iter::from_fn(move || {
        let lead = loop {
            match lines.next()? {
                Ok(text) if text.trim().is_empty() => {}
                lead => break lead,
            }
        };
        let line = lines.number;
        let extract = lines.next();
        Some(pair(lead, extract, line))
    })
}

fn pair(
    lead: Result<String, LineError>,
    extract: Option<Result<String, LineError>>,
    line: usize,
) -> Result<Inbox, LineError> {
    let lead = lead?;
    let refuse = |reason| LineError { line, reason };
    let mend = "after each lead a line with its extract, if need be an empty one";
    let extract = extract.ok_or_else(|| refuse(Reject::new("extract_missing", "extract", &lead, mend)))??;
    let inbox = Inbox {
        kind: OriginKind::Search,
        summary: Some(lead),
        body: (!extract.trim().is_empty()).then_some(extract),
        ..Inbox::default()
    };
    check(inbox).map_err(refuse)
}

/// One record as JSON, with an error that names the field.
pub(crate) fn record(json: &str) -> Result<Inbox, Reject> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let mut track = serde_path_to_error::Track::new();
    let parsed = Inbox::deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track));
    let parsed = parsed.and_then(|inbox| deserializer.end().map(|()| inbox));
    let inbox = parsed.map_err(|error| {
        let (code, path) = if error.is_data() { ("schema", track.path().to_string()) } else { ("json", String::new()) };
        let field = if matches!(path.as_str(), "" | ".") { "record".to_owned() } else { path };
        Reject::new(code, field, error, "one JSON object as `tidings schema` prints it for the inbox")
    })?;
    check(inbox)
}

/// Refuses at the door what the stage would refuse later.
fn check(inbox: Inbox) -> Result<Inbox, Reject> {
    item(&inbox, Timestamp::ABSENT)?;
    let size = serde_json::to_vec(&inbox).expect("records serialise to memory").len();
    if size > topic::INBOX.limit - DOOR_ROOM {
        let mend = "records of up to 508 KiB: an item keeps 256 KiB of a body";
        return Err(Reject::new("too_large", "record", format_args!("{size} bytes"), mend));
    }
    Ok(inbox)
}

/// Lines of UTF-8, each of limited length.
struct Lines<R> {
    reader: R,
    /// Of the line read last, from 1.
    number: usize,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, number: 0, failed: false }
    }

    fn next(&mut self) -> Option<Result<String, LineError>> {
        if self.failed {
            return None;
        }
        self.number += 1;
        let line = self.number;
        let refuse = |code, found: &dyn fmt::Display, mend| {
            Some(Err(LineError { line, reason: Reject::new(code, "line", found, mend) }))
        };
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(LINE_LIMIT as u64 + 1).read_until(b'\n', &mut bytes);
        let whole = match read {
            Ok(0) => return None,
            Ok(_) => bytes.len() <= LINE_LIMIT || bytes.ends_with(b"\n"),
            Err(error) => {
                self.failed = true;
                return refuse("io", &error, "a file or stream that can be read to its end");
            }
        };
        if !whole {
            if let Err(error) = self.skip_line() {
                self.failed = true;
                return refuse("io", &error, "a file or stream that can be read to its end");
            }
            let found = format!("more than {LINE_LIMIT} bytes");
            return refuse("line_too_long", &found, "lines of up to 1 MiB");
        }
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(Ok(text)),
            Err(error) => refuse("encoding", &error, "text in UTF-8"),
        }
    }

    /// Passes over the rest of a line without keeping it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines() {
        let long = "x".repeat(LINE_LIMIT + 1);
        let big = "x".repeat(topic::INBOX.limit);
        let source = format!(
            "{{\"headline\":\"a\"}}\r\n\n{{\"headline\":3}}\n{{\"titel\":\"b\"}}\n{long}\n\
             {{\"language\":{{\"tag\":1,\"source\":\"declared\"}}}}\n{{\"headline\":\"c\"\n{{}} {{}}\n{{\"url\":\"x\",\"headline\":\"d\"}}\n\
             {{\"headline\":\"{big}\"}}\n{{\"headline\":\"e\"}}"
        );
        let read: Vec<_> = jsonl(source.as_bytes())
            .map(|line| match line {
                Ok(inbox) => inbox.headline.unwrap(),
                Err(LineError { line, reason }) => format!("{line} {} {}", reason.code, reason.field),
            })
            .collect();
        let expected = [
            "a",
            "3 schema headline",
            "4 schema titel",
            "5 line_too_long line",
            "6 schema language.tag",
            "7 json record",
            "8 json record",
            "9 url url",
            "10 too_large record",
            "e",
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn leads_and_extracts() {
        let source = "lead one\nextract [one](/1)\n\nlead two\n\n\nlead three";
        let read: Vec<_> = lead_extract(source.as_bytes()).collect();
        let inbox = |summary: &str, body: Option<&str>| Inbox {
            kind: OriginKind::Search,
            summary: Some(summary.to_owned()),
            body: body.map(str::to_owned),
            ..Inbox::default()
        };
        assert_eq!(read[..2], [Ok(inbox("lead one", Some("extract [one](/1)"))), Ok(inbox("lead two", None))]);
        assert_eq!(read.len(), 3);
        let error = read[2].as_ref().unwrap_err();
        assert_eq!((error.line, error.reason.code), (7, "extract_missing"));
        assert!(error.to_string().starts_with("line 7: extract_missing: extract is \"lead three\"; after each lead"));
    }

    #[test]
    fn a_broken_lead_takes_its_extract_with_it() {
        let read: Vec<_> = lead_extract(&b"\xff\nextract\nlead\nextract\n"[..]).collect();
        assert_eq!(read[0].as_ref().map_err(|error| (error.line, error.reason.code)), Err((1, "encoding")));
        assert_eq!(read[1].as_ref().unwrap().summary.as_deref(), Some("lead"));
    }
}
