//! An inbox record as an item, or why it can't be one.

use tidings_feed::{agency, text};
use tidings_model::{
    Content, ContentKind, Inbox, Item, ItemId, Origin, OriginKind, PublishedFrom, Publisher, Revision, Status,
    Timestamp, site,
};
use tidings_stage::Reject;

/// The item that a record tells of, seen at its own `first_seen_at`, or else `at`.
///
/// Its id is that of the provider's own id, or else that of its text with case, white space and quotes folded.
pub fn item(inbox: &Inbox, at: Timestamp) -> Result<Item, Reject> {
    check(inbox)?;
    let url =
        match &inbox.url {
            Some(url) => Some(site::canonical(url).ok_or_else(|| {
                Reject::new("url", "url", url, "an absolute address such as https://host/path, or none")
            })?),
            None => None,
        };
    let mut links = Vec::new();
    let base = url.as_deref();
    let mut cut = false;
    let mut read = |field, source: &Option<String>| {
        let found = text::plain(field, source.as_deref()?, text::Markup::Auto, base);
        links.extend(found.links);
        cut |= found.cut;
        (!found.text.is_empty()).then_some(found.text)
    };
    let headline = read("headline", &inbox.headline);
    let summary = read("summary", &inbox.summary);
    let body = read("body", &inbox.body);
    let texts = [&headline, &summary, &body].map(|text| text.as_deref().unwrap_or(""));
    let external_id = inbox.external_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    if texts.iter().all(|text| text.is_empty()) && !(inbox.withdrawn && external_id.is_some()) {
        let mend = "text in at least one of `headline`, `summary` and `body`";
        return Err(Reject::new("text_missing", "headline, summary, body", "empty", mend));
    }
    let id = match external_id {
        Some(id) => ItemId::of([inbox.provider.as_deref().unwrap_or(""), id]),
        None => ItemId::of([fold(texts).as_str()]),
    };
    let fullest = body.as_deref().or(summary.as_deref());
    let mut content = inbox.content.clone().unwrap_or_else(|| Content {
        kind: content_kind(inbox.kind, &summary, &body),
        truncated: summary.iter().chain(&body).any(|text| text::is_cut(text)),
        chars: 0,
    });
    content.truncated |= cut;
    let published_at = inbox.published_at.filter(|at| !at.is_absent());
    let mut item = Item {
        id,
        revision: Revision { no: inbox.revision.unwrap_or(1), ..Revision::default() },
        status: if inbox.withdrawn { Status::Withdrawn } else { Status::Published },
        origin: Origin {
            kind: inbox.kind,
            feed: None,
            provider: inbox.provider.as_deref().and_then(line),
            query: inbox.query.as_deref().and_then(line),
            rank: inbox.rank,
        },
        ingest: tidings_model::Ingest::Live,
        publisher: publisher(inbox.publisher.as_deref(), url.as_deref()),
        agency: fullest.and_then(agency),
        url,
        headline,
        summary,
        body,
        content,
        links,
        images: Vec::new(),
        authors: inbox.authors.iter().filter_map(|author| line(author)).collect(),
        categories: inbox.categories.iter().filter_map(|category| line(category)).collect(),
        language: inbox.language.clone(),
        published_at,
        published_from: published_at.map(|_| PublishedFrom::Declared),
        updated_at: None,
        first_seen_at: if inbox.first_seen_at.is_absent() { at } else { inbox.first_seen_at },
        rights: None,
    };
    item.fit();
    item.revision.hash = item.content_hash();
    Ok(item)
}

/// What a record may not say.
fn check(inbox: &Inbox) -> Result<(), Reject> {
    match inbox.kind {
        OriginKind::Search | OriginKind::Api | OriginKind::File | OriginKind::Canary => {}
        OriginKind::Feed => {
            return Err(Reject::new("kind", "kind", "feed", "`search`, `api` or `file`; feeds: `tidings feeds add`"));
        }
        _ => return Err(Reject::new("kind", "kind", "unknown", "one of `search`, `api`, `file`")),
    }
    for (field, number) in [("rank", inbox.rank), ("revision", inbox.revision)] {
        if number == Some(0) {
            return Err(Reject::new("range", field, 0, "1 or more, or none"));
        }
    }
    if let Some(language) = &inbox.language {
        let tag = &language.tag;
        let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if tag.len() < 2 || !tag.split('-').all(subtag) {
            return Err(Reject::new("language", "language.tag", tag, "a BCP 47 tag such as `en` or `pt-BR`, or none"));
        }
    }
    Ok(())
}

/// The texts as one, with what differs between tellings of the same snippet folded: case, white space, quotes.
fn fold(texts: [&str; 3]) -> String {
    let mut folded = String::new();
    for word in texts.iter().flat_map(|text| text.split_whitespace()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '‘' | '’' | '‚' | '‛' | '`' | '´' | '‹' | '›' => '\'',
            '“' | '”' | '„' | '‟' | '«' | '»' => '"',
            c => c,
        }));
    }
    folded
}

fn content_kind(origin: OriginKind, summary: &Option<String>, body: &Option<String>) -> ContentKind {
    match (origin, summary, body) {
        (OriginKind::Search, _, _) => ContentKind::Extract,
        (_, _, Some(_)) => ContentKind::Full,
        (_, Some(_), None) => ContentKind::Summary,
        (_, None, None) => ContentKind::Headline,
    }
}

fn publisher(name: Option<&str>, url: Option<&str>) -> Option<Publisher> {
    let (name, domain) = (name.and_then(line), url.and_then(site::domain));
    (name.is_some() || domain.is_some()).then_some(Publisher { name, domain })
}

/// White space collapsed; `None` where nothing is left.
fn line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::ABSENT;

    fn read(json: &str) -> Result<Item, Reject> {
        item(&serde_json::from_str(json).unwrap(), AT)
    }

    #[test]
    fn a_full_record() {
        let item = read(
            r#"{"kind":"api","provider":"Wires","external_id":"w-1","revision":2,"query":"dam","rank":3,
                "url":"https://news.herald.example/dam?utm_source=x","headline":"Dam <b>holds</b>",
                "body":"ARDEN (NWA) — It [held](/dam).","publisher":"The  Herald","authors":["Ann Bell"," "],
                "language":{"tag":"en","source":"declared"},"published_at":"2026-11-24T12:00:00Z",
                "first_seen_at":"2026-11-24T12:00:05Z"}"#,
        )
        .unwrap();
        assert_eq!(item.id, ItemId::of(["Wires", "w-1"]));
        assert_eq!((item.revision.no, &item.revision.hash), (2, &item.content_hash()));
        assert_eq!((item.origin.query.as_deref(), item.origin.rank), (Some("dam"), Some(3)));
        assert_eq!(item.url.as_deref(), Some("https://news.herald.example/dam"));
        assert_eq!(
            (item.headline.as_deref(), item.body.as_deref()),
            (Some("Dam holds"), Some("ARDEN (NWA) — It held."))
        );
        assert_eq!((item.links[0].url.as_str(), item.links[0].start), ("https://news.herald.example/dam", 17));
        let publisher = item.publisher.unwrap();
        assert_eq!(
            (publisher.name.as_deref(), publisher.domain.as_deref()),
            (Some("The Herald"), Some("herald.example"))
        );
        assert_eq!(
            (item.agency.as_deref(), item.content.kind, item.content.chars),
            (Some("NWA"), ContentKind::Full, 31)
        );
        assert_eq!((item.authors, item.published_from), (vec!["Ann Bell".to_owned()], Some(PublishedFrom::Declared)));
        assert_eq!(item.first_seen_at.to_string(), "2026-11-24T12:00:05.000Z");
    }

    #[test]
    fn the_same_snippet_is_one_item_whatever_it_was_found_with() {
        let id = |json| read(json).unwrap().id;
        let first = id(r#"{"kind":"search","query":"a","rank":1,"summary":"“Dam  holds”","body":"It [held](/x)."}"#);
        for (json, same) in [
            (r#"{"kind":"search","query":"b","rank":9,"summary":"\"dam holds\"","body":"It held. "}"#, true),
            (r#"{"kind":"search","summary":"Dam holds","body":"It held."}"#, false),
            (r#"{"kind":"search","external_id":"1","summary":"“Dam  holds”","body":"It held."}"#, false),
        ] {
            assert_eq!(id(json) == first, same, "{json}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (json, code, field) in [
            (r#"{"headline":"<p> </p>"}"#, "text_missing", "headline, summary, body"),
            (r#"{"withdrawn":true}"#, "text_missing", "headline, summary, body"),
            (r#"{"headline":"a","url":"example.org/a"}"#, "url", "url"),
            (r#"{"headline":"a","url":"ftp://example.org/a"}"#, "url", "url"),
            (r#"{"headline":"a","rank":0}"#, "range", "rank"),
            (r#"{"headline":"a","kind":"feed"}"#, "kind", "kind"),
            (r#"{"headline":"a","kind":"rumour"}"#, "kind", "kind"),
            (
                r#"{"headline":"a","language":{"tag":"English, I think","source":"declared"}}"#,
                "language",
                "language.tag",
            ),
        ] {
            let reject = read(json).unwrap_err();
            assert_eq!((reject.code, reject.field.as_ref()), (code, field), "{json}");
        }
        assert_eq!(read(r#"{"withdrawn":true,"external_id":"1"}"#).unwrap().status, Status::Withdrawn);
    }
}
