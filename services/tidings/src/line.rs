//! The line in one process: services on threads of their own, and their orderly end.

use crate::{
    cli::Service,
    config::{Config, Problems},
};
use anyhow::{Context as _, anyhow};
use prometheus::Registry;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};
use tidings_intake::{Accept, Busy};
use tidings_model::{Inbox, Message as _};
use tidings_stage::{Hands, Stage, Watch};
use tidings_stream::{Assembly, Error, Kafka, Metrics, Producer, Stop};
use tokio::{net::TcpListener, runtime::Handle};

/// A clock that is set back by less than this delays the services by as much, and no more is made of it.
const SET_BACK: Duration = Duration::from_secs(5);

/// Services running, and what they share: a cluster, a configuration, a registry, the wish to stop.
pub struct Line {
    kafka: Kafka,
    config: Config,
    registry: Registry,
    runner: Metrics,
    stop: Stop,
    threads: Vec<(&'static str, JoinHandle<Result<(), Error>>)>,
}

impl Line {
    /// Nothing runs yet.
    pub fn new(kafka: Kafka, config: Config, registry: Registry, stop: Stop) -> anyhow::Result<Self> {
        let runner = Metrics::new(&registry)?;
        Ok(Self { kafka, config, registry, runner, stop, threads: Vec::new() })
    }

    /// Starts a service. Topics must exist.
    pub async fn start(&mut self, service: Service) -> anyhow::Result<()> {
        let (config, registry) = (self.config.clone(), self.registry.clone());
        match service {
            Service::All => {
                for service in [Service::Fetch, Service::Intake, Service::Dedup, Service::Enrich, Service::Sink] {
                    Box::pin(self.start(service)).await?;
                }
            }
            Service::Fetch => {
                let metrics = tidings_fetch::Metrics::new(&registry)?;
                let poller = tidings_fetch::Poller::new(Handle::current(), &config.fetch, &metrics)?;
                self.spawn(move || tidings_fetch::Fetch::new(&config.fetch), poller, metrics);
            }
            Service::Intake => {
                let metrics = tidings_intake::Metrics::new(&registry)?;
                self.open_door().await?;
                self.spawn(tidings_intake::Intake::new, (), metrics);
            }
            Service::Dedup => {
                let metrics = tidings_dedup::Metrics::new(&registry)?;
                self.spawn(move || tidings_dedup::Dedup::new(&config.dedup), (), metrics);
            }
            Service::Enrich => {
                let metrics = tidings_enrich::Metrics::new(&registry)?;
                let models = tidings_enrich::Models::load(&config.enrich).map_err(Problems)?;
                self.spawn(move || tidings_enrich::Enrich::new(&config.enrich, &models), (), metrics);
            }
            Service::Sink => {
                let metrics = tidings_sink::Metrics::new(&registry, &config.sink)?;
                let notifier = tidings_sink::Notifier::new(&config.sink, Handle::current()).map_err(Problems)?;
                let new = move || tidings_sink::Sink::new(&config.sink).expect("the configuration has been checked");
                self.spawn(new, notifier, metrics);
            }
        }
        Ok(())
    }

    fn spawn<S: Stage>(
        &mut self,
        new: impl Fn() -> S + Send + Sync + 'static,
        hands: impl Hands<S> + 'static,
        watch: impl Watch<S> + 'static,
    ) {
        let (kafka, runner, stop) = (self.kafka.clone(), self.runner.clone(), self.stop.clone());
        let assembly = Assembly { new: Box::new(new), hands: Arc::new(hands), watch: Arc::new(watch) };
        let run = move || tidings_stream::run(&kafka, assembly, &runner, &stop);
        let thread =
            thread::Builder::new().name(S::NAME.to_owned()).spawn(run).expect("the system has threads to give");
        self.threads.push((S::NAME, thread));
    }

    /// Serves `POST /v1/items` where that is configured.
    async fn open_door(&self) -> anyhow::Result<()> {
        let Some(http) = &self.config.intake.http else { return Ok(()) };
        let door = Arc::new(Door(Producer::new(&self.kafka)?));
        let router = tidings_intake::router(&self.config.intake, door)?;
        let listen = http.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("intake.http.listen = {listen}"))?;
        tracing::info!(address = %listener.local_addr()?, "items are taken at POST /v1/items");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(())
    }

    /// Until it is stopped, or a service ends by itself: then the others are stopped, too.
    ///
    /// # Errors
    /// When the system's clock is set back. Kafka's client waits by that clock (librdkafka 2145), so its waits of a
    /// tenth of a second would last until the old time comes again; a process that starts anew is right.
    pub async fn wait(&self) -> anyhow::Result<()> {
        let mut result = Ok(());
        let mut before = (SystemTime::now(), Instant::now());
        while result.is_ok() && !self.stop.is_stopped() && !self.threads.iter().any(|(_, thread)| thread.is_finished())
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = (SystemTime::now(), Instant::now());
            let back = (before.0 + (now.1 - before.1)).duration_since(now.0).unwrap_or_default();
            if back > SET_BACK {
                result = Err(anyhow!("the system's clock was set back by {back:.0?}; start again"));
            }
            before = now;
        }
        self.stop.stop();
        result
    }

    /// Lets every service finish what it has in hand, for at most `limit`.
    pub async fn drain(self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        for (name, thread) in self.threads {
            while !thread.is_finished() {
                if Instant::now() > deadline {
                    return Err(anyhow!(
                        "{name} did not end within {limit:?}; what it had in hand is done at its next start"
                    ));
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            match thread.join() {
                Ok(result) => result.with_context(|| format!("service {name}"))?,
                Err(_) => return Err(anyhow!("service {name} panicked; its log says where")),
            }
        }
        Ok(())
    }
}

/// The HTTP door's way onto the line.
struct Door(Producer);

impl Accept for Door {
    fn accept(&self, inbox: Inbox) -> Pin<Box<dyn Future<Output = Result<(), Busy>> + Send + '_>> {
        Box::pin(async move {
            let (tell, told) = tokio::sync::oneshot::channel();
            self.0.send(&inbox.record(), move |result| drop(tell.send(result))).map_err(|_| Busy)?;
            match told.await {
                Ok(Ok(())) => Ok(()),
                _ => Err(Busy),
            }
        })
    }
}

/// Stops at SIGINT or SIGTERM; at the second one, ends at once.
pub fn stop_at_signals(stop: &Stop) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = stop.clone();
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            if last {
                std::process::exit(130);
            }
            stop.stop();
        }
    });
    Ok(())
}
