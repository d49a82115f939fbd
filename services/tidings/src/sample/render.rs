//! Feeds and article pages as bytes, a pure function of the content, the start of the show and the present.
//!
//! RSS 2.0 with `content:encoded`, Atom (RFC 4287) with tombstones (RFC 6721), RSS 1.0 and JSON Feed 1.1. Entries
//! come newest first. Whatever was withdrawn is gone; only Atom has a way to say so.

use super::content::{Article, CATALOGUE, Event, Feed, Format, Markup, Outlet, Version};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::json;
use std::fmt::{self, Display, Formatter};

/// When a feed that has nothing to say last changed: before all articles.
const FOUNDED: i64 = -7 * 24 * 60 * 60;

/// A feed as served.
pub struct Document {
    /// Media type.
    pub content_type: &'static str,
    /// The feed itself.
    pub body: String,
    /// When anything in it last changed, in whole seconds.
    pub changed: Timestamp,
}

/// An article in a feed.
struct Entry<'a> {
    article: &'a Article,
    category: &'a str,
    version: Version<'a>,
    link: String,
}

/// A feed of a show that began at `started`, as it stands at `now`.
pub fn feed(outlet: &Outlet, feed: &Feed, started: Timestamp, now: Timestamp) -> Document {
    let second = elapsed(started, now);
    let carried: Vec<(&Event, &Article)> =
        CATALOGUE.articles(outlet).filter(|(_, article)| outlet.carries(feed, article)).collect();
    let changes = carried.iter().flat_map(|(_, article)| article.changes());
    let changed = changes.filter(|&at| at <= second).max().unwrap_or(FOUNDED);
    let mut entries: Vec<Entry> = carried
        .iter()
        .filter_map(|&(event, article)| {
            let version = article.version(second)?;
            Some(Entry { article, category: &event.category, version, link: outlet.link(article) })
        })
        .collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.article.at));
    let page = Page { outlet, feed, started, changed, entries };
    let (content_type, body) = match outlet.format {
        Format::Rss => ("application/rss+xml; charset=utf-8", page.rss()),
        Format::Atom => {
            let gone = carried.iter().map(|(_, article)| *article);
            let gone = gone.filter(|article| article.withdrawn_at.is_some_and(|at| at <= second));
            ("application/atom+xml; charset=utf-8", page.atom(&gone.collect::<Vec<_>>()))
        }
        Format::Rdf => ("application/rdf+xml; charset=utf-8", page.rdf()),
        Format::Json => ("application/feed+json", page.json()),
    };
    Document { content_type, body, changed: moment(started, changed) }
}

/// The web page of an article.
pub fn article(outlet: &Outlet, article: &Article, version: Version<'_>) -> String {
    let text = version.body.or(version.summary).unwrap_or_default();
    let text = match outlet.markup {
        Markup::Html => text.to_owned(),
        Markup::Text => format!("<p>{}</p>", Escaped(text)),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{headline}</title>\n\
         <link rel=\"canonical\" href=\"{link}\">\n<h1>{headline}</h1>\n{text}\n\
         <hr>\n<p>{title} does not exist. This article is fiction, written as sample content for Tidings.</p>\n</html>\n",
        headline = Escaped(version.headline),
        link = outlet.link(article),
        title = Escaped(&outlet.title),
    )
}

/// Whole seconds of the show that have passed.
pub fn elapsed(started: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - started.as_second()
}

/// A feed, ready to be written in any format.
struct Page<'a> {
    outlet: &'a Outlet,
    feed: &'a Feed,
    started: Timestamp,
    changed: i64,
    entries: Vec<Entry<'a>>,
}

impl Page<'_> {
    fn rss(&self) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel>\n\
             <title>{title}</title>\n<link>https://{domain}/</link>\n<description>{title}</description>\n\
             <language>en</language>\n<lastBuildDate>{built}</lastBuildDate>\n",
            title = Escaped(&self.feed.title),
            domain = self.outlet.domain,
            built = self.rfc2822(self.changed),
        );
        for entry in &self.entries {
            let Entry { article, category, version, link } = entry;
            xml += &format!(
                "<item>\n<title>{}</title>\n<link>{link}</link>\n<guid isPermaLink=\"true\">{link}</guid>\n\
                 <category>{}</category>\n",
                Escaped(version.headline),
                Escaped(category),
            );
            xml += &element("dc:creator", article.author.as_deref());
            xml += &element("description", version.summary);
            xml += &element("content:encoded", version.body);
            if self.outlet.dated {
                xml += &element("pubDate", Some(&self.rfc2822(article.at)));
            }
            xml += "</item>\n";
        }
        xml + "</channel>\n</rss>\n"
    }

    fn atom(&self, gone: &[&Article]) -> String {
        let domain = &self.outlet.domain;
        let kind = if self.outlet.markup == Markup::Html { "html" } else { "text" };
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" \
             xml:lang=\"en\" xml:base=\"https://{domain}/\">\n\
             <id>{id}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n\
             <link rel=\"alternate\" href=\"https://{domain}/\"/>\n<author><name>{outlet}</name></author>\n",
            id = self.tag(&self.feed.name),
            title = Escaped(&self.feed.title),
            updated = moment(self.started, self.changed),
            outlet = Escaped(&self.outlet.title),
        );
        for article in gone {
            xml += &format!(
                "<at:deleted-entry ref=\"{}\" when=\"{}\">\n<at:comment>Withdrawn by the editors</at:comment>\n\
                 </at:deleted-entry>\n",
                self.tag(&article.slug),
                moment(self.started, article.withdrawn_at.unwrap_or(self.changed)),
            );
        }
        for entry in &self.entries {
            let Entry { article, category, version, link } = entry;
            xml += &format!(
                "<entry>\n<id>{}</id>\n<title>{}</title>\n<link rel=\"alternate\" href=\"{link}\"/>\n\
                 <category term=\"{}\"/>\n<published>{}</published>\n<updated>{}</updated>\n",
                self.tag(&article.slug),
                Escaped(version.headline),
                Escaped(category),
                moment(self.started, article.at),
                moment(self.started, version.at),
            );
            if let Some(author) = &article.author {
                xml += &format!("<author><name>{}</name></author>\n", Escaped(author));
            }
            for (name, text) in [("summary", version.summary), ("content", version.body)] {
                if let Some(text) = text {
                    xml += &format!("<{name} type=\"{kind}\">{}</{name}>\n", Escaped(text));
                }
            }
            xml += "</entry>\n";
        }
        xml + "</feed>\n"
    }

    fn rdf(&self) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <rdf:RDF xmlns=\"http://purl.org/rss/1.0/\" xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
             xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n\
             <channel rdf:about=\"https://{domain}/\">\n<title>{title}</title>\n<link>https://{domain}/</link>\n\
             <description>{title}</description>\n<dc:language>en</dc:language>\n<items>\n<rdf:Seq>\n",
            domain = self.outlet.domain,
            title = Escaped(&self.feed.title),
        );
        for entry in &self.entries {
            xml += &format!("<rdf:li rdf:resource=\"{}\"/>\n", entry.link);
        }
        xml += "</rdf:Seq>\n</items>\n</channel>\n";
        for entry in &self.entries {
            let Entry { article, category, version, link } = entry;
            xml += &format!(
                "<item rdf:about=\"{link}\">\n<title>{}</title>\n<link>{link}</link>\n",
                Escaped(version.headline)
            );
            xml += &element("description", version.summary);
            xml += &element("content:encoded", version.body);
            xml += &element("dc:creator", article.author.as_deref());
            xml += &element("dc:subject", Some(category));
            if self.outlet.dated {
                xml += &element("dc:date", Some(&moment(self.started, article.at).to_string()));
            }
            xml += "</item>\n";
        }
        xml + "</rdf:RDF>\n"
    }

    fn json(&self) -> String {
        let item = |entry: &Entry<'_>| {
            let Entry { article, category, version, link } = entry;
            let content = match self.outlet.markup {
                Markup::Html => "content_html",
                Markup::Text => "content_text",
            };
            let mut item = json!({
                "id": link,
                "url": link,
                "title": version.headline,
                "tags": [category],
                "date_published": moment(self.started, article.at).to_string(),
                content: version.body.or(version.summary),
            });
            if version.at != article.at {
                item["date_modified"] = json!(moment(self.started, version.at).to_string());
            }
            if let (Some(summary), Some(_)) = (version.summary, version.body) {
                item["summary"] = json!(summary);
            }
            if let Some(author) = &article.author {
                item["authors"] = json!([{ "name": author }]);
            }
            item
        };
        let feed = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.feed.title,
            "home_page_url": format!("https://{}/", self.outlet.domain),
            "language": "en",
            "items": self.entries.iter().map(item).collect::<Vec<_>>(),
        });
        format!("{feed:#}\n")
    }

    /// A permanent identifier (RFC 4151).
    fn tag(&self, name: &str) -> String {
        format!("tag:{},2026:{name}", self.outlet.domain)
    }

    fn rfc2822(&self, second: i64) -> String {
        let printed = DateTimePrinter::new().timestamp_to_rfc9110_string(&moment(self.started, second));
        printed.expect("the show takes place in a year of four digits")
    }
}

/// An XML element, or nothing.
fn element(name: &str, text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("<{name}>{}</{name}>\n", Escaped(text)))
}

/// A second of the show as a moment, in whole seconds.
fn moment(started: Timestamp, second: i64) -> Timestamp {
    Timestamp::from_second(started.as_second() + second).expect("the show takes place within the range of the calendar")
}

/// Text as XML or HTML character data, fit for attributes too.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            c => write!(f, "{c}"),
        })
    }
}
