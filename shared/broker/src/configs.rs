//! Configuration requests: describe, replace (AlterConfigs), change (IncrementalAlterConfigs, KIP-339).

use crate::admin::told;
use crate::node::Node;
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
const DEFAULT: i8 = 5;

type Config = BTreeMap<String, String>;

impl Node {
    pub fn describe_configs(&self, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        let topics = self.topics.read();
        let results = request.resources.into_iter().map(|resource| {
            let result = DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            let topic = topics.get(resource.resource_name.as_str());
            match (resource.resource_type, topic) {
                (TOPIC, Some(topic)) => {
                    let keys = resource.configuration_keys.as_deref();
                    let wanted = |key: &str| keys.is_none_or(|k| k.is_empty() || k.iter().any(|k| k.as_str() == key));
                    result.with_configs(describe(&topic.config, wanted))
                }
                (BROKER, _) => result, // none can be set
                _ => result.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
            }
        });
        DescribeConfigsResponse::default().with_results(results.collect())
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

fn describe(set: &Config, wanted: impl Fn(&str) -> bool) -> Vec<DescribeConfigsResourceResult> {
    let defaults = SERVED.iter().map(|(key, value)| (*key, (*value, DEFAULT)));
    let set = set.iter().map(|(key, value)| (key.as_str(), (value.as_str(), SET_ON_TOPIC)));
    let all: BTreeMap<&str, (&str, i8)> = defaults.chain(set).collect();
    all.into_iter()
        .filter(|(key, _)| wanted(key))
        .map(|(key, (value, source))| {
            DescribeConfigsResourceResult::default()
                .with_name(key.to_owned().into())
                .with_value(Some(value.to_owned().into()))
                .with_config_source(source)
        })
        .collect()
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
