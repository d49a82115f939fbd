//! Ids: short strings that are the same each time the same thing is seen.
//!
//! Tidings makes them as 32 hex digits, 128 bits of BLAKE3; ids from outside may be any text of up to
//! 128 bytes, or a number.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Borrow, fmt};

/// 128 bits of BLAKE3 over `parts`, as 32 hex digits. Each part is prefixed with its length, so that
/// `["ab", "c"]` and `["a", "bc"]` differ.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(length(min = 1, max = 128))] Box<str>);

        impl $name {
            /// The id of what `parts` identify.
            pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
                Self(digest(parts).into())
            }

            /// An id from outside: 1 to 128 bytes.
            pub fn parse(text: &str) -> Result<Self, String> {
                match text.len() {
                    1..=128 => Ok(Self(text.into())),
                    found => Err(format!("id is {found} bytes long; ids have 1 to 128 bytes")),
                }
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = if deserializer.is_human_readable() {
                    deserializer.deserialize_any(TextOrNumber)?
                } else {
                    String::deserialize(deserializer)?
                };
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

id!(
    /// Identifies an item: the same entry of the same feed, in all its revisions.
    ItemId
);
id!(
    /// Identifies a feed: its normalised URL.
    FeedId
);
id!(
    /// Identifies a cluster of copies: the id of the item that came first.
    ClusterId
);

impl From<ItemId> for ClusterId {
    fn from(first: ItemId) -> Self {
        Self(first.0)
    }
}

struct TextOrNumber;

impl de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id: text or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_where_the_parts_end() {
        assert_ne!(ItemId::of(["ab", "c"]), ItemId::of(["a", "bc"]));
        assert_eq!(ItemId::of(["a"]).as_str().len(), 32);
    }

    #[test]
    fn ids_from_outside_may_be_text_or_numbers() {
        for (json, id) in [("\"n-17\"", Some("n-17")), ("17", Some("17")), ("\"\"", None), ("[]", None)] {
            assert_eq!(serde_json::from_str::<ItemId>(json).ok().as_ref().map(ItemId::as_str), id, "{json}");
        }
    }
}
