//! The stage over streams of stories: what fires, what never does, and what becomes of the deliveries.

use super::*;
use crate::fixture::{arden, at, change, entity, story};
use crate::rules::KINDS;
use serde_json::json;
use tidings_model::{Duplicate, Entity};
use tidings_stage::{filter, laws};

const BURST: &str = "[[rules]]\nname = \"burst\"\nkind = \"burst\"\nwarmup = \"0s\"\n";
const HOOK: &str = "[[webhooks]]\nname = \"desk\"\nurl = \"http://127.0.0.1:9/\"\n";

fn sink(config: &str) -> Sink {
    let config: Config = toml::from_str(config).unwrap();
    assert_eq!(config.problems(), []);
    Sink::new(&config).unwrap()
}

fn told(stories: impl IntoIterator<Item = Enriched>) -> Vec<(Timestamp, Event<Sink>)> {
    let event = |enriched: Enriched| (enriched.item.first_seen_at, Event::Record(News::Enriched(enriched)));
    stories.into_iter().map(event).collect()
}

fn steps(sink: &mut Sink, events: Vec<(Timestamp, Event<Sink>)>) -> Vec<Step<Sink>> {
    filter::steps(sink, events).into_iter().map(Result::unwrap).collect()
}

fn run(sink: &mut Sink, stories: impl IntoIterator<Item = Enriched>) -> Vec<Alert> {
    steps(sink, told(stories)).into_iter().flat_map(|step| step.out).collect()
}

/// `count` stories by three publishers, so many minutes apart.
fn stories(count: usize, apart: f64, entities: &[Entity]) -> Vec<Enriched> {
    (0..count)
        .map(|i| story(i, i as f64 * apart, ["post", "daily", "echo"][i % 3], "Explosion at port", entities))
        .collect()
}

#[test]
fn a_burst_fires_once_and_says_what_it_saw() {
    let alerts = run(&mut sink(&format!("{BURST}floor = 0.3\n")), stories(9, 1.0, &[arden()]));
    let [alert] = &alerts[..] else { panic!("{alerts:#?}") };
    assert_eq!(alert.summary, "Arden: 7 stories in 30 min, 0.3 expected");
    assert_eq!((alert.rule.as_str(), alert.kind.as_str(), alert.state), ("burst", "burst", AlertState::Firing));
    assert_eq!((alert.subject.as_str(), alert.subject_id.as_deref()), ("Arden", Some("arden")));
    assert_eq!((alert.observed, alert.expected), (7.0, Some(0.3)));
    assert!(alert.score.unwrap() > 4.0);
    assert_eq!(alert.window, tidings_model::Window { start: at(-20.0), end: at(6.0) });
    assert_eq!(
        alert.evidence.iter().map(tidings_model::ItemId::as_str).collect::<Vec<_>>(),
        ["6", "5", "4", "3", "2", "1", "0"]
    );
}

#[test]
fn what_is_no_new_live_story_of_a_public_subject_never_bursts() {
    let arden = [arden()];
    let each = |verdict: &'static str, fields: serde_json::Value| {
        let arden = arden.clone();
        let each = move |i: usize| change(i, i as f64, ["post", "daily"][i % 2], "x", &arden, verdict, &fields);
        (0..30).map(each).collect::<Vec<_>>()
    };
    let named = |kind, id_kind| stories(30, 1.0, &[entity(kind, id_kind, "x", "Mira Kell")]);
    for (what, stories, fired) in [
        ("stories", each("new", json!({})), 1),
        ("updates", each("update", json!({})), 0),
        ("backfill", each("new", json!({"ingest": "backfill"})), 0),
        ("replay", each("new", json!({"ingest": "replay"})), 0),
        ("withdrawn", each("new", json!({"status": "withdrawn"})), 0),
        ("canaries", each("new", json!({"origin": {"kind": "canary"}})), 0),
        ("one publisher", each("new", json!({"publisher": {"domain": "post.example"}})), 0),
        ("two stories", stories(2, 1.0, &arden), 0),
        ("a person whom Wikidata knows", named("person", "wikidata"), 1),
        ("a person without a Wikidata id", named("person", "local"), 0),
        ("an unknown name", named("other", "local"), 0),
        ("a nationality", named("group", "wikidata"), 0),
        ("an organisation", named("organisation", "local"), 1),
    ] {
        assert_eq!(run(&mut sink(BURST), stories).len(), fired, "{what}");
    }
    let warm = run(&mut sink(&BURST.replace("0s", "72h")), stories(9, 1.0, &arden));
    assert_eq!(warm, [], "during the warm-up");
}

#[test]
fn copies_never_count() {
    let copy = |i: usize| {
        let story = story(i, i as f64, ["post", "daily"][i % 2], "x", &[arden()]);
        let copy = json!({"item": story.item, "cluster": "c", "of": {"id": "o"}, "relation": "syndicated", "score": 1.0,
            "why": "same text", "behind_ms": 1});
        (at(i as f64), Event::Record(News::Duplicate(serde_json::from_value::<Duplicate>(copy).unwrap())))
    };
    let steps = steps(&mut sink(BURST), (0..30).map(copy).collect());
    assert!(steps.iter().all(|step| step.out.is_empty() && step.changes.is_empty()));
}

#[test]
fn a_steady_stream_is_no_burst_and_a_burst_over_it_is() {
    // twelve places, each in a story every quarter of an hour for five days; then one of them every minute
    let places: Vec<Entity> = (0..12).map(|i| entity("place", "local", &i.to_string(), "x")).collect();
    let about =
        |i: usize, place: usize, minutes| story(i, minutes, ["post", "daily"][i / 12 % 2], "x", &places[place..=place]);
    let steady = |i: usize| about(i, i % 12, i as f64 * 1.25);
    let burst = |i: usize| about(10_000 + i * 12, 3, 7200.0 + i as f64);
    let mut sink = sink(&BURST.replace("0s", "24h"));
    assert_eq!(run(&mut sink, (0..5760).map(steady)), []);
    let alerts = run(&mut sink, (0..25).map(burst));
    assert_eq!(alerts.len(), 1);
    assert!((1.9..2.1).contains(&alerts[0].expected.unwrap()), "{:?}", alerts[0].expected);
    assert!(alerts[0].observed <= 12.0, "the stream is even, so that little is much: {}", alerts[0].observed);
}

#[test]
fn an_alert_resolves_and_rests_before_it_fires_again() {
    let burst = |start: f64, id: usize| {
        (0..6).map(move |i| story(id + i, start + i as f64, ["post", "daily"][i % 2], "x", &[arden()]))
    };
    let other = |id, minutes| story(id, minutes, "post", "x", &[]);
    let mut sink = sink(BURST);
    let keys = |alerts: Vec<Alert>| alerts.into_iter().map(|alert| (alert.state, alert.dedupe_key)).collect::<Vec<_>>();
    let fired = keys(run(&mut sink, burst(0.0, 0)));
    assert_eq!((fired.len(), fired[0].0), (1, AlertState::Firing));
    assert_eq!(run(&mut sink, [other(100, 25.0)]), [], "the window still holds it");
    let resolved = keys(run(&mut sink, [other(101, 45.0), other(102, 90.0)]));
    assert_eq!(resolved, [(AlertState::Resolved, format!("{}:resolved", fired[0].1))]);
    assert_eq!(run(&mut sink, burst(300.0, 200)), [], "within six hours of the last");
    let again = keys(run(&mut sink, burst(14_400.0, 300)));
    assert_eq!((again.len(), again[0].0), (1, AlertState::Firing));
    assert_ne!(again[0].1, fired[0].1);
}

#[test]
fn a_match_fires_once_per_cluster_whatever_comes_later() {
    let rule = |keys: &str| format!("[[rules]]\nname = \"m\"\nkind = \"match\"\n{keys}\n");
    let kell = entity("person", "local", "k", "Mira Kell");
    let post = |headline, entities: &[Entity]| story(1, 0.0, "post", headline, entities);
    for (keys, news, subject) in [
        ("any = ['fire', 'port of arden']", post("Fire crews out", &[]), Some("m")),
        ("any = ['fire']", post("Fireworks tonight", &[]), None),
        ("all = ['fire', 'port']", post("Fire at the port", &[]), Some("m")),
        ("all = ['fire', 'port']", post("Fire at the station", &[]), None),
        ("any = ['fire']\nnone = ['drill']", post("Fire drill", &[]), None),
        ("entities = ['arden']", post("x", &[arden()]), Some("Arden")),
        ("entities = ['ARDEN']\nany = ['fire']", post("x", &[arden()]), None),
        ("entities = ['mira kell']", post("x", std::slice::from_ref(&kell)), Some("m")),
        ("publishers = ['post.example']", post("x", &[]), Some("m")),
        ("publishers = ['Daily']", post("x", &[]), None),
    ] {
        let alerts = run(&mut sink(&rule(keys)), [news.clone(), news]);
        let subjects: Vec<&str> = alerts.iter().map(|alert| alert.subject.as_str()).collect();
        assert_eq!(subjects, Vec::from_iter(subject), "{keys}");
    }
    let later = change(1, 5.0, "post", "Fire at the port", &[], "update", &json!({}));
    let mut sink = sink(&rule("any = ['fire']"));
    let alerts = run(&mut sink, [post("Smoke at the port", &[]), later.clone(), later]);
    assert_eq!(alerts.iter().map(|alert| alert.summary.as_str()).collect::<Vec<_>>(), ["post: Fire at the port"]);
}

#[test]
fn every_kind_has_an_example_that_fires() {
    for kind in &KINDS {
        let mut news = vec![story(999, -5000.0, "post", "Harbour quiet", &[])];
        news.extend(stories(9, 1.0, &[entity("place", "wikidata", "Q4711", "Port of Arden")]));
        let alerts = run(&mut sink(kind.example), news);
        assert!(!alerts.is_empty() && alerts.iter().all(|alert| alert.kind == kind.name), "{}", kind.name);
    }
}

#[test]
fn a_delivery_is_tried_five_times_at_growing_intervals() {
    let mut sink = sink(&format!("{BURST}{HOOK}"));
    let mut step = steps(&mut sink, told(stories(3, 1.0, &[arden()]))).pop().unwrap();
    let key = step.asks[0].key();
    assert_eq!(step.asks[0].dedupe_key, step.out[0].dedupe_key);
    let mut answer = |outcome: Outcome| {
        let reply = Event::Reply(Delivered { key: key.clone(), outcome });
        steps(&mut sink, vec![(at(60.0), reply)]).pop().unwrap()
    };
    for (attempt, seconds) in [(2, 10), (3, 40), (4, 160), (5, 640)] {
        let before = step.asks[0].clone();
        step = answer(Outcome::Failed("503".to_owned()));
        let due = at(60.0).plus(Duration::from_secs(seconds));
        assert_eq!(step.asks, [Delivery { attempt, due, ..before }]);
    }
    step = answer(Outcome::Failed("503".to_owned()));
    assert!(matches!(step.changes[..], [Change::Delivery { delivery: None, .. }]) && step.asks.is_empty());
    assert!(answer(Outcome::Arrived).changes.is_empty(), "answered already");
}

#[test]
fn after_a_restart_every_pending_delivery_is_asked_again_and_the_rest_forgotten() {
    let both = format!("{BURST}{HOOK}{}", HOOK.replace("desk", "night"));
    let restarted = |config: &str, refused: &[&str]| {
        let mut before = sink(&both);
        let mut log = steps(&mut before, told(stories(3, 1.0, &[arden()])));
        let answer = |ask: &Delivery| {
            let outcome = Outcome::Refused("404".to_owned());
            (at(3.0), Event::Reply(Delivered { key: ask.key(), outcome }))
        };
        let asks = log[2].asks.iter().filter(|ask| refused.contains(&ask.receiver.as_str()));
        let answers = asks.map(answer).collect();
        log.extend(steps(&mut before, answers));
        let mut after = sink(config);
        log.iter().flat_map(|step| &step.changes).for_each(|change| after.apply(change));
        let step = steps(&mut after, vec![(at(9.0), Event::Restored)]).pop().unwrap();
        let asks: Vec<String> = step.asks.into_iter().map(|ask| ask.receiver).collect();
        (asks, step.changes.len())
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(restarted(&both, &[]), (named(&["desk", "night"]), 0));
    assert_eq!(restarted(&both, &["desk"]), (named(&["night"]), 0));
    assert_eq!(restarted(&format!("{BURST}{HOOK}"), &[]), (named(&["desk"]), 1), "a webhook was removed");
    let wider = BURST.replace("warmup", "window = \"1h\"\nwarmup");
    assert_eq!(restarted(&format!("{wider}{HOOK}"), &["desk", "night"]).1, 2, "the counts of another window");
    assert_eq!(restarted(&format!("rules = []\n{HOOK}"), &["desk", "night"]).1, 2, "the counts of a removed rule");
}

#[test]
fn the_laws_hold() {
    let config = format!(
        "{BURST}bin = \"1m\"\nwindow = \"3m\"\nrefractory = \"4m\"\n[[rules]]\nname = \"m\"\nkind = \"match\"\nany = [\"port\"]\n{HOOK}"
    );
    laws::hold(
        || sink(&config),
        || {
            let mut events = told(stories(6, 0.2, &[arden(), entity("place", "local", "b", "Brennick")]));
            events.extend(told(stories(6, 1.7, &[arden()])));
            events.extend(told((20..26).map(|i| story(i, i as f64, ["post", "echo"][i % 2], "x", &[arden()]))));
            events.push((at(40.0), Event::Restored));
            events
        },
    );
}
