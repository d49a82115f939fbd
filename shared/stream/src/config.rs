//! How to reach Kafka, and how its topics are named and cut.

use serde::{Deserialize, Serialize};
use std::{fs, time::Duration};
use tidings_stage::Problem;

/// Section `[kafka]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `host:port`, comma-separated. `tidings run all` without it starts the embedded broker.
    pub brokers: Option<String>,
    /// Before every topic, group and transactional id, so that several Tidings can share a cluster.
    pub prefix: String,
    /// Partitions of the topics that are cut (never changed in place): 12, or 2 on the embedded broker.
    pub partitions: Option<i32>,
    /// Replicas of each partition; the cluster's default where absent.
    pub replication: Option<i32>,
    /// Create missing topics at start. Off where an operator owns the topics.
    pub create_topics: bool,
    /// How long a silent instance keeps its partitions; a standby takes over after that.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub session_timeout: Duration,
    /// TLS to the brokers.
    pub tls: Option<Tls>,
    /// Who we are to the brokers.
    pub sasl: Option<Sasl>,
}

/// TLS to the brokers; an empty section verifies them against the system's certificate authorities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate authority.
    pub ca_file: Option<String>,
    /// PEM file of our certificate.
    pub certificate_file: Option<String>,
    /// PEM file of our key.
    pub key_file: Option<String>,
}

/// Authentication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sasl {
    /// `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`.
    pub mechanism: String,
    /// User name.
    pub username: String,
    /// Password; better in a file or in `TIDINGS_KAFKA__SASL__PASSWORD`.
    pub password: Option<String>,
    /// File that holds the password.
    pub password_file: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            brokers: None,
            prefix: String::new(),
            partitions: None,
            replication: None,
            create_topics: true,
            session_timeout: Duration::from_secs(6),
            tls: None,
            sasl: None,
        }
    }
}

impl Config {
    /// All that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for broker in self.brokers.iter().flat_map(|brokers| brokers.split(',')) {
            let port = broker.trim().rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            if port.is_none_or(|(host, _)| host.is_empty()) {
                problems.push(Problem::new("brokers", format!("{broker:?}"), "write host:port, comma-separated"));
            }
        }
        if !self.prefix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            let mend = "only letters, digits, '.', '_' and '-' may stand in a topic's name";
            problems.push(Problem::new("prefix", format!("{:?}", self.prefix), mend));
        }
        if let Some(partitions) = self.partitions.filter(|p| !(1..=1000).contains(p)) {
            problems.push(Problem::new("partitions", partitions, "from 1 to 1000"));
        }
        if let Some(replication) = self.replication.filter(|r| !(1..=32).contains(r)) {
            problems.push(Problem::new("replication", replication, "from 1 to the number of brokers"));
        }
        if !(6..=300).contains(&self.session_timeout.as_secs()) {
            let found = format!("{:?}", self.session_timeout);
            problems.push(Problem::new("session_timeout", found, "from 6s (Kafka's own minimum) to 5m"));
        }
        problems.extend(self.tls.iter().flat_map(Tls::problems));
        problems.extend(self.sasl.iter().flat_map(Sasl::problems));
        problems
    }
}

impl Tls {
    fn problems(&self) -> Vec<Problem> {
        let Self { ca_file, certificate_file, key_file } = self;
        let files = [("ca_file", ca_file), ("certificate_file", certificate_file), ("key_file", key_file)];
        let unreadable = |(key, file): (&str, &Option<String>)| {
            let (file, error) = file.as_ref().and_then(|file| Some((file, fs::metadata(file).err()?)))?;
            Some(Problem::new(format!("tls.{key}"), format!("{file:?}"), format!("can't read it: {error}")))
        };
        files.into_iter().filter_map(unreadable).collect()
    }
}

impl Sasl {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"].contains(&self.mechanism.as_str()) {
            let mend = "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN";
            problems.push(Problem::new("sasl.mechanism", format!("{:?}", self.mechanism), mend));
        }
        if self.username.is_empty() {
            problems.push(Problem::new("sasl.username", "\"\"", "the user that the brokers know"));
        }
        if let Err(problem) = self.secret() {
            problems.push(problem);
        }
        problems
    }

    /// The password, from the file where one is named.
    pub(crate) fn secret(&self) -> Result<String, Problem> {
        match (&self.password, &self.password_file) {
            (Some(password), None) => Ok(password.clone()),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => Ok(text.trim_end().to_owned()),
                Err(error) => {
                    Err(Problem::new("sasl.password_file", format!("{path:?}"), format!("can't read it: {error}")))
                }
            },
            (found, _) => {
                let found = if found.is_some() { "both" } else { "neither" };
                Err(Problem::new("sasl.password", found, "give either password or password_file"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told() {
        let config = Config {
            brokers: Some("kafka,b:9092".into()),
            prefix: "a/b".into(),
            partitions: Some(0),
            replication: Some(0),
            session_timeout: Duration::from_secs(1),
            tls: Some(Tls { ca_file: Some("/nowhere/ca.pem".into()), ..Tls::default() }),
            sasl: Some(Sasl::default()),
            ..Config::default()
        };
        let keys: Vec<String> = config.problems().into_iter().map(|problem| problem.key).collect();
        let expected = ["brokers", "prefix", "partitions", "replication", "session_timeout"];
        assert_eq!(keys[..5], expected);
        assert_eq!(keys[5..], ["tls.ca_file", "sasl.mechanism", "sasl.username", "sasl.password"]);
        assert_eq!(Config::default().problems(), []);
    }
}
