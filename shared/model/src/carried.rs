//! A value that is read but passed on as it came, byte for byte.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{borrow::Cow, ops::Deref, sync::Arc};

/// `T` together with the JSON that it was read from: a stage reads the fields it knows, and fields that it
/// does not know (a newer publisher's, a user's own) reach its subscribers untouched. Clones share both.
#[derive(Debug)]
pub struct Carried<T>(Arc<Parts<T>>);

#[derive(Debug)]
struct Parts<T> {
    value: T,
    json: Box<RawValue>,
}

impl<T> Clone for Carried<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Serialize> Carried<T> {
    /// Carries a value made here.
    pub fn new(value: T) -> Self {
        let json = serde_json::value::to_raw_value(&value).expect("records serialise to memory");
        Self(Arc::new(Parts { value, json }))
    }
}

impl<T: DeserializeOwned> Carried<T> {
    /// Reads JSON and keeps it.
    pub fn parse(json: Box<RawValue>) -> serde_json::Result<Self> {
        Ok(Self(Arc::new(Parts { value: serde_json::from_str(json.get())?, json })))
    }
}

impl<T> Carried<T> {
    /// The JSON as it came.
    pub fn json(&self) -> &str {
        self.0.json.get()
    }
}

impl<T> Deref for Carried<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Serialize for Carried<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.json.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Carried<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Box::<RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for Carried<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_pass_through() {
        #[derive(Deserialize)]
        struct Known {
            a: u8,
        }
        let json = r#"{"a":1,"later":{"x":[1.0,2e3]}}"#;
        let carried: Carried<Known> = serde_json::from_str(json).unwrap();
        assert_eq!(carried.a, 1);
        assert_eq!(serde_json::to_string(&carried).unwrap(), json);
    }
}
