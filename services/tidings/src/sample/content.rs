//! What the sample publishers print: outlets, events, articles and the names in them, read from `sample/*.toml`.
//!
//! All of it is written for this project; people, organisations and towns are invented. Times are whole seconds
//! after the start of the show, negative for what was printed before it. The files are compiled in and read by the
//! tests, so loading them cannot fail at run time.

use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

/// The whole of the sample content, loaded once.
pub static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue {
    outlets: parse::<Outlets>(include_str!("../../sample/outlets.toml")).outlet,
    events: EVENTS.iter().map(|source| parse(source)).collect(),
});

const EVENTS: [&str; 18] = [
    include_str!("../../sample/events/01-port-audit.toml"),
    include_str!("../../sample/events/02-fishing-quota.toml"),
    include_str!("../../sample/events/03-library-find.toml"),
    include_str!("../../sample/events/04-grain-talks.toml"),
    include_str!("../../sample/events/05-rail-strike.toml"),
    include_str!("../../sample/events/06-central-bank.toml"),
    include_str!("../../sample/events/07-arden-explosion.toml"),
    include_str!("../../sample/events/08-storm-hedda.toml"),
    include_str!("../../sample/events/09-osprey-merger.toml"),
    include_str!("../../sample/events/10-petrel-probe.toml"),
    include_str!("../../sample/events/11-vaccine-trial.toml"),
    include_str!("../../sample/events/12-cup-final.toml"),
    include_str!("../../sample/events/13-early-election.toml"),
    include_str!("../../sample/events/14-torsay-bridge.toml"),
    include_str!("../../sample/events/15-clinic-breach.toml"),
    include_str!("../../sample/events/16-halvorsen-prize.toml"),
    include_str!("../../sample/events/17-kessler-dam.toml"),
    include_str!("../../sample/events/18-ash-cloud.toml"),
];

/// Outlets and what they print.
pub struct Catalogue {
    /// In the order of `outlets.toml`.
    pub outlets: Vec<Outlet>,
    /// In the order of their file names.
    pub events: Vec<Event>,
}

/// A publisher.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// First segment of its paths on the loopback publisher.
    pub id: String,
    /// Its name, as printed.
    pub title: String,
    /// Host of its article links, under `.example` (RFC 2606).
    pub domain: String,
    /// Format of its feeds.
    pub format: Format,
    /// How its text is marked up.
    pub markup: Markup,
    /// Whether its entries carry dates; RDF feeds often don't.
    #[serde(default = "yes")]
    pub dated: bool,
    /// Its feeds; an article that names none is in the first.
    pub feed: Vec<Feed>,
}

/// One feed of an outlet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// File name without its ending.
    pub name: String,
    /// Title of the feed.
    pub title: String,
}

/// A feed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RSS 2.0 with `content:encoded`.
    Rss,
    /// Atom 1.0 (RFC 4287) with tombstones (RFC 6721).
    Atom,
    /// RSS 1.0, an RDF vocabulary.
    Rdf,
    /// JSON Feed 1.1.
    Json,
}

/// How an outlet marks up its text.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Markup {
    /// HTML, links as `<a href>`.
    Html,
    /// Plain text, links as in Markdown.
    Text,
}

/// Something that happened, and all that is printed about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its name in the truth file.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test makes the truth file from it"))]
    pub id: String,
    /// Category that outlets file it under.
    pub category: String,
    /// In the order of the file.
    pub article: Vec<Article>,
}

/// An article, through all its versions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// Id of the outlet.
    pub outlet: String,
    /// Its path under the outlet.
    pub slug: String,
    /// When it appears.
    pub at: i64,
    /// First headline.
    pub headline: String,
    /// Names of the feeds that carry it, where not the outlet's first alone.
    #[serde(default)]
    pub feeds: Vec<String>,
    /// Byline.
    pub author: Option<String>,
    /// Teaser, as marked up by the outlet.
    #[serde(default, deserialize_with = "flowing")]
    pub summary: Option<String>,
    /// Text, as marked up by the outlet.
    #[serde(default, deserialize_with = "flowing")]
    pub body: Option<String>,
    /// `outlet/slug` of the article that this one reprints.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test makes the truth file from it"))]
    pub copy_of: Option<String>,
    /// Later versions, earliest first.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// When the outlet takes it back.
    pub withdrawn_at: Option<i64>,
}

/// A later version of an article: what is absent stays as it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// When it replaces the version before.
    pub at: i64,
    /// New headline.
    pub headline: Option<String>,
    /// New teaser.
    #[serde(default, deserialize_with = "flowing")]
    pub summary: Option<String>,
    /// New text.
    #[serde(default, deserialize_with = "flowing")]
    pub body: Option<String>,
}

/// An article as it stands at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    /// When this version appeared.
    pub at: i64,
    /// Headline.
    pub headline: &'a str,
    /// Teaser.
    pub summary: Option<&'a str>,
    /// Text.
    pub body: Option<&'a str>,
}

impl Catalogue {
    /// The outlet of that id.
    pub fn outlet(&self, id: &str) -> Option<&Outlet> {
        self.outlets.iter().find(|outlet| outlet.id == id)
    }

    /// All articles of an outlet, each with its event.
    pub fn articles<'a>(&'a self, outlet: &'a Outlet) -> impl Iterator<Item = (&'a Event, &'a Article)> {
        self.events
            .iter()
            .flat_map(|event| event.article.iter().map(move |article| (event, article)))
            .filter(move |(_, article)| article.outlet == outlet.id)
    }
}

impl Outlet {
    /// Path of a feed on the loopback publisher.
    pub fn feed_path(&self, feed: &Feed) -> String {
        let ending = if self.format == Format::Json { "json" } else { "xml" };
        format!("/{}/{}.{ending}", self.id, feed.name)
    }

    /// The address that the outlet prints for an article.
    pub fn link(&self, article: &Article) -> String {
        format!("https://{}/{}", self.domain, article.slug)
    }

    /// Whether `feed` carries `article`.
    pub fn carries(&self, feed: &Feed, article: &Article) -> bool {
        if article.feeds.is_empty() { feed.name == self.feed[0].name } else { article.feeds.contains(&feed.name) }
    }
}

impl Article {
    /// The version that stands at second `now`: none before it appears and none once it is withdrawn.
    pub fn version(&self, now: i64) -> Option<Version<'_>> {
        if self.at > now || self.withdrawn_at.is_some_and(|at| at <= now) {
            return None;
        }
        Some(self.printed(now))
    }

    /// The last version printed up to second `now`, withdrawn or not.
    pub fn printed(&self, now: i64) -> Version<'_> {
        let first = Version {
            at: self.at,
            headline: &self.headline,
            summary: self.summary.as_deref(),
            body: self.body.as_deref(),
        };
        self.edit.iter().filter(|edit| edit.at <= now).fold(first, |before, edit| Version {
            at: edit.at,
            headline: edit.headline.as_deref().unwrap_or(before.headline),
            summary: edit.summary.as_deref().or(before.summary),
            body: edit.body.as_deref().or(before.body),
        })
    }

    /// Every second at which the article changes.
    pub fn changes(&self) -> impl Iterator<Item = i64> {
        let edits = self.edit.iter().map(|edit| edit.at);
        std::iter::once(self.at).chain(edits).chain(self.withdrawn_at)
    }
}

#[derive(Deserialize)]
struct Outlets {
    outlet: Vec<Outlet>,
}

/// Reads one of the compiled-in files.
pub(super) fn parse<T: serde::de::DeserializeOwned>(source: &str) -> T {
    toml::from_str(source).expect("the compiled-in sample files are checked by the tests")
}

/// Undoes the line breaks of the source file: a paragraph is one line, as publishers send it.
fn flowing<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(source)?;
    let paragraphs = text.trim().split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    Ok(Some(paragraphs.collect::<Vec<_>>().join("\n\n")))
}

fn yes() -> bool {
    true
}
