//! `POST /v1/items`: inbox records over HTTP.
//!
//! The body is JSON lines, or one object, or an array of objects; the answer is one line of JSON for each, in order:
//! `{"line":1,"status":"accepted","id":"…"}`, `{"line":2,"status":"refused","error":{"code","field","found","mend"}}`
//! or `{"line":3,"status":"busy"}`. An accepted record is stored. Sending a record again is harmless: it is the same
//! item.
//!
//! | status | when |
//! | --- | --- |
//! | 200 | at least one line was accepted, and none was busy |
//! | 400 | the body is empty |
//! | 401 | the bearer token is missing or another |
//! | 413 | the body is larger than `intake.http.body_limit` |
//! | 422 | every line was refused |
//! | 429 | some lines are `busy`: send these again, after `Retry-After` |

use crate::{
    Config,
    config::{TOKEN_MIN, Token},
    item,
    lines::{numbered, record},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tidings_model::{Inbox, ItemId, Timestamp};
use tidings_stage::Reject;

/// How many records of a request are on their way at once.
const IN_FLIGHT: usize = 64;
/// Seconds after which a busy line is worth another try.
const RETRY_AFTER: &str = "1";

/// Takes records in for good.
pub trait Accept: Send + Sync {
    /// Stores a record on the inbox; resolves once it is safe there. Never waits for long: a line that can't take
    /// it now is [`Busy`].
    fn accept(&self, record: Inbox) -> Pin<Box<dyn Future<Output = Result<(), Busy>> + Send + '_>>;
}

/// The line can't take a record now; it was not stored, or it is not known whether it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// The file of `intake.http.token_file` can't be read, or holds no token.
#[derive(Debug, thiserror::Error)]
#[error("intake.http.token_file = {}: {source}", path.display())]
pub struct TokenFile {
    path: PathBuf,
    source: io::Error,
}

struct Door {
    /// Compared instead of the token: comparing BLAKE3 hashes takes the same time wherever they differ.
    token: blake3::Hash,
    body_limit: usize,
    accept: Arc<dyn Accept>,
}

/// The routes that `config` asks for: none where the door is off.
pub fn router(config: &Config, accept: Arc<dyn Accept>) -> Result<Router, TokenFile> {
    let Some(http) = &config.http else { return Ok(Router::new()) };
    let token = match (&http.token, &http.token_file) {
        (Some(Token(token)), _) => token.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(path).map_err(|source| TokenFile { path: path.clone(), source })?
        }
        // `Config::problems` refuses this; without a token there is no door
        (None, None) => return Ok(Router::new()),
    };
    if token.trim().len() < TOKEN_MIN {
        // a file that was emptied since the configuration was checked must not open the door to everyone
        let source = io::Error::new(io::ErrorKind::InvalidData, format!("a token of fewer than {TOKEN_MIN} bytes"));
        return Err(TokenFile { path: http.token_file.clone().unwrap_or_default(), source });
    }
    let body_limit = usize::try_from(http.body_limit.as_u64()).unwrap_or(usize::MAX);
    let door = Door { token: blake3::hash(token.trim().as_bytes()), body_limit, accept };
    Ok(Router::new().route("/v1/items", post(take_in)).with_state(Arc::new(door)))
}

/// One line of the answer.
#[derive(Serialize)]
struct Told {
    line: usize,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Refusal>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Accepted,
    Refused,
    Busy,
}

#[derive(Serialize)]
struct Refusal {
    code: &'static str,
    field: String,
    found: String,
    mend: &'static str,
}

impl From<Reject> for Refusal {
    fn from(Reject { code, field, found, mend }: Reject) -> Self {
        Self { code, field: field.into_owned(), found, mend }
    }
}

async fn take_in(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // before a byte of the body is read
    if !door.opens_to(&parts.headers) {
        let say = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, say, "send Authorization: Bearer and the token of intake.http\n")
            .into_response();
    }
    let Ok(body) = to_bytes(body, door.body_limit).await else {
        let say = format!("send up to {} bytes at once\n", door.body_limit);
        return (StatusCode::PAYLOAD_TOO_LARGE, say).into_response();
    };
    let records = records(&body);
    if records.is_empty() {
        return (StatusCode::BAD_REQUEST, "send JSON lines, an object or an array\n").into_response();
    }
    let now = now();
    let told: Vec<Told> =
        stream::iter(records).map(|(line, record)| door.take(line, record, now)).buffered(IN_FLIGHT).collect().await;
    answer(&told)
}

impl Door {
    fn opens_to(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token =
            given.and_then(|given| given.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        token.is_some_and(|(_, token)| blake3::hash(token.trim().as_bytes()) == self.token)
    }

    async fn take(&self, line: usize, record: Result<Inbox, Reject>, now: Timestamp) -> Told {
        let offered = record.and_then(|inbox| {
            let first_seen_at = if inbox.first_seen_at.is_absent() { now } else { inbox.first_seen_at };
            let inbox = Inbox { first_seen_at, ..inbox };
            item(&inbox, now).map(|item| (item.id, inbox))
        });
        let (id, inbox) = match offered {
            Ok(offered) => offered,
            Err(reject) => return Told { line, status: Status::Refused, id: None, error: Some(reject.into()) },
        };
        match self.accept.accept(inbox).await {
            Ok(()) => Told { line, status: Status::Accepted, id: Some(id), error: None },
            Err(Busy) => Told { line, status: Status::Busy, id: None, error: None },
        }
    }
}

/// The records of a body, each with its number from 1: the line's, or its place in the array.
fn records(body: &[u8]) -> Vec<(usize, Result<Inbox, Reject>)> {
    if let Ok(array) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        return array.into_iter().map(|json| record(json.get())).enumerate().map(|(i, read)| (i + 1, read)).collect();
    }
    if let Ok(object) = serde_json::from_slice::<&RawValue>(body) {
        return vec![(1, record(object.get()))];
    }
    numbered(body).collect()
}

fn answer(told: &[Told]) -> Response {
    let count = |status| told.iter().filter(|told| told.status == status).count();
    let (accepted, refused, busy) = (count(Status::Accepted), count(Status::Refused), count(Status::Busy));
    let status = match (accepted, busy) {
        (0, 0) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, 0) => StatusCode::OK,
        _ => StatusCode::TOO_MANY_REQUESTS,
    };
    tracing::debug!(accepted, refused, busy, "items offered over http");
    let mut body = Vec::new();
    for line in told {
        serde_json::to_writer(&mut body, line).expect("results serialise to memory");
        body.push(b'\n');
    }
    let mut headers = HeaderMap::new();
    let mut say = |name: HeaderName, value| headers.insert(name, header::HeaderValue::from_static(value));
    say(header::CONTENT_TYPE, "application/x-ndjson");
    if status == StatusCode::TOO_MANY_REQUESTS {
        say(header::RETRY_AFTER, RETRY_AFTER);
    }
    (status, headers, Body::from(Bytes::from(body))).into_response()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
