//! The document pass: the entities of one item, from what was recognised in it and what is known of the world.
//!
//! Names are recognised place by place; here they become entities. Within one item a name means one thing, so the
//! types found at its places are a vote, short forms belong to the full name (`Kell` to `Mira Kell`), and a name
//! that running text establishes is found in headlines whose capitals say nothing.
//!
//! Promises: every mention's `start..end`, in Unicode code points of its field, is its `text`; mentions do not
//! overlap; the same item gives the same entities in the same order; the record stays within its size.

mod group;
mod link;
mod neighbours;
mod region;
mod salience;
mod spans;

use crate::{
    inflect,
    kb::{Kb, local_id},
    recognise::Recognise,
    token::{Token, tokens},
};
use group::{Key, Name};
use spans::Found;
use tidings_model::{Entity, EntityType, IdKind, Item, Link, Mention};

/// The most mentions of one item: at 300 bytes each, they and the largest item fit the topic's limit. The least
/// salient go first. An article of 5,000 words has fewer.
const MENTIONS: usize = 500;

/// So many code points longer than a name is an anchor that is a headline.
const MORE: u32 = 15;

/// The text of an item: its fields as one text, parted by empty lines.
struct Document {
    text: String,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    /// Where it starts in the text, in code points.
    start: usize,
}

/// The entities of `item`, most salient first. Names that nothing is known of count from `min_confidence` on.
///
/// `language` is the item's, where known.
pub fn entities(
    item: &Item,
    language: Option<&str>,
    recogniser: Option<&dyn Recognise>,
    kb: &Kb,
    min_confidence: f32,
) -> Vec<Entity> {
    let document = Document::of(item);
    let tokens = inflect::split(kb, tokens(&document.text), language);
    let recognised = recogniser.map(|recogniser| recogniser.recognise(&document.text, &tokens)).unwrap_or_default();
    let found = spans::merge(kb, language, &document.text, &tokens, &recognised);
    let names = group::names(kb, &document.text, &tokens, found);
    let sure = names.into_iter().filter(|name| name.is_sure(min_confidence));
    let mut entities: Vec<Entity> = sure.map(|name| document.entity(kb, &tokens, &name, &item.links)).collect();
    salience::weigh(&mut entities);
    cut(&mut entities);
    entities
}

impl Document {
    fn of(item: &Item) -> Self {
        let mut document = Self { text: String::new(), fields: Vec::new() };
        let mut chars = 0;
        for (name, text) in item.texts() {
            if !document.fields.is_empty() {
                document.text.push_str("\n\n");
                chars += 2;
            }
            document.fields.push(Field { name, start: chars });
            document.text.push_str(text);
            chars += text.chars().count();
        }
        document
    }

    fn entity(&self, kb: &Kb, tokens: &[Token<'_>], name: &Name, links: &[Link]) -> Entity {
        let known = match &name.key {
            Key::Known(number) => Some(kb.entry(*number)),
            Key::Local(_) => None,
        };
        let mentions: Vec<Mention> = name.found.iter().map(|found| self.mention(tokens, found, links)).collect();
        let form = name.form(&self.text, tokens);
        let kind = known.as_ref().map_or_else(|| name.kind(), |known| known.kind);
        Entity {
            id: known.as_ref().map_or_else(|| local_id(form), |known| known.id.to_owned()),
            id_kind: known.as_ref().map_or(IdKind::Local, |known| known.id_kind),
            name: known.as_ref().map_or_else(|| written(form, kind), |known| known.name.to_owned()),
            kind,
            country: known.and_then(|known| known.country()).map(ToOwned::to_owned),
            in_headline: mentions.iter().any(|mention| mention.field == "headline"),
            mentions,
            salience: 0.0,
        }
    }

    fn mention(&self, tokens: &[Token<'_>], found: &Found, links: &[Link]) -> Mention {
        let (first, last) = (&tokens[found.first], &tokens[found.last - 1]);
        let field = self.fields.iter().rev().find(|field| field.start <= first.start);
        let field = field.expect("a token stands in a field");
        let (start, end) = ((first.start - field.start) as u32, (last.end - field.start) as u32);
        // a link on the name alone is of this text; one on more words is another article's headline
        let longer = |link: &Link| link.end - link.start >= (end - start) + MORE;
        let in_link = |link: &Link| link.field == field.name && link.start <= start && end <= link.end && longer(link);
        Mention {
            field: field.name.to_owned(),
            start,
            end,
            text: found.text(&self.text, tokens).to_owned(),
            confidence: found.confidence.clamp(0.0, 1.0),
            in_link: links.iter().any(in_link),
        }
    }
}

/// A name that the text writes in capitals only, as in a dateline, as it is written elsewhere.
fn written(form: &str, kind: EntityType) -> String {
    let capitals = form.chars().count() > 3 && !form.chars().any(char::is_lowercase);
    if !capitals || !matches!(kind, EntityType::Person | EntityType::Place) {
        return form.to_owned();
    }
    let mut start = true;
    let lowered = form.chars().flat_map(|c| {
        let kept = std::mem::replace(&mut start, !c.is_alphabetic());
        let lower = (!kept).then(|| c.to_lowercase());
        kept.then_some(c).into_iter().chain(lower.into_iter().flatten())
    });
    lowered.collect()
}

/// Keeps the [`MENTIONS`] most salient.
fn cut(entities: &mut Vec<Entity>) {
    let mut room = MENTIONS;
    entities.retain_mut(|entity| {
        entity.mentions.truncate(room);
        room -= entity.mentions.len();
        !entity.mentions.is_empty()
    });
}

#[cfg(test)]
mod tests;
