//! The command line: what can be asked of Tidings.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Streaming news ingest: feeds and snippets in, one live stream of unique, enriched stories out.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The configuration [default: tidings.toml, where there is one].
    #[arg(long, short, global = true, env = "TIDINGS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one service, or all of them in one process.
    Run {
        /// Which.
        service: Service,
        /// For `all`.
        #[command(flatten)]
        all: All,
    },
    /// Run the embedded broker alone.
    Broker {
        /// Loopback address.
        #[arg(long, default_value = "127.0.0.1:9092")]
        listen: SocketAddr,
        /// Where its data lies.
        #[arg(long, default_value = "data/kafka")]
        data: PathBuf,
        /// Make a topic with so many partitions when a client asks for it, as other clients' tests expect.
        #[arg(long, value_name = "PARTITIONS")]
        auto_create: Option<i32>,
    },
    /// Subscribe to feeds, and see how they are.
    #[command(subcommand)]
    Feeds(Feeds),
    /// Put snippets, API results or files on the line.
    Ingest {
        /// `-` for standard input.
        file: PathBuf,
        /// The shape of the file.
        #[arg(long, default_value = "jsonl")]
        format: Format,
        /// Who provides it, where the file does not say.
        #[arg(long)]
        provider: Option<String>,
    },
    /// Follow the stream: publisher, NEW/COPY/UPDATE, headline, entities, delay.
    Tail {
        /// A topic [default: stories, copies, alerts].
        topic: Option<String>,
        /// Records as they are, one JSON line each.
        #[arg(long)]
        json: bool,
        /// Begin with the oldest record.
        #[arg(long)]
        from_beginning: bool,
        /// End at the topic's end instead of waiting for more.
        #[arg(long)]
        until_end: bool,
    },
    /// What became of one item: raw → verdict → entities → alerts.
    Why {
        /// Its id, or the beginning of it.
        id: String,
        /// Records as they are, one JSON line each.
        #[arg(long)]
        json: bool,
    },
    /// What could not be processed: list it, look at it, send it again.
    #[command(subcommand)]
    Dlq(Letters),
    /// Check configuration, rules and feeds; tells all mistakes at once.
    Check {
        /// An OPML file of feeds.
        #[arg(long, value_name = "OPML")]
        feeds: Option<PathBuf>,
    },
    /// The topics: list, create, compare with the cluster.
    #[command(subcommand)]
    Topics(Topics),
    /// JSON Schemas of the records.
    Schema {
        /// One topic's; all where absent.
        topic: Option<String>,
        /// Write a file for each topic into this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Filter: bytes of a feed in, items out.
    Parse {
        /// `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Where the feed was had from: identifies it and resolves its links.
        #[arg(long, default_value = "https://feed.invalid/")]
        url: String,
        /// Its HTTP Content-Type.
        #[arg(long)]
        content_type: Option<String>,
    },
    /// Filter: items in, unique items and copies out.
    Dedup {
        /// Add to each record what the item was compared with, and how alike they are: `explanation`.
        #[arg(long)]
        explain: bool,
    },
    /// Filter: unique items in, enriched ones out.
    Enrich,
    /// Filter: enriched items in, alerts out.
    Alerts,
    /// Knowledge bases: names, and who or what they mean.
    #[command(subcommand)]
    Kb(Knowledge),
    /// Completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Knowledge bases.
#[derive(Debug, Subcommand)]
pub enum Knowledge {
    /// Make one of a Wikidata dump, for `enrich.kb`. It takes hours: the dump is large, and is read once.
    Build {
        /// The JSON dump, `latest-all.json.gz` or unpacked; `-` for standard input.
        #[arg(long, value_name = "DUMP")]
        wikidata: PathBuf,
        /// The file to write.
        #[arg(long, default_value = "wikidata.kb")]
        out: PathBuf,
        /// Leave out what fewer wikis have an article on.
        #[arg(long, default_value_t = 10)]
        min_sitelinks: usize,
        /// Take names in these languages; the first gives the name that is shown.
        #[arg(long, value_delimiter = ',', default_value = "en")]
        languages: Vec<String>,
    },
}

/// The services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Every service, on the embedded broker unless `kafka.brokers` names another.
    All,
    /// Polls feeds.
    Fetch,
    /// Takes in what is no feed.
    Intake,
    /// Finds copies.
    Dedup,
    /// Names people, organisations and places.
    Enrich,
    /// Metrics, alerts, webhooks.
    Sink,
}

/// Options of `run all`.
#[derive(Debug, Args)]
pub struct All {
    /// With sample feeds of fictional outlets.
    #[arg(long, conflicts_with = "feeds")]
    pub demo: bool,
    /// With the feeds of an OPML file.
    #[arg(long, value_name = "OPML")]
    pub feeds: Option<PathBuf>,
    /// Where the embedded broker listens.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub listen: SocketAddr,
    /// Where its data lies.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Where the sample feeds are served.
    #[arg(long, default_value = "127.0.0.1:8899")]
    pub demo_listen: SocketAddr,
}

/// `feeds …`
#[derive(Debug, Subcommand)]
pub enum Feeds {
    /// Subscribe to one.
    Add {
        /// Its address.
        url: String,
        /// A name for it.
        #[arg(long)]
        title: Option<String>,
    },
    /// End a subscription.
    Remove {
        /// Its address.
        url: String,
    },
    /// Subscribe to all of an OPML file.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// All subscriptions as OPML.
    Export,
    /// All subscriptions, and how they are.
    List,
}

/// `dlq …`
#[derive(Debug, Subcommand)]
pub enum Letters {
    /// One a line: offset, time, stage, where it lay, why.
    List {
        /// Only those with this reason, such as `json`.
        #[arg(long)]
        code: Option<String>,
    },
    /// One whole: headers on stderr, the original bytes on stdout.
    Show {
        /// Its offset in the dead-letter topic.
        offset: i64,
    },
    /// Send the original to the topic and partition that it lay in.
    Retry {
        /// One.
        #[arg(required_unless_present = "code", conflicts_with = "code")]
        offset: Option<i64>,
        /// All with this reason.
        #[arg(long)]
        code: Option<String>,
    },
}

/// `topics …`
#[derive(Debug, Subcommand)]
pub enum Topics {
    /// The registry.
    List {
        /// As a table for the documentation.
        #[arg(long)]
        markdown: bool,
        /// As manifests of Strimzi, three replicas each.
        #[arg(long, conflicts_with = "markdown")]
        strimzi: bool,
    },
    /// Create what is missing.
    Create,
    /// Compare with the cluster; exit code 1 where they differ.
    Diff,
}

/// Shapes of files that `ingest` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One object of `news.inbox.v1` a line.
    Jsonl,
    /// Lines alternate: a lead, then an extract with markdown links, as search engines show them.
    LeadExtract,
}
