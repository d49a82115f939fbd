//! An item about to be compared: its fingerprint, and its features as the present window weighs them.

use crate::{
    compare::{Resemblance, sentences_in_common},
    entry::{Basis, Fingerprint},
    figures::{self, Told},
    kept::{Id, Kept, Print},
    memory::{Memory, SHORTEST},
    recurring,
    shingles::{LEAD, Shingles},
    sketch::{ALGORITHM, Sketch},
    sources::same_publisher,
    text::{SENTENCES, Text},
    weights::Weights,
};
use std::{cell::OnceCell, time::Duration};
use tidings_model::{ClusterId, Item, Timestamp, site};
use xxhash_rust::xxh3::xxh3_64;

/// A copy is at least so probable.
const COPY: f32 = 0.5;
/// Items that share an address are the same article if so much of the headline or the lead agrees.
const SAME_TITLE: f32 = 0.35;
const SAME_LEAD: f32 = 0.1;
/// A copy is an update if it has a lead's length more than a text of which it has at least this share.
const REPEATED: f32 = 0.8;
/// An extract is a copy if it shares so many sentences, and this share of them.
const SENTENCES_SHARED: usize = 2;
const SENTENCES_SHARE: f32 = 0.5;
/// Or if so much of its word pairs is in the other one, and it has enough words to tell.
const PASSAGES: f32 = 0.75;
const PASSAGES_WORDS: usize = 20;
/// What a publisher gives every day comes again after more than this.
const DAILY: Duration = Duration::from_secs(12 * 3600);
/// A cut headline of at least so many words, which weigh so much, is a copy of what goes on after them.
const CUT_WORDS: usize = 4;
const CUT_WEIGHT: f32 = 20.0;
/// How probable that is.
const CUT: f32 = 0.9;

/// An item about to be compared.
pub(crate) struct Probe<'a> {
    id: Id,
    seen: Timestamp,
    text: Text,
    sketch: Option<Sketch>,
    address: Option<u64>,
    feed: Option<u32>,
    publisher: (Option<&'a str>, Option<&'a str>),
    /// Of the whole text, and of its headline alone.
    shingles: Shingles,
    headline: OnceCell<Shingles>,
    memory: &'a Memory,
    weights: &'a Weights,
    window: Duration,
}

/// What an item is a copy of, and why.
pub(crate) struct Match<'a> {
    pub of: &'a Kept,
    pub basis: Basis,
    /// Whether it tells more than the other one: other figures, more paragraphs.
    pub update: bool,
}

/// One comparison, for who wants to know.
pub(crate) struct Comparison<'a> {
    pub with: &'a Kept,
    /// What was found; none where a glance was enough.
    pub resemblance: Option<Resemblance>,
    pub basis: Option<Basis>,
    pub score: f32,
    pub update: bool,
}

impl<'a> Probe<'a> {
    /// Reads and sketches an item that was first seen at `seen`; copies were first seen within `window` of it.
    pub fn new(memory: &'a Memory, weights: &'a Weights, item: &'a Item, seen: Timestamp, window: Duration) -> Self {
        let text = Text::of(item);
        let weigh = memory.frequencies.weigh();
        let shingles = Shingles::new(&text.words, text.title, &weigh);
        let enough = text.words.len() >= SHORTEST;
        let sketch = enough.then(|| Sketch::new(&text.words, text.title, &shingles, memory.frequencies.common()));
        let hash = |text: &str| xxh3_64(text.as_bytes());
        Self {
            id: Id::new(item.id.as_str()),
            seen,
            sketch,
            address: item.url.as_deref().and_then(article).as_deref().map(hash),
            feed: item.origin.feed.as_ref().map(|feed| hash(feed.id.as_str()) as u32),
            publisher: item
                .publisher
                .as_ref()
                .map_or((None, None), |publisher| (publisher.name.as_deref(), publisher.domain.as_deref())),
            headline: OnceCell::new(),
            shingles,
            text,
            memory,
            weights,
            window,
        }
    }

    /// By what copies of it will be recognised.
    pub fn fingerprint(&self) -> Fingerprint {
        let sketch = self.sketch.as_ref();
        Fingerprint {
            algorithm: ALGORITHM,
            address: self.address,
            feed: self.feed,
            title: self.text.title as u16,
            cut: self.text.cut,
            extract: self.text.extract,
            words: self.text.words[..].into(),
            sentences: self.text.sentences[..].into(),
            bits: sketch.map_or(0, |sketch| sketch.bits.0),
            lead: sketch.map_or(&[][..], |sketch| &sketch.lead).into(),
            whole: sketch.and_then(|sketch| sketch.whole.as_ref()).map_or(&[][..], |keys| &keys[..]).into(),
        }
    }

    /// The best match of all, and how many texts were compared.
    pub fn find(&self) -> (Option<Match<'a>>, usize) {
        self.best(self.candidates(), |_| true)
    }

    /// The best match within a cluster.
    pub fn find_in(&self, cluster: &ClusterId) -> (Option<Match<'a>>, usize) {
        let id = Id::new(cluster.as_str());
        let mut others = self.candidates();
        others.extend(self.memory.representative(cluster));
        self.best(others, |kept| *kept.cluster_id() == id)
    }

    /// How many words and sentences there are to compare: words, those of the headline, sentences.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.text.words.len(), self.text.title, self.text.sentences.len())
    }

    /// All comparisons that a verdict rests on, newest first.
    pub fn comparisons(&self) -> Vec<Comparison<'a>> {
        let addressed = self.at_address(|_| true).filter_map(|kept| Some((kept, self.same_article(kept)?)));
        let addressed = addressed.map(|(with, update)| Comparison {
            with,
            resemblance: self.resemblance(with),
            basis: Some(Basis::Address),
            score: 1.0,
            update,
        });
        let candidates = self.candidates();
        let others = candidates.iter().filter(|kept| self.admits(kept) && !self.recurs(kept));
        let compare = |kept: &'a Kept| match self.same_text(kept) {
            true => Comparison {
                with: kept,
                resemblance: self.resemblance(kept),
                basis: Some(Basis::Text),
                score: 1.0,
                update: false,
            },
            false => self.compare(kept),
        };
        addressed.chain(others.map(|kept| compare(kept))).collect()
    }

    fn candidates(&self) -> Vec<&'a Kept> {
        match &self.sketch {
            Some(sketch) => self.memory.candidates(sketch, &self.text.sentences, self.text.extract),
            None => Vec::new(),
        }
    }

    fn admits(&self, kept: &Kept) -> bool {
        kept.print.is_some() && kept.id != self.id && self.apart(kept) <= self.window
    }

    /// How long one was seen after the other, if both tell.
    fn apart(&self, kept: &Kept) -> Duration {
        let timed = !kept.seen.is_absent() && !self.seen.is_absent();
        if timed { kept.seen.since(self.seen).max(self.seen.since(kept.seen)) } else { Duration::ZERO }
    }

    /// Whether both are of what their publisher gives every day, each at its own address.
    fn recurs(&self, kept: &Kept) -> bool {
        let Some(print) = kept.print.as_deref() else { return false };
        let elsewhere = self.address.zip(print.address()).is_some_and(|(ours, theirs)| ours != theirs);
        elsewhere && self.apart(kept) > DAILY && self.same_publisher(kept) == Some(true) && {
            let theirs: Vec<u32> = print.words().collect();
            recurring::only_open_alike(&self.text.words[self.text.title..], &theirs[print.title.into()..])
        }
    }

    fn same_publisher(&self, kept: &Kept) -> Option<bool> {
        same_publisher(self.publisher, self.memory.sources.names(kept.source))
    }

    fn at_address(&self, admit: impl Fn(&Kept) -> bool) -> impl Iterator<Item = &'a Kept> {
        let addressed = self.address.into_iter().flat_map(|address| self.memory.at_address(address));
        addressed.filter(move |kept| self.admits(kept) && admit(kept))
    }

    fn best(&self, others: Vec<&'a Kept>, admit: impl Fn(&Kept) -> bool) -> (Option<Match<'a>>, usize) {
        let found = |of: &'a Kept, basis, update| Some(Match { of, basis, update });
        let mut same = self.at_address(&admit).filter_map(|kept| Some((kept, self.same_article(kept)?)));
        if let Some((kept, update)) = same.next() {
            return (found(kept, Basis::Address, update), 0);
        }
        let others: Vec<_> = others.into_iter().filter(|kept| self.admits(kept) && admit(kept)).collect();
        if let Some(kept) = others.iter().find(|kept| self.same_text(kept) && !self.recurs(kept)) {
            return (found(kept, Basis::Text, false), others.len());
        }
        let (mut best, mut score) = (None, COPY);
        for kept in &others {
            let comparison = self.compare(kept);
            if let Some(basis) = comparison.basis
                && comparison.score >= score
                && !self.is_only_bridged(kept)
                && !self.recurs(kept)
            {
                (best, score) = (found(kept, basis, comparison.update), comparison.score);
            }
        }
        (best, others.len())
    }

    /// Whether `kept` is what was cut from another headline than this one: a copy of a headline that this one is not
    /// like.
    fn is_only_bridged(&self, kept: &Kept) -> bool {
        let Some(print) = kept.print.as_deref() else { return false };
        if !print.is_cut_headline() || print.word_count() >= self.text.words.len() || *kept.cluster_id() == kept.id {
            return false;
        }
        let whole =
            self.memory.representative(&kept.cluster()).filter(|whole| whole.id != kept.id && self.admits(whole));
        whole.is_some_and(|whole| !self.same_text(whole) && self.compare(whole).basis.is_none())
    }

    fn same_text(&self, kept: &Kept) -> bool {
        let words = &self.text.words;
        let same = |print: &Print| print.word_count() == words.len() && print.words().eq(words.iter().copied());
        words.len() >= SHORTEST && kept.print.as_deref().is_some_and(same)
    }

    /// Compares with one text of other words.
    fn compare(&self, kept: &'a Kept) -> Comparison<'a> {
        let mut comparison = Comparison { with: kept, resemblance: None, basis: None, score: 0.0, update: false };
        let Some(print) = kept.print.as_deref() else { return comparison };
        let extract = self.text.extract || print.extract;
        if extract {
            let theirs: Vec<u32> = print.sentences().collect();
            let (shared, share) = sentences_in_common(&self.text.sentences, &theirs, SENTENCES);
            if shared >= SENTENCES_SHARED && share >= SENTENCES_SHARE {
                comparison.score = share;
                comparison.basis = Some(Basis::Sentences(share));
            }
        }
        if self.sketch.as_ref().is_some_and(|sketch| !sketch.bits.may_match(print.bits())) {
            return comparison;
        }
        let Some(resemblance) = self.resemblance(kept) else { return comparison };
        comparison.resemblance = Some(resemblance);
        let mut score = self.weights.probability(&resemblance);
        if score < CUT && self.continues(print) {
            score = CUT;
        }
        if resemblance.is_beside_the_headlines(self.memory.frequencies.repeated()) {
            let theirs: Vec<u32> = print.words().take(print.title.into()).collect();
            let theirs = Shingles::new(&theirs, 0, self.memory.frequencies.weigh());
            score = score.min(self.weights.probability(&Resemblance::new(self.headline(), &theirs)));
        }
        let contained = self.contained(print, &resemblance);
        if comparison.basis.is_none() && contained >= PASSAGES && contained > score {
            (comparison.score, comparison.basis) = (contained, Some(Basis::Sentences(contained)));
        }
        if score >= COPY.max(comparison.score) {
            let (text, lead) = (resemblance.text(), resemblance.lead());
            comparison.basis = Some(Basis::Resemblance { score, text, lead });
            comparison.update = self.updates(kept, &resemblance);
        }
        comparison.score = comparison.score.max(score);
        comparison
    }

    /// Which share of an extract's word pairs is in the other text; none where there are too few to tell.
    fn contained(&self, print: &Print, resemblance: &Resemblance) -> f32 {
        let (ours, theirs) = resemblance.contained;
        match (self.text.extract, print.extract) {
            _ if self.text.words.len().min(print.word_count()) < PASSAGES_WORDS => 0.0,
            (true, true) => ours.max(theirs),
            (true, false) => ours,
            (false, true) => theirs,
            (false, false) => 0.0,
        }
    }

    /// How alike they are; a headline alone is compared with the other's headline.
    fn resemblance(&self, other: &Kept) -> Option<Resemblance> {
        let print = other.print.as_deref()?;
        let words: Vec<u32> = print.words().collect();
        let title = usize::from(print.title);
        let weigh = self.memory.frequencies.weigh();
        let alone = |title: usize, length: usize| title == length;
        let theirs = |words: &[u32], title| Shingles::new(words, title, &weigh);
        let (length, our_title) = (self.text.words.len(), self.text.title);
        Some(if !alone(our_title, length) && our_title >= SHORTEST && alone(title, words.len()) {
            Resemblance::new(self.headline(), &theirs(&words, 0))
        } else if alone(our_title, length) && !alone(title, words.len()) && title >= SHORTEST {
            Resemblance::new(&self.shingles, &theirs(&words[..title], 0))
        } else {
            Resemblance::new(&self.shingles, &theirs(&words, title))
        })
    }

    /// The features of the headline alone.
    fn headline(&self) -> &Shingles {
        let words = &self.text.words[..self.text.title];
        self.headline.get_or_init(|| Shingles::new(words, 0, self.memory.frequencies.weigh()))
    }

    /// Whether one is a headline that was cut off, and the other a headline that goes on after its words.
    fn continues(&self, print: &Print) -> bool {
        let ours = &self.text.words;
        let shorter = ours.len() < print.word_count();
        let is_cut = if shorter { self.text.cut } else { print.cut };
        if !is_cut {
            return false;
        }
        let theirs: Vec<u32> = print.words().collect();
        let alone = |title: usize, words: &[u32]| title == 0 || title == words.len();
        let (cut, whole) = if shorter { (ours, &theirs) } else { (&theirs, ours) };
        alone(self.text.title, ours)
            && alone(print.title.into(), &theirs)
            && cut.len() >= CUT_WORDS
            && whole.starts_with(cut)
            && cut.iter().copied().map(self.memory.frequencies.weigh()).sum::<f32>() >= CUT_WEIGHT
    }

    /// Whether this tells more than another text that it is a copy of. What a search engine shows of it never does.
    fn updates(&self, other: &Kept, resemblance: &Resemblance) -> bool {
        let Some(print) = other.print.as_deref() else { return false };
        if self.text.extract || print.extract {
            return false;
        }
        let words: Vec<u32> = print.words().collect();
        let ours = Told { words: &self.text.words, title: self.text.title, cut: self.text.cut };
        if figures::differ(ours, Told { words: &words, title: print.title.into(), cut: print.cut }) {
            return true;
        }
        // another publisher's longer version is a copy; so is the whole of what was cut
        let same = self.same_publisher(other).unwrap_or(true);
        let has_text = usize::from(print.title) < print.word_count() || print.title == 0;
        let grown = self.text.words.len() >= print.word_count() + LEAD && resemblance.contained.1 >= REPEATED;
        same && has_text && !print.cut && grown
    }

    /// Whether an item at the same address is the same article, and if so, whether this one updates it.
    ///
    /// Items that give one address may be different posts of one page, such as a live blog, or an article that comes as a
    /// new entry with every change. An extract shows any part of it.
    fn same_article(&self, other: &Kept) -> Option<bool> {
        let print = other.print.as_deref()?;
        if self.text.extract || print.extract || self.text.words.len().min(print.word_count()) < SHORTEST {
            return Some(false);
        }
        let resemblance = self.resemblance(other)?;
        let same = resemblance.title() >= SAME_TITLE || resemblance.lead() >= SAME_LEAD;
        same.then_some(self.updates(other, &resemblance))
    }
}

/// The identity of an article's address; a bare host is the address of a site, not of an article.
fn article(url: &str) -> Option<String> {
    let canonical = site::canonical(url)?;
    let identity = site::identity(&canonical);
    identity.contains(['/', '?']).then(|| identity.to_owned())
}
