//! What is written of an element: its name in our namespaces, its attributes, absolute `xml:base`.

use super::{
    element::{Fate, Form, Shape, form},
    local_name,
    nest::{Frame, Repair, Role},
    reference::escape,
    scan::Tag,
    vocabulary::Vocabulary,
};
use url::Url;

/// The longest `xml:base`, in bytes.
const BASE_LIMIT: usize = 1_024;
/// The most entries that a feed may take back at once.
const DELETED_LIMIT: usize = 20_000;
/// Attributes that are written; those of text are worked out.
const ATTRIBUTES: [&str; 15] = [
    "href", "rel", "type", "title", "hreflang", "length", "url", "width", "height", "fileSize", "duration", "term",
    "label", "scheme", "domain",
];

impl<'a> Repair<'a> {
    /// Opens an element, and ends it if it is empty.
    pub(super) fn open(&mut self, tag: &Tag<'a>, fate: Fate, namespaces: usize, bases: usize) {
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

    fn text_element(
        &mut self,
        vocabulary: Vocabulary,
        name: &'static str,
        tag: &Tag,
        based: bool,
        close: &mut String,
    ) -> Role {
        self.told.push(name);
        let prefix = vocabulary.prefix().unwrap_or("");
        let is_content = matches!(name, "content" | "encoded");
        let base = self.base_attribute(based || is_content && self.is_based());
        let (form, html) = match self.name(tag.name).0 {
            Vocabulary::Atom => form(tag, is_content),
            Vocabulary::Xhtml => (Form::Inline, true),
            _ => (Form::Escaped, true),
        };
        self.out.push_str(&format!("<{prefix}{name}{base}"));
        if vocabulary == Vocabulary::Atom {
            let typed = matches!(name, "title" | "subtitle" | "summary" | "content" | "rights");
            self.attribute("type", typed.then_some(if html { "html" } else { "text" }));
            self.attribute("xml:lang", tag.attribute("xml:lang").filter(|_| is_content));
        }
        self.out.push('>');
        close.push_str(&format!("</{prefix}{name}>"));
        Role::Text { form, void: false, nested: 0 }
    }

    pub(super) fn attribute(&mut self, name: &str, value: Option<&str>) {
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
    pub(super) fn rebase(&mut self, tag: &Tag) -> usize {
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
    pub(super) fn base_attribute(&self, wanted: bool) -> String {
        let mut attribute = String::new();
        if let Some(base) = self.bases.last().filter(|_| wanted) {
            attribute.push_str(" xml:base=\"");
            escape(base.as_str(), &mut attribute);
            attribute.push('"');
        }
        attribute
    }
}
