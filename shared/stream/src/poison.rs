//! Finds the records that the brokers refuse, by bisection.
//!
//! Brokers refuse a whole Kafka batch for one record, so a refusal names innocent neighbours too. Halves are sent
//! in transactions that are aborted, until each guilty record stands alone: about log₂(n) trials for one of n.

use crate::transaction::{Failure, Outgoing, Writer};
use std::collections::BTreeSet;

/// Those of `records`, by their numbers and among `suspects`, that are refused even alone.
pub(crate) fn find(
    writer: &Writer,
    records: &[Outgoing],
    suspects: BTreeSet<usize>,
) -> Result<BTreeSet<usize>, Failure> {
    bisect(suspects, &mut |part| {
        // a failure of another kind says nothing of the records: ask again
        loop {
            match writer.accepts(records, part) {
                Err(Failure::Again(error)) => tracing::debug!(%error, "trial is tried again"),
                answer => return answer,
            }
        }
    })
}

fn bisect<E>(
    suspects: BTreeSet<usize>,
    accepts: &mut impl FnMut(&BTreeSet<usize>) -> Result<bool, E>,
) -> Result<BTreeSet<usize>, E> {
    if suspects.is_empty() || accepts(&suspects)? {
        return Ok(BTreeSet::new());
    }
    if suspects.len() == 1 {
        return Ok(suspects);
    }
    let half = suspects.len() / 2;
    let (left, right) = suspects.into_iter().enumerate().partition::<Vec<_>, _>(|(i, _)| *i < half);
    let side = |part: Vec<(usize, usize)>| part.into_iter().map(|(_, number)| number).collect();
    let mut found = bisect(side(left), accepts)?;
    found.extend(bisect(side(right), accepts)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guilty_are_found_and_the_innocent_spared() {
        for guilty in [vec![], vec![0], vec![499], vec![3, 4, 250]] {
            let guilty: BTreeSet<usize> = guilty.into_iter().collect();
            let mut trials = 0;
            let found = bisect((0..500).collect(), &mut |part| {
                trials += 1;
                Ok::<_, ()>(part.is_disjoint(&guilty))
            });
            assert_eq!(found, Ok(guilty.clone()));
            assert!(trials <= 1 + 20 * guilty.len(), "{trials} trials for {guilty:?}");
        }
    }
}
