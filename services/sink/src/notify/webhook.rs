//! A generic webhook: the alert as JSON in a signed POST.
//!
//! Headers, beside `content-type` and `user-agent`:
//! - `tidings-dedupe-key`: the same each time the same alert is delivered; deliveries may repeat.
//! - `tidings-timestamp`: seconds since the epoch, of this attempt. A receiver refuses old ones.
//! - `tidings-signature`: `v1=` and the hexadecimal HMAC-SHA-256 (RFC 2104) of `<timestamp>.<body>`, where the
//!   webhook has a secret.
//!
//! 2xx is delivered; no answer, 408, 429 and 5xx may be tried again; anything else is final. Redirects are not
//! followed: a signed alert goes where the configuration says, and nowhere else.

use crate::{Delivery, Outcome};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{StatusCode, Url, header, redirect};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{error::Error, fmt, path::PathBuf, time::Duration};
use tidings_model::Timestamp;
use tidings_stage::Problem;

/// `[[sink.webhooks]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Names it in metrics, logs and the state.
    pub name: String,
    /// Where alerts are posted to, over http or https.
    pub url: String,
    /// Signs them.
    #[serde(skip_serializing)]
    pub secret: Option<Secret>,
    /// A file that holds the secret; white space around it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Names of the rules whose alerts it takes; all where empty.
    pub rules: Vec<String>,
    /// For one attempt.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            secret: None,
            secret_file: None,
            rules: Vec::new(),
            timeout: Duration::from_secs(10),
        }
    }
}

/// A secret: never printed, never written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Config {
    /// What is wrong with its own keys, the name aside.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let address = url::Url::parse(&self.url);
        if !address.is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host()) {
            problems.push(Problem::new("url", format_args!("{:?}", self.url), "write it as https://host/path"));
        }
        if self.secret == Some(Secret(String::new())) {
            problems.push(Problem::new("secret", "\"\"", "an empty secret signs nothing: leave it out, or give one"));
        }
        if let (Some(_), Some(file)) = (&self.secret, &self.secret_file) {
            problems.push(Problem::new("secret_file", file.display(), "give this or secret, not both"));
        }
        if self.timeout.is_zero() {
            problems.push(Problem::new("timeout", "0s", "more than nothing, such as 10s"));
        }
        problems
    }
}

pub(super) struct Webhook {
    url: Url,
    secret: Option<String>,
    timeout: Duration,
    client: reqwest::Client,
}

impl Webhook {
    pub(super) fn new(config: &Config) -> Result<Self, Problem> {
        let url = Url::parse(&config.url).map_err(|error| Problem::new("url", &config.url, error.to_string()))?;
        let secret = match &config.secret_file {
            Some(file) => {
                let unreadable = |why: String| Problem::new("secret_file", file.display(), why);
                let secret = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
                match secret.trim() {
                    "" => return Err(unreadable("it is empty: put the secret into it".to_owned())),
                    secret => Some(secret.to_owned()),
                }
            }
            None => config.secret.clone().map(|Secret(secret)| secret),
        };
        let client = reqwest::Client::builder()
            .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Problem::new("url", &config.url, format!("no HTTP client for it: {error}")))?;
        Ok(Self { url, secret, timeout: config.timeout, client })
    }

    pub(super) async fn post(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let timestamp = (now.millis() / 1000).to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .timeout(self.timeout)
            .header(header::CONTENT_TYPE, "application/json")
            .header("tidings-timestamp", &timestamp)
            .header("tidings-dedupe-key", &delivery.dedupe_key);
        if let Some(secret) = &self.secret {
            request = request.header("tidings-signature", signature(secret, &timestamp, &delivery.body));
        }
        match request.body(delivery.body.clone()).send().await {
            Ok(response) => outcome(response.status()),
            Err(error) => Outcome::Failed(reason(&error)),
        }
    }
}

/// `v1=` and the hexadecimal HMAC-SHA-256 of `<timestamp>.<body>`.
fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    let digits = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("v1={digits}")
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        status if status.is_success() => Outcome::Arrived,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Outcome::Failed(status.to_string()),
        status if status.is_server_error() => Outcome::Failed(status.to_string()),
        status => Outcome::Refused(status.to_string()),
    }
}

/// The innermost cause: the outer ones only say that a request failed, and name the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "timed out".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: `printf '1795521600.{"a":1}' | openssl dgst -sha256 -hmac Jefe`.
    #[test]
    fn the_signature_covers_timestamp_and_body() {
        assert_eq!(signature("Jefe", "1795521600", "{\"a\":1}"), EXPECTED);
    }
    const EXPECTED: &str = "v1=1023a3fe62b2098ac76005b91f88be778526efb196121d17c608c021c40ea45c";

    #[test]
    fn statuses() {
        let failed = |status| matches!(outcome(StatusCode::from_u16(status).unwrap()), Outcome::Failed(_));
        let refused = |status| matches!(outcome(StatusCode::from_u16(status).unwrap()), Outcome::Refused(_));
        assert_eq!(outcome(StatusCode::NO_CONTENT), Outcome::Arrived);
        assert!([408, 429, 500, 503].into_iter().all(failed));
        assert!([301, 400, 401, 404, 410].into_iter().all(refused));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let config = Config { secret: Some(Secret("hush".into())), ..Config::default() };
        let shown = format!("{config:?} {}", toml::to_string(&config).unwrap());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
