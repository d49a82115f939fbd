//! JSON Feed 1.x (jsonfeed.org), read tolerantly: a value of the wrong type counts as absent, numbers are fine as
//! ids, and neither `version` nor `title` is insisted on. What is not needed is passed over without being kept.

use crate::{
    Feed, NotAFeed, date,
    entry::{Draft, absolute, line},
    text::Markup,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};
use tidings_model::Image;

/// The most values that are kept of a list.
const LIST_LIMIT: usize = 20_000;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    version: Scalar,
    title: Scalar,
    description: Scalar,
    home_page_url: Scalar,
    language: Scalar,
    author: Author,
    authors: List<Author>,
    items: Option<List<Item>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    id: Scalar,
    url: Scalar,
    external_url: Scalar,
    title: Scalar,
    content_html: Scalar,
    content_text: Scalar,
    summary: Scalar,
    image: Scalar,
    banner_image: Scalar,
    date_published: Scalar,
    date_modified: Scalar,
    language: Scalar,
    author: Author,
    authors: List<Author>,
    tags: List<Scalar>,
}

/// Text, or a number as text.
#[derive(Default)]
struct Scalar(Option<String>);

/// Its name.
#[derive(Default)]
struct Author(Scalar);

struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Reads a feed that came from `url`.
pub(crate) fn read(text: &str, url: Option<&str>) -> Result<Feed, NotAFeed> {
    let mut json = serde_json::Deserializer::from_str(text);
    let document = Document::deserialize(&mut json).map_err(|error| NotAFeed::Malformed(error.to_string()))?;
    let Some(List(items)) = document.items else {
        return Err(NotAFeed::Malformed("JSON without `items`; a JSON Feed has them".to_owned()));
    };
    let authors = names(document.author, document.authors);
    let versioned = document.version.0.is_some_and(|version| version.contains("jsonfeed.org/version/1"));
    Ok(Feed {
        title: document.title.0.as_deref().and_then(line),
        description: document.description.0.as_deref().and_then(line),
        home: document.home_page_url.0.as_deref().and_then(|home| absolute(home, url)),
        language: document.language.0.as_deref().and_then(line),
        entries: items.into_iter().map(|item| item.draft(&authors).finish(url)).collect(),
        repairs: if versioned { Vec::new() } else { vec!["version"] },
        ..Feed::default()
    })
}

impl Item {
    fn draft(self, feed_authors: &[String]) -> Draft {
        let authors = names(self.author, self.authors);
        let marked = |text: Scalar, markup| text.0.map(|text| (text, markup));
        Draft {
            guid: self.id.0,
            link: self.url.0.or(self.external_url.0),
            headline: marked(self.title, Markup::Plain),
            summary: marked(self.summary, Markup::Auto),
            body: marked(self.content_html, Markup::Html).or(marked(self.content_text, Markup::Auto)),
            images: [self.image, self.banner_image]
                .into_iter()
                .filter_map(|image| Some(Image { url: image.0?, text: None }))
                .collect(),
            authors: if authors.is_empty() { feed_authors.iter().take(8).cloned().collect() } else { authors },
            categories: self.tags.0.into_iter().filter_map(|tag| tag.0).collect(),
            published: self.date_published.0.as_deref().and_then(date::read),
            updated: self.date_modified.0.as_deref().and_then(date::read),
            language: self.language.0,
            ..Draft::default()
        }
    }
}

fn names(one: Author, many: List<Author>) -> Vec<String> {
    std::iter::once(one).chain(many.0).filter_map(|author| author.0.0).collect()
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Loose::default()).map(|found: Found<IgnoredAny>| found.scalar)
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(Loose::default())
            .map(|found: Found<IgnoredAny>| Self(if found.scalar.0.is_some() { found.scalar } else { found.name }))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Loose::default()).map(|found: Found<T>| Self(found.list))
    }
}

/// What was found where a value was looked for.
struct Found<T> {
    /// Of text or a number.
    scalar: Scalar,
    /// Of an object: its `name`.
    name: Scalar,
    /// Of a list.
    list: Vec<T>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { scalar: Scalar::default(), name: Scalar::default(), list: Vec::new() }
    }
}

/// Accepts a value of any type; fails only where the JSON itself is broken.
struct Loose<T>(PhantomData<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> Loose<T> {
    fn scalar<E>(value: &impl ToString) -> Result<Found<T>, E> {
        Ok(Found { scalar: Scalar(Some(value.to_string())), ..Found::default() })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Loose<T> {
    type Value = Found<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Found<T>, E> {
        Self::scalar(&text)
    }
    fn visit_u64<E>(self, number: u64) -> Result<Found<T>, E> {
        Self::scalar(&number)
    }
    fn visit_i64<E>(self, number: i64) -> Result<Found<T>, E> {
        Self::scalar(&number)
    }
    fn visit_f64<E>(self, number: f64) -> Result<Found<T>, E> {
        Self::scalar(&number)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Found<T>, E> {
        Ok(Found::default())
    }
    fn visit_unit<E>(self) -> Result<Found<T>, E> {
        Ok(Found::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Found<T>, A::Error> {
        let mut list = Vec::new();
        while list.len() < LIST_LIMIT {
            match values.next_element()? {
                Some(value) => list.push(value),
                None => return Ok(Found { list, ..Found::default() }),
            }
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Found { list, ..Found::default() })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found<T>, A::Error> {
        let mut found = Found::default();
        while let Some(key) = fields.next_key::<String>()? {
            if key == "name" {
                found.name = fields.next_value()?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_of_the_wrong_types_is_read_for_what_is_right() {
        let feed = read(
            r#"{"version":1,"title":["x"],"home_page_url":"/","author":{"name":"A","url":[{}]},"items":[
                {"id":17,"url":"a","title":null,"content_text":"one\ntwo [b](c.html)","tags":["t",2,{}],"image":"i.png"},
                {"id":"x","authors":[{"name":"B"},"C",{"nick":1}],"date_published":"2026-11-24T12:00:00+01:00",
                 "content_html":"<p>three</p>","summary":"three","attachments":{"deep":[[[1]]]}}]}"#,
            Some("https://e.org/feed.json"),
        );
        let feed = feed.unwrap();
        assert_eq!((feed.title, feed.home.as_deref()), (None, Some("https://e.org/")));
        assert_eq!(feed.repairs, ["version"]);
        let [one, two] = &feed.entries[..] else { panic!("two entries") };
        assert_eq!((one.guid.as_deref(), one.url.as_deref()), (Some("17"), Some("https://e.org/a")));
        assert_eq!((one.body.as_deref(), one.links[0].url.as_str()), (Some("one\ntwo b"), "https://e.org/c.html"));
        assert_eq!((&one.authors[..], &one.categories[..]), (&["A".into()][..], &["t".into(), "2".into()][..]));
        assert_eq!(one.images[0].url, "https://e.org/i.png");
        assert_eq!((two.body.as_deref(), two.summary.as_deref()), (Some("three"), None));
        assert_eq!(two.authors, ["B", "C"]);
        assert_eq!(two.published.map(|at| at.to_string()).as_deref(), Some("2026-11-24T11:00:00.000Z"));
    }

    #[test]
    fn other_json_is_no_feed() {
        for (text, why) in [("{}", "without `items`"), ("{\"items\":[", "EOF"), ("{\"items\":[1]}", "invalid type")] {
            let error = read(text, None).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
