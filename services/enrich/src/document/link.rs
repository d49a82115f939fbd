//! Decides which of its meanings a name has in a document.

use crate::kb::{Kb, LEAD, Number};
use std::collections::BTreeSet;
use tidings_model::EntityType;

/// What a meaning gains by the document naming its country: four times the articles.
const COMPATRIOT: i32 = 2 * LEAD;

/// The countries that these entries are of or belong to.
pub(super) fn countries(kb: &Kb, known: impl IntoIterator<Item = Number>) -> BTreeSet<&str> {
    known.into_iter().filter_map(|number| kb.entry(number).country()).collect()
}

/// The one that a recognised name of that type and so many words means; none where two are as likely, for a wrong link
/// is worse than none.
pub(super) fn choose(
    kb: &Kb,
    meanings: Vec<Number>,
    kind: EntityType,
    words: usize,
    countries: &BTreeSet<&str>,
) -> Option<Number> {
    let mut scored: Vec<(i32, Number)> = Vec::new();
    for number in meanings {
        let entry = kb.entry(number);
        let unsure = !entry.listed && (kind != entry.kind || kind == EntityType::Person && words < 2);
        let other = kind != entry.kind && kind != EntityType::Other;
        if unsure || other || scored.iter().any(|(_, same)| kb.entry(*same).id == entry.id) {
            continue;
        }
        let compatriot = entry.country().is_some_and(|country| countries.contains(country));
        scored.push((i32::from(entry.fame) + if compatriot { COMPATRIOT } else { 0 }, number));
    }
    scored.sort_unstable_by_key(|(score, number)| (std::cmp::Reverse(*score), *number));
    let (best, number) = *scored.first()?;
    let clear = scored.get(1).is_none_or(|(next, _)| best - next >= LEAD);
    clear.then_some(number)
}
