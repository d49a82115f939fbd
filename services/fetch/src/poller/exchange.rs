//! One poll over HTTP: hop by hop, within the limits of address, time and size.

use super::{
    guard::{Forbidden, Guard, Guarded, Hop, NotFound},
    headers,
    hosts::{Hosts, Turn},
    now,
};
use crate::{BodyHash, Config, Outcome, Poll, Polled, status};
use bytesize::ByteSize;
use reqwest::{
    Client, ClientBuilder, Response, StatusCode,
    dns::Resolve,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION},
};
use std::{
    error::Error,
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tidings_feed::Hints;
use tidings_model::site;
use url::Url;

/// Redirects followed.
const HOPS: usize = 5;
/// A host that does not take a connection within this long is taken for down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest error text that is passed on, in bytes.
const MESSAGE_LIMIT: usize = 200;
const FEED_TYPES: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
                          application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1";

pub(super) struct Exchange {
    guard: Guard,
    /// Resolves names through the guard.
    guarded: Client,
    /// For hosts that the configuration names.
    allowed: Client,
    hosts: Hosts,
    timeout: Duration,
    max_size: ByteSize,
}

/// The answer of one hop.
enum Answer {
    Redirect { to: Url, permanent: bool },
    Status(StatusCode, HeaderMap),
    Body(Vec<u8>, HeaderMap),
}

impl Exchange {
    /// `names` are asked for the addresses of hosts that the configuration does not name.
    pub fn new(config: &Config, names: Arc<dyn Resolve>) -> reqwest::Result<Self> {
        let guard = Guard::new(&config.allow);
        let client = || -> ClientBuilder {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .user_agent(config.user_agent())
                .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
                .pool_max_idle_per_host(1)
                .pool_idle_timeout(Duration::from_secs(30))
        };
        Ok(Self {
            guarded: client().dns_resolver(Arc::new(Guarded { guard: guard.clone(), names })).build()?,
            allowed: client().build()?,
            guard,
            hosts: Hosts::new(config.per_host_gap, config.concurrency),
            timeout: config.timeout,
            max_size: config.max_size,
        })
    }

    /// Waits until the site of `url` may be asked.
    pub async fn turn(&self, url: &str) -> Turn {
        let own = Url::parse(url).is_ok_and(|url| self.guard.check(&url) == Ok(Hop::Allowed));
        self.hosts.turn(site::domain(url).unwrap_or_default(), !own).await
    }

    /// Polls; `turn` is for the site of the first hop.
    pub async fn perform(&self, poll: Poll, turn: Turn) -> Polled {
        let mut polled = Polled {
            feed: poll.feed.clone(),
            generation: poll.generation,
            at: poll.due,
            url: poll.url.clone(),
            moved: None,
            validators: poll.validators.clone(),
            retry_after: None,
            fresh_for: None,
            bytes: 0,
            outcome: Outcome::Unchanged,
        };
        let (Ok(outcome) | Err(outcome)) = self.follow(&poll, turn, &mut polled).await;
        Polled { at: now(), outcome, ..polled }
    }

    /// From hop to hop to an answer; an error is an outcome too.
    async fn follow(&self, poll: &Poll, mut turn: Turn, polled: &mut Polled) -> Result<Outcome, Outcome> {
        let mut url = Url::parse(&poll.url).map_err(|error| Outcome::Refused(format!("url: {error}")))?;
        let mut spent = Duration::ZERO;
        let mut all_permanent = true;
        for _ in 0..=HOPS {
            let hop = self.guard.check(&url).map_err(|Forbidden(why)| Outcome::Refused(why))?;
            if site::domain(url.as_str()).is_some_and(|site| site != turn.site) {
                drop(turn);
                turn = self.turn(url.as_str()).await;
            }
            polled.url = url.to_string();
            let began = Instant::now();
            let left = self.timeout.saturating_sub(spent);
            let answer = tokio::time::timeout(left, self.hop(hop, &url, poll)).await;
            spent += began.elapsed();
            match answer.unwrap_or(Err(Outcome::TimedOut(self.timeout)))? {
                Answer::Redirect { to, permanent } => {
                    all_permanent &= permanent;
                    if all_permanent {
                        polled.moved = Some(to.to_string());
                    }
                    url = to;
                }
                Answer::Status(code, headers) => {
                    polled.retry_after = headers::retry_after(&headers, now());
                    polled.fresh_for = headers::fresh_for(&headers, now());
                    return Ok(match code {
                        StatusCode::NOT_MODIFIED if poll.body.is_some() => Outcome::Unchanged,
                        code => Outcome::Http(code.as_u16()),
                    });
                }
                Answer::Body(bytes, headers) => {
                    polled.fresh_for = headers::fresh_for(&headers, now());
                    polled.validators = headers::validators(&headers);
                    polled.bytes = bytes.len();
                    return Ok(read(bytes, &headers, &polled.url, poll.body).await);
                }
            }
        }
        Err(Outcome::Network(format!("more than {HOPS} redirects")))
    }

    async fn hop(&self, hop: Hop, url: &Url, poll: &Poll) -> Result<Answer, Outcome> {
        let client = if hop == Hop::Allowed { &self.allowed } else { &self.guarded };
        let mut request = client.get(url.clone()).header(ACCEPT, FEED_TYPES);
        if let Some(etag) = &poll.validators.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(at) = &poll.validators.last_modified {
            request = request.header(IF_MODIFIED_SINCE, at);
        }
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let code = response.status();
        if matches!(code.as_u16(), 301 | 302 | 303 | 307 | 308)
            && let Some(to) = response.headers().get(LOCATION)
        {
            let to = to.to_str().ok().and_then(|to| url.join(to).ok());
            let mut to = to.ok_or_else(|| Outcome::Network("redirected to no address".to_owned()))?;
            to.set_fragment(None);
            // a redirect must not make this client send a password; infallible where there is a host
            let _ = to.set_username("");
            let _ = to.set_password(None);
            return Ok(Answer::Redirect { to, permanent: matches!(code.as_u16(), 301 | 308) });
        }
        let headers = response.headers().clone();
        if code.is_success() {
            return Ok(Answer::Body(self.body(response).await?, headers));
        }
        Ok(Answer::Status(code, headers))
    }

    /// Reads as it streams, so that a small answer that unpacks to a huge one is stopped at the limit.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Outcome> {
        let limit = usize::try_from(self.max_size.as_u64()).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(&error))? {
            if bytes.len() + chunk.len() > limit {
                return Err(Outcome::TooLarge(self.max_size));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn failure(&self, error: &reqwest::Error) -> Outcome {
        let mut innermost: &dyn Error = error;
        loop {
            let cause = innermost;
            if let Some(Forbidden(why)) = cause.downcast_ref() {
                return Outcome::Refused(why.clone());
            }
            if let Some(missing) = cause.downcast_ref::<NotFound>() {
                return Outcome::Network(missing.to_string());
            }
            match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => return Outcome::Network("connection refused".to_owned()),
                Some(io::ErrorKind::ConnectionReset) => return Outcome::Network("connection reset".to_owned()),
                _ => {}
            }
            let Some(deeper) = cause.source() else { break };
            innermost = deeper;
        }
        if error.is_timeout() {
            return Outcome::TimedOut(CONNECT_TIMEOUT.min(self.timeout));
        }
        Outcome::Network(status::shortened(&innermost.to_string(), MESSAGE_LIMIT))
    }
}

/// Parses a document on a thread where it may take its time.
async fn read(bytes: Vec<u8>, headers: &HeaderMap, url: &str, before: Option<BodyHash>) -> Outcome {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let url = url.to_owned();
    let parsed = tokio::task::spawn_blocking(move || {
        let body = BodyHash::of(&bytes);
        if before == Some(body) {
            return Outcome::Unchanged;
        }
        let hints = Hints { content_type: content_type.as_deref(), url: Some(&url) };
        match tidings_feed::parse(&bytes, &hints) {
            Ok(feed) => Outcome::Document { feed: Box::new(feed), body },
            Err(other) => Outcome::NotAFeed(other.to_string()),
        }
    });
    parsed.await.unwrap_or_else(|_| Outcome::Network("the process is shutting down".to_owned()))
}
