//! The stream for people: one line a story, copy, update, alert or feed.

use crate::paint::{Paint, column};
use serde_json::Value;
use std::time::Duration;
use tidings_model::{
    Alert, AlertState, Duplicate, Enriched, FeedState, FeedStatus, Item, Message, Publisher, Relation, Status,
    Timestamp, Topic, Verdict, topic,
};
use tidings_stream::Received;

/// The topics that the show is made of.
pub const TOPICS: [&Topic; 3] = [&topic::ENRICHED, &topic::DUPLICATES, &topic::ALERTS];

/// Widths of publisher and headline.
const PUBLISHER: usize = 18;
const HEADLINE: usize = 58;

/// A record as a line; `now` gives the delay since first sight, which a look back has no use for.
pub fn line(received: &Received, now: Option<Timestamp>, paint: Paint) -> Option<String> {
    let value = received.value.as_deref()?;
    let line = match received.topic.name {
        name if name == Enriched::TOPIC.name => story(&serde_json::from_slice(value).ok()?, now, paint),
        name if name == Duplicate::TOPIC.name => copy(&serde_json::from_slice(value).ok()?, paint),
        name if name == Alert::TOPIC.name => alert(&serde_json::from_slice(value).ok()?, paint),
        name if name == FeedStatus::TOPIC.name => feed(&serde_json::from_slice(value).ok()?, paint),
        _ => other(received, value),
    };
    Some(format!("{}  {line}", paint.paint("2", &time(received.at))))
}

fn story(story: &Enriched, now: Option<Timestamp>, paint: Paint) -> String {
    let item = &story.item;
    let tag = match (story.cluster.verdict, item.status) {
        (_, Status::Withdrawn) => paint.paint("33", "GONE  "),
        (Verdict::Update, _) => paint.paint("33", "UPDATE"),
        _ => paint.paint("1;32", "NEW   "),
    };
    let names: Vec<&str> = story.entities.iter().take(3).map(|entity| entity.name.as_str()).collect();
    let delay = now.map_or(String::new(), |now| seconds(now.since(item.first_seen_at)));
    let about = match item.revision.changed.as_slice() {
        [] => names.join(" · "),
        changed => format!("{} changed", changed.join(", ")),
    };
    format!("{tag}  {}  {about}  {}", head(item), paint.paint("2", &delay))
}

fn copy(copy: &Duplicate, paint: Paint) -> String {
    let relation = match copy.relation {
        Relation::SameArticle => "same article",
        Relation::Syndicated => "syndicated",
        _ => "nearly the same",
    };
    let of = copy.of.publisher.as_ref().and_then(Publisher::label).unwrap_or(copy.of.id.as_str());
    let behind = seconds(Duration::from_millis(copy.behind_ms));
    let text = format!("{}  of {of}, {relation}, {behind} behind", head(&copy.item));
    format!("{}    {}", paint.paint("36", "COPY"), paint.paint("2", &text))
}

fn alert(alert: &Alert, paint: Paint) -> String {
    let tag = match alert.state {
        AlertState::Resolved => paint.paint("1", "CALM  "),
        _ => paint.paint("1;31", "ALERT "),
    };
    format!("{tag}  {}  {}", column(&alert.rule, PUBLISHER), paint.paint("1", &alert.summary))
}

fn feed(status: &FeedStatus, paint: Paint) -> String {
    let code = if status.state == FeedState::Ok { "34" } else { "31" };
    let name = status.title.as_deref().unwrap_or(&status.url);
    format!(
        "{}    {}  {}  {}",
        paint.paint(code, "FEED"),
        column(name, PUBLISHER),
        status.message,
        paint.paint("2", &status.url)
    )
}

fn other(received: &Received, value: &[u8]) -> String {
    let key = String::from_utf8_lossy(&received.key);
    let item = serde_json::from_slice::<Item>(value).ok();
    match item {
        Some(item) => format!("{}  {}", column(&key, 12), head(&item)),
        None => format!("{}  {}", column(&key, 12), String::from_utf8_lossy(value)),
    }
}

fn head(item: &Item) -> String {
    let title = item.headline.as_deref().or_else(|| item.texts().next().map(|(_, text)| text)).unwrap_or("(no text)");
    format!("{}  {}", column(item.publisher_label(), PUBLISHER), column(&title.replace('\n', " "), HEADLINE))
}

/// `0.03 s`, `0.3 s`, `41 s`, `3 min`, `2 h`.
fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0 if duration.as_millis() < 100 => format!("{:.2} s", duration.as_secs_f64()),
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        s @ 10..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

/// The time of day, UTC.
fn time(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// A record as one JSON line with its place and headers.
pub fn json(received: &Received) -> String {
    let value = received.value.as_deref().map_or(Value::Null, |value| {
        serde_json::from_slice(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into())
    });
    let headers: serde_json::Map<String, Value> =
        received.headers.iter().map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into())).collect();
    serde_json::json!({
        "topic": received.topic.name,
        "partition": received.partition,
        "offset": received.offset,
        "at": received.at,
        "key": String::from_utf8_lossy(&received.key),
        "headers": headers,
        "value": value,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_unit_that_matters() {
        for (millis, told) in [(31, "0.03 s"), (300, "0.3 s"), (41_000, "41 s"), (180_000, "3 min"), (7_200_000, "2 h")]
        {
            assert_eq!(seconds(Duration::from_millis(millis)), told);
        }
    }

    #[test]
    fn columns_are_exact() {
        for (text, shown) in [("ab", "ab   "), ("abcde", "abcde"), ("abcdef", "abcd…"), ("abc def", "abc… ")] {
            assert_eq!(column(text, 5), shown);
        }
    }
}
