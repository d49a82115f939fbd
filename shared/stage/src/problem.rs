//! What is wrong with a configuration; all of it is told at once.

use std::fmt;

/// One thing that is wrong, for the person who wrote the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the key, such as `dedup.window`.
    pub key: String,
    /// The value found.
    pub found: String,
    /// What is wrong with it, and what would be right.
    pub mend: String,
}

impl Problem {
    /// A problem with the value of a key.
    pub fn new(key: impl Into<String>, found: impl fmt::Display, mend: impl Into<String>) -> Self {
        Self { key: key.into(), found: found.to_string(), mend: mend.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}", self.key, self.found, self.mend)
    }
}
