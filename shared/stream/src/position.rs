//! How far a task has read: kept in the changelog beside the changes, and held against the committed offsets
//! when the state is restored. A changelog that is ahead of its offsets (someone reset the group, or restored one
//! and not the other) would count records twice, so it is refused.

use std::collections::BTreeMap;
use tidings_model::Record;

/// Sorts before every stage's own keys, and no stage uses it.
const KEY: &[u8] = b"\0positions";

/// The next offset to read, by topic and partition.
pub(crate) type Positions = BTreeMap<(String, i32), i64>;

/// Whether a changelog record is the runner's own.
pub(crate) fn is_position(key: &[u8]) -> bool {
    key == KEY
}

/// As a record of the changelog.
pub(crate) fn record(changelog: &'static tidings_model::Topic, positions: &Positions) -> Record {
    let lines: Vec<String> =
        positions.iter().map(|((topic, partition), offset)| format!("{topic} {partition} {offset}")).collect();
    let value = Some(lines.join("\n").into_bytes());
    Record { topic: changelog, key: KEY.to_vec(), route: None, headers: Vec::new(), value }
}

/// Reads what [`record`] wrote.
pub(crate) fn parse(value: &[u8]) -> Result<Positions, String> {
    let text = std::str::from_utf8(value).map_err(|error| format!("positions: {error}"))?;
    let line = |line: &str| {
        let mut parts = line.split(' ');
        let topic = parts.next()?.to_owned();
        Some(((topic, parts.next()?.parse().ok()?), parts.next()?.parse().ok()?))
    };
    text.lines().map(|l| line(l).ok_or_else(|| format!("positions: {l:?}"))).collect()
}

/// Where the changelog is ahead of what was committed, with the mend.
pub(crate) fn ahead(changelog: &Positions, committed: &Positions) -> Option<String> {
    changelog.iter().find_map(|((topic, partition), offset)| {
        let committed = committed.get(&(topic.clone(), *partition)).copied().unwrap_or(0);
        (committed < *offset).then(|| {
            format!(
                "the state has read {topic} {partition} up to {offset}, but the group's offset is {committed}: \
                 reset the group to {offset}; where {topic} was deleted and made anew, delete the state's topic too; \
                 to process again use a new kafka.prefix"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_written_and_read_and_compared() {
        let positions: Positions = [(("news.raw".to_owned(), 0), 7), (("x".to_owned(), 3), 1)].into();
        let record = record(&tidings_model::topic::DEDUP_STATE, &positions);
        assert_eq!(parse(record.value.as_deref().unwrap()), Ok(positions.clone()));
        assert!(parse(b"nonsense").is_err());
        assert_eq!(ahead(&positions, &positions), None);
        let mut behind = positions.clone();
        behind.insert(("news.raw".to_owned(), 0), 6);
        assert!(ahead(&positions, &behind).unwrap().contains("reset the group to 7"));
    }
}
