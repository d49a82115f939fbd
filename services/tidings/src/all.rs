//! `run all`: every service in one process, by default on the embedded broker, with a show of what flows.

use crate::{
    cli::{All, Service},
    config::Config,
    feeds, health, line,
    line::Line,
    look,
    look::Style,
    sample, show,
};
use anyhow::Context as _;
use jiff::Timestamp;
use prometheus::Registry;
use std::{fs, net::SocketAddr, path::Path, thread, time::Duration};
use tidings_broker::Broker;
use tidings_model::{FeedSpec, Topic, topic};
use tidings_stream::{From, Kafka, Stop, admin};
use tokio::net::TcpListener;

/// How long services may take to end; with the broker's own end it stays under five seconds.
const DRAIN: Duration = Duration::from_secs(4);
/// The show starts this long after the services, so that each feed is first polled before its news come out.
const LEAD: Duration = Duration::from_secs(6);

/// All sample stories are out by then.
const SHOW: Duration = Duration::from_secs(65);
/// A burst rule without days of history, and one that matches.
const DEMO_RULES: &str = include_str!("../sample/rules.toml");

/// Runs until Ctrl-C.
pub async fn run(mut config: Config, all: All) -> anyhow::Result<()> {
    let stop = Stop::new();
    line::stop_at_signals(&stop)?;
    let broker = match config.kafka.brokers {
        Some(_) => None,
        None => Some(embed(&mut config, &all).await?),
    };
    let mut over = false;
    let specs = match (&all.feeds, all.demo) {
        (Some(file), _) => feeds::read_opml(file)?,
        (None, true) => {
            let started = publish(&all).await?;
            over = Timestamp::now() > started + SHOW;
            suit_demo(&mut config, all.demo_listen);
            let spec = |(url, title): (String, String)| FeedSpec::new(&url, Some(title)).map_err(anyhow::Error::msg);
            sample::feeds(&format!("http://{}", all.demo_listen))
                .into_iter()
                .map(spec)
                .collect::<anyhow::Result<_>>()?
        }
        (None, false) => Vec::new(),
    };
    let kafka = Kafka::new(config.kafka.clone())?;
    let (registry, ready) = (Registry::new(), health::Ready::default());
    let metrics = health::serve(config.metrics.listen, registry.clone(), ready.clone()).await?;
    head(&kafka, &all, broker.is_some(), metrics, specs.len());
    if over {
        println!("the sample stories came out in an earlier run; without {} they come again\n", all.data.display());
    }

    let ensure = {
        let (kafka, stop) = (kafka.clone(), stop.clone());
        move || admin::ensure(&kafka, &stop)
    };
    tokio::task::spawn_blocking(ensure).await??;
    let show = follow(&kafka, all.feeds.is_some(), &stop);
    let mut line = Line::new(kafka.clone(), config, registry, stop.clone())?;
    line.start(Service::All).await?;
    if !specs.is_empty() {
        tokio::task::spawn_blocking(move || feeds::subscribe(&kafka, specs)).await??;
    }
    ready.set();
    let waited = line.wait().await;
    let drained = line.drain(DRAIN).await;
    drop(tokio::task::spawn_blocking(move || show.join()).await);
    if let Some(broker) = broker {
        broker.stop().await;
    }
    waited.and(drained)
}

/// Starts the embedded broker and points the configuration at it.
async fn embed(config: &mut Config, all: &All) -> anyhow::Result<Broker> {
    let data = all.data.join("kafka");
    let embedded = tidings_broker::Config { listen: all.listen, data, fsync: false, auto_create: None };
    let broker = Broker::start(embedded).await?;
    config.kafka.brokers = Some(broker.address().to_string());
    config.kafka.partitions.get_or_insert(2);
    Ok(broker)
}

/// Serves the sample feeds; the show goes by the first start, which lies beside the broker's data, so that a
/// second run goes on where the first one was.
async fn publish(all: &All) -> anyhow::Result<Timestamp> {
    let file = all.data.join("demo-started");
    let started = match fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} holds no time: remove it", file.display()))?,
        Err(_) => {
            let started = Timestamp::now() + LEAD;
            write(&file, &started.to_string())?;
            started
        }
    };
    let listener = TcpListener::bind(all.demo_listen)
        .await
        .with_context(|| format!("sample feeds can't be served at {}; choose with --demo-listen", all.demo_listen))?;
    tokio::spawn(async move { axum::serve(listener, sample::router(started)).await });
    Ok(started)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).with_context(|| format!("can't create {}", dir.display()))?;
    fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

/// A show of one minute: polls each second or two, and a burst rule that needs no days of history.
fn suit_demo(config: &mut Config, publisher: SocketAddr) {
    let fetch = &mut config.fetch;
    fetch.allow.push(publisher.to_string());
    fetch.interval = Duration::from_millis(1500);
    fetch.min_interval = Duration::from_secs(1);
    fetch.per_host_gap = Duration::ZERO;
    if config.sink.rules == tidings_sink::Config::default().rules {
        let rules: toml::Table = toml::from_str(DEMO_RULES).expect("a constant that a test reads");
        let rules = rules.get("rules").and_then(toml::Value::as_array).into_iter().flatten();
        config.sink.rules = rules.filter_map(toml::Value::as_table).cloned().collect();
    }
}

fn head(kafka: &Kafka, all: &All, embedded: bool, metrics: SocketAddr, feeds: usize) {
    let (brokers, enriched) = (kafka.brokers(), kafka.name(&topic::ENRICHED));
    let broker = if embedded { "embedded broker" } else { "kafka" };
    println!("tidings {} · {broker} {brokers} · metrics http://{metrics}/metrics", env!("CARGO_PKG_VERSION"));
    let what = if all.demo {
        format!("demo: {feeds} feeds of fictional outlets on http://{}", all.demo_listen)
    } else {
        format!("{feeds} feeds")
    };
    println!("{what} · read it yourself: kcat -b {brokers} -t {enriched} · Ctrl-C stops\n");
}

/// Prints what flows, on a thread of its own.
fn follow(kafka: &Kafka, with_feeds: bool, stop: &Stop) -> thread::JoinHandle<()> {
    let (kafka, stop) = (kafka.clone(), stop.clone());
    let mut topics: Vec<&'static Topic> = show::TOPICS.to_vec();
    if with_feeds {
        topics.push(&topic::FEEDS_STATUS);
    }
    thread::spawn(move || {
        if let Err(error) = look::tail(&kafka, &topics, From::End, false, Style::People, &stop) {
            tracing::error!(%error, "the show is over, the services go on");
        }
    })
}
