//! From an entry to an item on `news.raw.v1`.

use crate::{FeedMemory, Seen};
use tidings_feed::{Entry, Feed};
use tidings_model::{
    Content, ContentKind, FeedId, Ingest, Item, Language, LanguageSource, Link, Message, Origin, OriginFeed,
    OriginKind, PublishedFrom, Publisher, Revision, Status, site,
};

/// An item whose texts and lists, as they are in memory, take less than this is under the limit of its topic in JSON
/// too: the worst character takes six bytes there.
const SURELY_FITS: usize = <Item as Message>::TOPIC.limit / 8;

/// Longer addresses and language tags are nonsense, and are left out: an item must fit its topic.
const URL_LIMIT: usize = 4 * 1024;
const TAG_LIMIT: usize = 64;

/// A feed that items come from.
pub(crate) struct Source<'a> {
    pub id: &'a FeedId,
    pub memory: &'a FeedMemory,
    /// The document; none for a withdrawal concluded without one.
    pub feed: Option<&'a Feed>,
}

impl Source<'_> {
    /// An entry as its publisher tells it now.
    pub fn published(&self, seen: &Seen, entry: &Entry, changed: &[&'static str], ingest: Ingest) -> Item {
        let feed = self.feed;
        let kind = match (&entry.body, &entry.summary) {
            (Some(_), _) => ContentKind::Full,
            (None, Some(_)) => ContentKind::Summary,
            (None, None) => ContentKind::Headline,
        };
        let language = entry.language.clone().or_else(|| feed?.language.clone());
        let language = language.filter(|tag| tag.len() <= TAG_LIMIT);
        let mut item = Item {
            headline: entry.headline.clone(),
            summary: entry.summary.clone(),
            body: entry.body.clone(),
            content: Content { kind, truncated: entry.truncated, chars: 0 },
            links: entry.links.clone(),
            images: entry.images.clone(),
            authors: entry.authors.clone(),
            categories: entry.categories.clone(),
            agency: entry.agency.clone(),
            language: language.map(|tag| Language { tag, source: LanguageSource::Declared }),
            published_at: Some(entry.published.unwrap_or(seen.first_seen)),
            published_from: Some(match entry.published {
                Some(_) => PublishedFrom::Declared,
                None => PublishedFrom::FirstSeen,
            }),
            updated_at: entry.updated,
            rights: entry.rights.clone().or_else(|| feed?.rights.clone()),
            ..self.outline(seen, entry.url.clone(), Status::Published, ingest)
        };
        item.fit();
        shrink(&mut item);
        if item.content.truncated && !entry.truncated {
            drop_dangling_links(&mut item);
        }
        item.revision.hash = item.content_hash();
        item.revision.changed = changed.iter().map(|&field| field.to_owned()).collect();
        item
    }

    /// An entry that its publisher took back, as far as it is remembered.
    pub fn withdrawn(&self, seen: &Seen) -> Item {
        let told = seen.told.as_deref();
        let url = told.and_then(|told| told.url.clone());
        let mut item = self.outline(seen, url, Status::Withdrawn, Ingest::Live);
        item.headline = told.and_then(|told| told.headline.clone());
        item.content.kind = ContentKind::Headline;
        item.published_at = seen.published;
        item.published_from = seen.published.map(|_| PublishedFrom::Declared);
        item.fit();
        item.revision.hash = item.content_hash();
        item.revision.changed = vec!["status".to_owned()];
        item
    }

    /// What does not depend on the entry's text.
    fn outline(&self, seen: &Seen, url: Option<String>, status: Status, ingest: Ingest) -> Item {
        let memory = self.memory;
        let url = url.filter(|url| url.len() <= URL_LIMIT);
        let home = self.feed.and_then(|feed| feed.home.as_deref());
        let domain = [url.as_deref(), home, Some(memory.polled_at())].into_iter().flatten().find_map(site::domain);
        let name = memory.title.as_deref().or(memory.own_title.as_deref());
        let name = name.map(|title| publisher_name(title, domain.as_deref()).to_owned());
        Item {
            id: seen.key.item_id(),
            revision: Revision { no: seen.no, ..Revision::default() },
            status,
            origin: Origin {
                kind: OriginKind::Feed,
                feed: Some(OriginFeed {
                    id: self.id.clone(),
                    url: memory.polled_at().to_owned(),
                    title: memory.own_title.clone(),
                }),
                ..Origin::default()
            },
            ingest,
            url,
            headline: None,
            summary: None,
            body: None,
            content: Content::default(),
            links: Vec::new(),
            images: Vec::new(),
            authors: Vec::new(),
            categories: Vec::new(),
            publisher: Some(Publisher { name, domain }),
            agency: None,
            language: None,
            published_at: None,
            published_from: None,
            updated_at: None,
            first_seen_at: seen.first_seen,
            rights: None,
        }
    }
}

/// The publisher's part of a feed's title: of `World | The Harbour Post`, the part that the domain resembles; the
/// whole title where none does.
fn publisher_name<'a>(title: &'a str, domain: Option<&str>) -> &'a str {
    let fold =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let site = domain.and_then(|domain| domain.split('.').next()).map(fold).unwrap_or_default();
    let resembles = |part: &&str| {
        let part = fold(part);
        let bare = part.strip_prefix("the").unwrap_or(&part);
        site.len() > 1 && bare.len() > 1 && (bare.contains(&site) || site.contains(bare))
    };
    let parts = [" | ", " - ", " – ", " — ", " » ", " > ", ": "].iter().find(|mark| title.contains(**mark));
    let part = parts.and_then(|mark| title.split(mark).map(str::trim).find(resembles));
    part.unwrap_or(title)
}

/// Brings an item under its topic's limit, the least needed first. Rare: texts of a quarter megabyte in characters
/// that JSON escapes, or feeds that are nothing but links.
fn shrink(item: &mut Item) {
    let links = item.links.iter().map(|link| 100 + link.text.len() + link.url.len());
    let images = item.images.iter().map(|image| 20 + image.url.len() + image.text.as_ref().map_or(0, String::len));
    let names = item.authors.iter().chain(&item.categories).chain(&item.rights).map(|name| 3 + name.len());
    let texts = item.texts().map(|(_, text)| text.len());
    if texts.chain(links).chain(images).chain(names).sum::<usize>() < SURELY_FITS {
        return;
    }
    let too_large = |item: &Item| item.record().value.is_some_and(|value| value.len() > <Item as Message>::TOPIC.limit);
    let steps: [fn(&mut Item); 5] = [
        |item| item.links.clear(),
        |item| item.images.clear(),
        |item| {
            item.authors.clear();
            item.categories.clear();
            item.rights = None;
        },
        |item| cut(&mut item.summary, 16 * 1024),
        |item| cut(&mut item.headline, 2 * 1024),
    ];
    for step in steps {
        if !too_large(item) {
            return;
        }
        item.content.truncated = true;
        step(item);
    }
    while too_large(item) && item.body.as_ref().is_some_and(|body| !body.is_empty()) {
        let half = item.body.as_ref().map_or(0, String::len) / 2;
        cut(&mut item.body, half);
    }
    item.fit();
}

/// Drops the links of what was cut off.
fn drop_dangling_links(item: &mut Item) {
    let ends: Vec<(&str, usize)> = item.texts().map(|(field, text)| (field, text.chars().count())).collect();
    let stands = |link: &Link| ends.iter().any(|(field, end)| link.field == *field && link.end as usize <= *end);
    let links = item.links.iter().filter(|link| stands(link)).cloned().collect();
    item.links = links;
}

fn cut(text: &mut Option<String>, limit: usize) {
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::tests::memory;
    use tidings_model::{BODY_LIMIT, Timestamp};

    #[test]
    fn the_largest_entry_fits_its_topic() {
        let link = |field: &str, end| Link {
            field: field.to_owned(),
            text: "x".to_owned(),
            url: "https://example.org/".to_owned(),
            start: 0,
            end,
            resolved: true,
        };
        let text = Some("\u{1}".repeat(2 * BODY_LIMIT));
        let entry = Entry {
            url: text.clone(),
            language: text.clone(),
            headline: text.clone(),
            summary: text.clone(),
            body: text,
            links: vec![link("body", 1), link("body", BODY_LIMIT as u32 + 1)],
            categories: vec!["x".repeat(BODY_LIMIT)],
            ..Entry::default()
        };
        let id = FeedId::of(["a"]);
        let source = Source { id: &id, memory: &memory(), feed: None };
        let seen = crate::revision::sight(crate::EntryKey::of(&id, &["e"]), &entry, None, Timestamp::ABSENT);
        let item = source.published(&seen, &entry, &[], Ingest::Live);
        let size = item.record().value.unwrap().len();
        assert!(size <= Item::TOPIC.limit && size > Item::TOPIC.limit / 4, "{size}");
        assert!(item.content.truncated && item.links.is_empty());

        let plain = Entry { body: Some("é".repeat(BODY_LIMIT)), ..entry };
        let plain = Entry { headline: None, summary: None, categories: Vec::new(), ..plain };
        let item = source.published(&seen, &plain, &[], Ingest::Live);
        assert_eq!((item.body.map(|body| body.len()), item.links.len()), (Some(BODY_LIMIT), 1));
    }

    #[test]
    fn publishers_are_recognised_in_titles() {
        for (title, domain, name) in [
            ("World | The Harbour Post", "harbourpost.example", "The Harbour Post"),
            ("BBC News - World", "bbc.co.uk", "BBC News"),
            ("Harbour Post: Shipping", "harbourpost.example", "Harbour Post"),
            ("Arden Daily", "ardendaily.example", "Arden Daily"),
            ("Storms - and what to do", "example.org", "Storms - and what to do"),
        ] {
            assert_eq!(publisher_name(title, Some(domain)), name);
        }
    }
}
