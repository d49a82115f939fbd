//! The sample feeds: a loopback publisher of invented outlets, demo (`make run`) and end-to-end fixture at once.
//!
//! The show lasts one minute: a small backlog is there from the start, the rest appears, is reprinted, edited and
//! withdrawn on schedule. What is served is a pure function of the start and the present, so the same start gives the
//! same bytes; only the handlers read the clock. `sample/truth.json` says what is a copy of what, what belongs to
//! which event and who is named. Conditional requests follow RFC 9110 §13.

mod content;
mod render;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use content::{CATALOGUE, Feed, Outlet};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use render::Escaped;

/// The publisher: feeds under `/<outlet>/`, articles at `/<outlet>/<slug>`, a list of the feeds at `/`.
///
/// A `started` some seconds ahead gives readers time to take in the backlog before the show begins.
/// An article answers 404 before it appears and 410 once it is withdrawn.
pub fn router(started: Timestamp) -> Router {
    Router::new().route("/", get(index)).route("/{outlet}/{page}", get(page)).with_state(started)
}

/// Address and title of every feed, where `base` is the publisher's, such as `http://127.0.0.1:8070`.
pub fn feeds(base: &str) -> Vec<(String, String)> {
    let base = base.trim_end_matches('/');
    all_feeds().map(|(outlet, feed)| (format!("{base}{}", outlet.feed_path(feed)), feed.title.clone())).collect()
}

fn all_feeds() -> impl Iterator<Item = (&'static Outlet, &'static Feed)> {
    CATALOGUE.outlets.iter().flat_map(|outlet| outlet.feed.iter().map(move |feed| (outlet, feed)))
}

async fn index() -> Html<String> {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Sample feeds</title>\n\
         <h1>Sample feeds</h1>\n<p>Fiction, written as sample content for Tidings. No such outlet exists.</p>\n<ul>\n",
    );
    for (outlet, feed) in all_feeds() {
        html += &format!("<li><a href=\"{}\">{}</a></li>\n", outlet.feed_path(feed), Escaped(&feed.title));
    }
    Html(html + "</ul>\n</html>\n")
}

async fn page(
    State(started): State<Timestamp>,
    Path((id, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let now = Timestamp::now();
    let Some(outlet) = CATALOGUE.outlet(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = format!("/{id}/{page}");
    if let Some(feed) = outlet.feed.iter().find(|feed| outlet.feed_path(feed) == path) {
        return conditional(&headers, started, render::feed(outlet, feed, started, now));
    }
    let second = render::elapsed(started, now);
    match CATALOGUE.articles(outlet).find(|(_, article)| article.slug == page && article.at <= second) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some((_, article)) => match article.version(second) {
            None => StatusCode::GONE.into_response(),
            Some(version) => Html(render::article(outlet, article, version)).into_response(),
        },
    }
}

/// Answers 304 where the reader has this very version.
fn conditional(headers: &HeaderMap, started: Timestamp, document: render::Document) -> Response {
    // Start and last change determine every byte of a feed, so together they are a strong validator.
    let etag = format!("\"{:x}-{:x}\"", started.as_second(), document.changed.as_second());
    let modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&document.changed);
    let validators = [
        (header::ETAG, etag.clone()),
        (header::LAST_MODIFIED, modified.expect("the show takes place in a year of four digits")),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if has_current(headers, &etag, document.changed) {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    (validators, [(header::CONTENT_TYPE, document.content_type)], document.body).into_response()
}

/// Whether the reader's validators are current; a date counts only where there is no entity tag (RFC 9110 §13.1.3).
fn has_current(headers: &HeaderMap, etag: &str, changed: Timestamp) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        return tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    }
    let since = text(header::IF_MODIFIED_SINCE).and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    since.is_some_and(|since| changed <= since)
}
