//! The section `[enrich]` of the configuration.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};
use tidings_ner::Precision;
use tidings_stage::Problem;

/// How entities are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Names that the knowledge base lacks are published from this confidence on, in [0, 1]. Against the medium English
    /// model as judge, 0.4 gives the small one its best F1 on our sentences and seven real documents: below 0.5 it hardly
    /// falls, at 0.7 it loses two points. Higher for fewer and surer names.
    pub min_confidence: f32,
    /// What models compute in: `f32` as spaCy does, `int16` in three fifths of the time, with next to no name another.
    pub precision: Precision,
    /// Packed models by language, such as `de = "de.pack"`; English has one without. `shared/ner/tools/pack` makes them.
    pub models: BTreeMap<String, PathBuf>,
    /// A knowledge base beside the shipped one, made by `tidings kb build`.
    pub kb: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { min_confidence: 0.4, precision: Precision::Int16, models: BTreeMap::new(), kb: None }
    }
}

impl Config {
    /// What is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        if (0.0..=1.0).contains(&self.min_confidence) {
            return Vec::new();
        }
        vec![Problem::new("min_confidence", self.min_confidence, "a share between 0 and 1, such as 0.4")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_a_share() {
        assert_eq!(Config::default().problems(), []);
        for wrong in [-0.1, 1.1, f32::NAN] {
            assert_eq!(Config { min_confidence: wrong, ..Config::default() }.problems().len(), 1, "{wrong}");
        }
        assert!(toml::from_str::<Config>("min_confidence = 0.6").is_ok());
        assert!(toml::from_str::<Config>("confidence = 0.6").is_err());
    }

    #[test]
    fn the_recogniser_is_quick_unless_told_to_be_exact() {
        let read = |text| toml::from_str::<Config>(text).map(|config| config.precision);
        assert_eq!((read(""), read("precision = \"f32\"")), (Ok(Precision::Int16), Ok(Precision::F32)));
        let told = read("precision = \"int4\"").unwrap_err().to_string();
        assert!(told.contains("int4") && told.contains("f32") && told.contains("int16"), "{told}");
    }
}
