//! One configuration for all services: a TOML file, over it the environment, and every mistake told at once.
//!
//! `TIDINGS_KAFKA__BROKERS=host:9092` is `kafka.brokers`: a double underscore for each dot. A value is read as
//! TOML where it is TOML (numbers, booleans, lists), else as text.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt, fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};
use tidings_stage::Problem;
use toml::{Table, Value};

/// All sections.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How to reach Kafka.
    pub kafka: tidings_stream::Config,
    /// Where metrics and health are served.
    pub metrics: Metrics,
    /// Polling feeds.
    pub fetch: tidings_fetch::Config,
    /// What is no feed.
    pub intake: tidings_intake::Config,
    /// Near-duplicates.
    pub dedup: tidings_dedup::Config,
    /// Entities.
    pub enrich: tidings_enrich::Config,
    /// Metrics of the stream, alerts, webhooks.
    pub sink: tidings_sink::Config,
}

/// Section `[metrics]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// `GET /metrics`, `/health` and `/ready`; port 0 takes any that is free.
    pub listen: SocketAddr,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 9464).into() }
    }
}

/// All that is wrong with a configuration.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {} mistake{}:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

impl std::error::Error for Problems {}

const PREFIX: &str = "TIDINGS_";

/// Reads the file, if there is one, and `env` over it.
pub fn load(path: Option<&Path>, env: impl IntoIterator<Item = (String, String)>) -> Result<Config, Problems> {
    let mut table = match path.map(|path| (path, fs::read_to_string(path))) {
        None => Table::new(),
        Some((path, Err(error))) => {
            return Err(Problems(vec![Problem::new("--config", path.display(), format!("can't read it: {error}"))]));
        }
        Some((path, Ok(text))) => text.parse::<Table>().map_err(|error| {
            let found = format!("{} is not TOML", path.display());
            Problems(vec![Problem::new("--config", found, error.to_string().trim_end().replace('\n', "\n    "))])
        })?,
    };
    let mut from_env = BTreeSet::new();
    for (name, value) in env {
        if let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) {
            let keys: Vec<String> = path.to_lowercase().split("__").map(str::to_owned).collect();
            overlay(&mut table, &keys, parse(&value));
            from_env.insert((keys.join("."), value));
        }
    }
    let (config, mut problems) = decode(table, &from_env);
    problems.extend(config.problems());
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}

impl Config {
    /// What is wrong within values that have the right type.
    fn problems(&self) -> Vec<Problem> {
        let sections = [
            ("kafka", self.kafka.problems()),
            ("fetch", self.fetch.problems()),
            ("intake", self.intake.problems()),
            ("dedup", self.dedup.problems()),
            ("enrich", self.enrich.problems()),
            ("sink", self.sink.problems()),
        ];
        let named = |(section, problems): (&'static str, Vec<Problem>)| {
            problems.into_iter().map(move |problem| Problem { key: format!("{section}.{}", problem.key), ..problem })
        };
        sections.into_iter().flat_map(named).collect()
    }
}

fn parse(text: &str) -> Value {
    format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v")).unwrap_or_else(|| text.into())
}

fn overlay(table: &mut Table, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [key] => drop(table.insert(key.clone(), value)),
        [key, rest @ ..] => {
            let inner = table.entry(key.clone()).or_insert_with(|| Table::new().into());
            if !inner.is_table() {
                *inner = Table::new().into();
            }
            if let Value::Table(inner) = inner {
                overlay(inner, rest, value);
            }
        }
    }
}

/// Decodes, and where serde stops at a key, notes it, takes the key out and goes on: so all mistakes are told.
fn decode(mut table: Table, from_env: &BTreeSet<(String, String)>) -> (Config, Vec<Problem>) {
    let mut problems = Vec::new();
    // serde takes a list for a section, value by value
    let sections = Table::try_from(Config::default()).expect("defaults serialise");
    for key in sections.keys() {
        if table.get(key).is_some_and(|found| !found.is_table())
            && let Some(found) = table.remove(key)
        {
            problems.push(Problem::new(key, found, format!("it is a section: [{key}]")));
        }
    }
    let mut as_text = BTreeSet::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, Config>(Value::Table(table.clone())) {
            Ok(config) => return (config, problems),
            Err(error) => error,
        };
        // the first line says what is wrong; the second, where, which the path says better
        let message = error.inner().to_string().lines().next().unwrap_or_default().to_owned();
        let mut path: Vec<String> = error.path().iter().filter_map(segment).collect();
        if let Some(field) = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
            && path.last().map(String::as_str) != Some(field)
        {
            path.push(field.to_owned());
        }
        let key = path.join(".");
        if let Some((_, text)) = from_env.iter().find(|(k, _)| *k == key)
            && as_text.insert(key.clone())
        {
            // what looked like a number may be meant as text
            overlay(&mut table, &path, text.clone().into());
            continue;
        }
        let found = take(&mut table, &path);
        let Some(found) = found else {
            problems.push(Problem::new(key, "?", message));
            return (Config::default(), problems);
        };
        problems.push(Problem::new(key, found, message));
    }
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<String> {
    match segment {
        serde_path_to_error::Segment::Map { key } => Some(key.clone()),
        serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
        _ => None,
    }
}

/// Takes out the value at a path, or the innermost table or array element on the way that can go.
fn take(table: &mut Table, path: &[String]) -> Option<Value> {
    let (key, rest) = path.split_first()?;
    let inner = table.get_mut(key)?;
    let taken = match inner {
        Value::Table(inner) if !rest.is_empty() => take(inner, rest),
        Value::Array(list) if !rest.is_empty() => {
            let index = rest[0].parse::<usize>().ok().filter(|index| *index < list.len())?;
            match &mut list[index] {
                Value::Table(inner) if rest.len() > 1 => take(inner, &rest[1..]).or_else(|| Some(list.remove(index))),
                _ => Some(list.remove(index)),
            }
        }
        _ => None,
    };
    taken.or_else(|| table.remove(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        load(Some(file.path()), env).map_err(|problems| problems.0.into_iter().map(|problem| problem.key).collect())
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let env = [
            ("TIDINGS_KAFKA__BROKERS", "b:9093"),
            ("TIDINGS_KAFKA__PARTITIONS", "3"),
            ("TIDINGS_KAFKA__PREFIX", "7"),
            ("TIDINGS_LOG", "debug"),
        ];
        let config = load_text("[kafka]\nbrokers = 'a:9092'\nprefix = 'x'", &env).unwrap();
        assert_eq!(config.kafka.brokers.as_deref(), Some("b:9093"));
        assert_eq!(config.kafka.partitions, Some(3));
        assert_eq!(config.kafka.prefix, "7", "a number where text is meant");
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "[kafka]\nbrokers = 5\nbrokrs = 'a:1'\n[metrics]\nlisten = 'here'\n[feeds]\nx = 1\n";
        let mut keys = load_text(text, &[("TIDINGS_KAFKA__PARTITIONS", "many")]).unwrap_err();
        keys.sort();
        assert_eq!(keys, ["feeds", "kafka.brokers", "kafka.brokrs", "kafka.partitions", "metrics.listen"]);
    }

    #[test]
    fn wrong_types_and_wrong_values_are_told_together() {
        let keys = load_text("[kafka]\npartitions = 0\nprefix = 1", &[]).unwrap_err();
        assert_eq!(keys, ["kafka.prefix", "kafka.partitions"]);
    }

    #[test]
    fn a_value_of_any_wrong_type_is_told_by_its_key() {
        let right = Table::try_from(Config::default()).unwrap();
        let wrong = "v = [true, -1, 1.5, 'no such', [1], { a = 1 }]".parse::<Table>().unwrap();
        let (mut keys, mut open) = (0, vec![(Vec::<String>::new(), Value::Table(right.clone()))]);
        while let Some((path, value)) = open.pop() {
            if let Value::Table(table) = &value {
                let inner =
                    table.iter().map(|(key, value)| ([&path[..], std::slice::from_ref(key)].concat(), value.clone()));
                open.extend(inner);
            }
            let is_right =
                |other: &Value| other.same_type(&value) || value.is_float() && other.is_integer() || path.is_empty();
            for wrong in wrong["v"].as_array().unwrap().iter().filter(|wrong| !is_right(wrong)) {
                let mut table = right.clone();
                overlay(&mut table, &path, wrong.clone());
                let told = load_text(&toml::to_string(&table).unwrap(), &[]).err().unwrap_or_default();
                let (key, within) = (path.join("."), format!("{}.", path.join(".")));
                assert!(told.iter().any(|told| *told == key || told.starts_with(&within)), "{key} = {wrong}: {told:?}");
                keys += 1;
            }
        }
        assert!(keys > 100, "{keys} values");
    }

    #[test]
    fn defaults_are_right_and_can_be_written() {
        let text = toml::to_string(&Config::default()).unwrap();
        assert!(load_text(&text, &[]).is_ok(), "{text}");
        assert!(load_text("no toml", &[]).is_err());
    }
}
