//! The `[sink]` section: alert rules, and who is told.

use crate::{
    notify::WebhookConfig,
    rules::{self, Ruled, name_problem},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tidings_stage::Problem;

/// Alert rules and receivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[[sink.rules]]`: `name`, `kind`, `severity` and the kind's own keys, as the example of each of
    /// [`rules::KINDS`] shows. One rule `burst` unless others are given; `rules = []` for none.
    pub rules: Vec<toml::Table>,
    /// `[[sink.webhooks]]`: receivers of alerts.
    pub webhooks: Vec<WebhookConfig>,
}

impl Default for Config {
    fn default() -> Self {
        let burst = [("name", "burst"), ("kind", "burst")];
        let burst = burst.map(|(key, value)| (key.to_owned(), toml::Value::from(value)));
        Self { rules: vec![toml::Table::from_iter(burst)], webhooks: Vec::new() }
    }
}

impl Config {
    /// Everything that is wrong, with keys such as `rules[2].p`.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.build().err().unwrap_or_default();
        let names: Vec<&str> = self.names().collect();
        let mut taken = BTreeSet::new();
        for (i, webhook) in self.webhooks.iter().enumerate() {
            let mut found: Vec<_> = name_problem(&webhook.name).into_iter().chain(webhook.problems()).collect();
            if !taken.insert(&webhook.name) {
                found.push(Problem::new("name", &webhook.name, "another webhook has this name"));
            }
            for (j, rule) in webhook.rules.iter().enumerate().filter(|(_, rule)| !names.contains(&rule.as_str())) {
                let mend = format!("the name of a rule, one of: {}", names.join(", "));
                found.push(Problem::new(format!("rules[{j}]"), format_args!("{rule:?}"), mend));
            }
            problems.extend(found.into_iter().map(|problem| within("webhooks", i, problem)));
        }
        problems
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|table| table.get("name")?.as_str())
    }

    /// The rules, or everything that is wrong with them.
    pub(crate) fn build(&self) -> Result<Vec<Ruled>, Vec<Problem>> {
        let (mut built, mut problems) = (Vec::<Ruled>::new(), Vec::new());
        for (i, table) in self.rules.iter().enumerate() {
            let name =
                table.get("name").filter(|name| self.rules[..i].iter().any(|other| other.get("name") == Some(*name)));
            let taken = name.map(|name| Problem::new("name", name, "another rule has this name"));
            match rules::build(table) {
                Ok(rule) => built.push(rule),
                Err(found) => problems.extend(found.into_iter().map(|problem| within("rules", i, problem))),
            }
            problems.extend(taken.map(|problem| within("rules", i, problem)));
        }
        if problems.is_empty() { Ok(built) } else { Err(problems) }
    }
}

fn within(section: &str, i: usize, problem: Problem) -> Problem {
    Problem { key: format!("{section}[{i}].{}", problem.key), ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_one_burst_rule_and_reads_as_it_is_written() {
        let default = Config::default();
        assert_eq!(default.problems(), []);
        assert_eq!(default.names().collect::<Vec<_>>(), ["burst"]);
        assert_eq!(toml::from_str::<Config>(&toml::to_string(&default).unwrap()).unwrap(), default);
        assert_eq!(toml::from_str::<Config>("").unwrap(), default);
        assert!(toml::from_str::<Config>("rules = []").unwrap().rules.is_empty());
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let config: Config = toml::from_str(
            r#"
            [[rules]]
            kind = "burts"
            name = "a b"
            severity = "urgent"
            [[rules]]
            name = "empty"
            kind = "match"
            any = ["", "fire"]
            none = 7
            [[rules]]
            name = "b"
            kind = "burst"
            p = 2
            windows = "5m"
            [[rules]]
            name = "b"
            kind = "burst"
            p = 1.5
            window = "25m"
            bin = "7m"
            floor = -1.0
            [[rules]]
            name = "nothing"
            kind = "match"
            none = ["sport"]
            [[webhooks]]
            name = "desk"
            url = "ftp://example.org/"
            rules = ["b", "c"]
            [[webhooks]]
            name = "desk"
            url = "https://example.org/hook"
            secret = "s"
            secret_file = "/run/s"
            timeout = "0s"
            "#,
        )
        .unwrap();
        let keys: Vec<String> = config.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            [
                "rules[0].name",
                "rules[0].severity",
                "rules[0].kind",
                "rules[1].none",
                "rules[2].windows",
                "rules[3].bin",
                "rules[3].window",
                "rules[3].p",
                "rules[3].floor",
                "rules[3].name",
                "rules[4].entities",
                "webhooks[0].url",
                "webhooks[0].rules[1]",
                "webhooks[1].secret_file",
                "webhooks[1].timeout",
                "webhooks[1].name",
            ]
        );
        let problem = &config.problems()[2];
        assert_eq!(problem.to_string(), "rules[0].kind = \"burts\": one of match, burst");
    }
}
