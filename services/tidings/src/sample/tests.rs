//! The sample content keeps its promises, every feed is read by a stock parser, and HTTP behaves.

use super::content::{Article, CATALOGUE, Format};
use super::truth::{Truth, truth};
use super::{all_feeds, feeds, render, router};
use feed_rs::model::{Entry, Feed as Parsed};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const STARTED: &str = "2026-03-04T12:00:00.250Z";

fn started() -> Timestamp {
    STARTED.parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    started() + SignedDuration::from_secs(second)
}

/// A feed as a stock parser reads it at some second of the show.
fn parsed(path: &str, second: i64) -> Parsed {
    let (outlet, feed) = all_feeds().find(|(outlet, feed)| outlet.feed_path(feed) == path).unwrap();
    let document = render::feed(outlet, feed, started(), at(second));
    feed_rs::parser::parse(document.body.as_bytes()).unwrap_or_else(|error| panic!("{path} at {second}: {error}"))
}

fn paths() -> Vec<String> {
    feeds("").into_iter().map(|(path, _)| path).collect()
}

fn links(path: &str, second: i64) -> Vec<String> {
    parsed(path, second).entries.into_iter().map(|mut entry| entry.links.remove(0).href).collect()
}

fn entry(path: &str, second: i64, link: &str) -> Entry {
    let mut entries = parsed(path, second).entries.into_iter();
    entries.find(|entry| entry.links[0].href == link).unwrap()
}

fn articles() -> impl Iterator<Item = &'static Article> {
    CATALOGUE.events.iter().flat_map(|event| &event.article)
}

/// All that an article ever prints.
fn texts(article: &Article) -> String {
    let first = [Some(&article.headline), article.summary.as_ref(), article.body.as_ref()];
    let later = article.edit.iter().flat_map(|edit| [&edit.headline, &edit.summary, &edit.body]);
    let later = later.map(Option::as_ref);
    first.into_iter().chain(later).flatten().map(String::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn there_is_enough_of_everything() {
    let truth = truth();
    let count = |condition: fn(&Truth) -> bool| truth.iter().filter(|truth| condition(truth)).count();
    let formats: BTreeSet<Format> = CATALOGUE.outlets.iter().map(|outlet| outlet.format).collect();
    let events: BTreeSet<&str> = truth.iter().map(|truth| truth.event.as_str()).collect();
    let urls: BTreeSet<&str> = truth.iter().map(|truth| truth.url.as_str()).collect();
    let truncated = articles().filter(|article| article.copy_of.is_some() && texts(article).contains('…'));
    assert_eq!(urls.len(), truth.len(), "one link for each article");
    for (what, found, wanted) in [
        ("outlets", CATALOGUE.outlets.len(), 12),
        ("formats", formats.len(), 4),
        ("events", events.len(), 15),
        ("articles", truth.len(), 60),
        ("copies", count(|truth| truth.copy_of.is_some()), 20),
        ("truncated copies", truncated.count(), 8),
        ("edited articles", count(|truth| truth.revisions > 1), 4),
        ("withdrawn articles", count(|truth| truth.withdrawn), 2),
        ("articles in two feeds", count(|truth| truth.feeds.len() > 1), 3),
    ] {
        assert!(found >= wanted, "{found} {what}, wanted {wanted}");
    }
}

#[test]
fn the_show_is_over_after_a_minute() {
    for article in articles() {
        let changes: Vec<i64> = article.changes().collect();
        assert!(article.at < 0 || (3..=50).contains(&article.at), "{} appears at {}", article.slug, article.at);
        assert!(changes.is_sorted() && changes.iter().all(|&at| at <= 60), "{} changes at {changes:?}", article.slug);
        let words = [&article.summary, &article.body].into_iter().flatten().flat_map(|text| text.split_whitespace());
        assert!((20..=110).contains(&words.count()), "{} is too short or too long", article.slug);
        for name in &article.feeds {
            let outlet = CATALOGUE.outlet(&article.outlet).unwrap();
            assert!(outlet.feed.iter().any(|feed| feed.name == *name), "{} has no feed {name}", outlet.id);
        }
    }
}

/// Nine outlets and more write about Arden in their own words within six seconds.
#[test]
fn arden_bursts() {
    let truth = truth();
    let originals = truth.iter().zip(articles()).filter(|(truth, article)| {
        truth.copy_of.is_none()
            && (17..=22).contains(&article.at)
            && truth.entities.iter().any(|entity| entity.name == "Arden")
    });
    let outlets: BTreeSet<&str> = originals.map(|(truth, _)| truth.outlet.as_str()).collect();
    assert!(outlets.len() >= 9, "only {outlets:?}");
}

/// A person is written in several ways, by different outlets, on two events.
#[test]
fn spellings_vary() {
    let mut spellings: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for truth in truth() {
        for entity in truth.entities {
            let (forms, events) = spellings.entry(entity.name).or_default();
            forms.extend(entity.variants);
            events.insert(truth.event.clone());
        }
    }
    let (forms, events) = &spellings["Oleksa Zoryansky"];
    for surname in ["Zoryansky", "Zoryanskiy", "Zorianskyy", "Zoryanskyi"] {
        assert!(forms.iter().any(|form| form.ends_with(surname)), "nobody writes {surname}");
    }
    assert!(events.len() >= 2, "only in {events:?}");
}

#[test]
fn links_lead_somewhere() {
    for article in articles() {
        let outlet = CATALOGUE.outlet(&article.outlet).unwrap();
        let text = texts(article);
        let targets = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let targets = targets.chain(text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()));
        for target in targets {
            if let Some(rest) = target.strip_prefix("https://") {
                let (host, path) = rest.split_once('/').unwrap();
                assert!(host.ends_with(".example"), "{target} is a real host");
                if let Some(other) = CATALOGUE.outlets.iter().find(|other| other.domain == host) {
                    let known = CATALOGUE.articles(other).any(|(_, found)| found.slug == path);
                    assert!(known, "{}: {target} is no article", article.slug);
                }
            } else {
                let known = CATALOGUE.articles(outlet).any(|(_, found)| found.slug == target);
                assert!(known, "{}: {target} is no article of {}", article.slug, outlet.id);
            }
        }
    }
}

#[test]
fn feeds_grow_newest_first() {
    let distinct = |second| paths().iter().flat_map(|path| links(path, second)).collect::<BTreeSet<_>>().len();
    let counts: Vec<usize> = [0, 10, 20, 30, 40, 50].into_iter().map(distinct).collect();
    assert!((4..=6).contains(&counts[0]), "a backlog of {}", counts[0]);
    assert!(counts.is_sorted_by(|before, after| before < after), "{counts:?}");
    assert_eq!(distinct(-30), counts[0], "the backlog is there even before the start");
    for path in paths() {
        let dates: Vec<_> = parsed(&path, 60).entries.into_iter().filter_map(|entry| entry.published).collect();
        assert!(dates.is_sorted_by(|newer, older| newer >= older), "{path}");
    }
}

#[test]
fn the_end_is_the_truth() {
    let served: BTreeSet<(String, String)> = paths()
        .into_iter()
        .flat_map(|path| links(&path, 60).into_iter().map(move |link| (path.clone(), link)))
        .collect();
    let truth = truth().into_iter().filter(|truth| !truth.withdrawn);
    let wanted = truth.flat_map(|truth| truth.feeds.into_iter().map(move |path| (path, truth.url.clone()))).collect();
    assert_eq!(served, wanted);
}

#[test]
fn an_edit_keeps_the_identity() {
    for (path, link, before, after, was, is) in [
        ("/nwa/feed.xml", "https://nwa.example/arden-explosion", 35, 36, "three missing", "five missing"),
        ("/nwa/feed.xml", "https://nwa.example/storm-hedda", 40, 41, "12,000", "31,000"),
        ("/nwa/feed.xml", "https://nwa.example/rail-strike", 33, 34, "two days", "four days"),
        ("/lowland-radio/feed.xml", "https://lowlandradio.example/arden-hospital", 37, 38, "nineteen", "thirty-one"),
    ] {
        let title = |entry: &Entry| entry.title.clone().unwrap().content;
        let (before, after) = (entry(path, before, link), entry(path, after, link));
        assert!(title(&before).contains(was) && title(&after).contains(is), "{link}");
        assert_eq!((before.published, &before.links), (after.published, &after.links), "{link}");
        if !path.starts_with("/lowland") {
            // feed-rs ignores rdf:about and hashes the item instead.
            assert_eq!(before.id, after.id, "{link}");
        }
    }
}

#[test]
fn withdrawn_articles_vanish_from_the_middle() {
    for (path, link, withdrawn) in [
        ("/harbour-post/news.xml", "https://harbourpost.example/harbour-pumps", 50),
        ("/harbour-post/shipping.xml", "https://harbourpost.example/osprey-jobs", 46),
        ("/island-gazette/feed.xml", "https://islandgazette.example/clinic-torsay", 55),
    ] {
        let (before, after) = (links(path, withdrawn - 1), links(path, withdrawn));
        let place = before.iter().position(|found| found == link).unwrap();
        assert!(place > 0 && place + 1 < before.len(), "{link} is at the edge");
        assert!(!after.contains(&before[place]), "{link} is still there");
        assert!(after.contains(&before[place - 1]) && after.contains(&before[place + 1]), "{link} left with others");
    }
    let (outlet, feed) = all_feeds().find(|(outlet, _)| outlet.id == "island-gazette").unwrap();
    let tombstone =
        "<at:deleted-entry ref=\"tag:islandgazette.example,2026:clinic-torsay\" when=\"2026-03-04T12:00:55Z\">";
    assert!(!render::feed(outlet, feed, started(), at(54)).body.contains("deleted-entry"));
    assert!(render::feed(outlet, feed, started(), at(55)).body.contains(tombstone));
}

#[test]
fn an_article_in_two_feeds_is_one_article() {
    let link = "https://harbourpost.example/terminal-fire";
    let [news, shipping] = ["/harbour-post/news.xml", "/harbour-post/shipping.xml"].map(|path| entry(path, 60, link));
    assert_eq!(news, shipping);
}

/// `UPDATE_SAMPLE=1 cargo test -p tidings` rewrites the file.
#[test]
fn truth_file_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample/truth.json");
    let wanted = super::truth::file();
    if std::env::var_os("UPDATE_SAMPLE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "sample/truth.json is stale: run the test with UPDATE_SAMPLE=1");
}

#[tokio::test]
async fn http_is_conditional() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // The show is long over, so nothing changes while the test runs.
    let started = Timestamp::now() - SignedDuration::from_hours(1);
    tokio::spawn(async move { axum::serve(listener, router(started)).await });
    let client = reqwest::Client::new();
    let get = |path: &str| client.get(format!("{base}{path}"));

    for (url, _) in feeds(&base) {
        let full = client.get(&url).send().await.unwrap();
        let header = |name| full.headers()[name].to_str().unwrap().to_owned();
        let (etag, modified, kind) = (header("etag"), header("last-modified"), header("content-type"));
        assert!(kind.contains("+xml") || kind == "application/feed+json", "{url}: {kind}");
        assert!(feed_rs::parser::parse(&*full.bytes().await.unwrap()).is_ok(), "{url}");
        let weak = format!("\"other\", W/{etag}");
        for (name, value, status) in [
            ("if-none-match", etag.as_str(), 304),
            ("if-none-match", &weak, 304),
            ("if-none-match", "\"other\"", 200),
            ("if-modified-since", &modified, 304),
            ("if-modified-since", "Wed, 01 Jan 2020 00:00:00 GMT", 200),
            ("if-modified-since", "yesterday", 200),
        ] {
            let answer = client.get(&url).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), status, "{url} {name}: {value}");
            assert_eq!(answer.headers()["etag"], etag.as_str(), "{url}");
        }
        let both = client.get(&url).header("if-none-match", "\"other\"").header("if-modified-since", &modified);
        assert_eq!(both.send().await.unwrap().status(), 200, "{url}: the entity tag decides");
    }
    for (path, status) in [
        ("/", 200),
        ("/harbour-post/terminal-audit", 200),
        ("/harbour-post/osprey-jobs", 410),
        ("/harbour-post/nothing", 404),
        ("/nobody/feed.xml", 404),
    ] {
        assert_eq!(get(path).send().await.unwrap().status(), status, "{path}");
    }
    let page = get("/tidewater-review/envoy-profile").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("This article is fiction"), "{page}");
}
