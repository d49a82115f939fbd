//! Broken or old XML to clean RSS 2.0 or Atom 1.0, so that the library below can read it and can't be hurt by it.
//!
//! One pass over lenient tokens ([`scan`]). Each element has a fate ([`element`]): it is written, written as text,
//! elided or dropped. Declarations, comments, unknown vocabularies and illegal characters do not survive; whatever
//! an element holds as text or inline markup is written as escaped text. So the output is well formed, its nesting
//! is a handful of levels whatever the input's is, and each of its parts is counted: the memory that reading it
//! takes is bounded here, not there.

mod element;
mod reference;
mod scan;
mod vocabulary;

use crate::NotAFeed;
use element::{Fate, Form, Place, Shape, base64, fate, form};
use reference::{Entities, escape, unescape};
use scan::{Scanner, Tag, Token};
use std::{collections::BTreeSet, time::Duration};
use url::Url;
use vocabulary::{DECLARATIONS, Vocabulary};

/// The most entries that are written; of these, the newest are kept later.
const ENTRY_LIMIT: usize = 20_000;
/// The most elements of an entry, and of a feed beside its entries.
const CHILD_LIMIT: usize = 512;
/// The most media elements of an entry: the library copies each to all groups.
const MEDIA_LIMIT: usize = 48;
/// How deep written elements nest.
const DEPTH_LIMIT: usize = 8;
/// The most namespace declarations in force at once.
const NAMESPACE_LIMIT: usize = 64;
/// The longest `xml:base`, in bytes.
const BASE_LIMIT: usize = 1_024;
/// The most entries that a feed may take back at once.
const DELETED_LIMIT: usize = 20_000;

/// Attributes that are written; those of text are worked out.
const ATTRIBUTES: [&str; 15] = [
    "href", "rel", "type", "title", "hreflang", "length", "url", "width", "height", "fileSize", "duration", "term",
    "label", "scheme", "domain",
];

/// A feed that the library can read, and what the library would not tell.
pub(crate) struct Repaired {
    pub(crate) xml: String,
    /// Ids of entries taken back.
    pub(crate) deleted: Vec<String>,
    /// From RSS 1.0's syndication module.
    pub(crate) ttl: Option<Duration>,
    /// What was mended, sorted.
    pub(crate) repairs: Vec<&'static str>,
}

/// Kinds of mending, each noted once.
#[derive(Default)]
struct Flaws(BTreeSet<&'static str>);

impl Flaws {
    fn add(&mut self, flaw: &'static str) {
        self.0.insert(flaw);
    }
}

/// Repairs a feed that came from `url`, an address that relative ones can be joined to.
pub(crate) fn repair(source: &str, url: Option<&str>) -> Result<Repaired, NotAFeed> {
    let mut scanner = Scanner::new(source);
    let mut repair = Repair::new(source.len(), url);
    while let Some(token) = scanner.next(&mut repair.flaws) {
        match token {
            Token::Text(text) => repair.text(text, false),
            Token::Cdata(text) => repair.text(text, true),
            Token::Start(tag) => repair.start(&tag),
            Token::End(name) => repair.end(name),
            Token::Doctype(doctype) => {
                repair.html |= doctype.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("html"));
                repair.entities.declare(doctype);
            }
        }
        if repair.ended || repair.html && repair.shape.is_none() {
            break;
        }
    }
    repair.finish(source)
}

/// An open element.
struct Frame<'a> {
    /// As the source writes it.
    name: &'a str,
    role: Role,
    /// What ends it in the output.
    close: String,
    /// Where it starts in the output, and where its content does.
    start: usize,
    content: usize,
    /// How many namespaces and bases it declares.
    namespaces: usize,
    bases: usize,
}

/// What an open element is to the elements in it.
enum Role {
    Feed,
    Entry,
    Elided,
    Container,
    /// All in it is text, up to its own end; counts elements of its own name within it.
    Text { form: Form, void: bool, nested: u32 },
    /// All in it is text, and read as a part of the update period.
    Period { name: &'static str },
    /// All in it is dropped.
    Dropped { nested: u32 },
}

struct Repair<'a> {
    out: String,
    stack: Vec<Frame<'a>>,
    namespaces: Vec<(&'a str, Vocabulary)>,
    /// The feed's own address first, where it is known.
    bases: Vec<Url>,
    known_bases: usize,
    entities: Entities<'a>,
    flaws: Flaws,
    /// Known once the root was met.
    shape: Option<Shape>,
    html: bool,
    ended: bool,
    entries: usize,
    /// Written in this entry, or in the feed before its first.
    children: usize,
    media: usize,
    told: Vec<&'static str>,
    deleted: Vec<String>,
    period: Option<Duration>,
    frequency: u32,
    scratch: String,
}

impl<'a> Repair<'a> {
    fn new(length: usize, url: Option<&str>) -> Self {
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

    fn finish(mut self, source: &str) -> Result<Repaired, NotAFeed> {
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

    fn text(&mut self, text: &str, literal: bool) {
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

    fn start(&mut self, tag: &Tag<'a>) {
        if self.within_text(tag) {
            return;
        }
        let declared = self.declare(tag);
        let (vocabulary, local) = self.name(tag.name);
        let Some(shape) = self.shape else { return self.root(tag, vocabulary, local, declared) };
        let place = self.place();
        let mut fate = fate(shape, place, vocabulary, local, tag);
        if fate == Fate::Entry && place != Place::Feed {
            // the entry before was not closed
            if let Some(open) = self.stack.iter().rposition(|frame| matches!(frame.role, Role::Entry)) {
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
        if self.shape == Some(Shape::Rss)
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

    fn end(&mut self, name: &str) {
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
        let Some(open) = self.stack.iter().rposition(|frame| frame.name.eq_ignore_ascii_case(name)) else {
            return self.flaws.add("stray end tag");
        };
        let crosses = self.stack[open + 1..].iter().any(|frame| matches!(frame.role, Role::Entry));
        if crosses && matches!(self.stack[open].role, Role::Container) {
            return self.flaws.add("stray end tag");
        }
        if open + 1 != self.stack.len() {
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
    fn name<'n>(&mut self, name: &'n str) -> (Vocabulary, &'n str) {
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
            Fate::Container(Vocabulary::Media, _) | Fate::Void(Vocabulary::Media, _) | Fate::Text(Vocabulary::Media, _) => {
                self.media += 1;
            }
            _ => {}
        }
        self.children += 1;
        self.children <= CHILD_LIMIT && self.media <= MEDIA_LIMIT && self.stack.len() < DEPTH_LIMIT
    }

    /// Opens an element, and ends it if it is empty.
    fn open(&mut self, tag: &Tag<'a>, fate: Fate, namespaces: usize, bases: usize) {
        let start = self.out.len();
        let mut close = String::new();
        let role = match fate {
            Fate::Entry => self.entry(tag, &mut close),
            Fate::Container(vocabulary, name) => {
                close = self.element(vocabulary, name, tag, bases > 0);
                Role::Container
            }
            Fate::Void(vocabulary, name) => {
                close = self.element(vocabulary, name, tag, bases > 0);
                Role::Text { form: Form::Escaped, void: true, nested: 0 }
            }
            Fate::Text(vocabulary, name) => self.text_element(vocabulary, name, tag, bases > 0, &mut close),
            Fate::Fallback(name) if self.told.contains(&name) => Role::Dropped { nested: 0 },
            Fate::Fallback(name) => {
                let native = if self.shape == Some(Shape::Atom) { Vocabulary::Atom } else { Vocabulary::Rss };
                self.text_element(native, name, tag, false, &mut close)
            }
            Fate::Page => {
                self.out.push_str("<link>");
                self.resolved(tag.attribute("href").unwrap_or(""));
                close.push_str("</link>");
                Role::Text { form: Form::Escaped, void: true, nested: 0 }
            }
            Fate::Elided => Role::Elided,
            Fate::Period(name) => Role::Period { name },
            Fate::Deleted => {
                if let Some(id) = tag.attribute("ref").filter(|_| self.deleted.len() < DELETED_LIMIT) {
                    self.scratch.clear();
                    self.entities.resolve(id.trim(), &mut self.scratch);
                    self.deleted.push(self.scratch.clone());
                }
                Role::Dropped { nested: 0 }
            }
            Fate::Dropped => Role::Dropped { nested: 0 },
        };
        let content = self.out.len();
        self.stack.push(Frame { name: tag.name, role, close, start, content, namespaces, bases });
        if tag.empty {
            self.close_to(self.stack.len() - 1);
        }
    }

    fn entry(&mut self, tag: &Tag, close: &mut String) -> Role {
        let base = self.base_attribute(self.is_based());
        if self.shape == Some(Shape::Atom) {
            self.out.push_str(&format!("<atom:entry{base}>"));
            close.push_str("</atom:entry>");
        } else {
            self.out.push_str(&format!("<item{base}>"));
            close.push_str("</item>");
            // RSS 1.0's identity; a guid that follows takes its place
            if let Some((_, about)) = tag.attributes.iter().find(|(name, _)| local_name(name) == "about") {
                self.out.push_str("<guid>");
                self.resolved(about);
                self.out.push_str("</guid>");
            }
        }
        Role::Entry
    }

    /// Writes the start of an element with its attributes; what ends it.
    fn element(&mut self, vocabulary: Vocabulary, name: &str, tag: &Tag, based: bool) -> String {
        let prefix = vocabulary.prefix().unwrap_or("");
        let base = self.base_attribute(based);
        self.out.push_str(&format!("<{prefix}{name}{base}"));
        for (name, value) in &tag.attributes {
            if ATTRIBUTES.contains(name) {
                self.attribute(name, Some(value));
            }
        }
        self.out.push('>');
        format!("</{prefix}{name}>")
    }

    fn text_element(&mut self, vocabulary: Vocabulary, name: &'static str, tag: &Tag, based: bool, close: &mut String) -> Role {
        self.told.push(name);
        let prefix = vocabulary.prefix().unwrap_or("");
        let is_content = matches!(name, "content" | "encoded");
        let base = self.base_attribute(based || is_content && self.is_based());
        let (atom, xhtml) = {
            let (source, _) = self.name(tag.name);
            (source == Vocabulary::Atom, source == Vocabulary::Xhtml)
        };
        let (form, html) = if atom { form(tag, is_content) } else { (if xhtml { Form::Inline } else { Form::Escaped }, true) };
        self.out.push_str(&format!("<{prefix}{name}{base}"));
        if vocabulary == Vocabulary::Atom {
            self.attribute("type", matches!(name, "title" | "subtitle" | "summary" | "content" | "rights").then_some(if html { "html" } else { "text" }));
            self.attribute("xml:lang", tag.attribute("xml:lang").filter(|_| is_content));
        }
        self.out.push('>');
        close.push_str(&format!("</{prefix}{name}>"));
        Role::Text { form, void: false, nested: 0 }
    }

    fn attribute(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.out.push_str(&format!(" {name}=\""));
            self.resolved(value);
            self.out.push('"');
        }
    }

    fn resolved(&mut self, source: &str) {
        self.scratch.clear();
        self.entities.resolve(source, &mut self.scratch);
        escape(self.scratch.trim(), &mut self.out);
    }

    /// Takes `xml:base` in, where it makes sense and is short; how many.
    fn rebase(&mut self, tag: &Tag) -> usize {
        let Some(base) = tag.attribute("xml:base").filter(|base| base.len() <= BASE_LIMIT) else { return 0 };
        self.scratch.clear();
        self.entities.resolve(base.trim(), &mut self.scratch);
        let url = match self.bases.last() {
            Some(outer) => outer.join(&self.scratch),
            None => Url::parse(&self.scratch),
        };
        match url {
            Ok(url) if !url.cannot_be_a_base() && url.as_str().len() <= 2 * BASE_LIMIT => {
                self.bases.push(url);
                1
            }
            _ => 0,
        }
    }

    /// Whether the source declares a base that is in force here.
    fn is_based(&self) -> bool {
        self.bases.len() > self.known_bases
    }

    /// The base in force as an attribute, always absolute: the library has nothing to join.
    fn base_attribute(&self, wanted: bool) -> String {
        let mut attribute = String::new();
        if let Some(base) = self.bases.last().filter(|_| wanted) {
            attribute.push_str(" xml:base=\"");
            escape(base.as_str(), &mut attribute);
            attribute.push('"');
        }
        attribute
    }

    /// Ends open elements down to the one at `to`, that one too.
    fn close_to(&mut self, to: usize) {
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

fn local_name(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// How a text begins, for people.
fn begins(source: &str) -> String {
    let words: String = source.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    format!("no RSS, Atom or JSON feed; it begins with {words:?}")
}

#[cfg(test)]
mod tests;
