//! Stage and hands together, against a feed that changes with each poll on the loopback interface.

use axum::{Router, http::header, routing::get};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tidings_fetch::{Config, Feeds, Fetch, Metrics, Out, Polled, Poller};
use tidings_model::{FeedSpec, Timestamp};
use tidings_stage::{Event, Hands, Stage};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// An Atom feed of these entries, written `number` or `number=title`, and these deleted ones.
fn atom(entries: &[&str], deleted: &[&str]) -> String {
    let entry = |text: &&str| {
        let (number, title) = text.split_once('=').unwrap_or((text, text));
        format!(
            "<entry><id>tag:example.org,2026:{number}</id><title>{title}</title><link href=\"/{number}\"/>\
             <published>2026-11-24T12:00:0{number}Z</published><updated>2026-11-24T12:00:0{number}Z</updated></entry>"
        )
    };
    let gone = |number: &&str| {
        format!("<at:deleted-entry ref=\"tag:example.org,2026:{number}\" when=\"2026-11-24T12:00:09Z\"/>")
    };
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\">\
         <title>Example</title>{}{}</feed>",
        entries.iter().map(entry).collect::<String>(),
        deleted.iter().map(gone).collect::<String>()
    )
}

/// Serves the documents one after the other, the last one for ever.
async fn serve(documents: Vec<String>) -> String {
    let polls = Arc::new(AtomicUsize::new(0));
    let answer = move || {
        let poll = polls.fetch_add(1, Ordering::SeqCst).min(documents.len() - 1);
        let document = documents[poll].clone();
        async move { ([(header::CONTENT_TYPE, "application/atom+xml")], document) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/feed", get(answer))).await });
    address
}

/// What a runner does, without Kafka: decide, publish, ask.
fn play(stage: &mut Fetch, hands: &Poller, replies: &UnboundedSender<Polled>, event: &Event<Fetch>) -> Vec<String> {
    let at = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let step = stage.step(at, event).expect("nothing is refused").step;
    for ask in step.asks {
        let replies = replies.clone();
        hands.perform(ask, Box::new(move |polled| drop(replies.send(polled))));
    }
    let show = |out: Out| match out {
        Out::Item(item) => {
            let headline = item.headline.unwrap_or_default();
            format!("{headline} {:?} {:?} {}", item.status, item.ingest, item.revision.no)
        }
        Out::Status { status, .. } => status.message,
        Out::Ended { .. } => "ended".to_owned(),
    };
    step.out.into_iter().map(show).collect()
}

#[tokio::test]
async fn a_feed_is_followed_through_edits_and_withdrawals() {
    let address = serve(vec![
        atom(&["3", "2", "1"], &[]),
        atom(&["3", "2", "1"], &[]),
        atom(&["4", "3", "2=two", "1"], &[]),
        atom(&["4", "3", "1"], &["2"]),
        atom(&["4", "1"], &[]),
        atom(&["4", "1"], &[]),
    ])
    .await;
    let config = Config {
        interval: Duration::from_millis(20),
        min_interval: Duration::from_millis(10),
        allow: vec![address.clone()],
        ..Config::default()
    };
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let hands = Poller::new(tokio::runtime::Handle::current(), &config, &metrics).unwrap();
    let mut stage = Fetch::new(&config);
    let (replies, mut answers) = unbounded_channel();

    let spec = FeedSpec::new(&format!("http://{address}/feed"), None).unwrap();
    let mut told = play(&mut stage, &hands, &replies, &Event::Record(Feeds::Set(spec.clone())));
    for _ in 0..8 {
        let polled = answers.recv().await.unwrap();
        told.extend(play(&mut stage, &hands, &replies, &Event::Reply(polled)));
    }
    told.extend(play(&mut stage, &hands, &replies, &Event::Record(Feeds::Removed(spec.id))));
    assert_eq!(
        told,
        [
            "1 Published Backfill 1",
            "2 Published Backfill 1",
            "3 Published Backfill 1",
            "ok, 3 entries",
            "two Published Live 2",
            "4 Published Live 1",
            "ok, 4 entries",
            "two Withdrawn Live 3",
            "ok, 3 entries",
            "ok, 2 entries",
            "3 Withdrawn Live 2",
            "ended",
        ]
    );
    let silence = tokio::time::timeout(Duration::from_millis(100), answers.recv()).await;
    assert!(silence.is_err(), "polled on after its subscription ended");
}
