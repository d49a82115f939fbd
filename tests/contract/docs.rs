//! The documents agree with the repository: their links lead somewhere, their commands exist, and the root holds
//! what belongs there.

use crate::{assert_none, files, text};
use std::collections::BTreeSet;
use std::path::Path;
use tidings_tests::{promises, root};

/// What a visitor sees first. Configurations of tools are dot-files, or live under tests/.
const ROOT: [&str; 11] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "deploy",
    "docs",
    "services",
    "shared",
    "tests",
];
/// Made by builds and runs, not committed.
const MADE: [&str; 2] = ["data", "target"];

#[test]
fn the_root_holds_what_belongs_there() {
    let entries = std::fs::read_dir(root()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strangers = names.filter(|name| !name.starts_with('.') && !ROOT.contains(&&**name) && !MADE.contains(&&**name));
    assert_none(&strangers.collect::<Vec<_>>(), "in the root, and not of it");
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for path in files(&["."], "md") {
        let text = text(&path);
        for target in lines(&text, false).flat_map(links) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let found = root().join(&there).exists() && (anchor.is_empty() || has_heading(&there, anchor));
            wrong.extend((!found).then(|| format!("{}: {target}", path.display())));
        }
    }
    assert_none(&wrong, "links that lead nowhere");
}

#[test]
fn commands_exist() {
    let makefile = text(Path::new("Makefile"));
    let targets = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.'])).filter_map(|line| {
        let (names, rest) = line.split_once(':')?;
        (!rest.starts_with('=')).then(|| names.split_whitespace())
    });
    let targets: BTreeSet<_> = targets.flatten().collect();
    let mut wrong = Vec::new();
    for path in files(&["."], "md") {
        let text = text(&path);
        // in code alone: prose may make what it likes
        let spans = lines(&text, false).flat_map(|line| line.split('`').skip(1).step_by(2));
        let code = spans.chain(lines(&text, true));
        let named = code.filter_map(|code| code.trim_start_matches(['$', ' ']).strip_prefix("make "));
        let named = named.filter_map(|rest| rest.split_whitespace().find(|word| !word.contains('=')));
        wrong.extend(
            named.filter(|name| !targets.contains(name)).map(|name| format!("{}: make {name}", path.display())),
        );
    }
    assert_none(&wrong, "documented, and not in the Makefile");
}

#[test]
fn promises_name_tests_that_are_there() {
    let cells = promises::cells();
    let absent = cells.iter().flat_map(|cell| promises::tests(cell)).filter(|named| !named.is_there());
    assert_none(
        &absent.map(|named| format!("{named:?}")).collect::<Vec<_>>(),
        "named in docs/guarantees.md, and no test",
    );
    let by_hand = |cell: &&String| cell.starts_with("`make ") || cell.ends_with("by hand");
    let loose = cells.iter().filter(|cell| promises::tests(cell).is_empty() && !by_hand(cell));
    assert_none(&loose.cloned().collect::<Vec<_>>(), "promises in docs/guarantees.md that no test holds");
}

/// Lines outside of code fences, or inside of them.
fn lines(text: &str, inside: bool) -> impl Iterator<Item = &str> {
    let mut within = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        within ^= fence;
        !fence && within == inside
    })
}

/// Targets of a line's links that stay in the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = ends.map(|(target, _)| target.split(' ').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

/// Whether a document has a heading with that anchor, as GitHub makes anchors.
fn has_heading(path: &Path, anchor: &str) -> bool {
    let text = text(path);
    let slug = |heading: &str| {
        let kept = heading.trim_matches(['#', ' ']).to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.collect::<String>().replace(' ', "-")
    };
    lines(&text, false).any(|line| line.starts_with('#') && slug(line) == anchor)
}
