//! The `[fetch]` section of the configuration.

use crate::poller::Allow;
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use tidings_stage::Problem;

/// How feeds are polled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Between two polls of a feed that names no interval of its own. Cache hints of its host lengthen it.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub interval: Duration,
    /// The shortest interval that a feed may name.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub min_interval: Duration,
    /// The longest: of cache hints, and of the back-off from a feed that fails.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_interval: Duration,
    /// For one poll, from the first connection to the last byte, redirects included.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
    /// The largest document, after decompression.
    pub max_size: ByteSize,
    /// Where a publisher reaches whoever runs this: a URL or a mail address, sent in `User-Agent`.
    pub contact: Option<String>,
    /// Between the starts of two polls of one site (registrable domain). Allowed hosts have none.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub per_host_gap: Duration,
    /// Polls under way at once, over all hosts. Each may hold a document of `max_size` in memory.
    pub concurrency: usize,
    /// What may be polled although it is no public address: `host`, `host:port`, an address or a CIDR block.
    pub allow: Vec<String>,
    /// After so many polls without it, an entry that vanished from the middle of its feed counts as withdrawn;
    /// 0 never draws that conclusion. Withdrawals that a feed declares (RFC 6721) count at once.
    pub withdraw_after: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10 * 60),
            min_interval: Duration::from_secs(60),
            max_interval: Duration::from_secs(24 * 60 * 60),
            timeout: Duration::from_secs(20),
            max_size: ByteSize::mib(15),
            contact: None,
            per_host_gap: Duration::from_secs(1),
            concurrency: 32,
            allow: Vec::new(),
            withdraw_after: 2,
        }
    }
}

impl Config {
    /// Everything that is wrong with it; keys are relative to the section.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |bad: bool, key: &str, found: &dyn fmt::Display, mend: &str| {
            if bad {
                problems.push(Problem::new(key, found, mend));
            }
        };
        let human = |duration: Duration| format!("{:#}", jiff::SignedDuration::try_from(duration).unwrap_or_default());
        let (interval, min, max) = (self.interval, self.min_interval, self.max_interval);
        wrong(min.is_zero(), "min_interval", &human(min), "give at least 1s");
        wrong(interval < min, "interval", &human(interval), "give at least min_interval");
        wrong(interval > max, "interval", &human(interval), "give at most max_interval");
        wrong(self.timeout.is_zero(), "timeout", &human(self.timeout), "give at least 1s; 20s suits slow publishers");
        wrong(self.max_size.as_u64() == 0, "max_size", &self.max_size, "give a size such as 15MiB");
        let readable = ByteSize::b(tidings_feed::FEED_LIMIT as u64);
        wrong(self.max_size > readable, "max_size", &self.max_size, "give at most 16MiB: larger feeds are not read");
        wrong(self.concurrency == 0, "concurrency", &self.concurrency, "give at least 1");
        if let Some(contact) = &self.contact {
            let sendable = !contact.is_empty() && contact.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            wrong(!sendable, "contact", contact, "write a URL or a mail address in ASCII");
        }
        for (place, entry) in self.allow.iter().enumerate() {
            if let Err(mend) = entry.parse::<Allow>() {
                wrong(true, &format!("allow[{place}]"), entry, &mend);
            }
        }
        problems
    }

    /// What requests say of who asks.
    pub(crate) fn user_agent(&self) -> String {
        let version = concat!("tidings/", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
        match &self.contact {
            Some(contact) => format!("{version} (+{contact})"),
            None => version.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_survives_toml() {
        let config = Config::default();
        assert_eq!(config.problems(), []);
        let written = toml::to_string(&config).unwrap();
        assert!(written.contains("interval = \"10m\"") && written.contains("max_interval = \"24h\""), "{written}");
        assert_eq!(toml::from_str::<Config>(&written).unwrap(), config);
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let config: Config = toml::from_str(
            "interval = '1s'\nmin_interval = '0s'\nmax_interval = '1ms'\ntimeout = '0s'\nmax_size = '0B'\n\
             concurrency = 0\ncontact = 'a\\u0000b\\n'\nallow = ['10.0.0.0/8', '10.0.0.0/33', 'http://x/']"
                .replace('\'', "\"")
                .as_str(),
        )
        .unwrap();
        let keys: Vec<String> = config.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            ["min_interval", "interval", "timeout", "max_size", "concurrency", "contact", "allow[1]", "allow[2]"]
        );
    }

    #[test]
    fn the_user_agent_is_honest() {
        let mut config = Config::default();
        assert!(config.user_agent().starts_with("tidings/"));
        config.contact = Some("https://example.org/bot".to_owned());
        assert!(config.user_agent().ends_with(" (+https://example.org/bot)"));
    }
}
