//! Who may know whom. A service can't reach Kafka, for Cargo gives it no crate to do so with; a pure crate can't
//! wait, for it has no tokio.

use crate::assert_none;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

/// Each crate and the crates of the workspace that it may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("tidings-model", &[]),
    ("tidings-ner", &[]),
    ("tidings-broker", &[]),
    ("tidings-stage", &["tidings-model"]),
    ("tidings-feed", &["tidings-model"]),
    ("tidings-stream", &["tidings-model", "tidings-stage"]),
    ("tidings-fetch", &["tidings-model", "tidings-stage", "tidings-feed"]),
    ("tidings-intake", &["tidings-model", "tidings-stage", "tidings-feed"]),
    ("tidings-dedup", &["tidings-model", "tidings-stage"]),
    ("tidings-enrich", &["tidings-model", "tidings-stage", "tidings-ner"]),
    ("tidings-sink", &["tidings-model", "tidings-stage"]),
    (
        "tidings",
        &[
            "tidings-model",
            "tidings-stage",
            "tidings-stream",
            "tidings-feed",
            "tidings-broker",
            "tidings-fetch",
            "tidings-intake",
            "tidings-dedup",
            "tidings-enrich",
            "tidings-sink",
        ],
    ),
    ("tidings-bench", &[]),
    ("tidings-tests", &["tidings-bench", "tidings-model", "tidings-stage", "tidings-fetch"]),
];

/// Crates, and what must be nowhere among the dependencies that are linked into them.
const FREE_OF: &[(&[&str], &[&str])] = &[
    (
        &["tidings-model", "tidings-stage", "tidings-feed", "tidings-ner", "tidings-dedup", "tidings-enrich"],
        &["tokio", "rdkafka", "reqwest"],
    ),
    (&["tidings-fetch", "tidings-intake", "tidings-sink", "tidings-broker"], &["rdkafka"]),
];

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // for this platform alone, so that nothing has to be downloaded
    let options = ["--filter-platform", host].map(str::to_owned);
    MetadataCommand::new()
        .manifest_path(tidings_tests::root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .unwrap()
});

/// Names of the packages that a package links, directly.
fn links(id: &PackageId) -> impl Iterator<Item = &'static PackageId> {
    let nodes = &METADATA.resolve.as_ref().unwrap().nodes;
    let node = nodes.iter().find(|node| node.id == *id).unwrap();
    let normal = |dependency: &&cargo_metadata::NodeDep| {
        dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
    };
    node.deps.iter().filter(normal).map(|dependency| &dependency.pkg)
}

fn members() -> BTreeMap<&'static str, &'static PackageId> {
    METADATA.workspace_packages().into_iter().map(|package| (package.name.as_str(), &package.id)).collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let members = members();
    let mut wrong = Vec::new();
    for (name, id) in &members {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(known, _)| known == name) else {
            wrong.push(format!("{name} is not in MAY_KNOW: give it its place"));
            continue;
        };
        let known = links(id).map(|id| METADATA[id].name.as_str()).filter(|name| members.contains_key(name));
        wrong.extend(known.filter(|known| !allowed.contains(known)).map(|known| format!("{name} -> {known}")));
    }
    assert_none(&wrong, "dependencies that the architecture forbids (docs/ARCHITECTURE.md)");
}

#[test]
fn only_stream_links_rdkafka() {
    let direct = |id: &&PackageId| links(id).any(|id| METADATA[id].name.as_str() == "rdkafka");
    let users = members().into_iter().filter(|(_, id)| direct(id)).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(users, ["tidings-stream"]);
}

#[test]
fn pure_crates_cannot_wait_and_services_cannot_reach_kafka() {
    let members = members();
    let mut wrong = Vec::new();
    for (names, forbidden) in FREE_OF {
        for name in names.iter().filter(|name| members.contains_key(*name)) {
            let mut linked = BTreeSet::from([members[name]]);
            let mut open = vec![members[name]];
            while let Some(id) = open.pop() {
                open.extend(links(id).filter(|id| linked.insert(id)));
            }
            let linked = linked.into_iter().map(|id| METADATA[id].name.as_str());
            wrong
                .extend(linked.filter(|linked| forbidden.contains(linked)).map(|linked| format!("{name} -> {linked}")));
        }
    }
    assert_none(&wrong, "what these crates must not link, directly or through others");
}
