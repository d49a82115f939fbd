//! What the sink reads: enriched items, and the copies that dedup set aside.

use tidings_model::{Duplicate, Enriched, Item, Message, OriginKind, Timestamp, Topic};
use tidings_stage::{Input, Reject, bare, json};

/// A record of one of the sink's topics.
#[derive(Debug, Clone)]
pub enum News {
    /// A new story, or an update of one.
    Enriched(Enriched),
    /// A copy: counted, never a story.
    Duplicate(Duplicate),
}

impl News {
    /// The item that it carries.
    pub fn item(&self) -> &Item {
        match self {
            Self::Enriched(enriched) => &enriched.item,
            Self::Duplicate(duplicate) => &duplicate.item,
        }
    }

    /// Whether Tidings made it itself, to see whether the line is alive: such items are neither judged nor counted.
    pub fn is_canary(&self) -> bool {
        self.item().origin.kind == OriginKind::Canary
    }
}

impl Input for News {
    fn topics() -> Vec<&'static Topic> {
        vec![Enriched::TOPIC, Duplicate::TOPIC]
    }

    fn decode(topic: &Topic, _: &[u8], value: Option<&[u8]>) -> Result<Self, Reject> {
        if topic == Duplicate::TOPIC { json(value).map(Self::Duplicate) } else { json(value).map(Self::Enriched) }
    }

    fn bare(line: &[u8]) -> Result<Self, Reject> {
        bare(line).map(Self::Enriched)
    }

    fn seen(&self) -> Option<Timestamp> {
        Message::seen(self.item())
    }
}
