//! What a burst rule remembers of the whole stream: its age, its day, and how clumped its counts are.

use super::Grid;
use serde::{Deserialize, Serialize};

/// Shape of the gamma-Poisson distribution while too few subjects are known to measure it: that of the simulated
/// stream on which the rule was chosen.
const DISPERSION: f64 = 0.72;
/// Subjects needed to measure it.
const SUBJECTS: usize = 10;
/// Weight of the newest day in a bin's share of the day.
const NEWEST_DAY: f64 = 0.3;
/// Stories added to a bin and to the mean bin before the two are compared: a thin stream has no season.
const PRIOR: f64 = 5.0;

/// The bin that is being filled: remembered with each story.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Now {
    /// The stream's first bin; ahead where the rule rests before it begins anew.
    pub(super) first: i64,
    /// The newest.
    pub(super) bin: i64,
    /// Stories in it.
    pub(super) count: u32,
}

impl Now {
    /// Bins that are complete.
    pub(super) fn age(self) -> i64 {
        self.bin - self.first
    }
}

/// Learnt from complete bins: remembered once per bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    /// Stories in each bin of the last day.
    day: Vec<u32>,
    /// Each bin's share of a day: 1 for the mean bin.
    shares: Vec<f32>,
    /// Shape of the gamma-Poisson distribution of a window's count: the upper quartile over subjects, for bursts
    /// only ever make a subject look more clumped than it is.
    pub(super) dispersion: f64,
}

impl Season {
    pub(super) fn new(grid: &Grid) -> Self {
        Self { day: vec![0; grid.day], shares: vec![1.0; grid.day], dispersion: DISPERSION }
    }

    /// Learns that `now` is complete and that no story came between it and `next`. A bin without a story is taken
    /// for an outage, not for a season.
    pub(super) fn close(&mut self, now: Now, next: i64, mut dispersions: Vec<f64>) {
        let slots = self.day.len() as i64;
        let slot = |bin: i64| bin.rem_euclid(slots) as usize;
        if now.age() >= slots && now.count > 0 {
            let mean = f64::from(self.day.iter().sum::<u32>()) / slots as f64;
            let share = (f64::from(now.count) + PRIOR) / (mean + PRIOR);
            let known = &mut self.shares[slot(now.bin)];
            *known += (NEWEST_DAY * (share - f64::from(*known))) as f32;
        }
        self.day[slot(now.bin)] = now.count;
        for empty in (now.bin + 1..next).take(self.day.len()) {
            self.day[slot(empty)] = 0;
        }
        self.dispersion = DISPERSION;
        if dispersions.len() >= SUBJECTS {
            let upper = dispersions.len() * 3 / 4;
            self.dispersion = dispersions.select_nth_unstable_by(upper, f64::total_cmp).1.clamp(0.1, 100.0);
        }
    }

    /// What a rate per bin comes to in the window that ends with `bin`.
    pub(super) fn bins(&self, grid: &Grid, bin: i64) -> f64 {
        let share = |bin: i64| f64::from(self.shares[bin.rem_euclid(self.shares.len() as i64) as usize]);
        (0..grid.window as i64).map(|back| share(bin - back)).sum()
    }
}
