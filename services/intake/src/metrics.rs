//! What intake shows: items taken in, by kind of source.

use crate::Intake;
use prometheus::{IntCounterVec, Opts, Registry};
use tidings_model::{OriginKind, Timestamp};
use tidings_stage::{Event, Step, Watch};

/// Counters of intake.
pub struct Metrics {
    items: IntCounterVec,
}

impl Metrics {
    /// Registers them, every label value at zero.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let opts = Opts::new("tidings_intake_items_total", "Items taken in from the inbox, by kind of source.");
        let items = IntCounterVec::new(opts, &["kind"])?;
        for kind in [OriginKind::Search, OriginKind::Api, OriginKind::File, OriginKind::Canary] {
            items.with_label_values(&[label(kind)]);
        }
        registry.register(Box::new(items.clone()))?;
        Ok(Self { items })
    }
}

fn label(kind: OriginKind) -> &'static str {
    match kind {
        OriginKind::Search => "search",
        OriginKind::Api => "api",
        OriginKind::Canary => "canary",
        _ => "file",
    }
}

impl Watch<Intake> for Metrics {
    fn committed(&self, _: Timestamp, _: &Event<Intake>, step: &Step<Intake>) {
        for item in &step.out {
            self.items.with_label_values(&[label(item.origin.kind)]).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_model::Inbox;
    use tidings_stage::Stage as _;

    #[test]
    fn items_are_counted_by_kind() {
        let (registry, mut stage) = (Registry::new(), Intake::new());
        let metrics = Metrics::new(&registry).unwrap();
        let inbox = Inbox { kind: OriginKind::Search, headline: Some("a".to_owned()), ..Inbox::default() };
        let event = Event::Record(inbox);
        let step = stage.step(Timestamp::ABSENT, &event).unwrap().step;
        metrics.committed(Timestamp::ABSENT, &event, &step);
        let counts: Vec<_> =
            ["api", "canary", "file", "search"].map(|kind| metrics.items.with_label_values(&[kind]).get()).into();
        assert_eq!(counts, [0, 0, 0, 1]);
        assert_eq!(registry.gather()[0].get_metric().len(), 4);
    }
}
