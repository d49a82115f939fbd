//! Why a record can't be processed.

use std::{borrow::Cow, fmt};

/// For the person who will read the dead letter: which field, what was found, what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Stable, for metrics and for finding dead letters of a kind.
    pub code: &'static str,
    /// Path of the offending field, as in `item.published_at`.
    pub field: Cow<'static, str>,
    /// What was found, shortened.
    pub found: String,
    /// What would be right.
    pub mend: &'static str,
}

impl Reject {
    /// `found` is shortened to 200 characters.
    pub fn new(
        code: &'static str,
        field: impl Into<Cow<'static, str>>,
        found: impl fmt::Display,
        mend: &'static str,
    ) -> Self {
        let found = found.to_string();
        let found = match found.char_indices().nth(200) {
            Some((end, _)) => format!("{}…", &found[..end]),
            None => found,
        };
        Self { code, field: field.into(), found, mend }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {:?}; {}", self.code, self.field, self.found, self.mend)
    }
}
