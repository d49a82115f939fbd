//! The stage as a table: what happened, what is published, remembered and asked.

use super::*;
use std::fmt::Write;
use tidings_feed::Entry;
use tidings_model::ItemId;
use tidings_stage::{Change, laws};

const MINUTE: i64 = 60_000;

/// A feed that was never polled.
pub(crate) fn memory() -> FeedMemory {
    FeedMemory { url: "https://example.org/feed".to_owned(), ..blank(Timestamp::from_millis(1_000)) }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * MINUTE)
}

fn spec(url: &str) -> FeedSpec {
    FeedSpec::new(url, None).unwrap()
}

fn id(url: &str) -> FeedId {
    spec(url).id
}

/// Entries, newest first, written `guid` or `guid=headline`; all under the title `example`.
fn document(entries: &str) -> Outcome {
    let entries = entries.split_whitespace().map(|text| {
        let (guid, headline) = text.split_once('=').unwrap_or((text, text));
        Entry {
            guid: Some(guid.to_owned()),
            url: Some(format!("https://news.example.org/{guid}")),
            headline: Some(headline.to_owned()),
            published: guid.parse().ok().map(Timestamp::from_millis),
            ..Entry::default()
        }
    });
    let feed = Feed { title: Some("Example".to_owned()), entries: entries.collect(), ..Feed::default() };
    let body = BodyHash::of(format!("{:?}", feed.entries).as_bytes());
    Outcome::Document { feed: Box::new(feed), body }
}

pub(crate) fn polled(url: &str, generation: i64, minute: i64, outcome: Outcome) -> Polled {
    Polled {
        feed: id(url),
        generation: at(generation),
        at: at(minute),
        url: url.to_owned(),
        moved: None,
        validators: Validators { etag: Some(format!("\"{minute}\"")), last_modified: None },
        retry_after: None,
        fresh_for: None,
        bytes: 0,
        outcome,
    }
}

/// A stage that plays one story and writes down what it answers.
struct Story {
    stage: Fetch,
    asks: Vec<Ask>,
    changes: usize,
}

impl Story {
    fn new() -> Self {
        Self { stage: Fetch::new(&Config::default()), asks: Vec::new(), changes: 0 }
    }

    fn event(&mut self, minute: i64, event: &Event<Fetch>) -> String {
        let step = match self.stage.step(at(minute), event) {
            Ok(prepared) => prepared.step,
            Err(reject) => return reject.to_string(),
        };
        self.changes = step.changes.len();
        self.asks = step.asks;
        let mut line = String::new();
        for out in &step.out {
            match out {
                Out::Item(item) => {
                    let headline = item.headline.as_deref().unwrap_or("?");
                    write!(line, "[{headline} {:?} {:?} {}", item.status, item.ingest, item.revision.no).unwrap();
                    write!(line, " {}]", item.revision.changed.join(",")).unwrap();
                }
                Out::Status { status, .. } => write!(line, "<{:?}: {}>", status.state, status.message).unwrap(),
                Out::Ended { .. } => line.push_str("<ended>"),
            }
        }
        line
    }

    fn set(&mut self, minute: i64, url: &str) -> String {
        self.event(minute, &Event::Record(Feeds::Set(spec(url))))
    }

    fn reply(&mut self, minute: i64, url: &str, outcome: Outcome) -> String {
        self.event(minute, &Event::Reply(polled(url, 0, minute, outcome)))
    }

    /// Minutes from `minute` to the due time of the only ask, a poll.
    fn wait(&self, minute: i64) -> f64 {
        match &self.asks[..] {
            [Ask::Poll(poll)] => (poll.due.millis() - minute * MINUTE) as f64 / MINUTE as f64,
            other => panic!("{other:?}"),
        }
    }
}

const A: &str = "https://a.example/feed";
const B: &str = "https://b.example/feed";

#[test]
fn the_life_of_a_feed() {
    let mut story = Story::new();
    assert_eq!(story.set(0, A), "");
    assert!(story.wait(0) < 0.1 && story.changes == 1);
    assert_eq!(story.set(0, A), "", "the same subscription again");
    assert!(story.asks.is_empty() && story.changes == 0);

    let first = story.reply(1, A, document("2 1"));
    assert_eq!(first, "[1 Published Backfill 1 ][2 Published Backfill 1 ]<Ok: ok, 2 entries>");
    assert!((10.0..11.0).contains(&story.wait(1)) && story.changes == 1);

    assert_eq!(story.reply(11, A, Outcome::Unchanged), "");
    assert!((10.0..11.0).contains(&story.wait(11)) && story.changes == 0, "a 304 leaves no record");
    assert_eq!(story.reply(21, A, document("2 1")), "");
    assert_eq!(story.changes, 0, "nor does a document that says the same in other bytes");

    assert_eq!(
        story.reply(31, A, document("3 2=two 1")),
        "[two Published Live 2 headline][3 Published Live 1 ]<Ok: ok, 3 entries>"
    );
    assert_eq!(story.reply(41, A, document("3 1")), "<Ok: ok, 2 entries>");
    assert_eq!(story.reply(51, A, Outcome::Unchanged), "[two Withdrawn Live 3 status]");

    assert_eq!(story.reply(61, A, Outcome::Http(503)), "<Failing: 503 Service Unavailable>");
    assert_eq!(story.reply(81, A, Outcome::Http(503)), "", "told once");
    assert!(story.changes == 1 && (30.0..=40.0).contains(&story.wait(81)));
    assert_eq!(story.reply(121, A, Outcome::Unchanged), "<Ok: ok, 2 entries>");

    assert_eq!(story.event(130, &Event::Record(Feeds::Removed(id(A)))), "<ended>");
    assert_eq!(story.asks, [Ask::Stop { feed: id(A), state: None }]);
    assert_eq!(story.reply(131, A, document("9")), "", "an answer that comes too late");
    assert!(story.asks.is_empty());
}

#[test]
fn failures_are_told_when_they_change() {
    for (outcome, told, stops) in [
        (Outcome::NotAFeed("an HTML page, not a feed".to_owned()), "<NotAFeed: an HTML page, not a feed>", false),
        (Outcome::Refused("no".to_owned()), "<Refused: no>", false),
        (Outcome::TimedOut(Duration::from_secs(20)), "<Failing: timed out after 20 s>", false),
        (Outcome::TooLarge(bytesize::ByteSize::mib(15)), "<Failing: larger than 15.0 MiB>", false),
        (Outcome::Http(410), "<Gone: 410 Gone; polls have stopped>", true),
    ] {
        let mut story = Story::new();
        story.set(0, A);
        assert_eq!(story.reply(1, A, outcome), told);
        assert_eq!(matches!(story.asks[..], [Ask::Stop { .. }]), stops, "{told}");
        story.event(2, &Event::Restored);
        assert_eq!(matches!(story.asks[..], [Ask::Stop { .. }]), stops, "{told}: after a restart");
        assert_eq!(story.set(3, A), "");
        assert_eq!(story.asks.len(), usize::from(stops), "{told}: to subscribe again starts it again");
    }
}

#[test]
fn another_address_of_the_same_feed_is_retired() {
    let mut story = Story::new();
    story.set(0, A);
    story.event(0, &Event::Record(Feeds::Set(spec(B))));
    let (first, second) = if id(A) < id(B) { (A, B) } else { (B, A) };
    story.reply(1, first, document("2 1"));
    let told = story.reply(1, second, document("2 1"));
    assert_eq!(told, format!("<Duplicate: the same feed as {first}; polls have stopped>"));
    assert!(matches!(story.asks[..], [Ask::Stop { .. }]));
    assert_eq!(story.event(5, &Event::Record(Feeds::Removed(id(first)))), "<ended>");
    assert!(matches!(&story.asks[0], Ask::Poll(poll) if poll.feed == id(second)), "taken up when the other ends");

    let mut story = Story::new();
    story.set(0, A);
    story.event(0, &Event::Record(Feeds::Set(spec(B))));
    story.reply(1, second, document("2 1"));
    let redirected = Polled { url: second.to_owned(), ..polled(first, 0, 2, document("3 2 1")) };
    let told = story.event(2, &Event::Reply(redirected));
    assert!(told.contains("[3 Published Backfill 1 ]") && told.contains("<Duplicate: the same feed as"), "{told}");
    assert_eq!(story.asks.len(), 2, "the earlier subscription stays, the later one stops");
}

#[test]
fn answers_to_an_earlier_generation_are_ignored() {
    let mut story = Story::new();
    story.set(0, A);
    let renamed = FeedSpec { title: Some("A".to_owned()), interval_s: Some(120), ..spec(A) };
    story.event(5, &Event::Record(Feeds::Set(renamed)));
    assert_eq!(story.reply(6, A, document("1")), "");
    assert!(story.asks.is_empty());
    let told = story.event(6, &Event::Reply(polled(A, 5, 6, document("1"))));
    assert_eq!(told, "[1 Published Backfill 1 ]<Ok: ok, 1 entry>");
    assert!((2.0..2.2).contains(&story.wait(6)), "the subscription's own interval");
}

#[test]
fn a_restart_takes_every_chain_up_again() {
    let mut story = Story::new();
    story.set(0, A);
    story.set(0, B);
    story.reply(1, A, document("1"));
    assert_eq!(story.event(2, &Event::Restored), "");
    let waits = story.asks.iter().map(|ask| match ask {
        Ask::Poll(poll) => (poll.due.millis() - 2 * MINUTE) / MINUTE,
        Ask::Stop { .. } => panic!("{ask:?}"),
    });
    let mut waits: Vec<i64> = waits.collect();
    waits.sort_unstable();
    assert_eq!(waits, [0, 9], "one at once, one when it was due anyway");
}

#[test]
fn items_carry_where_and_when() {
    let mut story = Story::new();
    story.set(0, A);
    let step = story.stage.step(at(7), &Event::Reply(polled(A, 0, 6, document("x")))).unwrap().step;
    let Some(Out::Item(item)) = step.out.first() else { panic!("no item") };
    assert_eq!(item.id, ItemId::of([id(A).as_str(), "x"]));
    assert_eq!((item.first_seen_at, item.published_at), (at(6), Some(at(6))));
    assert_eq!(item.published_from, Some(tidings_model::PublishedFrom::FirstSeen));
    let publisher = item.publisher.clone().unwrap();
    assert_eq!((publisher.name.as_deref(), publisher.domain.as_deref()), (Some("Example"), Some("example.org")));
    assert_eq!(item.origin.feed.as_ref().map(|feed| feed.url.as_str()), Some(A));
    assert_eq!(item.revision.hash, item.content_hash());
}

#[test]
fn subscriptions_that_cannot_be_polled_are_refused() {
    let mut story = Story::new();
    let long = format!("https://a.example/{}", "x".repeat(URL_LIMIT));
    for url in ["ftp://a.example/", "feed.xml", &long] {
        let told = story.event(0, &Event::Record(Feeds::Set(FeedSpec { url: url.to_owned(), ..spec(A) })));
        assert!(told.starts_with("url: url is") && told.contains("absolute http"), "{told}");
    }
    let topic = FeedSpec::TOPIC;
    assert!(matches!(Feeds::decode(topic, b"x", None), Ok(Feeds::Removed(id)) if id.as_str() == "x"));
    assert!(matches!(Feeds::decode(topic, b"x", Some(b"{")), Err(reject) if reject.code == "json"));
}

#[test]
fn a_status_stays_in_the_partition_of_its_subscription() {
    let status = FeedStatus {
        id: id(A),
        url: B.to_owned(),
        title: None,
        state: FeedState::Ok,
        message: String::new(),
        entries: None,
        since: at(1),
    };
    let outs = [Out::Status { status, home: A.to_owned() }, Out::Ended { feed: id(A), home: A.to_owned() }];
    for record in outs.map(|out| out.record()) {
        assert_eq!((record.route.as_deref(), record.key), (Some(&b"a.example"[..]), id(A).as_str().into()));
    }
}

#[test]
fn laws_hold() {
    laws::hold(
        || Fetch::new(&Config::default()),
        || {
            let reply = |url, minute, outcome| (at(minute), Event::Reply(polled(url, 0, minute, outcome)));
            vec![
                (at(0), Event::Record(Feeds::Set(spec(A)))),
                (at(0), Event::Record(Feeds::Set(spec(B)))),
                (at(0), Event::Record(Feeds::Set(FeedSpec { url: "x".to_owned(), ..spec(A) }))),
                reply(A, 1, document("3 2 1")),
                reply(B, 1, document("3 2 1")),
                reply(A, 2, document("4 3=x 1")),
                reply(A, 3, Outcome::Http(404)),
                (at(3), Event::Restored),
                reply(A, 4, Outcome::Unchanged),
                reply(A, 5, document("4 4 3")),
                (at(6), Event::Record(Feeds::Removed(id(A)))),
                reply(A, 7, document("4")),
                reply(B, 7, document("4")),
                (at(8), Event::Tick),
            ]
        },
    );
    let change = Remembered { feed: id(A), memory: None };
    assert_eq!(Remembered::decode(&change.key(), change.encode().as_deref()), Ok(change));
}
