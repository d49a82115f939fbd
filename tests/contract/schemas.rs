//! The schemas in the repository are those of the record types: a change of a record is seen in its review.

use crate::{assert_none, files, text};
use std::collections::BTreeSet;
use std::path::Path;
use tidings_model::schema;

const FOLDER: &str = "shared/model/schemas";

#[test]
fn schemas_are_those_of_the_record_types() {
    let mut left: BTreeSet<_> = files(&[FOLDER], "json").into_iter().collect();
    let mut wrong = Vec::new();
    for schema::Published { topic, schema } in schema::all() {
        let path = Path::new(FOLDER).join(format!("{}.json", topic.name));
        if !left.remove(&path) {
            wrong.push(format!("{} is missing", path.display()));
        } else if serde_json::from_str::<serde_json::Value>(&text(&path)).ok().as_ref() != Some(schema.as_value()) {
            wrong.push(format!("{} is not what the types say", path.display()));
        }
    }
    wrong.extend(left.iter().map(|path| format!("{} belongs to no topic", path.display())));
    assert_none(&wrong, "run `make generate` and review the change");
}
