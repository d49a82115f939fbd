//! Time as every record carries it: UTC, to the millisecond, RFC 3339 on the wire.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// Milliseconds since the Unix epoch, UTC. The epoch itself stands for "no time given".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// No time given: filters then go by input order.
    pub const ABSENT: Self = Self(0);
    /// The years that RFC 3339 can write, 0000 to 9999, less a day for offsets.
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_128_000_000;

    /// From milliseconds since the epoch; what RFC 3339 can't write is moved to the nearest that it can.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::FIRST, Self::LAST))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whether no time was given.
    pub fn is_absent(&self) -> bool {
        self.0 == 0
    }

    /// This time and a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier`; zero where it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{at:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>()
            .map(|at| Self::from_millis(at.as_millisecond()))
            .map_err(|_| format!("time {text:?} is not RFC 3339; write it as 2026-11-24T12:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self::from_millis)
        }
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, milliseconds"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_rfc_3339_in_milliseconds() {
        for (text, millis, written) in [
            ("2026-11-24T12:00:00Z", 1_795_521_600_000, "2026-11-24T12:00:00.000Z"),
            ("2026-11-24T13:00:00.5+01:00", 1_795_521_600_500, "2026-11-24T12:00:00.500Z"),
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"),
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!((at.millis(), at.to_string().as_str()), (millis, written), "{text}");
        }
        assert!("yesterday".parse::<Timestamp>().unwrap_err().contains("RFC 3339"));
    }

    #[test]
    fn every_value_can_be_written_and_read() {
        for millis in [i64::MIN, i64::MAX, -1, 0, 1] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }
}
