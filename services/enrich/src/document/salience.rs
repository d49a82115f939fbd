//! How much a text is about an entity.
//!
//! News puts first what matters: the headline weighs most, then the lead, then how often the entity is named,
//! against the one named most. What stands in a link to another article is not what this one is about.

use tidings_model::{Entity, Mention};

/// Named in the headline.
const HEADLINE: f32 = 0.4;
/// Named in the lead.
const LEAD: f32 = 0.25;
/// Named as often as any other.
const COUNT: f32 = 0.35;

/// Code points of a body that are its lead, where there is no summary.
const LEAD_LENGTH: u32 = 300;

/// Sets the saliences, in [0, 1], and sorts: most salient first, then by first mention.
pub(super) fn weigh(entities: &mut [Entity]) {
    let most = entities.iter().map(|entity| own(entity).count()).max().unwrap_or(0).max(1) as f32;
    let summary = entities.iter().flat_map(|entity| &entity.mentions).any(|mention| mention.field == "summary");
    for entity in entities.iter_mut() {
        let lead = own(entity).any(|mention| match mention.field.as_str() {
            "summary" => true,
            "body" => !summary && mention.start < LEAD_LENGTH,
            _ => false,
        });
        let count = COUNT * own(entity).count() as f32 / most;
        let headline = own(entity).any(|mention| mention.field == "headline");
        entity.salience = if headline { HEADLINE } else { 0.0 } + if lead { LEAD } else { 0.0 } + count;
    }
    // entities come by first mention, and the sort is stable.
    entities.sort_by(|a, b| b.salience.total_cmp(&a.salience));
}

fn own(entity: &Entity) -> impl Iterator<Item = &Mention> {
    entity.mentions.iter().filter(|mention| !mention.in_link)
}
