//! What response headers ask of the next poll.

use crate::Validators;
use reqwest::header::{AGE, CACHE_CONTROL, ETAG, EXPIRES, HeaderMap, HeaderName, LAST_MODIFIED, RETRY_AFTER};
use std::time::Duration;
use tidings_model::Timestamp;

/// A validator longer than this is not sent back: it would be remembered with every change of the feed.
const VALIDATOR_LIMIT: usize = 1_000;

/// For the next conditional request.
pub(super) fn validators(headers: &HeaderMap) -> Validators {
    let short = |name| text(headers, name).filter(|value| value.len() <= VALIDATOR_LIMIT).map(str::to_owned);
    Validators { etag: short(ETAG), last_modified: short(LAST_MODIFIED) }
}

/// `Retry-After` in either form (RFC 9110 §10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    seconds(value).or_else(|| Some(date(value)?.since(now)))
}

/// How long the answer stays fresh (RFC 9111 §4.2): `max-age` less `Age`, else until `Expires`.
pub(super) fn fresh_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let max_age = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).find_map(|value| {
        let (_, age) = value
            .split(',')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"))?;
        seconds(age.trim().trim_matches('"'))
    });
    match max_age {
        Some(max_age) => Some(max_age.saturating_sub(text(headers, AGE).and_then(seconds).unwrap_or_default())),
        None => Some(date(text(headers, EXPIRES)?)?.since(now)),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(|seconds: u32| Duration::from_secs(seconds.into()))
}

fn date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let later = "Tue, 24 Nov 2026 12:01:00 GMT";
        for (headers, retry, fresh) in [
            (vec![], None, None),
            (vec![("retry-after", "120")], Some(120), None),
            (vec![("retry-after", later)], Some(60), None),
            (vec![("retry-after", "Tue, 24 Nov 2020 12:01:00 GMT")], Some(0), None),
            (vec![("retry-after", "soon")], None, None),
            (vec![("cache-control", "public, Max-Age=300"), ("age", "100"), ("expires", later)], None, Some(200)),
            (vec![("cache-control", "max-age=10"), ("age", "100")], None, Some(0)),
            (vec![("cache-control", "no-cache"), ("expires", later)], None, Some(60)),
            (vec![("expires", "0")], None, None),
        ] {
            let map = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            let map: HeaderMap = map.collect();
            let found = (retry_after(&map, now), fresh_for(&map, now));
            assert_eq!(found, (retry.map(Duration::from_secs), fresh.map(Duration::from_secs)), "{headers:?}");
        }
    }
}
