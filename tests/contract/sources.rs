//! How the sources look: short files that say what they are for, nouns of the field, topics named in one place.

use crate::{assert_none, files, text};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tidings_model::topic;

/// The longest file, and what half of the files stay under, in lines.
const LONGEST: usize = 500;
const MEDIAN: usize = 200;

/// Names that say nothing, for folders, files and modules.
const NO_NOUNS: [&str; 10] =
    ["util", "utils", "utilities", "common", "helper", "helpers", "misc", "shared", "types", "manager"];
/// Endings that say nothing, for types.
const NO_TYPES: [&str; 6] = ["Manager", "Helper", "Util", "Utils", "Data", "Info"];

static SOURCES: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(|| {
    let paths = files(&["services", "shared", "tests"], "rs");
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
});

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let apart = |part| path.components().any(|component| component.as_os_str() == part);
    name == "tests" || name.ends_with("_tests") || ["tests", "benches", "examples", "fuzz"].into_iter().any(apart)
}

#[test]
fn files_are_short() {
    let mut lengths = SOURCES.iter().map(|(path, text)| (text.lines().count(), path)).collect::<Vec<_>>();
    lengths.sort();
    let long = lengths.iter().filter(|(lines, _)| *lines > LONGEST);
    let long = long.map(|(lines, path)| format!("{}: {lines} lines", path.display())).collect::<Vec<_>>();
    assert_none(&long, "files over 500 lines: find the rooms in them");
    let (median, _) = lengths[lengths.len() / 2];
    println!("{} files, median {median} lines, longest {:?}", lengths.len(), lengths.last());
    assert!(median < MEDIAN, "half of the files have {median} lines or more");
}

#[test]
fn files_say_what_they_are_for() {
    let silent = |(path, text): &&(PathBuf, String)| {
        let opening = text.lines().next().unwrap_or_default();
        let says = opening.starts_with("//! ") && opening.split_whitespace().count() > 3;
        !says && !is_test(path)
    };
    let silent = SOURCES.iter().filter(silent).map(|(path, _)| path.display().to_string()).collect::<Vec<_>>();
    assert_none(&silent, "files that do not open with `//!` and a sentence on what they are for");
}

#[test]
fn names_are_nouns_of_the_field() {
    let mut wrong = Vec::new();
    for (path, text) in SOURCES.iter() {
        // the top folders are the layout, not names of things
        let inside = path.with_extension("");
        let parts = inside.components().skip(1).map(|part| part.as_os_str().to_string_lossy().into_owned());
        wrong.extend(
            parts
                .filter(|part| NO_NOUNS.contains(&part.as_str()))
                .map(|part| format!("{}: a module named {part}", path.display())),
        );
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
            let keyword = words.find(|word| !["pub", "crate", "super"].contains(word)).unwrap_or_default();
            let declared =
                ["struct", "enum", "trait", "type", "mod"].contains(&keyword).then(|| words.next()).flatten();
            let bad = declared.filter(|name| NO_TYPES.iter().any(|end| name.ends_with(end)) || NO_NOUNS.contains(name));
            wrong.extend(bad.map(|name| format!("{}:{}: {name}", path.display(), number + 1)));
        }
    }
    assert_none(&wrong, "names that say nothing");
}

#[test]
fn topics_are_named_in_one_place() {
    let mut wrong = Vec::new();
    for (path, text) in SOURCES.iter().filter(|(path, _)| !is_test(path) && !path.ends_with("model/src/topic.rs")) {
        for (number, line) in product(text) {
            let named = topic::ALL.iter().find(|topic| line.contains(topic.name));
            wrong.extend(named.map(|topic| format!("{}:{number}: {}", path.display(), topic.name)));
        }
    }
    assert_none(&wrong, "topics named outside shared/model/src/topic.rs: use tidings_model::topic");
}

/// The lines of a source that are neither comments nor, below a `#[cfg(test)] mod … {`, tests.
fn product(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = source.lines().collect::<Vec<_>>();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    let length = tests.unwrap_or(lines.len());
    let code = |line: &str| !line.trim_start().starts_with("//");
    lines.into_iter().take(length).enumerate().filter(move |(_, line)| code(line)).map(|(at, line)| (at + 1, line))
}
