//! Tidings: one binary for every service, for all of them at once, and for the tools around them.

mod all;
mod cli;
mod config;
mod feeds;
mod filters;
mod health;
mod ingest;
mod kb;
mod letters;
mod line;
mod look;
mod paint;
mod sample;
mod show;
mod telemetry;
mod topics;

use clap::{CommandFactory as _, Parser as _};
use cli::{Cli, Command, Service};
use config::{Config, Problems};
use line::Line;
use look::Style;
use prometheus::Registry;
use std::{
    env,
    io::{self, ErrorKind},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use tidings_broker::Broker;
use tidings_stream::{From, Kafka, Stop, admin};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// EX_USAGE of sysexits.h: the configuration is wrong.
const USAGE: u8 = 64;
/// How long a service may take to end; Kubernetes waits longer (terminationGracePeriodSeconds).
const DRAIN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        // the reader of our pipe has gone: so do we
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidings: {error:#}");
            if error.is::<Problems>() { USAGE.into() } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let in_place = Path::new("tidings.toml").exists().then(|| PathBuf::from("tidings.toml"));
    let config = || config::load(cli.config.as_deref().or(in_place.as_deref()), env::vars());
    telemetry::init(if matches!(cli.command, Command::Run { service: Service::All, .. }) { "warn" } else { "info" });
    match cli.command {
        Command::Run { service: Service::All, all } => block_on(all::run(config()?, all))?,
        Command::Run { service, .. } => block_on(serve(config()?, service))?,
        Command::Broker { listen, data, auto_create } => block_on(broker(listen, data, auto_create))?,
        Command::Feeds(command) => feeds::run(&running_line(config()?)?, &command)?,
        Command::Ingest { file, format, provider } => {
            return ingest::run(&running_line(config()?)?, &file, format, provider.as_deref());
        }
        Command::Tail { topic, json, from_beginning, until_end } => {
            let (from, style) = (if from_beginning { From::Beginning } else { From::End }, style(json));
            let topics = look::topics(topic.as_deref())?;
            look::tail(&running_line(config()?)?, &topics, from, until_end, style, &Stop::new())?;
        }
        Command::Why { id, json } => look::why(&running_line(config()?)?, &id, style(json))?,
        Command::Dlq(command) => letters::run(&running_line(config()?)?, &command)?,
        Command::Check { feeds } => {
            tidings_enrich::Models::load(&config()?.enrich).map_err(Problems)?;
            if let Some(file) = feeds {
                println!("{} feeds", feeds::read_opml(&file)?.len());
            }
            println!("the configuration is right");
        }
        Command::Topics(command) => return topics::run(|| running_line(config()?), &command),
        Command::Schema { topic, out } => topics::schemas(topic.as_deref(), out.as_deref())?,
        Command::Parse { file, url, content_type } => {
            return filters::parse(&config()?, &file, &url, content_type.as_deref());
        }
        Command::Dedup { explain } => {
            let dedup = tidings_dedup::Dedup::new(&config()?.dedup);
            return filters::run(if explain { dedup.explaining() } else { dedup });
        }
        Command::Enrich => {
            let config = config()?.enrich;
            let models = tidings_enrich::Models::load(&config).map_err(Problems)?;
            return filters::run(tidings_enrich::Enrich::new(&config, &models));
        }
        Command::Kb(command) => return kb::run(&command),
        Command::Alerts => return filters::run(tidings_sink::Sink::new(&config()?.sink).map_err(Problems)?),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tidings", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn style(json: bool) -> Style {
    if json { Style::Json } else { Style::People }
}

/// The cluster of the configuration, or else the embedded broker where `run all` has it by default.
fn running_line(mut config: Config) -> anyhow::Result<Kafka> {
    config.kafka.brokers.get_or_insert_with(|| "127.0.0.1:9092".to_owned());
    Ok(Kafka::new(config.kafka)?)
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // connections and timers that are still open end with the process
    runtime.shutdown_background();
    result
}

/// One service, until it is told to stop.
async fn serve(config: Config, service: Service) -> anyhow::Result<()> {
    let stop = Stop::new();
    line::stop_at_signals(&stop)?;
    let kafka = Kafka::new(config.kafka.clone())?;
    let (registry, ready) = (Registry::new(), health::Ready::default());
    let metrics = health::serve(config.metrics.listen, registry.clone(), ready.clone()).await?;
    tracing::info!(brokers = kafka.brokers(), %metrics, ?service, "starting");
    let ensure = {
        let (kafka, stop) = (kafka.clone(), stop.clone());
        move || admin::ensure(&kafka, &stop)
    };
    match tokio::task::spawn_blocking(ensure).await? {
        Err(tidings_stream::Error::Stopped) => return Ok(()),
        result => result?,
    }
    let mut line = Line::new(kafka, config, registry, stop)?;
    line.start(service).await?;
    ready.set();
    let waited = line.wait().await;
    tracing::info!(?service, "draining");
    let drained = line.drain(DRAIN).await;
    waited.and(drained)
}

/// The embedded broker, until it is told to stop.
async fn broker(listen: SocketAddr, data: PathBuf, auto_create: Option<i32>) -> anyhow::Result<()> {
    let stop = Stop::new();
    line::stop_at_signals(&stop)?;
    let broker = Broker::start(tidings_broker::Config { listen, data, fsync: false, auto_create }).await?;
    println!("embedded broker on {} · Ctrl-C stops", broker.address());
    while !stop.is_stopped() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    broker.stop().await;
    Ok(())
}
