//! `burst`: a place, an organisation or a known person in far more stories than usual.
//!
//! Distinct stories are counted, never copies or updates: missed copies are what makes burst detectors cry wolf.
//! A window's count is held against a gamma-Poisson distribution, whose mean is the subject's own rate before the
//! window (exponentially weighted, as SigniTrend's: Schubert, Weiler and Kriegel, KDD 2014) times the season of
//! the day, and whose dispersion is pooled over all subjects. Bounded: so many subjects, the longest unheard of
//! going first.

mod keys;
mod season;
mod tail;
#[cfg(test)]
mod tests;
mod track;

use super::{Decision, Finding, Kind, Note, Rule, Story, is_public, recent::Recent};
use keys::{DAY, Keys};
use season::{Now, Season};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tidings_model::{AlertState, EntityType, Timestamp, Window};
use tidings_stage::{
    Problem,
    state::{from_bytes, to_bytes},
};
use track::Track;

pub(super) const KIND: Kind = Kind {
    name: "burst",
    about: "a place, an organisation or a known person in far more stories than usual",
    example: include_str!("../examples/burst.toml"),
    build: |table| Ok(Box::new(Burst::new(super::keys(table)?, SUBJECTS)?)),
};

/// Subjects that are remembered.
const SUBJECTS: usize = 50_000;

/// The longest that a stream is silent, in milliseconds: 30 days, after which nothing that was learnt counts.
const SILENCE: i64 = 30 * 24 * 60 * 60 * 1000;

/// How time is cut, and how fast the past fades.
struct Grid {
    /// Milliseconds in a bin.
    bin: i64,
    /// Bins in a window.
    window: usize,
    /// Bins in a day.
    day: usize,
    /// Weight of the newest bin in a rate.
    alpha: f64,
}

impl Grid {
    fn bin(&self, at: Timestamp) -> i64 {
        at.millis().div_euclid(self.bin)
    }

    /// What is left of a weight after so many bins.
    fn fade(&self, bins: i64) -> f64 {
        (1.0 - self.alpha).powf(bins.max(0) as f64)
    }
}

struct Burst {
    keys: Keys,
    grid: Grid,
    now: Option<Now>,
    season: Season,
    subjects: Recent<Track>,
    firing: BTreeSet<String>,
}

/// Everything that is remembered, as it is stored.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    V1(T),
}

impl Burst {
    fn new(keys: Keys, subjects: usize) -> Result<Self, Vec<Problem>> {
        let problems = keys.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let grid = Grid {
            bin: keys.bin.as_millis() as i64,
            window: (keys.window.as_millis() / keys.bin.as_millis()) as usize,
            day: (DAY.as_millis() / keys.bin.as_millis()) as usize,
            alpha: 1.0 - 0.5_f64.powf(keys.bin.as_secs_f64() / keys.half_life.as_secs_f64()),
        };
        let season = Season::new(&grid);
        Ok(Self { keys, grid, now: None, season, subjects: Recent::new(subjects), firing: BTreeSet::new() })
    }

    /// Under the grid's own prefix: counts on another grid mean nothing to this one.
    fn note<T: Serialize>(&self, key: &str, value: Option<T>) -> Note {
        let key = format!("{}x{}/{key}", self.grid.bin, self.grid.window);
        Note { key, value: value.map(|value| to_bytes(&Stored::V1(value))) }
    }

    fn remember(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), String> {
        match (key, key.strip_prefix("subject/")) {
            ("now", _) => self.now = read(value)?,
            ("season", _) => self.season = read(value)?.unwrap_or_else(|| Season::new(&self.grid)),
            (_, Some(id)) => {
                self.firing.remove(id);
                match read::<Track>(value)? {
                    Some(track) => {
                        self.firing.extend(track.firing.map(|_| id.to_owned()));
                        self.subjects.insert(id.to_owned(), track.bin, track);
                    }
                    None => self.subjects.remove(id),
                }
            }
            _ => return Err(format!("no key {key:?}")),
        }
        Ok(())
    }

    /// Takes a subject's alert through its states.
    fn judge(&self, story: &Story<'_>, now: Now, season: &Season, id: &str, track: &mut Track) -> Option<Finding> {
        let observed = track.count();
        let rate = track.rate(&self.grid, now.age());
        let expected = (rate * season.bins(&self.grid, now.bin)).max(self.keys.floor);
        let score = tail::surprise(observed, expected, season.dispersion);
        let warm = now.age() * self.grid.bin >= self.keys.warmup.as_millis() as i64;
        let bursting = warm
            && observed >= self.keys.min_stories
            && track.publishers() >= self.keys.min_publishers
            && score >= -self.keys.p.log10();
        let rested = track.burst.is_none_or(|last| story.at.since(last) >= self.keys.refractory);
        track.burst = if bursting { Some(story.at) } else { track.burst };
        let (since, state) = match track.firing {
            None if bursting && rested => (story.at, AlertState::Firing),
            Some(since) if !bursting => (since, AlertState::Resolved),
            _ => return None,
        };
        track.firing = (state == AlertState::Firing).then_some(since);
        let length = span(self.keys.window);
        let stories = if observed == 1 { "story" } else { "stories" };
        let calm = if state == AlertState::Resolved { "over, " } else { "" };
        let decimals = if expected < 0.1 { 2 } else { 1 };
        Some(Finding {
            occasion: format!("{id} {since}"),
            state,
            subject: Some(track.name.clone()),
            subject_id: Some(id.to_owned()),
            summary: format!("{}: {calm}{observed} {stories} in {length}, {expected:.decimals$} expected", track.name),
            window: Window {
                start: Timestamp::from_millis((now.bin + 1 - self.grid.window as i64) * self.grid.bin),
                end: story.at,
            },
            observed: observed.into(),
            expected: Some(expected),
            score: Some(score),
            evidence: track.evidence(),
        })
    }
}

impl Rule for Burst {
    fn decide(&self, story: &Story<'_>) -> Decision {
        let mut decision = Decision::default();
        if !story.is_new() {
            return decision;
        }
        let bin = self.grid.bin(story.at);
        let before = self.now.filter(|now| (0..=SILENCE / self.grid.bin).contains(&(bin - now.bin)));
        // time leapt, for a clock was wrong, or is: what was learnt is void. While stories of both times come, it may go to
        // and fro, to the same moments: none is told of twice where the rule rests
        let anew = before.is_none() && self.now.is_some();
        let rest = if anew { self.keys.refractory.as_millis() as i64 / self.grid.bin } else { 0 };
        let before = before.unwrap_or(Now { first: bin + rest, bin, count: 0 });
        let moved = bin > before.bin;
        let now = Now { bin, count: if moved { 1 } else { before.count + 1 }, ..before };
        decision.notes.push(self.note("now", Some(now)));

        let mut season = if anew { Season::new(&self.grid) } else { self.season.clone() };
        if moved {
            let age = before.age();
            let known = self.subjects.values().filter_map(|track| track.dispersion(&self.grid, before.bin, age));
            season.close(before, bin, known.collect());
        }
        if moved || anew {
            decision.notes.push(self.note("season", Some(&season)));
        }

        let told = story.news.entities.iter().filter(|entity| {
            is_public(entity)
                && matches!(entity.kind, EntityType::Person | EntityType::Organisation | EntityType::Place)
        });
        let told: BTreeMap<&str, &str> = told.map(|entity| (entity.id.as_str(), entity.name.as_str())).collect();
        let firing = self.firing.iter().filter(|_| moved || anew).map(String::as_str);
        let touched: BTreeSet<&str> = told.keys().copied().chain(firing).collect();
        for &id in &touched {
            let mut track = match self.subjects.get(id) {
                Some(track) if anew => track.anew(&self.grid, bin),
                Some(track) => track.clone(),
                None => Track::new(&self.grid, bin),
            };
            track.advance(&self.grid, bin);
            if let Some(name) = told.get(id) {
                track.tell(name, &story.news.item.id, story.publisher());
            }
            decision.findings.extend(self.judge(story, now, &season, id, &mut track));
            decision.notes.push(self.note(&format!("subject/{id}"), Some(track)));
        }
        let gone = if anew { self.subjects.others(&touched) } else { self.subjects.crowded_out(&touched) }.into_iter();
        decision.notes.extend(gone.map(|id| self.note::<Track>(&format!("subject/{id}"), None)));
        decision
    }

    fn apply(&mut self, note: &Note) -> bool {
        let prefix = self.note::<()>("", None).key;
        note.key.strip_prefix(&prefix).is_some_and(|key| self.remember(key, note.value.as_deref()).is_ok())
    }
}

fn read<T: DeserializeOwned>(value: Option<&[u8]>) -> Result<Option<T>, String> {
    Ok(value.map(from_bytes).transpose()?.map(|Stored::V1(value)| value))
}

/// `30 min`, `2 h`.
fn span(window: Duration) -> String {
    match window.as_secs() / 60 {
        minutes if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}
