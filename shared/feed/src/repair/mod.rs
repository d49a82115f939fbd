//! Broken or old XML to clean RSS 2.0 or Atom 1.0, so that the library below can read it and can't be hurt by it.
//!
//! One pass over lenient tokens ([`scan`]). Each element has a fate ([`element`]): it is written, written as text,
//! elided or dropped. Declarations, comments, unknown vocabularies and illegal characters do not survive; whatever
//! an element holds as text or inline markup is written as escaped text. So the output is well formed, its nesting
//! is a handful of levels whatever the input's is, and each of its parts is counted: the memory that reading it
//! takes is bounded here, not there.

mod element;
mod nest;
mod reference;
mod scan;
mod vocabulary;
mod write;

use crate::NotAFeed;
use nest::Repair;
use scan::{Scanner, Token};
use std::{collections::BTreeSet, time::Duration};

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
    let mut html_doctype = false;
    while let Some(token) = scanner.next(&mut repair.flaws) {
        match token {
            Token::Text(text) => repair.text(text, false),
            Token::Cdata(text) => repair.text(text, true),
            Token::Start(tag) => repair.start(&tag),
            Token::End(name) => repair.end(name),
            Token::Doctype(doctype) => {
                html_doctype = doctype.trim_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case("html"));
                repair.entities.declare(doctype);
            }
        }
        if repair.ended || repair.html && repair.shape.is_none() {
            break;
        }
    }
    repair.html |= html_doctype;
    repair.finish(source)
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
