//! The stage: one inbox record in, one item out.

use crate::item;
use tidings_model::{Inbox, Item, Timestamp, Topic};
use tidings_stage::{Event, Never, Reject, Share, Stage, Step};

/// Makes items of inbox records. Stateless.
#[derive(Debug, Clone, Copy, Default)]
pub struct Intake;

impl Intake {
    /// There is nothing to configure.
    pub fn new() -> Self {
        Self
    }
}

impl Stage for Intake {
    const NAME: &'static str = "intake";
    const SHARE: Share = Share::Partition;
    const STATE: Option<&'static Topic> = None;
    type In = Inbox;
    type Out = Item;
    type Change = Never;
    type Ask = Never;
    type Reply = Never;

    fn decide(&self, at: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        let out = match event {
            Event::Record(inbox) => vec![item(inbox, at)?],
            Event::Reply(never) => match *never {},
            Event::Restored | Event::Tick => Vec::new(),
        };
        Ok(Step { out, ..Step::default() })
    }

    fn apply(&mut self, change: &Never) {
        match *change {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead_extract;
    use serde_json::Value;
    use std::{fs, path::PathBuf};
    use tidings_stage::{filter, laws};

    fn data(file: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file)
    }

    fn one_word(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn laws_hold() {
        let events = || {
            let texts = ["Storm closes ports", "", "storm  closes ports"];
            let inbox = |text: &&str| Inbox { summary: Some((*text).to_owned()), ..Inbox::default() };
            let at = |i: usize| Timestamp::from_millis(1 + i as i64);
            texts.iter().enumerate().map(|(i, text)| (at(i), Event::Record(inbox(text)))).collect()
        };
        laws::hold(Intake::new, events);
    }

    #[test]
    fn as_a_filter_it_names_what_it_refuses() {
        let lines = "{\"headline\":\"a\"}\n{\"url\":\"/x\",\"headline\":\"b\"}\n{\"headline\":\" \"}\n";
        let mut codes = Vec::new();
        let refused = |line, reject: &Reject| codes.push((line, reject.code));
        let tally = filter::run(Intake::new(), lines.as_bytes(), Vec::new(), refused).unwrap();
        assert_eq!((tally.written, tally.refused), (1, 2));
        assert_eq!(codes, [(2, "url"), (3, "text_missing")]);
    }

    /// The sample input: seven search snippets of one event, each a lead and an extract with markdown links.
    #[test]
    fn the_seed_documents() {
        let Ok(seeds) = fs::read(data("seeds.txt")) else {
            println!("skipped: no {}", data("seeds.txt").display());
            return;
        };
        let gold: Value = serde_json::from_slice(&fs::read(data("entities/seeds-gold.json")).unwrap()).unwrap();
        let records: Vec<Inbox> = lead_extract(&seeds[..]).collect::<Result<_, _>>().unwrap();
        let at = Timestamp::from_millis(1_795_521_600_000);
        let mut stage = Intake::new();
        let mut step = |inbox: &Inbox| stage.step(at, &Event::Record(inbox.clone())).unwrap().step.out.remove(0);
        let items: Vec<Item> = records.iter().map(&mut step).collect();
        assert_eq!(items.len(), 7);
        let mut links = 0;
        for (item, gold) in items.iter().zip(gold["docs"].as_array().unwrap()) {
            assert_eq!(
                (&item.url, &item.publisher, item.published_at, item.published_from),
                (&None, &None, None, None)
            );
            let text = [&item.summary, &item.body].map(|text| text.as_deref().unwrap()).join("\n");
            assert_eq!(one_word(&text), one_word(gold["text"].as_str().unwrap()));
            for link in &item.links {
                let field = item.texts().find(|(name, _)| *name == link.field).unwrap().1;
                let anchor: String =
                    field.chars().skip(link.start as usize).take((link.end - link.start) as usize).collect();
                assert_eq!((&anchor, link.resolved), (&link.text, !link.url.starts_with('/')));
                links += 1;
            }
        }
        let written = String::from_utf8(seeds).unwrap().matches("](").count();
        assert_eq!(links, written);
        // the same snippet again is the same item
        assert_eq!(
            records.iter().map(step).map(|item| item.id).collect::<Vec<_>>(),
            items.iter().map(|item| item.id.clone()).collect::<Vec<_>>()
        );
    }
}
