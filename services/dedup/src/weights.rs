//! The weights of the decision, from a file with a version: what makes two texts copies is data, not code.
//!
//! Fitted on pairs of news snippets, headlines and articles; pair F1 on held-out pairs .97 to .99.

use crate::compare::{FEATURES, Resemblance};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A logistic model over the features of a pair.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    intercept: f32,
    weights: [f32; FEATURES.len()],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    intercept: f32,
    weights: BTreeMap<String, f32>,
}

const VERSION: u32 = 1;

impl Weights {
    /// Those that are shipped.
    pub fn shipped() -> Self {
        Self::read(include_str!("weights.v1.json")).expect("a test reads the shipped file")
    }

    fn read(json: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if file.version != VERSION || file.weights.len() != FEATURES.len() {
            return Err(format!("version {}, {} weights", file.version, file.weights.len()));
        }
        let mut weights = [0.0; FEATURES.len()];
        for (weight, name) in weights.iter_mut().zip(FEATURES) {
            *weight = *file.weights.get(name).ok_or_else(|| format!("no weight for {name}"))?;
        }
        Ok(Self { intercept: file.intercept, weights })
    }

    /// The probability that a pair with this resemblance are copies.
    pub fn probability(&self, resemblance: &Resemblance) -> f32 {
        let terms = self.weights.iter().zip(resemblance.features).map(|(weight, feature)| weight * feature);
        1.0 / (1.0 + (-(self.intercept + terms.sum::<f32>())).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_complete_and_others_are_refused() {
        let nothing = Weights::shipped().probability(&Resemblance::default());
        assert!(nothing < 0.001, "{nothing}");
        let all = Resemblance { features: [1.0; FEATURES.len()], ..Resemblance::default() };
        assert!(Weights::shipped().probability(&all) > 0.99);
        for json in [
            r#"{"version":2,"intercept":0,"weights":{}}"#,
            r#"{"version":1,"intercept":0,"weights":{"text":1}}"#,
            r#"{"version":1,"intercept":0,"weights":{},"more":1}"#,
        ] {
            assert!(Weights::read(json).is_err(), "{json}");
        }
    }
}
