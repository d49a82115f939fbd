//! Durations in configurations as people write them: `30s`, `10m`, `72h`. Use as
//! `#[serde(with = "tidings_stage::duration")]` on a [`std::time::Duration`].

use jiff::{SignedDuration, fmt::serde::duration::friendly::compact};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use std::time::Duration;

/// Writes `1h 30m`.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    compact::required(&SignedDuration::try_from(*duration).unwrap_or(SignedDuration::MAX), serializer)
}

/// Reads `1h 30m`, `90m` or ISO 8601; not below zero.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let signed = SignedDuration::deserialize(deserializer)?;
    Duration::try_from(signed).map_err(|_| D::Error::custom(format!("duration {signed:#} is below zero")))
}
