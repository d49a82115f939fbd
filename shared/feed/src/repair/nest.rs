//! Which elements are open, and what the next token means there: missing ends are supplied, stray ones ignored.

use super::{
    Flaws, Repaired, begins,
    element::{Fate, Form, Place, Shape, base64, fate},
    local_name,
    reference::{Entities, escape, unescape},
    scan::Tag,
    vocabulary::{DECLARATIONS, Vocabulary},
};
use crate::NotAFeed;
use std::time::Duration;
use url::Url;

/// The most entries that are written; of these, the newest are kept later.
const ENTRY_LIMIT: usize = 20_000;
/// The most elements of an entry, and of a feed beside its entries.
const CHILD_LIMIT: usize = 512;
/// The most media elements of an entry.
const MEDIA_LIMIT: usize = 48;
/// How deep written elements nest.
const DEPTH_LIMIT: usize = 8;
/// The most namespace declarations in force at once.
const NAMESPACE_LIMIT: usize = 64;

/// An open element.
pub(super) struct Frame<'a> {
    /// As the source writes it.
    pub(super) name: &'a str,
    pub(super) role: Role,
    /// What ends it in the output.
    pub(super) close: String,
    /// Where it starts in the output, and where its content does.
    pub(super) start: usize,
    pub(super) content: usize,
    /// How many namespaces and bases it declares.
    pub(super) namespaces: usize,
    pub(super) bases: usize,
}

/// What an open element is to the elements in it.
pub(super) enum Role {
    Feed,
    Entry,
    Elided,
    Container,
    /// All in it is text, up to its own end; counts elements of its own name within it.
    Text {
        form: Form,
        void: bool,
        nested: u32,
    },
    /// All in it is text, and read as a part of the update period.
    Period {
        name: &'static str,
    },
    /// All in it is dropped.
    Dropped {
        nested: u32,
    },
}

pub(super) struct Repair<'a> {
    pub(super) out: String,
    pub(super) stack: Vec<Frame<'a>>,
    pub(super) namespaces: Vec<(&'a str, Vocabulary)>,
    /// The feed's own address first, where it is known.
    pub(super) bases: Vec<Url>,
    pub(super) known_bases: usize,
    pub(super) entities: Entities<'a>,
    pub(super) flaws: Flaws,
    /// Known once the root was met.
    pub(super) shape: Option<Shape>,
    pub(super) html: bool,
    pub(super) ended: bool,
    pub(super) entries: usize,
    /// Written in this entry, or in the feed before its first.
    pub(super) children: usize,
    pub(super) media: usize,
    /// Texts written of this entry, or of the feed before its first.
    pub(super) told: Vec<&'static str>,
    pub(super) deleted: Vec<String>,
    pub(super) period: Option<Duration>,
    pub(super) frequency: u32,
    pub(super) scratch: String,
}

impl<'a> Repair<'a> {
    pub(super) fn new(length: usize, url: Option<&str>) -> Self {
        let bases: Vec<Url> = url.and_then(|url| Url::parse(url).ok()).into_iter().collect();
        Self {
            out: String::with_capacity(length + 512),
            stack: Vec::new(),
            namespaces: Vec::new(),
            known_bases: bases.len(),
            bases,
            entities: Entities::default(),
            flaws: Flaws::default(),
            shape: None,
            html: false,
            ended: false,
            entries: 0,
            children: 0,
            media: 0,
            told: Vec::new(),
            deleted: Vec::new(),
            period: None,
            frequency: 1,
            scratch: String::new(),
        }
    }

    pub(super) fn finish(mut self, source: &str) -> Result<Repaired, NotAFeed> {
        if self.shape.is_none() {
            return Err(if self.html { NotAFeed::Html } else { NotAFeed::Malformed(begins(source)) });
        }
        if !self.stack.is_empty() {
            self.flaws.add("unclosed");
            self.close_to(0);
        }
        Ok(Repaired {
            xml: self.out,
            deleted: self.deleted,
            ttl: self.period.map(|period| period / self.frequency.max(1)),
            repairs: self.flaws.0.into_iter().collect(),
        })
    }

    pub(super) fn text(&mut self, text: &str, literal: bool) {
        let form = match self.stack.last().map(|frame| &frame.role) {
            Some(Role::Text { form, .. }) => *form,
            Some(Role::Period { .. }) => Form::Escaped,
            None if !text.trim().is_empty() => return self.flaws.add("leading junk"),
            _ => return,
        };
        self.scratch.clear();
        if literal {
            self.scratch.push_str(text);
        } else {
            self.entities.resolve(text, &mut self.scratch);
        }
        if form == Form::Inline {
            // it is markup that is written, and in markup a `<` of the text is a reference
            let plain = std::mem::take(&mut self.scratch);
            escape(&plain, &mut self.scratch);
        }
        escape(&self.scratch, &mut self.out);
    }

    pub(super) fn start(&mut self, tag: &Tag<'a>) {
        if self.within_text(tag) {
            return;
        }
        let declared = self.declare(tag);
        let (vocabulary, local) = self.name(tag.name);
        let Some(shape) = self.shape else { return self.root(tag, vocabulary, local, declared) };
        let place = self.place();
        let mut fate = fate(shape, place, vocabulary, local, tag);
        if fate == Fate::Entry && place != Place::Feed {
            // the entry before, or what stands between feed and entries, was not closed
            let holds = |frame: &Frame| matches!(frame.role, Role::Entry | Role::Container);
            if let Some(open) = self.stack.iter().position(holds) {
                self.flaws.add("unclosed");
                // the new entry's own declarations are on top of those that go
                let own = self.namespaces.split_off(self.namespaces.len() - declared);
                self.close_to(open);
                self.namespaces.extend(own);
            }
        }
        if !self.admits(fate) {
            self.flaws.add("too much");
            fate = Fate::Dropped;
        }
        let based = self.rebase(tag);
        self.open(tag, fate, declared, based);
    }

    /// Takes a tag for text, where the element that it stands in is text.
    fn within_text(&mut self, tag: &Tag) -> bool {
        let Some(frame) = self.stack.last_mut() else { return false };
        match &mut frame.role {
            Role::Text { nested, .. } | Role::Dropped { nested } => {
                if !tag.empty && tag.name == frame.name {
                    *nested += 1;
                }
            }
            Role::Period { .. } => {}
            _ => return false,
        }
        let name = frame.name;
        // an RSS item in a text: the text, and the item that it is of, were never closed
        if self.is_text()
            && self.shape == Some(Shape::Rss)
            && let Some(open) = self.stack.iter().rposition(|frame| matches!(frame.role, Role::Entry))
            && self.stack[open].name == tag.name
            && name != tag.name
        {
            self.flaws.add("unclosed");
            self.close_to(open);
            return false;
        }
        if self.is_text() {
            let local = local_name(tag.name);
            let mut html = format!("<{local}");
            for name in ["href", "src"] {
                if let Some(value) = tag.attribute(name) {
                    self.scratch.clear();
                    self.entities.resolve(value, &mut self.scratch);
                    html.push_str(&format!(" {name}=\""));
                    escape(&self.scratch, &mut html);
                    html.push('"');
                }
            }
            html.push_str(if tag.empty { "/>" } else { ">" });
            escape(&html, &mut self.out);
        }
        true
    }

    fn is_text(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { role: Role::Text { .. }, .. }))
    }

    pub(super) fn end(&mut self, name: &str) {
        let Some(frame) = self.stack.last_mut() else { return };
        let own = frame.name.eq_ignore_ascii_case(name);
        match &mut frame.role {
            Role::Text { nested, .. } | Role::Dropped { nested } if own && *nested > 0 => {
                *nested -= 1;
                return self.end_within_text(name);
            }
            Role::Text { .. } | Role::Dropped { .. } | Role::Period { .. } if !own => {
                // only what holds entries ends a text that it is not the end of
                let holds = |role: &Role| matches!(role, Role::Feed | Role::Entry | Role::Elided);
                let outer = self.stack.iter().rposition(|f| holds(&f.role) && f.name.eq_ignore_ascii_case(name));
                return match outer {
                    Some(outer) => {
                        self.flaws.add("mis-nested");
                        self.close_to(outer);
                    }
                    None => self.end_within_text(name),
                };
            }
            _ => {}
        }
        // the root first: an entry that is its own feed ends both
        let ends = |frame: &Frame| frame.name.eq_ignore_ascii_case(name);
        let root = self.stack.first().filter(|root| ends(root)).map(|_| 0);
        let Some(open) = root.or_else(|| self.stack.iter().rposition(ends)) else {
            return self.flaws.add("stray end tag");
        };
        let crosses = self.stack[open + 1..].iter().any(|frame| matches!(frame.role, Role::Entry));
        if crosses && matches!(self.stack[open].role, Role::Container) {
            return self.flaws.add("stray end tag");
        }
        if self.stack[open + 1..].iter().any(|inner| inner.name != self.stack[open].name) {
            self.flaws.add("mis-nested");
        }
        self.close_to(open);
    }

    fn end_within_text(&mut self, name: &str) {
        if self.is_text() {
            escape(&format!("</{}>", local_name(name)), &mut self.out);
        }
    }

    /// Notes the namespaces that a tag declares; how many.
    fn declare(&mut self, tag: &Tag<'a>) -> usize {
        let before = self.namespaces.len();
        for (name, value) in &tag.attributes {
            let prefix = if *name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            if let Some(prefix) = prefix
                && self.namespaces.len() < NAMESPACE_LIMIT
            {
                self.namespaces.push((prefix, Vocabulary::of(value)));
            }
        }
        self.namespaces.len() - before
    }

    /// The vocabulary and the local part of a qualified name.
    pub(super) fn name<'n>(&mut self, name: &'n str) -> (Vocabulary, &'n str) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let declared = self.namespaces.iter().rev().find(|(declared, _)| *declared == prefix);
        let vocabulary = match (declared, self.shape) {
            (Some((_, vocabulary)), _) => *vocabulary,
            (None, Some(Shape::Atom)) if prefix.is_empty() => Vocabulary::Atom,
            (None, _) if prefix.is_empty() => Vocabulary::Rss,
            (None, _) => {
                self.flaws.add("undeclared prefix");
                Vocabulary::of_prefix(prefix)
            }
        };
        (vocabulary, local)
    }

    fn root(&mut self, tag: &Tag<'a>, vocabulary: Vocabulary, local: &str, declared: usize) {
        let lower = local.to_ascii_lowercase();
        let shape = match lower.as_str() {
            "rss" | "rdf" | "channel" | "urlset" => Shape::Rss,
            "feed" | "entry" => Shape::Atom,
            name => {
                self.html |= matches!(name, "html" | "head" | "body") && !tag.name.contains(':');
                self.namespaces.truncate(self.namespaces.len() - declared);
                return self.flaws.add("leading junk");
            }
        };
        if vocabulary == Vocabulary::Other {
            // a feed in a namespace of the publisher's own: its prefix means what it would without one
            let prefix = tag.name.split_once(':').map_or("", |(prefix, _)| prefix);
            let native = if shape == Shape::Atom { Vocabulary::Atom } else { Vocabulary::Rss };
            self.namespaces.iter_mut().filter(|(known, _)| *known == prefix).for_each(|(_, means)| *means = native);
        }
        self.shape = Some(shape);
        let based = self.rebase(tag);
        let base = self.base_attribute(based > 0);
        match shape {
            Shape::Atom => {
                self.out.push_str(&format!("<atom:feed{DECLARATIONS}{base}"));
                self.attribute("xml:lang", tag.attribute("xml:lang").filter(|_| lower == "feed"));
                self.out.push('>');
            }
            Shape::Rss => self.out.push_str(&format!("<rss version=\"2.0\"{DECLARATIONS}{base}><channel>")),
        }
        let close = if shape == Shape::Atom { "</atom:feed>" } else { "</channel></rss>" };
        let start = self.out.len();
        self.stack.push(Frame {
            name: tag.name,
            role: Role::Feed,
            close: close.to_owned(),
            start,
            content: start,
            namespaces: declared,
            bases: based,
        });
        if lower == "entry" {
            // an entry by itself is a feed of one; its end is the feed's
            let tag = Tag { attributes: Vec::new(), ..tag.clone() };
            self.open(&tag, Fate::Entry, 0, 0);
        } else if tag.empty {
            self.close_to(0);
        }
    }

    fn place(&self) -> Place {
        let holder = self.stack.iter().rev().find(|frame| !matches!(frame.role, Role::Elided));
        match holder.map(|frame| &frame.role) {
            Some(Role::Entry) => Place::Entry,
            Some(Role::Feed) | None => Place::Feed,
            _ => Place::Inside,
        }
    }

    /// Whether there is room for one more of these; counts it.
    fn admits(&mut self, fate: Fate) -> bool {
        match fate {
            Fate::Entry => {
                (self.children, self.media) = (0, 0);
                self.told.clear();
                self.entries += 1;
                return self.entries <= ENTRY_LIMIT;
            }
            Fate::Dropped | Fate::Deleted | Fate::Period(_) => return true,
            Fate::Container(Vocabulary::Media, _)
            | Fate::Void(Vocabulary::Media, _)
            | Fate::Text(Vocabulary::Media, _) => {
                self.media += 1;
            }
            _ => {}
        }
        self.children += 1;
        self.children <= CHILD_LIMIT && self.media <= MEDIA_LIMIT && self.stack.len() < DEPTH_LIMIT
    }

    /// Ends open elements down to the one at `to`, that one too.
    pub(super) fn close_to(&mut self, to: usize) {
        while self.stack.len() > to {
            let Some(frame) = self.stack.pop() else { break };
            self.namespaces.truncate(self.namespaces.len().saturating_sub(frame.namespaces));
            self.bases.truncate(self.bases.len().saturating_sub(frame.bases));
            match frame.role {
                Role::Period { name } => self.period(name, &frame),
                Role::Text { form: Form::Base64, .. } => self.decode(&frame),
                _ => {}
            }
            let nothing = self.out[frame.content..].trim().is_empty();
            if nothing && matches!(frame.role, Role::Text { void: false, .. }) {
                self.out.truncate(frame.start);
                self.told.pop();
            } else {
                self.out.push_str(&frame.close);
            }
        }
        self.ended = self.stack.is_empty();
    }

    fn decode(&mut self, frame: &Frame) {
        let text = unescape(&self.out[frame.content..]);
        if let Some(text) = base64(&text) {
            self.out.truncate(frame.content);
            escape(&text, &mut self.out);
        }
    }

    /// `updatePeriod` and `updateFrequency` (RSS 1.0 module syndication).
    fn period(&mut self, name: &str, frame: &Frame) {
        const HOUR: u64 = 3_600;
        let text = self.out.split_off(frame.content).trim().to_ascii_lowercase();
        if name == "updateFrequency" {
            self.frequency = text.parse().unwrap_or(1);
            return;
        }
        let hours = match text.as_str() {
            "hourly" => 1,
            "daily" => 24,
            "weekly" => 7 * 24,
            "monthly" => 30 * 24,
            "yearly" => 365 * 24,
            _ => return,
        };
        self.period = Some(Duration::from_secs(hours * HOUR));
    }
}
