//! A filter over a stage that copies headlines.

use super::*;
use crate::{Never, Share};
use std::time::Duration;
use tidings_model::{Item, Topic};

struct Echo;

impl Stage for Echo {
    const NAME: &'static str = "echo";
    const SHARE: Share = Share::Whole;
    const STATE: Option<&'static Topic> = None;
    const TICK: Option<Duration> = None;
    type In = Item;
    type Out = Item;
    type Change = Never;
    type Ask = Never;
    type Reply = Never;

    fn decide(&self, _: Timestamp, event: &Event<Self>) -> Result<Step<Self>, Reject> {
        let Event::Record(item) = event else { return Ok(Step::default()) };
        if item.headline.is_none() {
            return Err(Reject::new("text_missing", "headline", "", "a headline"));
        }
        Ok(Step { out: vec![item.clone()], ..Step::default() })
    }

    fn apply(&mut self, change: &Never) {
        match *change {}
    }
}

fn echo(lines: &str) -> (Tally, String, Vec<(usize, &'static str)>) {
    let (mut out, mut refused) = (Vec::new(), Vec::new());
    let tally = run(Echo, lines.as_bytes(), &mut out, |line, reject| refused.push((line, reject.code))).unwrap();
    (tally, String::from_utf8(out).unwrap(), refused)
}

#[test]
fn takes_bare_values_and_its_own_topics() {
    let (tally, out, refused) = echo(concat!(
        "{\"id\":1,\"headline\":\"bare\"}\n\n",
        "{\"topic\":\"news.raw.v1\",\"key\":\"2\",\"value\":{\"id\":\"2\",\"headline\":\"wrapped\"}}\n",
        "{\"topic\":\"news.alerts.v1\",\"key\":\"x\",\"value\":{}}\n",
    ));
    assert_eq!(tally, Tally { read: 3, passed_over: 1, written: 2, refused: 0 });
    assert_eq!(refused, []);
    let topics: Vec<&str> = out.lines().map(|line| &line[..29]).collect();
    assert_eq!(topics, [r#"{"topic":"news.raw.v1","key":"#; 2]);
}

#[test]
fn refuses_a_line_and_goes_on() {
    let (tally, _, refused) = echo(
        "no json\n{\"id\":1}\n{\"topic\":\"new.raw\",\"value\":1}\n{\"headline\":\"a\"}\n\u{0}\n{\"id\":1,\"headline\":\"b\"}",
    );
    assert_eq!(refused, [(1, "json"), (2, "text_missing"), (3, "topic"), (4, "schema"), (5, "json")]);
    assert_eq!(tally.written, 1);
}

#[test]
fn a_record_over_its_topics_limit_is_refused() {
    let long = "x".repeat(600 * 1024);
    let (_, _, refused) = echo(&format!("{{\"id\":1,\"headline\":\"{long}\"}}\n"));
    assert_eq!(refused, [(1, "too_large")]);
}
