//! Which entities are named most, in bounded memory: so that a metric may count by name and its series stay few.
//!
//! Candidates are counted by Space-Saving (Metwally, Agrawal and El Abbadi, ICDT 2005): a newcomer takes the place,
//! and as its possible error the count, of the least. A candidate is counted by name once it was certainly seen
//! [`ENOUGH`] times and there is room, or it was seen twice as often as the least of those that are: each change
//! of place takes a doubling, so series come and go seldom.

use std::collections::{BTreeMap, BTreeSet};

/// Candidates for each place.
const CANDIDATES: usize = 20;
/// Times that a candidate must certainly have been seen.
const ENOUGH: u64 = 3;

/// The entities named most.
pub(super) struct Top {
    places: usize,
    candidates: BTreeMap<String, Candidate>,
    /// Ids of those that are counted by name.
    counted: BTreeSet<String>,
}

struct Candidate {
    count: u64,
    error: u64,
    /// The label of one that is counted by name.
    label: Option<String>,
}

/// What came of seeing an entity.
pub(super) struct Seen {
    /// The label under which to count it: always the same for the same id.
    pub(super) counted: Option<String>,
    /// Id and label of one that is no longer counted.
    pub(super) dropped: Option<(String, String)>,
}

impl Top {
    pub(super) fn new(places: usize) -> Self {
        Self { places, candidates: BTreeMap::new(), counted: BTreeSet::new() }
    }

    pub(super) fn see(&mut self, id: &str, name: &str) -> Seen {
        if !self.candidates.contains_key(id) {
            let error = if self.candidates.len() >= self.places * CANDIDATES { self.take_least() } else { 0 };
            self.candidates.insert(id.to_owned(), Candidate { count: error, error, label: None });
        }
        let candidate = self.candidates.get_mut(id).expect("it was put there");
        candidate.count += 1;
        let (certain, mut counted) = (candidate.count - candidate.error, candidate.label.clone());
        let mut dropped = None;
        if counted.is_none() && certain >= ENOUGH {
            if self.counted.len() >= self.places {
                dropped = self.drop_least(certain);
            }
            if self.counted.len() < self.places {
                counted = Some(name.to_owned());
                self.counted.insert(id.to_owned());
                self.candidates.get_mut(id).expect("it is there").label.clone_from(&counted);
            }
        }
        Seen { counted, dropped }
    }

    /// Takes away the least of those that are not counted by name, and tells its count.
    fn take_least(&mut self) -> u64 {
        let uncounted = self.candidates.iter().filter(|(_, candidate)| candidate.label.is_none());
        let least = uncounted.min_by_key(|(_, candidate)| candidate.count).map(|(id, _)| id.clone());
        least.and_then(|least| self.candidates.remove(&least)).map_or(0, |least| least.count)
    }

    /// Takes its name from the least of those that are counted by name, if `certain` is twice its count; tells id and
    /// label.
    fn drop_least(&mut self, certain: u64) -> Option<(String, String)> {
        let least = self.counted.iter().min_by_key(|id| self.candidates[*id].count)?;
        let candidate = self.candidates.get_mut(least).filter(|candidate| certain >= 2 * candidate.count)?;
        let label = candidate.label.take()?;
        let least = least.clone();
        self.counted.remove(&least);
        Some((least, label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_stay_few_and_the_most_named_have_them() {
        let mut top = Top::new(2);
        let mut see = |id: &str, times: usize| {
            let seen: Vec<Seen> = (0..times).map(|_| top.see(id, &format!("name of {id}"))).collect();
            let counted = seen.iter().filter(|seen| seen.counted.is_some()).count();
            (counted, seen.into_iter().find_map(|seen| seen.dropped).map(|(id, _)| id))
        };
        for (id, times, counted, dropped) in [
            ("a", 10, 8, None),
            ("b", 4, 2, None),
            ("c", 7, 0, None),
            ("c", 1, 1, Some("b")),
            ("b", 11, 0, None),
            ("a", 1, 1, None),
        ] {
            assert_eq!(see(id, times), (counted, dropped.map(str::to_owned)), "{id} {times} times");
        }
        for rare in 0..1000 {
            assert_eq!(see(&format!("rare {rare}"), 2), (0, None));
        }
        assert_eq!(see("a", 1).0, 1);
    }
}
