//! Stage and hands against a real HTTP server: the signature verifies, a failure is tried again under the same
//! dedupe key, a refusal is not.

use super::Notifier;
use crate::{Change, Config, Delivered, Delivery, News, Outcome, Sink};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, SystemTime},
};
use tidings_model::{Alert, Timestamp};
use tidings_stage::{Event, Hands, Stage};

const SECRET: &str = "a secret of the desk";

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

#[derive(Clone)]
struct Server {
    received: Received,
    answers: Arc<Mutex<Vec<u16>>>,
}

async fn receive(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> StatusCode {
    server.received.lock().unwrap().push((headers, body));
    StatusCode::from_u16(server.answers.lock().unwrap().remove(0)).unwrap()
}

/// The alert as published, what the server received while it gave these answers, and how each attempt ended.
fn deliver(answers: &[u16]) -> (Alert, Vec<(HeaderMap, Bytes)>, Vec<Outcome>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server { received: Received::default(), answers: Arc::new(Mutex::new(answers.to_vec())) };
    let received = server.received.clone();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    let router = Router::new().route("/alerts", post(receive)).with_state(server);
    runtime.spawn(async { axum::serve(listener, router).await });

    let config: Config = toml::from_str(&format!(
        "[[rules]]\nname = 'm'\nkind = 'match'\nany = ['fire']\n[[webhooks]]\nname = 'desk'\nurl = '{url}'\nsecret = '{SECRET}'"
    ))
    .unwrap();
    assert_eq!(config.problems(), []);
    let notifier = Notifier::new(&config, runtime.handle().clone()).unwrap();
    let mut sink = Sink::new(&config).unwrap();
    let mut step = |event: Event<Sink>| sink.step(Timestamp::from_millis(1), &event).unwrap().step;
    let news = json!({"item": {"id": "1", "headline": "Fire"}, "cluster": {"id": "1", "verdict": "new"}, "entities": [],
        "entities_status": "none", "model": "", "kb": ""});
    let fired = step(Event::Record(News::Enriched(serde_json::from_value(news).unwrap())));
    let (mut asks, mut outcomes): (Vec<Delivery>, _) = (fired.asks, Vec::new());
    while let Some(ask) = asks.pop() {
        let (sender, replies) = mpsc::channel();
        notifier.perform(ask, Box::new(move |reply: Delivered| sender.send(reply).unwrap()));
        let reply = replies.recv_timeout(Duration::from_secs(20)).unwrap();
        outcomes.push(reply.outcome.clone());
        let next = step(Event::Reply(reply));
        assert_eq!(next.asks.is_empty(), matches!(next.changes[..], [Change::Delivery { delivery: None, .. }]));
        asks = next.asks;
    }
    let received = received.lock().unwrap().clone();
    (fired.out[0].clone(), received, outcomes)
}

#[test]
fn a_failure_is_tried_again_signed_and_under_the_same_key() {
    let (alert, received, outcomes) = deliver(&[500, 204]);
    assert_eq!(outcomes, [Outcome::Failed("500 Internal Server Error".to_owned()), Outcome::Arrived]);
    for (headers, body) in &received {
        let header = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(serde_json::from_slice::<Alert>(body).unwrap(), alert);
        assert_eq!(header("tidings-dedupe-key"), alert.dedupe_key);
        assert!(header("user-agent").starts_with("tidings/"));
        assert_eq!(header("content-type"), "application/json");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(header("tidings-timestamp").parse().unwrap()) < 60);
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(&[header("tidings-timestamp").as_bytes(), b".", body].concat());
        let digits = header("tidings-signature").strip_prefix("v1=").unwrap();
        let tag: Vec<u8> =
            (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
        mac.verify_slice(&tag).unwrap();
    }
    assert_eq!(received.len(), 2);
}

#[test]
fn a_refusal_is_final() {
    let (_, received, outcomes) = deliver(&[400]);
    assert_eq!(outcomes, [Outcome::Refused("400 Bad Request".to_owned())]);
    assert_eq!(received.len(), 1);
}

#[test]
fn too_many_requests_is_tried_again() {
    let (_, received, outcomes) = deliver(&[429, 200]);
    assert_eq!((received.len(), outcomes.len()), (2, 2));
}
