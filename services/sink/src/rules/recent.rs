//! A bounded memory: so many keys, the longest untouched going first.

use std::collections::{BTreeMap, BTreeSet};

/// Values by key, each with the time when it was touched last. It depends on what is in it alone, never on the
/// order in which that came, so a restored memory forgets as the live one does.
pub(super) struct Recent<V> {
    limit: usize,
    values: BTreeMap<String, (i64, V)>,
    order: BTreeSet<(i64, String)>,
}

impl<V> Recent<V> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, values: BTreeMap::new(), order: BTreeSet::new() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values().map(|(_, value)| value)
    }

    pub(super) fn insert(&mut self, key: String, touched: i64, value: V) {
        self.remove(&key);
        self.order.insert((touched, key.clone()));
        self.values.insert(key, (touched, value));
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some((touched, _)) = self.values.remove(key) {
            self.order.remove(&(touched, key.to_owned()));
        }
    }

    /// All keys but these.
    pub(super) fn others(&self, touched: &BTreeSet<&str>) -> Vec<String> {
        self.values.keys().filter(|key| !touched.contains(key.as_str())).cloned().collect()
    }

    /// The keys that must go when these are touched, so that the limit holds; none of these themselves.
    pub(super) fn crowded_out(&self, touched: &BTreeSet<&str>) -> Vec<String> {
        let new = touched.iter().filter(|key| !self.values.contains_key(**key)).count();
        let excess = (self.values.len() + new).saturating_sub(self.limit);
        let others = self.order.iter().map(|(_, key)| key).filter(|key| !touched.contains(key.as_str()));
        others.take(excess).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_untouched_go_first() {
        let mut recent = Recent::new(3);
        for (key, touched) in [("a", 1), ("b", 2), ("c", 2), ("a", 3)] {
            recent.insert(key.to_owned(), touched, ());
        }
        for (touched, gone) in [(vec!["a"], vec![]), (vec!["d"], vec!["b"]), (vec!["b", "d", "e"], vec!["c", "a"])] {
            assert_eq!(recent.crowded_out(&touched.iter().copied().collect()), gone, "{touched:?}");
        }
    }
}
