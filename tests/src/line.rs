//! The line under test: the built binary, as one process over its embedded broker or as five over Apache Kafka.
//!
//! Each line has a folder, ports and a topic prefix of its own. Its processes are killed when it is dropped; when
//! the test is failing, the ends of their logs are printed.

use crate::{free_ports, http, kafka::Kafka, output, read, read::Rec, root, until};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidings_model::Topic;

/// The services, in the order of the stream.
pub const SERVICES: [&str; 5] = ["fetch", "intake", "dedup", "enrich", "sink"];

/// What is preloaded for another time of day, in a line's folder, …
const CLOCK: &str = "clock.so";
/// … and how many seconds that is ahead.
const AHEAD: &str = "ahead";
/// Until a process must be ready.
const READY: Duration = Duration::from_secs(60);
/// Until a process that was asked to end must have ended.
const END: Duration = Duration::from_secs(30);

/// The built binary.
///
/// # Panics
/// When it is not built.
pub fn binary() -> PathBuf {
    // programs run from target/<profile>, tests from target/<profile>/deps
    let own = std::env::current_exe().expect("a process knows its own path");
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("tidings"));
    let found = beside.into_iter().find(|binary| binary.is_file());
    found.unwrap_or_else(|| panic!("tidings is not built beside {}: cargo build -p tidings", own.display()))
}

/// A line: configuration, processes, topics.
pub struct Line {
    /// Held for as long as the line runs on it.
    _kafka: Option<Arc<Kafka>>,
    dir: TempDir,
    brokers: String,
    prefix: String,
    processes: BTreeMap<String, Process>,
}

struct Process {
    args: Vec<String>,
    /// Of its metrics and health.
    admin: String,
    child: Option<Child>,
}

impl Line {
    /// A line on Apache Kafka, topics created, nothing running. `config` is added to its configuration file.
    pub fn on_kafka(config: &str) -> Self {
        let kafka = Kafka::shared();
        let mut line = Self::on(kafka.brokers(), config);
        line._kafka = Some(kafka);
        line.run(&["topics", "create"]);
        line
    }

    /// A line on a broker that need not be there, nothing created, nothing running. Keys that stand before the first
    /// section of `config` are those of `[kafka]`; two partitions, unless they say otherwise.
    pub fn on(brokers: &str, config: &str) -> Self {
        static LINES: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("test-{}-{}.", std::process::id(), LINES.fetch_add(1, Ordering::Relaxed));
        let own = config.split('[').next().unwrap_or_default();
        let partitions = if own.contains("partitions = ") { "" } else { "partitions = 2\n" };
        let kafka = format!("[kafka]\nbrokers = \"{brokers}\"\nprefix = \"{prefix}\"\n{partitions}");
        Self::new(brokers, &prefix, &format!("{kafka}{config}"))
    }

    /// A line that is to run in one process over the embedded broker: [`Line::start_all`].
    pub fn embedded(config: &str) -> Self {
        let [port] = free_ports();
        Self::new(&format!("127.0.0.1:{port}"), "", config)
    }

    fn new(brokers: &str, prefix: &str, config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("tidings-line-").tempdir().expect("a temporary folder can be made");
        fs::write(dir.path().join("tidings.toml"), config).expect("the temporary folder can be written");
        let (brokers, prefix) = (brokers.to_owned(), prefix.to_owned());
        Self { _kafka: None, dir, brokers, prefix, processes: BTreeMap::new() }
    }

    /// Its folder, which its processes run in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// For `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Sets the system clock of its processes so many seconds ahead of this machine's: of those that run, if it was set
    /// before they were started, and of those that will.
    pub fn set_clock(&self, ahead: i64) {
        let library = self.dir().join(CLOCK);
        if !library.exists() {
            let source = root().join("tests/src/clock.c");
            output(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source));
        }
        // in place, where they have it mapped
        let file = File::options().create(true).truncate(false).write(true).open(self.dir().join(AHEAD));
        let written = file.and_then(|mut file| file.write_all(&ahead.to_ne_bytes()));
        written.expect("the temporary folder can be written");
    }

    /// Starts a service and returns at once.
    pub fn spawn(&mut self, service: &str) {
        self.spawn_as(service, service);
    }

    /// Starts one more instance of a service, under a name of its own, and returns at once.
    pub fn spawn_as(&mut self, name: &str, service: &str) {
        self.launch(name, &["run", service, "--config", "tidings.toml"]);
    }

    /// Starts everything in one process named `all`, and returns when it is ready. It brings its own broker unless
    /// the line is on Kafka.
    pub fn start_all(&mut self, args: &[&str]) {
        let listen = ["--listen", &self.brokers.clone()];
        let mut all = vec!["run", "all", "--config", "tidings.toml", "--data", "data"];
        all.extend(listen.into_iter().filter(|_| self.is_embedded()));
        all.extend(args);
        self.launch("all", &all);
        self.wait_ready("all");
    }

    /// Starts all five services as processes, and returns when they are ready.
    pub fn start_five(&mut self) {
        SERVICES.into_iter().for_each(|service| self.spawn(service));
        SERVICES.into_iter().for_each(|service| self.wait_ready(service));
    }

    fn is_embedded(&self) -> bool {
        self.prefix.is_empty()
    }

    /// Starts a process again as it was started, and returns when it is ready.
    pub fn restart(&mut self, name: &str) {
        let process = &self.processes[name];
        let (args, admin) = (process.args.clone(), process.admin.clone());
        self.processes.insert(name.to_owned(), self.child(name, args, admin));
        self.wait_ready(name);
    }

    fn launch(&mut self, name: &str, args: &[&str]) {
        let [port] = free_ports();
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let process = self.child(name, args, format!("127.0.0.1:{port}"));
        self.processes.insert(name.to_owned(), process);
    }

    fn child(&self, name: &str, args: Vec<String>, admin: String) -> Process {
        let log = File::options().create(true).append(true).open(self.log_path(name)).expect("a log can be written");
        let copy = log.try_clone().expect("a file can be opened twice");
        let mut command = Command::new(binary());
        if self.dir().join(CLOCK).exists() {
            command.env("LD_PRELOAD", self.dir().join(CLOCK)).env("CLOCK_AHEAD", self.dir().join(AHEAD));
        }
        command.current_dir(self.dir()).args(&args).env("TIDINGS_METRICS__LISTEN", &admin);
        command.stdin(Stdio::null()).stdout(log).stderr(copy);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Process { args, admin, child: Some(child) }
    }

    /// Waits until a process says that it is ready.
    pub fn wait_ready(&mut self, name: &str) {
        let admin = self.admin(name).to_owned();
        until(READY, &format!("{name} is ready"), || {
            if let Some(status) = self.ended(name) {
                panic!("{name} ended at its start: {status}");
            }
            http::get(&admin, "/ready").filter(|(status, _)| *status == 200)
        });
    }

    /// SIGKILL.
    pub fn kill9(&mut self, name: &str) {
        let mut child = self.take(name);
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self, name: &str) -> ExitStatus {
        self.signal(name, "TERM");
        let mut child = self.take(name);
        until(END, &format!("{name} ends"), || child.try_wait().expect("a child can be waited for"))
    }

    /// Sends a signal: `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str, signal: &str) {
        let pid = self.pid(name).unwrap_or_else(|| panic!("{name} is not running"));
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "{name} had ended before it was asked to");
    }

    /// The process id of a process that was started and neither killed nor stopped.
    pub fn pid(&self, name: &str) -> Option<u32> {
        Some(self.processes.get(name)?.child.as_ref()?.id())
    }

    /// Subscribes to the feeds of an OPML document.
    pub fn import(&self, opml: &str) {
        let path = self.dir().join("feeds.opml");
        fs::write(&path, opml).expect("the temporary folder can be written");
        self.run(&["feeds", "import", &path.to_string_lossy()]);
    }

    /// Waits until the last of five services has had nothing to do for so long.
    ///
    /// # Panics
    /// When that does not come within `limit`.
    pub fn rest(&self, limit: Duration, still: Duration) {
        let mut seen = (0.0, Instant::now());
        until(limit, "the line comes to rest", || {
            let now = self.metric("sink", "tidings_stream_records_consumed_total");
            if now != seen.0 {
                seen = (now, Instant::now());
            }
            (seen.1.elapsed() > still).then_some(())
        });
    }

    /// The most memory that a process ever held, in MiB.
    ///
    /// # Panics
    /// When it does not run.
    pub fn peak_memory(&self, name: &str) -> u64 {
        let pid = self.pid(name).expect("it runs");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux has /proc");
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak.map(|peak: u64| peak / 1024).expect("Linux tells VmHWM")
    }

    /// Names of the processes that were started and neither killed nor stopped.
    pub fn running(&self) -> Vec<String> {
        let running = self.processes.iter().filter(|(_, process)| process.child.is_some());
        running.map(|(name, _)| name.clone()).collect()
    }

    /// How a process ended, if it did.
    pub fn ended(&mut self, name: &str) -> Option<ExitStatus> {
        let process = self.processes.get_mut(name).unwrap_or_else(|| panic!("{name} was never started"));
        process.child.as_mut()?.try_wait().expect("a child can be waited for")
    }

    fn take(&mut self, name: &str) -> Child {
        let process = self.processes.get_mut(name);
        process.and_then(|process| process.child.take()).unwrap_or_else(|| panic!("{name} is not running"))
    }

    fn admin(&self, name: &str) -> &str {
        &self.processes[name].admin
    }

    /// All that a process has printed.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.dir().join(format!("{name}.log"))
    }

    /// The sum of a metric over all its labels, in one process.
    pub fn metric(&self, name: &str, metric: &str) -> f64 {
        self.series(name, metric, &[]).unwrap_or_else(|| panic!("{name} tells its metrics"))
    }

    /// The sum of a metric over the series that have all of these labels, such as `stage="dedup"`; nothing where the
    /// process does not answer.
    pub fn series(&self, name: &str, metric: &str, labels: &[&str]) -> Option<f64> {
        let (_, text) = http::get(self.admin(name), "/metrics")?;
        let series = text.lines().filter(|line| line.split([' ', '{']).next() == Some(metric));
        let series = series.filter(|line| labels.iter().all(|label| line.contains(label)));
        Some(series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Runs a command of the binary that succeeds.
    pub fn run(&self, args: &[&str]) -> String {
        self.tool().run(args, "")
    }

    /// Runs a command of the binary, with this line's configuration.
    pub fn try_run(&self, args: &[&str]) -> Output {
        self.tool().try_run(args, "")
    }

    /// Commands with this line's configuration, for other threads too.
    pub fn tool(&self) -> Tool {
        // where no brokers are configured, the line is embedded
        let brokers = self.is_embedded().then(|| self.brokers.clone());
        Tool { dir: self.dir().to_owned(), brokers }
    }

    /// A topic's name on the broker.
    pub fn topic(&self, topic: &Topic) -> String {
        format!("{}{}", self.prefix, topic.name)
    }

    /// All that a stranger reads of a topic.
    pub fn read(&self, topic: &Topic) -> Vec<Rec> {
        read::read_all(&self.brokers, &self.topic(topic))
    }

    /// Puts a record on a topic past all of Tidings, as any producer may.
    pub fn write(&self, topic: &Topic, key: &[u8], headers: &[(&[u8], &[u8])], value: &[u8]) {
        read::write(&self.brokers, &self.topic(topic), key, headers, value);
    }
}

/// The binary's commands, with the configuration of a line; good for as long as the line is there.
#[derive(Debug, Clone)]
pub struct Tool {
    dir: PathBuf,
    brokers: Option<String>,
}

impl Tool {
    /// Runs a command over `input`; returns what it printed.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn run(&self, args: &[&str], input: &str) -> String {
        let output = self.try_run(args, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tidings {args:?}: {}\n{said}", output.status);
        String::from_utf8(output.stdout).expect("tidings prints UTF-8")
    }

    /// Runs a command over `input`.
    pub fn try_run(&self, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary());
        command.current_dir(&self.dir).args(args).args(["--config", "tidings.toml"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(brokers) = &self.brokers {
            command.env("TIDINGS_KAFKA__BROKERS", brokers);
        }
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        std::thread::scope(|scope| {
            // beside the reading, lest both pipes fill up; a command need not read its input
            scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
            child.wait_with_output().expect("a child can be waited for")
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for (name, process) in &mut self.processes {
            if let Some(child) = &mut process.child {
                // nothing can be done about a failure here
                child.kill().ok();
                child.wait().ok();
            }
            if std::thread::panicking() {
                let log = fs::read_to_string(self.dir.path().join(format!("{name}.log"))).unwrap_or_default();
                let lines = log.lines().collect::<Vec<_>>();
                println!("--- {name}\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
            }
        }
    }
}
