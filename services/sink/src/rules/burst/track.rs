//! What a burst rule remembers of one subject: its stories in the window, and its usual rate.

use super::Grid;
use serde::{Deserialize, Serialize};
use tidings_model::{ItemId, Timestamp};

/// Stories of which it is remembered which ones they are: an alert's evidence.
const EVIDENCE: usize = 20;

/// One subject. All that is counted is counted in bins; times before its first bin were without stories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    /// As last told.
    pub(super) name: String,
    /// The newest bin.
    pub(super) bin: i64,
    /// Stories in each bin of the window, newest last.
    counts: Vec<u32>,
    /// Stories per bin before the window: exponentially weighted mean, short of the stream's youth.
    rate: f64,
    /// First and second moment of the window's count, likewise.
    moments: [f64; 2],
    /// The newest stories of the window, newest first.
    stories: Vec<Told>,
    /// When the subject was last in a burst.
    pub(super) burst: Option<Timestamp>,
    /// Since when its alert is firing.
    pub(super) firing: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    bin: i64,
    item: ItemId,
    publisher: String,
}

impl Track {
    pub(super) fn new(grid: &Grid, bin: i64) -> Self {
        Self {
            name: String::new(),
            bin,
            counts: vec![0; grid.window],
            rate: 0.0,
            moments: [0.0; 2],
            stories: Vec::new(),
            burst: None,
            firing: None,
        }
    }

    /// As if it had not been heard of, but for an alert that is to be ended.
    pub(super) fn anew(&self, grid: &Grid, bin: i64) -> Self {
        Self { name: self.name.clone(), firing: self.firing, ..Self::new(grid, bin) }
    }

    /// Moves the window on to `bin`; what leaves it is learnt as usual.
    pub(super) fn advance(&mut self, grid: &Grid, bin: i64) {
        while self.bin < bin && self.count() > 0 {
            let count = f64::from(self.count());
            for (moment, seen) in self.moments.iter_mut().zip([count, count * count]) {
                *moment += grid.alpha * (seen - *moment);
            }
            self.rate += grid.alpha * (f64::from(self.counts.remove(0)) - self.rate);
            self.counts.push(0);
            self.bin += 1;
        }
        let fade = grid.fade(bin - self.bin);
        self.rate *= fade;
        self.moments = self.moments.map(|moment| moment * fade);
        self.bin = self.bin.max(bin);
        self.stories.retain(|told| told.bin > bin - grid.window as i64);
    }

    /// Counts a story in the newest bin.
    pub(super) fn tell(&mut self, name: &str, item: &ItemId, publisher: &str) {
        name.clone_into(&mut self.name);
        *self.counts.last_mut().expect("a window has bins") += 1;
        self.stories.insert(0, Told { bin: self.bin, item: item.clone(), publisher: publisher.to_owned() });
        self.stories.truncate(EVIDENCE);
    }

    /// Stories in the window.
    pub(super) fn count(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Publishers of the window's newest stories.
    pub(super) fn publishers(&self) -> usize {
        let mut publishers: Vec<_> = self.stories.iter().map(|told| &told.publisher).collect();
        publishers.sort_unstable();
        publishers.dedup();
        publishers.len()
    }

    /// Stories per bin to be expected, in a stream that is `age` bins old.
    pub(super) fn rate(&self, grid: &Grid, age: i64) -> f64 {
        match age - grid.window as i64 {
            seen @ 1.. => self.rate / (1.0 - grid.fade(seen)),
            _ => 0.0,
        }
    }

    /// The shape of the gamma-Poisson distribution that fits the window's counts, by the method of moments, as of
    /// `bin`; absent where the subject is too rare to tell.
    pub(super) fn dispersion(&self, grid: &Grid, bin: i64, age: i64) -> Option<f64> {
        let scale = grid.fade(bin - self.bin) / (1.0 - grid.fade(age));
        let [mean, square] = self.moments.map(|moment| moment * scale);
        (age > 0 && mean > 0.1).then(|| mean * mean / (square - mean * mean - mean).max(1e-3))
    }

    pub(super) fn evidence(&self) -> Vec<ItemId> {
        self.stories.iter().map(|told| told.item.clone()).collect()
    }
}
