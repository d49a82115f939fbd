//! Which entities are named most, in bounded memory: so that a metric may count by name and its series stay few.
//!
//! Candidates are counted by Space-Saving (Metwally, Agrawal and El Abbadi, ICDT 2005): a newcomer takes the place,
//! and as its possible error the count, of the least. A candidate is counted by name once it was certainly seen
//! [`ENOUGH`] times and there is room, or it was seen twice as often as the least of those that are: each change
//! of place takes a doubling, so series come and go seldom.

use std::collections::BTreeMap;

/// Candidates for each place.
const CANDIDATES: usize = 20;
/// Times that a candidate must certainly have been seen.
const ENOUGH: u64 = 3;

/// The entities named most.
pub(super) struct Top {
    places: usize,
    candidates: BTreeMap<String, Candidate>,
    /// Id and label of those that are counted by name.
    counted: BTreeMap<String, String>,
}

struct Candidate {
    count: u64,
    error: u64,
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
        Self { places, candidates: BTreeMap::new(), counted: BTreeMap::new() }
    }

    pub(super) fn see(&mut self, id: &str, name: &str) -> Seen {
        if !self.candidates.contains_key(id) {
            let mut error = 0;
            if self.candidates.len() >= self.places * CANDIDATES {
                let least = self.candidates.iter().filter(|(id, _)| !self.counted.contains_key(*id));
                let least =
                    least.min_by_key(|(_, candidate)| candidate.count).map(|(id, least)| (id.clone(), least.count));
                if let Some((least, count)) = least {
                    self.candidates.remove(&least);
                    error = count;
                }
            }
            self.candidates.insert(id.to_owned(), Candidate { count: error, error });
        }
        let candidate = self.candidates.get_mut(id).expect("it was put there");
        candidate.count += 1;
        let certain = candidate.count - candidate.error;
        let mut dropped = None;
        if !self.counted.contains_key(id) && certain >= ENOUGH {
            if self.counted.len() >= self.places {
                let count = |id: &str| self.candidates.get(id).map_or(0, |candidate| candidate.count);
                let least = self.counted.keys().min_by_key(|id| count(id)).cloned();
                let least = least.filter(|least| certain >= 2 * count(least));
                dropped = least.and_then(|least| self.counted.remove_entry(&least));
            }
            if self.counted.len() < self.places {
                self.counted.insert(id.to_owned(), name.to_owned());
            }
        }
        Seen { counted: self.counted.get(id).cloned(), dropped }
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
