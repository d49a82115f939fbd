//! How a feed is, in a word and in a sentence for its reader.

use crate::{FeedMemory, Health, Outcome, memory::Moving};
use tidings_model::{FeedId, FeedState, FeedStatus, Timestamp};

/// A permanent redirect is adopted after so many polls in a row.
pub(crate) const ADOPT_AFTER: u8 = 3;
/// After so many failed polls in a row an adopted address is dropped for the subscribed one.
const DROP_ADOPTED_AFTER: u32 = 5;
/// The longest address, title and message that are remembered, in bytes. Together they make a status of less than
/// 2 KiB, even where every character of title and message is a quotation mark.
pub(crate) const URL_LIMIT: usize = 700;
pub(crate) const TITLE_LIMIT: usize = 150;
const MESSAGE_LIMIT: usize = 250;

/// State and message after a failed poll; `None` for outcomes that are no failure.
pub(crate) fn failure(outcome: &Outcome) -> Option<(FeedState, String)> {
    Some(match outcome {
        Outcome::Document { .. } | Outcome::Unchanged => return None,
        Outcome::NotAFeed(what) => (FeedState::NotAFeed, what.clone()),
        Outcome::Http(410) => (FeedState::Gone, "410 Gone; polls have stopped".to_owned()),
        Outcome::Http(code) => (FeedState::Failing, http(*code)),
        Outcome::TimedOut(limit) => (FeedState::Failing, format!("timed out after {} s", limit.as_secs_f32())),
        Outcome::TooLarge(limit) => (FeedState::Failing, format!("larger than {limit}")),
        Outcome::Refused(why) => (FeedState::Refused, why.clone()),
        Outcome::Network(why) => (FeedState::Failing, why.clone()),
    })
}

/// The message of a good poll.
pub(crate) fn ok(entries: u32, memory: &FeedMemory) -> String {
    let entries = match entries {
        0 => "no entries".to_owned(),
        1 => "1 entry".to_owned(),
        more => format!("{more} entries"),
    };
    // told from the first answer on, although the address is only adopted after several
    match memory.adopted.as_ref().or(memory.moving.as_ref().map(|moving| &moving.to)) {
        Some(to) => format!("ok, {entries}; redirected to {to}"),
        None => format!("ok, {entries}"),
    }
}

fn http(code: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"))
}

/// Remembers how the feed is; `since` moves only when that differs from before.
pub(crate) fn settle(
    memory: &mut FeedMemory,
    at: Timestamp,
    state: FeedState,
    message: &str,
    entries: Option<u32>,
    copy_of: Option<FeedId>,
) {
    let message = shortened(message, MESSAGE_LIMIT);
    let since = match &memory.health {
        Some(health) if health.state == state && health.message == message => health.since,
        _ => at,
    };
    let entries = entries.or(memory.health.as_ref().and_then(|health| health.entries));
    memory.health = Some(Health { state, message, since, entries, copy_of });
}

/// What to publish where the feed is no longer as before.
pub(crate) fn told(feed: &FeedId, before: Option<&Health>, memory: &FeedMemory) -> Option<FeedStatus> {
    let health = memory.health.as_ref()?;
    let same = before.is_some_and(|before| before.state == health.state && before.message == health.message);
    (!same).then(|| FeedStatus {
        id: feed.clone(),
        url: memory.polled_at().to_owned(),
        title: memory.own_title.clone().or(memory.title.clone()),
        state: health.state,
        message: health.message.clone(),
        entries: health.entries,
        since: health.since,
    })
}

/// Where a feed is polled after an answer that came over a permanent redirect, or not.
pub(crate) fn follow(memory: &mut FeedMemory, moved: Option<&str>) {
    let moving = moved.filter(|to| to.len() <= URL_LIMIT).map(|to| Moving {
        to: to.to_owned(),
        times: memory.moving.as_ref().filter(|moving| moving.to == to).map_or(1, |moving| moving.times + 1),
    });
    match moving {
        Some(moving) if moving.times >= ADOPT_AFTER => {
            memory.adopted = (moving.to != memory.url).then_some(moving.to);
            memory.moving = None;
        }
        moving => memory.moving = moving,
    }
}

/// Another failed poll.
pub(crate) fn failed(memory: &mut FeedMemory) {
    memory.failures = memory.failures.saturating_add(1);
    if memory.failures >= DROP_ADOPTED_AFTER {
        memory.adopted = None;
    }
}

/// At most so many bytes, without control characters.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let mut short = text.replace(char::is_control, " ");
    if short.len() > limit {
        short.truncate(short.floor_char_boundary(limit - '…'.len_utf8()));
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::tests::memory;
    use std::time::Duration;
    use tidings_model::Message;

    #[test]
    fn the_largest_status_fits_its_topic() {
        let mut memory = FeedMemory {
            url: format!("https://example.org/{}", "x".repeat(URL_LIMIT - 20)),
            own_title: Some(shortened(&"\"".repeat(999), TITLE_LIMIT)),
            ..memory()
        };
        settle(&mut memory, Timestamp::from_millis(1), FeedState::NotAFeed, &"\"".repeat(999), Some(u32::MAX), None);
        let id = FeedId::parse(&"x".repeat(128)).unwrap();
        let size = told(&id, None, &memory).unwrap().record().value.unwrap().len();
        assert!(size <= FeedStatus::TOPIC.limit && size > FeedStatus::TOPIC.limit / 10 * 8, "{size}");
    }

    #[test]
    fn failures_read_well() {
        for (outcome, state, message) in [
            (Outcome::Http(403), FeedState::Failing, "403 Forbidden"),
            (Outcome::Http(599), FeedState::Failing, "599"),
            (Outcome::Http(410), FeedState::Gone, "410 Gone; polls have stopped"),
            (Outcome::TimedOut(Duration::from_secs(20)), FeedState::Failing, "timed out after 20 s"),
            (Outcome::Network("connection refused".to_owned()), FeedState::Failing, "connection refused"),
        ] {
            assert_eq!(failure(&outcome), Some((state, message.to_owned())));
        }
        assert_eq!(failure(&Outcome::Unchanged), None);
    }

    #[test]
    fn permanent_redirects_are_adopted_after_three_in_a_row() {
        let mut memory = FeedMemory { url: "http://a/".to_owned(), ..memory() };
        let mut steps = Vec::new();
        for moved in
            [Some("http://b/"), Some("http://b/"), None, Some("http://b/"), Some("http://b/"), Some("http://b/")]
        {
            follow(&mut memory, moved);
            steps.push(memory.polled_at().to_owned());
        }
        assert_eq!(steps, ["http://a/", "http://a/", "http://a/", "http://a/", "http://a/", "http://b/"]);
        assert_eq!(ok(1, &memory), "ok, 1 entry; redirected to http://b/");
        (0..DROP_ADOPTED_AFTER).for_each(|_| failed(&mut memory));
        assert_eq!(memory.polled_at(), "http://a/", "an adopted address that fails is dropped");
    }
}
