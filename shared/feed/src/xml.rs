//! RSS, Atom and RDF: repaired, read by feed-rs, and brought into our shape.

use crate::{
    Feed, NotAFeed, date,
    entry::{Draft, Marked, absolute, line, one_line},
    repair::{Repaired, repair},
    text::Markup,
};
use feed_rs::{model, parser};
use std::time::Duration;
use tidings_model::{Image, Timestamp};
use url::Url;

/// Reads a feed that came from `url`.
pub(crate) fn read(text: &str, url: Option<&str>) -> Result<Feed, NotAFeed> {
    let base = url.filter(|url| Url::parse(url).is_ok_and(|url| !url.cannot_be_a_base()));
    let Repaired { xml, deleted, ttl, repairs } = repair(text, base)?;
    let parsed = library(base).parse(xml.as_bytes()).map_err(|error| NotAFeed::Malformed(error.to_string()))?;
    drop(xml);
    Ok(Feed {
        title: parsed.title.map(marked).and_then(one_line),
        description: parsed.description.map(marked).and_then(one_line),
        home: alternate(&parsed.links).and_then(|link| absolute(link, base)),
        language: parsed.language.as_deref().and_then(line),
        rights: parsed.rights.map(marked).and_then(one_line),
        ttl: parsed.ttl.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)).or(ttl),
        entries: parsed.entries.into_iter().map(|entry| draft(entry).finish(base)).collect(),
        deleted,
        repairs,
    })
}

fn library(base: Option<&str>) -> parser::Parser {
    parser::Builder::new()
        .base_uri(base)
        .sanitize_content(false)
        // by default an entry without id and link gets a random one, another at each reading
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(|text| date::read(text).and_then(|at| at.to_string().parse().ok()))
        .build()
}

fn draft(entry: model::Entry) -> Draft {
    let link = alternate(&entry.links).map(str::to_owned);
    let body = entry.content.and_then(|content| {
        let markup = markup(content.content_type.as_str());
        content.body.map(|body| (body, markup))
    });
    let described = || entry.media.iter().find_map(|media| media.description.clone());
    let summary = entry.summary.clone().or_else(described).map(marked);
    let titled = || entry.media.iter().find_map(|media| media.title.clone());
    Draft {
        guid: Some(entry.id),
        link,
        headline: entry.title.clone().or_else(titled).map(marked),
        summary,
        body,
        images: entry.media.iter().flat_map(pictures).collect(),
        authors: entry.authors.into_iter().filter_map(|person| person.name.or(person.email)).collect(),
        categories: entry.categories.into_iter().map(|category| category.label.unwrap_or(category.term)).collect(),
        published: entry.published.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        updated: entry.updated.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        language: entry.language,
        rights: entry.rights.map(marked),
        base: entry.base,
    }
}

/// The link to the page: `rel="alternate"` or none, HTML before other types.
fn alternate(links: &[model::Link]) -> Option<&str> {
    let pages = || {
        links.iter().filter(|link| {
            link.target.is_none() && !link.href.is_empty() && matches!(link.rel.as_deref(), None | Some("alternate"))
        })
    };
    let html = |link: &&model::Link| link.media_type.as_deref().is_none_or(|kind| kind.contains("html"));
    pages().find(html).or_else(|| pages().next()).map(|link| link.href.as_str())
}

fn pictures(media: &model::MediaObject) -> Vec<Image> {
    let is_picture = |content: &&model::MediaContent| match &content.content_type {
        Some(kind) => kind.as_str().starts_with("image/"),
        None => content.url.as_ref().is_some_and(|url| {
            let path = url.path().to_ascii_lowercase();
            [".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"].iter().any(|ending| path.ends_with(ending))
        }),
    };
    let text = media.title.as_ref().map(|title| title.content.clone()).and_then(|title| line(&title));
    let whole = media.content.iter().filter(is_picture).filter_map(|content| content.url.as_ref().map(Url::to_string));
    let small = media.thumbnails.iter().map(|thumbnail| thumbnail.image.uri.clone());
    let mut urls: Vec<String> = whole.collect();
    if urls.is_empty() {
        urls = small.collect();
    }
    urls.into_iter().map(|url| Image { url, text: text.clone() }).collect()
}

fn marked(text: model::Text) -> Marked {
    let markup = markup(text.content_type.as_str());
    (text.content, markup)
}

/// Publishers write HTML where they declare text, so text is looked at.
fn markup(content_type: &str) -> Markup {
    if content_type.contains("html") { Markup::Html } else { Markup::Auto }
}
