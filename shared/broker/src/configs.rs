//! Configuration requests: describe, replace (AlterConfigs), change (IncrementalAlterConfigs, KIP-339).

use crate::admin::told;
use crate::node::{ID, Node};
use crate::topic_config::SERVED;
use crate::topics::Refusal;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as Changed;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};
use std::collections::BTreeMap;

/// Resource types of the protocol.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Where a value comes from.
const SET_ON_TOPIC: i8 = 1;
const STARTED_WITH: i8 = 4;
const DEFAULT: i8 = 5;
/// What a value is.
const BOOLEAN: i8 = 1;
const STRING: i8 = 2;
const INT: i8 = 3;
const LONG: i8 = 5;
const LIST: i8 = 7;

type Config = BTreeMap<String, String>;

impl Node {
    pub fn describe_configs(&self, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        let topics = self.topics.read();
        let results = request.resources.into_iter().map(|resource| {
            let result = DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            let mut configs = match (resource.resource_type, resource.resource_name.as_str()) {
                (TOPIC, name) => match topics.get(name) {
                    Some(topic) => describe(&topic.config),
                    None => return result.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                },
                (BROKER, "" | "1") => self.describe_broker(),
                (_, name) => {
                    let message = format!("found {name:?}, wanted a topic, or the only broker, 1");
                    let code = ResponseError::InvalidRequest.code();
                    return result.with_error_code(code).with_error_message(Some(message.into()));
                }
            };
            let keys = resource.configuration_keys.unwrap_or_default();
            configs.retain(|config| keys.is_empty() || keys.contains(&config.name));
            result.with_configs(configs)
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    }

    /// What was decided when the broker was started.
    fn describe_broker(&self) -> Vec<DescribeConfigsResourceResult> {
        let listener = format!("PLAINTEXT://{}", self.address);
        let values = [
            ("advertised.listeners", listener.clone()),
            ("auto.create.topics.enable", self.auto_create.is_some().to_string()),
            ("broker.id", ID.0.to_string()),
            ("listeners", listener),
            ("log.dirs", self.topics.directory().display().to_string()),
            ("num.partitions", self.auto_create.unwrap_or(1).to_string()),
        ];
        let entry = |(key, value): (&str, String)| described(key, &value, STARTED_WITH).with_read_only(true);
        values.into_iter().map(entry).collect()
    }

    pub fn alter_configs(&self, request: AlterConfigsRequest) -> AlterConfigsResponse {
        let responses = request.resources.into_iter().map(|resource| {
            let configs = resource.configs.iter();
            let new = configs.filter_map(|c| Some((c.name.to_string(), c.value.as_ref()?.to_string()))).collect();
            let (kind, name) = (resource.resource_type, resource.resource_name);
            let (code, message) = told(self.alter(kind, &name, request.validate_only, |config| {
                *config = new;
                Ok(())
            }));
            AlterConfigsResourceResponse::default()
                .with_error_code(code)
                .with_error_message(message)
                .with_resource_type(kind)
                .with_resource_name(name)
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    }

    pub fn change_configs(&self, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
        let responses = request.resources.into_iter().map(|resource| {
            let (kind, name) = (resource.resource_type, resource.resource_name);
            let (code, message) = told(self.alter(kind, &name, request.validate_only, |config| {
                resource.configs.iter().try_for_each(|change| apply(config, change))
            }));
            Changed::default()
                .with_error_code(code)
                .with_error_message(message)
                .with_resource_type(kind)
                .with_resource_name(name)
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    }

    fn alter(
        &self,
        kind: i8,
        name: &str,
        dry: bool,
        change: impl FnOnce(&mut Config) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if kind != TOPIC {
            return Err(Refusal {
                code: ResponseError::InvalidRequest,
                message: "only topics can be configured at run time".to_owned(),
            });
        }
        self.topics.configure(&mut self.store(), name, dry, change)
    }
}

fn describe(set: &Config) -> Vec<DescribeConfigsResourceResult> {
    let defaults = SERVED.iter().map(|(key, value)| (*key, (*value, DEFAULT)));
    let set = set.iter().map(|(key, value)| (key.as_str(), (value.as_str(), SET_ON_TOPIC)));
    let all: BTreeMap<&str, (&str, i8)> = defaults.chain(set).collect();
    all.into_iter().map(|(key, (value, source))| described(key, value, source)).collect()
}

fn described(key: &str, value: &str, source: i8) -> DescribeConfigsResourceResult {
    let kind = match (key, value) {
        (_, "true" | "false") => BOOLEAN,
        ("cleanup.policy" | "advertised.listeners" | "listeners" | "log.dirs", _) => LIST,
        ("max.message.bytes" | "segment.bytes" | "broker.id" | "num.partitions", _) => INT,
        _ if value.parse::<i64>().is_ok() => LONG,
        _ => STRING,
    };
    DescribeConfigsResourceResult::default()
        .with_name(key.to_owned().into())
        .with_value(Some(value.to_owned().into()))
        .with_config_source(source)
        .with_config_type(kind)
}

/// One change: set, delete, or add to and take from a list.
fn apply(config: &mut Config, change: &AlterableConfig) -> Result<(), Refusal> {
    let key = change.name.to_string();
    let value = change.value.as_deref().unwrap_or_default();
    let default = SERVED.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| *value);
    let present = config.get(&key).map_or(default, String::as_str).split(',').map(str::trim);
    let mut list: Vec<&str> = present.filter(|item| !item.is_empty()).collect();
    let new = match change.config_operation {
        0 => value.to_owned(),
        1 => {
            config.remove(&key);
            return Ok(());
        }
        2 => {
            list.extend(value.split(',').map(str::trim));
            list.sort_unstable();
            list.dedup();
            list.join(",")
        }
        3 => {
            list.retain(|item| !value.split(',').any(|gone| gone.trim() == *item));
            list.join(",")
        }
        other => {
            return Err(Refusal {
                code: ResponseError::InvalidRequest,
                message: format!("{key}: operation {other}, wanted 0 to 3"),
            });
        }
    };
    config.insert(key, new);
    Ok(())
}
