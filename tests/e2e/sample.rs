//! The sample feeds from start to end: copies are found as the truth file has them, the burst raises an alert, and
//! a second run over the same data says nothing new.

use crate::{assert_whole, values};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;
use tidings_model::topic;
use tidings_tests::line::Line;
use tidings_tests::{free_ports, root, until};

/// The show lasts a minute; the last withdrawal takes a few polls more.
const SHOW: Duration = Duration::from_secs(150);
/// How well pairs of copies must be found.
const F1: f64 = 0.95;

/// An article of `services/tidings/sample/truth.json`.
#[derive(Deserialize)]
struct Article {
    url: String,
    feeds: Vec<String>,
    cluster: String,
    withdrawn: bool,
}

#[test]
fn embedded() {
    check(Line::embedded(""));
}

#[test]
fn on_kafka() {
    check(Line::on_kafka(""));
}

fn check(mut line: Line) {
    let truth = fs::read_to_string(root().join("services/tidings/sample/truth.json")).unwrap();
    let truth: Vec<Article> = serde_json::from_str(&truth).unwrap();
    let feeds = truth.iter().flat_map(|article| &article.feeds).collect::<BTreeSet<_>>().len();
    let [port] = free_ports();

    line.start_all(&["--demo", "--demo-listen", &format!("127.0.0.1:{port}")]);
    until(SHOW, "every article has come, and what is withdrawn has gone", || is_over(&line, &truth).then_some(()));
    assert_whole(&line);

    let found = pairs(&clusters(&line));
    let real = pairs(&truth.iter().map(|article| (article.url.clone(), article.cluster.clone())).collect());
    let both = found.intersection(&real).count() as f64;
    let f1 = 2.0 * both / (found.len() + real.len()) as f64;
    let (precision, recall) = (both / found.len() as f64, both / real.len() as f64);
    println!("figure: {} articles, precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}", truth.len());
    let wrong = found.symmetric_difference(&real).collect::<Vec<_>>();
    assert!(f1 >= F1, "F1 {f1:.3}; in one and not in the other: {wrong:#?}");

    let about_arden = |alert: &serde_json::Value| alert["subject"].as_str().unwrap().contains("Arden");
    until(SHOW, "the burst in Arden raises an alert", || {
        values(&line, &topic::ALERTS).iter().any(about_arden).then_some(())
    });

    let before = counts(&line);
    assert!(line.stop("all").success(), "SIGTERM ends it well");
    line.restart("all");
    until(SHOW, "all feeds are polled again, twice", || {
        (line.metric("all", "tidings_fetch_polls_total") >= 2.0 * feeds as f64).then_some(())
    });
    assert_whole(&line);
    assert_eq!(counts(&line), before, "a second run over the same data published something");
}

/// Whether every article lies on the topic once for each feed that carries it, and every withdrawal has been told.
fn is_over(line: &Line, truth: &[Article]) -> bool {
    let raw = values(line, &topic::RAW);
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut withdrawn = BTreeSet::new();
    for item in &raw {
        let Some(url) = item["url"].as_str() else { continue };
        ids.entry(url).or_default().insert(item["id"].as_str().unwrap());
        if item["status"] == "withdrawn" {
            withdrawn.insert(url);
        }
    }
    truth.iter().all(|article| {
        let seen = ids.get(&*article.url).map_or(0, BTreeSet::len);
        seen == article.feeds.len() && (!article.withdrawn || withdrawn.contains(&*article.url))
    })
}

/// The cluster of each article, by its address.
fn clusters(line: &Line) -> BTreeMap<String, String> {
    let unique = values(line, &topic::UNIQUE).into_iter().map(|mut record| (record["cluster"]["id"].take(), record));
    let copies = values(line, &topic::DUPLICATES).into_iter().map(|mut record| (record["cluster"].take(), record));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut clusters = BTreeMap::new();
    for (cluster, record) in unique.chain(copies) {
        let (url, cluster) = (text(&record["item"]["url"]), text(&cluster));
        let first = clusters.entry(url.clone()).or_insert_with(|| cluster.clone());
        assert_eq!(*first, cluster, "{url} is in two clusters: revisions and other feeds of it belong to its first");
    }
    clusters
}

/// All pairs of articles in the same cluster.
fn pairs(clusters: &BTreeMap<String, String>) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for (url, cluster) in clusters {
        let others = clusters.range(url.clone()..).skip(1).filter(|(_, other)| *other == cluster);
        pairs.extend(others.map(|(other, _)| (url.clone(), other.clone())));
    }
    pairs
}

/// How many records each public topic of the stream has.
fn counts(line: &Line) -> Vec<(&'static str, usize)> {
    let topics = [&topic::RAW, &topic::UNIQUE, &topic::DUPLICATES, &topic::ENRICHED, &topic::ALERTS, &topic::DLQ];
    topics.map(|topic| (topic.name, line.read(topic).len())).to_vec()
}
