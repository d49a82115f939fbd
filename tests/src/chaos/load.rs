//! A stream whose every telling is known beforehand: feeds that grow, edit and withdraw while they are polled, and
//! snippets; some of it copies, some of it told twice.
//!
//! A *round* ends with a pause in which all that was issued arrives. In the round after, entries of the one before are
//! edited and withdrawn at the pace at which new ones come: so it is known that each first telling was seen.

use crate::http::{Page, Server};
use crate::line::Tool;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tidings_model::digest;

/// What a telling is known by: the mark in its headline and its status.
pub type Telling = (String, &'static str);

/// Fresh entries of each feed in a second.
const PACE: usize = 2;
/// Entries at the old end of a round that stay as they are: a withdrawal is inferred between others.
const KEPT: usize = 5;
const WORDS: &str = "harbour minister bridge harvest court strike flood budget museum railway island vote market school \
    hospital engine forest treaty factory river satellite bakery garden wheat coal glacier theatre \
    border police union captain ferry tunnel bank winter drought orchard novel painter reactor senate \
    protest airline airport copper lithium vaccine clinic teacher pension inquiry verdict quarry \
    lighthouse cathedral archive festival orchestra stadium marathon comet volcano earthquake library";
const NAMES: [&str; 8] = [
    "Anna Kowalski",
    "Port of Arden",
    "Lakeside University",
    "Bernard Okoye",
    "Northern Rail",
    "Mayor Elif Demir",
    "Ardenia",
    "Ministry of Energy",
];

/// Feeds being served and snippets being handed in, once it is started.
pub struct Load {
    seed: u64,
    shared: Arc<Shared>,
    server: Server,
    ingest: Option<JoinHandle<()>>,
}

struct Shared {
    feeds: usize,
    /// Snippets in a second.
    snippets: usize,
    issued: Mutex<Issued>,
    /// Whether nothing new is to come; held while something does.
    paused: Mutex<bool>,
    over: AtomicBool,
}

/// How much is out.
#[derive(Clone, Default)]
struct Issued {
    /// Entries of each feed at the end of each past round.
    ends: Vec<usize>,
    /// Entries of each feed.
    entries: usize,
    /// Snippets.
    snippets: usize,
}

/// What becomes of an entry.
#[derive(PartialEq)]
enum Fate {
    Stays,
    Edited,
    /// It is missing.
    Vanished,
    /// It is missing, and the feed says so.
    Deleted,
}

impl Load {
    /// So many feeds, each with two entries a second, and so many snippets a second; paused.
    pub fn new(seed: u64, feeds: usize, snippets: usize) -> Self {
        let paused = Mutex::new(true);
        let shared = Shared { feeds, snippets, issued: Mutex::default(), paused, over: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let served = shared.clone();
        let server = Server::start(move |path| {
            let feed = path.strip_prefix("/feed-")?.parse().ok().filter(|feed| *feed < served.feeds)?;
            let issued = served.issued().clone();
            Some(Page::new("application/atom+xml", issued.atom(feed)))
        });
        Self { seed, shared, server, ingest: None }
    }

    /// The configuration under which its feeds are polled, and two rules that see things in it.
    pub fn config(&self) -> String {
        "[fetch]\nallow = [\"127.0.0.0/8\"]\ninterval = \"2s\"\nmin_interval = \"1s\"\nper_host_gap = \"0s\"\n\
         [[sink.rules]]\nname = \"comet\"\nkind = \"match\"\nall = [\"comet\", \"volcano\"]\n\
         [[sink.rules]]\nname = \"burst\"\nkind = \"burst\"\nwarmup = \"0s\"\nfloor = 0.3\n"
            .to_owned()
    }

    /// Its feeds as OPML.
    pub fn opml(&self) -> String {
        let urls = (0..self.shared.feeds).map(|feed| self.server.url(&format!("/feed-{feed}")));
        let outlines = urls.map(|url| format!("<outline type=\"rss\" text=\"{url}\" xmlUrl=\"{url}\"/>\n"));
        format!("<opml version=\"2.0\"><head/><body>\n{}</body></opml>\n", outlines.collect::<String>())
    }

    /// How many feeds it has.
    pub fn feeds(&self) -> usize {
        self.shared.feeds
    }

    /// Begins to hand in snippets, with `tool`, and to let feeds grow.
    pub fn start(&mut self, tool: Tool) {
        let shared = self.shared.clone();
        self.ingest = Some(std::thread::spawn(move || shared.issue(&tool)));
        self.resume();
    }

    /// Hands in so many snippets at once, while nothing else is: a backlog.
    pub fn burst(&self, tool: &Tool, snippets: usize) {
        let _alone = self.shared.paused.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.issue_snippets(tool, snippets);
    }

    /// What the order of faults follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Lets nothing new out; returns when what was on its way is.
    pub fn pause(&self) {
        *self.shared.paused.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Goes on.
    pub fn resume(&self) {
        *self.shared.paused.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Ends a round, once all that is out has arrived.
    pub fn end_round(&self) {
        let mut issued = self.shared.issued();
        let entries = issued.entries;
        issued.ends.push(entries);
    }

    /// How many tellings are out.
    pub fn issued(&self) -> usize {
        self.expected(&BTreeMap::new()).values().sum()
    }

    /// Every telling that is out, and how often it was told. `inbox` counts what lies there: a portion of snippets
    /// whose acknowledgement was lost with the broker was handed in again.
    pub fn expected(&self, inbox: &BTreeMap<Telling, usize>) -> BTreeMap<Telling, usize> {
        let issued = self.shared.issued().clone();
        let mut expected = BTreeMap::new();
        for feed in 0..self.shared.feeds {
            for no in 0..issued.entries {
                expected.insert((mark(feed, no, 0), "published"), 1);
                match issued.fate(no) {
                    Fate::Stays => {}
                    Fate::Edited => drop(expected.insert((mark(feed, no, 1), "published"), 1)),
                    Fate::Vanished | Fate::Deleted => drop(expected.insert((mark(feed, no, 0), "withdrawn"), 1)),
                }
            }
        }
        for no in 0..issued.snippets {
            let telling = (letters(&format!("s{no}")), "published");
            let there = inbox.get(&telling).copied().unwrap_or(0);
            expected.insert(telling, there.max(if told_twice(no) { 2 } else { 1 }));
        }
        expected
    }

    /// How many entries of each feed its document lists, and how many it ever had.
    pub fn entries(&self) -> (usize, usize) {
        let issued = self.shared.issued();
        ((issued.start()..issued.entries).filter(|no| issued.is_listed(*no)).count(), issued.entries)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(ingest) = self.ingest.take() {
            // nothing can be done about a failure here
            ingest.join().ok();
        }
    }
}

impl Shared {
    fn issued(&self) -> MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issue(&self, tool: &Tool) {
        while !self.over.load(Ordering::Relaxed) {
            let began = Instant::now();
            {
                let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
                if !*paused {
                    self.issue_snippets(tool, self.snippets);
                    self.issued().entries += PACE;
                }
            }
            std::thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()).max(Duration::from_millis(20)));
        }
    }

    fn issue_snippets(&self, tool: &Tool, count: usize) {
        let first = self.issued().snippets;
        let lines = (first..first + count).map(snippet).collect::<String>();
        if !lines.is_empty() {
            self.hand_in(tool, &lines);
        }
        self.issued().snippets += count;
    }

    /// Until the broker has taken all of them.
    fn hand_in(&self, tool: &Tool, lines: &str) {
        while !self.over.load(Ordering::Relaxed) {
            let output = tool.try_run(&["ingest", "-", "--format", "jsonl"], lines);
            if output.status.success() {
                return;
            }
            println!("          again: {}", String::from_utf8_lossy(&output.stderr).trim_end());
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Issued {
    /// The first entry that documents list: that of the round before.
    fn start(&self) -> usize {
        self.ends.len().checked_sub(2).map_or(0, |before| self.ends[before])
    }

    fn fate(&self, no: usize) -> Fate {
        let round = self.ends.partition_point(|end| *end <= no);
        let Some(end) = self.ends.get(round) else { return Fate::Stays };
        let start = round.checked_sub(1).map_or(0, |before| self.ends[before]);
        let later = self.ends.get(round + 1).copied().unwrap_or(self.entries) - end;
        if no < start + KEPT || no - start >= later {
            return Fate::Stays;
        }
        match no % 20 {
            3 | 13 => Fate::Edited,
            7 => Fate::Vanished,
            17 => Fate::Deleted,
            _ => Fate::Stays,
        }
    }

    fn is_listed(&self, no: usize) -> bool {
        matches!(self.fate(no), Fate::Stays | Fate::Edited)
    }

    /// A feed's document, newest first.
    fn atom(&self, feed: usize) -> String {
        let mut xml = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
             <title>Feed {feed}</title><id>urn:feed:{feed}</id>\n"
        );
        for no in (self.start()..self.entries).rev() {
            let (id, when) = (
                format!("urn:entry:{feed}:{no}"),
                format!("2026-01-01T{:02}:{:02}:{:02}Z", no / 3600, no / 60 % 60, no % 60),
            );
            let version = match self.fate(no) {
                Fate::Stays => 0,
                Fate::Edited => 1,
                Fate::Vanished => continue,
                Fate::Deleted => {
                    writeln!(xml, "<at:deleted-entry ref=\"{id}\" when=\"{when}\"/>").expect("memory is written");
                    continue;
                }
            };
            // what odd feeds carry is now and then what their neighbours do
            let author = if no % 4 == 0 { feed & !1 } else { feed };
            let (headline, summary) = words(&format!("feed {author} {no} {version}"));
            writeln!(
                xml,
                "<entry><id>{id}</id><title>{headline} {}</title><link href=\"https://feed-{feed}.example/{no}\"/>\
                 <published>{when}</published><updated>{when}</updated><summary>{summary}</summary></entry>",
                mark(feed, no, version)
            )
            .expect("memory is written");
        }
        xml + "</feed>\n"
    }
}

fn mark(feed: usize, no: usize, version: usize) -> String {
    letters(&format!("x{feed}y{no}z{version}"))
}

/// Without digits: items with different numbers in their headlines are no copies.
fn letters(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).map_or(c, |digit| char::from(b'a' + digit as u8))).collect()
}

fn told_twice(no: usize) -> bool {
    no % 10 == 2
}

/// A line of the inbox, or two.
fn snippet(no: usize) -> String {
    let author = if no % 10 == 1 { no - 1 } else { no };
    let (headline, summary) = words(&format!("snippet {author}"));
    let headline = format!("{headline} {}", letters(&format!("s{no}")));
    let id = no.to_string();
    let line = json!({"provider": "chaos", "external_id": id, "headline": headline, "summary": summary});
    format!("{line}\n").repeat(if told_twice(no) { 2 } else { 1 })
}

/// A headline and a summary that only this seed has.
pub fn words(seed: &str) -> (String, String) {
    let text = [digest([seed, "1"]), digest([seed, "2"])].concat();
    let numbers = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).expect("hexadecimal digits");
        usize::from_str_radix(pair, 16).expect("hexadecimal digits")
    });
    let numbers = numbers.collect::<Vec<_>>();
    let vocabulary = WORDS.split(' ').collect::<Vec<_>>();
    let words = numbers.iter().map(|number| vocabulary[number % vocabulary.len()]).collect::<Vec<_>>();
    let name = NAMES[numbers[0] / vocabulary.len() % NAMES.len() + 4 * (numbers[1] & 1)];
    (format!("{name}: {}", words[..8].join(" ")), format!("{name} spoke of {}.", words[8..].join(" ")))
}
