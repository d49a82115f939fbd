//! The keys of a burst rule, and what may be wrong with them.

use serde::Deserialize;
use std::time::Duration;
use tidings_stage::Problem;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    /// Stories are counted over this time.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub(super) window: Duration,
    /// It moves in steps of this.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub(super) bin: Duration,
    /// How fast the usual rate is unlearnt.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub(super) half_life: Duration,
    /// How rare by chance so many stories must be.
    pub(super) p: f64,
    /// Stories expected in a window at least.
    pub(super) floor: f64,
    /// Fewer never fire.
    pub(super) min_stories: u32,
    /// Nor do they from fewer publishers.
    pub(super) min_publishers: usize,
    /// Calm needed before the same subject fires again.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub(super) refractory: Duration,
    /// Of stream, before anything fires.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub(super) warmup: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30 * 60),
            bin: Duration::from_secs(10 * 60),
            half_life: DAY,
            p: 1e-4,
            floor: 0.02,
            min_stories: 3,
            min_publishers: 2,
            refractory: DAY / 4,
            warmup: DAY * 3,
        }
    }
}

impl Keys {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let (bin, window) = (self.bin.as_millis(), self.window.as_millis());
        let times = |whole: u128, part: u128| part > 0 && whole > 0 && whole.is_multiple_of(part);
        let checks = [
            (
                bin >= 60_000 && times(DAY.as_millis(), bin),
                "bin",
                format!("{:?}", self.bin),
                "1m or more, and a whole part of a day",
            ),
            (
                times(window, bin) && self.window <= DAY,
                "window",
                format!("{:?}", self.window),
                "a whole number of bins, at most a day",
            ),
            (self.half_life >= self.window, "half_life", format!("{:?}", self.half_life), "no shorter than the window"),
            (self.p > 0.0 && self.p < 1.0, "p", self.p.to_string(), "a probability between 0 and 1, such as 1e-4"),
            (self.floor > 0.0 && self.floor.is_finite(), "floor", self.floor.to_string(), "more than 0"),
            (self.min_stories > 0, "min_stories", self.min_stories.to_string(), "1 or more"),
            (
                (1..=20).contains(&self.min_publishers),
                "min_publishers",
                self.min_publishers.to_string(),
                "from 1 to 20",
            ),
        ];
        let wrong = checks.into_iter().filter(|(right, ..)| !right);
        wrong.map(|(_, key, found, mend)| Problem::new(key, found, mend)).collect()
    }
}
