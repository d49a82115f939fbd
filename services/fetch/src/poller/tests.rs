//! The hands against a real server on the loopback interface.

use super::*;
use crate::{BodyHash, Validators};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytesize::ByteSize;
use reqwest::dns::{Addrs, Name, Resolving};
use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const FEED: &str = "<rss version=\"2.0\"><channel><title>T</title><item><guid>1</guid><title>One</title></item>\
                    </channel></rss>";

async fn conditional(headers: HeaderMap) -> Response {
    if headers.get(header::IF_NONE_MATCH).is_some_and(|etag| etag == "\"v1\"") {
        return (StatusCode::NOT_MODIFIED, [(header::CACHE_CONTROL, "max-age=900")]).into_response();
    }
    ([(header::ETAG, "\"v1\""), (header::LAST_MODIFIED, "Tue, 24 Nov 2026 12:00:00 GMT")], FEED).into_response()
}

fn gzip(parts: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    parts.for_each(|part| encoder.write_all(&part).unwrap());
    encoder.finish().unwrap()
}

async fn gzipped() -> Response {
    ([(header::CONTENT_ENCODING, "gzip")], gzip(std::iter::once(FEED.into()))).into_response()
}

/// One GiB of zeros in a megabyte.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(std::iter::repeat_n(vec![0; 1 << 20], 1 << 10)));

async fn bomb() -> Response {
    ([(header::CONTENT_ENCODING, "gzip")], BOMB.as_slice()).into_response()
}

/// A byte each 50 ms, for ever.
async fn drip() -> Response {
    let bytes = endless(|| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, std::io::Error>("<")
    });
    Body::from_stream(bytes).into_response()
}

/// A stream without end.
fn endless<F, T>(next: impl Fn() -> F) -> impl futures_util::Stream<Item = T>
where
    F: Future<Output = T>,
{
    futures_util::stream::unfold(next, |next| async move { Some((next().await, next)) })
}

async fn to(request: Request) -> Redirect {
    Redirect::temporary(request.uri().query().unwrap_or("/"))
}

async fn moved_to(request: Request) -> Redirect {
    Redirect::permanent(request.uri().query().unwrap_or("/"))
}

struct Rig {
    server: SocketAddr,
    poller: Poller,
}

impl Rig {
    async fn new(config: Config) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        LazyLock::force(&BOMB); // before the clock of a poll runs
        let router = Router::new()
            .route("/feed", get(conditional))
            .route("/gzip", get(gzipped))
            .route("/bomb", get(bomb))
            .route("/drip", get(drip))
            .route("/to", get(to))
            .route("/moved", get(moved_to))
            .route("/loop", get(|| async { Redirect::temporary("/loop") }))
            .route("/page", get(|| async { "<!DOCTYPE html><html><body><p>Hello</p></body></html>" }))
            .route("/403", get(|| async { StatusCode::FORBIDDEN }))
            .route("/410", get(|| async { StatusCode::GONE }))
            .route("/503", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "120")]) }))
            .route(
                "/agent",
                get(|headers: HeaderMap| async move {
                    let agent = headers[header::USER_AGENT].to_str().unwrap().to_owned();
                    FEED.replace("One", &agent)
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = Config { allow: vec![server.to_string()], ..config };
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        Self { server, poller: Poller::new(Handle::current(), &config, &metrics).unwrap() }
    }

    async fn quick() -> Self {
        Self::new(Config { timeout: Duration::from_millis(800), max_size: ByteSize::mib(1), ..Config::default() }).await
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("http://{}{path}", self.server) } else { path.to_owned() }
    }

    fn ask(&self, path: &str) -> Poll {
        Poll {
            feed: FeedId::of([path]),
            generation: Timestamp::from_millis(1),
            url: self.url(path),
            validators: Validators::default(),
            body: None,
            due: now(),
            state: None,
        }
    }

    async fn perform(&self, poll: Poll) -> Polled {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.poller.perform(Ask::Poll(Box::new(poll)), Box::new(move |polled| drop(answer.send(polled))));
        answered.await.expect("an answer")
    }

    async fn poll(&self, path: &str) -> Polled {
        self.perform(self.ask(path)).await
    }
}

#[tokio::test]
async fn a_second_poll_is_conditional() {
    let rig = Rig::quick().await;
    let first = rig.poll("/feed").await;
    let Outcome::Document { feed, body } = &first.outcome else { panic!("{first:?}") };
    assert_eq!((feed.entries.len(), *body), (1, BodyHash::of(FEED.as_bytes())));
    assert_eq!(first.validators.etag.as_deref(), Some("\"v1\""));

    let again = Poll { validators: first.validators.clone(), body: Some(*body), ..rig.ask("/feed") };
    let second = rig.perform(again).await;
    assert!(matches!(second.outcome, Outcome::Unchanged), "{second:?}");
    assert_eq!((second.validators, second.fresh_for), (first.validators, Some(Duration::from_secs(900))));

    let same_bytes = Poll { body: Some(*body), ..rig.ask("/gzip") };
    let third = rig.perform(same_bytes).await;
    assert!(matches!(third.outcome, Outcome::Unchanged), "gzip, the same bytes: {third:?}");
}

#[tokio::test]
async fn outcomes() {
    let rig = Rig::quick().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (path, expected) in [
        ("/403", "Http(403)"),
        ("/410", "Http(410)"),
        ("/503", "Http(503)"),
        ("/page", "NotAFeed(\"an HTML page, not a feed\")"),
        ("/loop", "Network(\"more than 5 redirects\")"),
        ("/drip", "TimedOut(800ms)"),
        ("/bomb", "TooLarge("),
        ("http://127.0.0.1:1/", "Refused(\"127.0.0.1 is a loopback address; allow it with fetch.allow\")"),
        ("http://2130706433/", "Refused(\"127.0.0.1 is a loopback"),
        ("http://[::ffff:127.0.0.1]/", "Refused(\"::ffff:127.0.0.1 is a loopback"),
        ("http://localhost:80/", "Refused(\"localhost resolves to "),
        ("/to?http://127.0.0.1/", "Refused(\"127.0.0.1 is a loopback"),
        ("/to?http://2130706433/", "Refused(\"127.0.0.1 is a loopback"),
        ("/to?http://[::ffff:127.0.0.1]/", "Refused(\"::ffff:127.0.0.1 is a loopback"),
        ("/to?http://localhost/", "Refused(\"localhost resolves to "),
        ("/to?file:///etc/passwd", "Refused(\"file is not polled"),
        ("/to?http://169.254.169.254/latest/meta-data", "Refused(\"169.254.169.254 is a link-local"),
    ] {
        let polled = rig.poll(path).await;
        let found = format!("{:?}", polled.outcome);
        assert!(found.starts_with(expected), "{path}: {found}");
        assert_eq!(polled.retry_after, (path == "/503").then_some(Duration::from_secs(120)), "{path}");
    }
    let open = Rig::new(Config::default()).await;
    let config = Config { allow: vec![closed.to_string()], ..Config::default() };
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let rig = Rig { poller: Poller::new(Handle::current(), &config, &metrics).unwrap(), ..open };
    let polled = rig.poll(&format!("http://{closed}/")).await;
    assert!(matches!(&polled.outcome, Outcome::Network(why) if why == "connection refused"), "{polled:?}");
}

/// Its names lead to a permitted address at first, and then inside.
struct Rebinding(AtomicUsize);

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let last = if self.0.fetch_add(1, Ordering::SeqCst) == 0 { 2 } else { 1 };
        let address = SocketAddr::from(([127, 0, 0, last], 0));
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

#[tokio::test]
async fn a_name_that_is_bound_anew_leads_no_further_than_any_other() {
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let outside = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    // no connection is kept: the second poll has to ask for the name again
    let answer = || async { ([(header::CONNECTION, "close")], FEED) };
    tokio::spawn(async move { axum::serve(outside, Router::new().route("/feed", get(answer))).await });
    let config = Config { allow: vec!["127.0.0.2".to_owned()], ..Config::default() };
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let names = Arc::new(Rebinding(AtomicUsize::new(0)));
    let poller = Poller::resolving(Handle::current(), &config, &metrics, names.clone()).unwrap();
    let rig = Rig { poller, ..Rig::quick().await };

    let url = format!("http://rebound.example:{port}/feed");
    let first = rig.poll(&url).await;
    assert!(matches!(first.outcome, Outcome::Document { .. }), "{first:?}");
    assert_eq!(names.0.load(Ordering::SeqCst), 1, "what was checked is what was connected to");
    let second = format!("{:?}", rig.poll(&url).await.outcome);
    assert!(second.starts_with("Refused(\"rebound.example resolves to 127.0.0.1, a loopback"), "{second}");
    let knock = tokio::time::timeout(Duration::from_millis(100), inside.accept()).await;
    assert!(knock.is_err(), "someone came inside");
}

#[tokio::test]
async fn redirects_are_followed_and_permanent_ones_reported() {
    let rig = Rig::quick().await;
    for (path, moved) in [
        ("/to?/feed", None),
        ("/to?/to?/to?/to?/to?/feed", None),
        ("/moved?/feed", Some("/feed")),
        ("/moved?/moved?/feed", Some("/feed")),
        ("/moved?/to?/feed", Some("/to?/feed")),
        ("/to?/moved?/feed", None),
    ] {
        let polled = rig.poll(path).await;
        assert!(matches!(polled.outcome, Outcome::Document { .. }), "{path}: {polled:?}");
        assert_eq!((polled.url, polled.moved), (rig.url("/feed"), moved.map(|path| rig.url(path))), "{path}");
    }
}

#[tokio::test]
async fn a_bomb_is_stopped_in_bounded_memory() {
    let rig = Rig::new(Config { max_size: ByteSize::mib(15), ..Config::default() }).await;
    let before = peak_memory_kib();
    let polled = rig.poll("/bomb").await;
    assert!(matches!(polled.outcome, Outcome::TooLarge(_)), "{polled:?}");
    let grown = peak_memory_kib() - before;
    assert!(grown < 100 * 1024, "{grown} KiB for a limit of 15 MiB");
}

/// The most that this process ever held, where the system tells.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_poll_waits_until_it_is_due_and_a_later_ask_takes_its_place() {
    let rig = Rig::quick().await;
    let answers = Arc::new(AtomicUsize::new(0));
    let count = |added: usize| -> Answer<Fetch> {
        let answers = answers.clone();
        Box::new(move |_| {
            answers.fetch_add(added, Ordering::SeqCst);
        })
    };
    let due = now().plus(Duration::from_millis(200));
    rig.poller.perform(Ask::Poll(Box::new(Poll { due, ..rig.ask("/feed") })), count(1));
    rig.poller.perform(Ask::Poll(Box::new(Poll { due, ..rig.ask("/feed") })), count(10));
    rig.poller.perform(Ask::Poll(Box::new(Poll { due, ..rig.ask("/page") })), count(100));
    rig.poller.perform(Ask::Stop { feed: FeedId::of(["/page"]), state: None }, count(1_000));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(answers.load(Ordering::SeqCst), 0, "not due yet");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(answers.load(Ordering::SeqCst), 10, "neither the earlier ask nor the stopped one");
}

#[tokio::test]
async fn publishers_are_told_who_asks() {
    let rig = Rig::new(Config { contact: Some("news@example.org".to_owned()), ..Config::default() }).await;
    let polled = rig.poll("/agent").await;
    let Outcome::Document { feed, .. } = &polled.outcome else { panic!("{polled:?}") };
    let agent = feed.entries[0].headline.as_deref().unwrap_or_default();
    assert!(agent.starts_with("tidings/") && agent.ends_with("(+news@example.org)"), "{agent}");
}
