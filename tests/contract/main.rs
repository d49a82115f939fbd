//! What the repository promises about itself: which crate may know which, how its files look, and that what is
//! generated or documented agrees with what is built.

#![expect(clippy::unwrap_used, reason = "a test that panics says what failed")]

mod arrows;
mod docs;
mod schemas;
mod sources;

use std::path::{Path, PathBuf};
use tidings_tests::root;

/// Every file below these folders of the workspace with that extension, sorted; paths are relative to the root.
fn files(folders: &[&str], extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                let built = path.ends_with("target") || path.starts_with("./data") || path.starts_with("./.git");
                open.extend((!built).then_some(path));
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with all that is wrong at once.
#[track_caller]
fn assert_none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
}
