//! An item about to be compared: its fingerprint, and its features as the present window weighs them.

use crate::{
    compare::Resemblance,
    entry::{Basis, Fingerprint, Words},
    memory::{Kept, Memory},
    shingles::Shingles,
    sketch,
    text::Text,
};
use std::time::Duration;
use tidings_model::{ClusterId, Item, ItemId, Timestamp, site};
use xxhash_rust::xxh3::xxh3_64;

/// A text with fewer words is no evidence: "Live updates" is not the same news each time.
const SHORTEST: usize = 3;
/// Entries of one feed that share an address are the same article if so much of the headline or the lead agrees.
const SAME_TITLE: f32 = 0.35;
const SAME_LEAD: f32 = 0.1;
/// A copy is an update if at least this share of the lead's numbers differs.
const NUMBERS: f32 = 0.5;

/// An item about to be compared.
pub(crate) struct Probe<'a> {
    id: &'a ItemId,
    seen: Timestamp,
    pub fingerprint: Fingerprint,
    text: Shingles,
    memory: &'a Memory,
    window: Duration,
}

/// What an item is a copy of, and why.
pub(crate) struct Match<'a> {
    pub of: &'a Kept,
    pub basis: Basis,
    /// Whether its figures are other ones.
    pub update: bool,
}

impl<'a> Probe<'a> {
    /// Reads and sketches an item that was first seen at `seen`; copies were first seen within `window` of it.
    pub fn new(memory: &'a Memory, item: &'a Item, seen: Timestamp, window: Duration) -> Self {
        let Text { words, title } = Text::of(item);
        let text = Shingles::new(&words, title, memory.frequencies.weigh());
        let hash = |text: &str| xxh3_64(text.as_bytes());
        let bands = if words.len() < SHORTEST {
            Vec::new()
        } else {
            let whole = words.iter().fold(0, |whole, word| sketch::mix(whole ^ u64::from(*word)));
            sketch::bands(&text, whole, memory.frequencies.is_common())
        };
        let fingerprint = Fingerprint {
            address: item.url.as_deref().and_then(article).as_deref().map(hash),
            feed: item.origin.feed.as_ref().map(|feed| hash(feed.id.as_str())),
            title: title as u16,
            words: Words(words.into()),
            bands: Words(bands.into()),
        };
        Self { id: &item.id, seen, fingerprint, text, memory, window }
    }

    /// The best match of all, and how many texts were compared.
    pub fn find(&self) -> (Option<Match<'a>>, usize) {
        let others = self.memory.candidates(&self.fingerprint.bands.0);
        self.best(others, |_| true)
    }

    /// The best match within a cluster.
    pub fn find_in(&self, cluster: &ClusterId) -> (Option<Match<'a>>, usize) {
        let mut others = self.memory.candidates(&self.fingerprint.bands.0);
        others.extend(self.memory.representative(cluster));
        self.best(others, |kept| kept.is_in(cluster))
    }

    fn best(&self, others: Vec<&'a Kept>, admit: impl Fn(&Kept) -> bool) -> (Option<Match<'a>>, usize) {
        let admit = |kept: &&'a Kept| {
            let seen = kept.entry.seen;
            let apart = seen.since(self.seen).max(self.seen.since(seen));
            let timed = !seen.is_absent() && !self.seen.is_absent();
            let alive = kept.entry.fingerprint.is_some();
            alive && kept.id != *self.id && admit(kept) && (!timed || apart <= self.window)
        };
        let found = |of: &'a Kept, basis, update| Some(Match { of, basis, update });
        let addressed = self.fingerprint.address.into_iter().flat_map(|address| self.memory.at_address(address));
        let mut same = addressed.filter(admit).filter_map(|kept| Some((kept, self.same_article(kept)?)));
        if let Some((kept, update)) = same.next() {
            return (found(kept, Basis::Address, update), 0);
        }
        let others: Vec<_> = others.into_iter().filter(admit).collect();
        let words = |kept: &'a Kept| kept.entry.fingerprint.as_ref().map(|fingerprint| &fingerprint.words);
        if let Some(kept) = others.iter().find(|kept| words(kept) == Some(&self.fingerprint.words))
            && self.fingerprint.words.0.len() >= SHORTEST
        {
            return (found(kept, Basis::Text, false), others.len());
        }
        let mut best = (0.5, None);
        for kept in &others {
            let Some(resemblance) = self.resemblance(kept) else { continue };
            let score = resemblance.probability();
            if score >= best.0 {
                let basis = Basis::Resemblance { score, text: resemblance.text, lead: resemblance.lead };
                best = (score, found(kept, basis, resemblance.numbers_differ >= NUMBERS));
            }
        }
        (best.1, others.len())
    }

    fn resemblance(&self, other: &Kept) -> Option<Resemblance> {
        let Fingerprint { words, title, .. } = other.entry.fingerprint.as_ref()?;
        let other = Shingles::new(&words.0, (*title).into(), self.memory.frequencies.weigh());
        Some(Resemblance::new(&self.text, &other))
    }

    /// Whether an item at the same address is the same article, and if so, whether this one updates its figures.
    ///
    /// Two feeds that give one address mean one article. Entries of one feed that do may be different posts of
    /// one page, such as a live blog, or an article that comes as a new entry with every change.
    fn same_article(&self, other: &Kept) -> Option<bool> {
        let feed = other.entry.fingerprint.as_ref()?.feed;
        if feed.is_none() || feed != self.fingerprint.feed {
            return Some(false);
        }
        let resemblance = self.resemblance(other)?;
        let same = resemblance.title >= SAME_TITLE || resemblance.lead >= SAME_LEAD;
        same.then_some(resemblance.numbers_differ >= NUMBERS)
    }
}

/// The identity of an article's address; a bare host is the address of a site, not of an article.
fn article(url: &str) -> Option<String> {
    let canonical = site::canonical(url)?;
    let identity = site::identity(&canonical);
    identity.contains(['/', '?']).then(|| identity.to_owned())
}
