//! From vectors to entities: one transition per token, chosen greedily.
//!
//! spaCy's `ner.pyx` and `parser_model.pyx`: a token begins an entity (B), is inside (I) or the last (L) of one, is
//! one by itself (U) or none (O). The state that a transition is judged by is three tokens: the next one, and of an
//! open entity the first and the latest.

use crate::{
    Precision,
    kernel::{Linear, Matrix, Scratch, dot, vectorised},
    pack::{Error, Pack, unusable},
};
use std::ops::Range;

/// Choices that are judged together: English has 37.
const PANEL: usize = 48;

#[derive(Debug)]
pub(crate) struct Transitions {
    labels: Vec<String>,
    /// One more row than there are labels: each may begin; then each may be a unit; then none.
    choices: Vec<Choice>,
    /// Of each label, the rows of going on and of ending.
    inside: Vec<(usize, usize)>,
    /// What a token's vector adds to a state: as the next one, as the first, as the latest.
    next: Linear,
    first: Linear,
    latest: Linear,
    state_bias: Vec<f32>,
    /// The features of a token that is not there.
    absent: Vec<f32>,
    upper: Vec<f32>,
    upper_bias: Vec<f32>,
    /// `upper` for the choices alone, so many at a time, turned: of each number of the hidden layer, the weight of each.
    panels: Vec<Vec<[f32; PANEL]>>,
    /// Numbers of a feature, over all pieces.
    side: usize,
    hidden: usize,
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    row: usize,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Begin(usize),
    Unit(usize),
    Out,
}

/// An entity, in tokens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub tokens: Range<usize>,
    pub label: usize,
    pub margin: f32,
}

/// A reader of tokens from left to right.
pub(crate) struct Decoder<'m> {
    model: &'m Transitions,
    open: Option<Open>,
    next: Vec<f32>,
    scores: Vec<f32>,
    pub found: Vec<Found>,
}

struct Open {
    start: usize,
    label: usize,
    margin: f32,
    /// What its first and its latest token add to the state.
    first: Vec<f32>,
    latest: Vec<f32>,
}

impl Transitions {
    pub fn read(pack: &Pack<'_>) -> Result<Self, Error> {
        let network = &pack.header.network;
        let (hidden, side) = (network.hidden, network.hidden * network.hidden_pieces);
        let count = network.transitions.len();
        let mut labels: Vec<String> = Vec::new();
        let mut choices = Vec::new();
        let row = |name: String| network.transitions.iter().position(|other| *other == name);
        for (number, name) in network.transitions.iter().enumerate() {
            let mut choose = |action| choices.push(Choice { row: number, action });
            match name.split_once('-') {
                Some(("B", label)) => {
                    choose(Action::Begin(labels.len()));
                    labels.push(label.to_owned());
                }
                // spaCy has a unit of no label, and never chooses it
                Some(("I" | "L", _) | ("U", "")) => {}
                Some(("U", label)) => {
                    let label = labels.iter().position(|other| other == label);
                    choose(Action::Unit(label.ok_or_else(|| unusable(format!("its {name} has no B")))?));
                }
                _ if name == "O" => choose(Action::Out),
                _ => return Err(unusable(format!("its transition {name} is not known"))),
            }
        }
        let inside = labels.iter().map(|label| row(format!("I-{label}")).zip(row(format!("L-{label}"))));
        let inside = inside.collect::<Option<Vec<_>>>().ok_or_else(|| unusable("it lacks an I or an L"))?;
        if hidden == 0 || network.hidden_pieces == 0 || !choices.iter().any(|choice| choice.action == Action::Out) {
            return Err(unusable("its transitions lack O, or its hidden layer is empty"));
        }
        let state = Matrix::read(pack, "state.weights", network.input, 3 * side)?;
        let part = |number: usize| Linear::new(state.columns(number * side..(number + 1) * side), 1);
        let upper = pack.floats("upper.weights", count * hidden)?;
        let panel = |choices: &[Choice]| {
            let of = |at: usize| {
                std::array::from_fn(|lane| {
                    choices.get(lane).map_or(0.0, |choice: &Choice| upper[choice.row * hidden + at])
                })
            };
            (0..hidden).map(of).collect()
        };
        Ok(Self {
            panels: choices.chunks(PANEL).map(panel).collect(),
            labels,
            choices,
            inside,
            next: part(0),
            first: part(1),
            latest: part(2),
            state_bias: pack.floats("state.bias", side)?,
            absent: pack.floats("state.absent", 3 * side)?,
            upper,
            upper_bias: pack.floats("upper.bias", count)?,
            side,
            hidden,
        })
    }

    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What the states are computed in from here on.
    pub fn compute_in(&mut self, precision: Precision) {
        [&mut self.next, &mut self.first, &mut self.latest].into_iter().for_each(|part| part.compute_in(precision));
    }

    pub fn decoder(&self) -> Decoder<'_> {
        Decoder { model: self, open: None, next: Vec::new(), scores: Vec::new(), found: Vec::new() }
    }

    /// The scores of the choices, valid or not.
    #[inline(always)]
    fn score_choices<'s>(&'s self, hidden: &'s [f32]) -> impl Iterator<Item = (&'s Choice, f32)> {
        let score = move |panel: &Vec<[f32; PANEL]>| {
            let mut sums = [0.0; PANEL];
            for (weights, hidden) in panel.iter().zip(hidden) {
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * hidden);
            }
            sums
        };
        let scores = self.panels.iter().flat_map(score);
        self.choices.iter().zip(scores).map(|(choice, score)| (choice, score + self.upper_bias[choice.row]))
    }

    #[inline(always)]
    fn score(&self, row: usize, hidden: &[f32]) -> f32 {
        dot(&self.upper[row * self.hidden..(row + 1) * self.hidden], hidden) + self.upper_bias[row]
    }
}

impl Decoder<'_> {
    /// Takes the tokens from `first` on, whose `vectors` these are, of `count` in the text.
    pub fn read(
        &mut self,
        vectors: &[f32],
        first: usize,
        count: usize,
        is_space: impl Fn(usize) -> bool,
        scratch: &mut Scratch,
    ) {
        self.model.next.multiply(vectors, scratch, &mut self.next);
        vectorised(
            #[inline(always)]
            || self.read_all(vectors, first, count, is_space, scratch),
        );
    }

    #[inline(always)]
    fn read_all(
        &mut self,
        vectors: &[f32],
        first: usize,
        count: usize,
        is_space: impl Fn(usize) -> bool,
        scratch: &mut Scratch,
    ) {
        let (side, width) = (self.model.side, self.model.next.width());
        let next = std::mem::take(&mut self.next);
        let mut hidden = vec![0.0; side];
        for (at, (next, vector)) in (first..).zip(next.chunks_exact(side).zip(vectors.chunks_exact(width))) {
            self.state(next, &mut hidden);
            let hidden = &hidden[..self.model.hidden];
            match self.open.take() {
                Some(open) => self.go_on(open, hidden, at, at + 1 == count),
                None => self.start(hidden, at, at + 1 == count, is_space(at)),
            }
            if let Some(open) = &mut self.open {
                if open.start == at {
                    self.model.first.multiply(vector, scratch, &mut open.first);
                }
                self.model.latest.multiply(vector, scratch, &mut open.latest);
            }
        }
        self.next = next;
    }

    /// The hidden layer, in the first numbers of `out`: per output the largest piece.
    #[inline(always)]
    fn state(&self, next: &[f32], out: &mut [f32]) {
        let (side, model) = (self.model.side, self.model);
        let (first, latest) = match &self.open {
            Some(open) => (&open.first[..], &open.latest[..]),
            None => (&model.absent[side..2 * side], &model.absent[2 * side..]),
        };
        let others = first.iter().zip(latest).zip(&model.state_bias);
        for ((out, next), ((first, latest), bias)) in out.iter_mut().zip(next).zip(others) {
            *out = next + first + latest + bias;
        }
        let (most, pieces) = out.split_at_mut(model.hidden);
        for piece in pieces.chunks_exact(model.hidden) {
            most.iter_mut().zip(piece).for_each(|(most, value)| *most = if *value > *most { *value } else { *most });
        }
    }

    #[inline(always)]
    fn go_on(&mut self, mut open: Open, hidden: &[f32], at: usize, last: bool) {
        let (inside, end) = self.model.inside[open.label];
        let lead = match last {
            true => f32::NEG_INFINITY,
            false => self.model.score(inside, hidden) - self.model.score(end, hidden),
        };
        // of two, the probabilities differ by tanh of half the difference of their scores
        open.margin = open.margin.min((lead / 2.0).tanh().abs());
        if lead >= 0.0 {
            self.open = Some(open);
        } else {
            self.found.push(Found { tokens: open.start..at + 1, label: open.label, margin: open.margin });
        }
    }

    #[inline(always)]
    fn start(&mut self, hidden: &[f32], at: usize, last: bool, space: bool) {
        let valid = |choice: &Choice| match choice.action {
            Action::Begin(_) => !space && !last,
            Action::Unit(_) => !space,
            Action::Out => true,
        };
        let (mut best, mut most) = (Action::Out, f32::NEG_INFINITY);
        self.scores.clear();
        for (choice, score) in self.model.score_choices(hidden).filter(|(choice, _)| valid(choice)) {
            self.scores.push(score);
            if score > most {
                (best, most) = (choice.action, score);
            }
        }
        match best {
            Action::Begin(label) => {
                let margin = margin(&self.scores, most);
                self.open = Some(Open { start: at, label, margin, first: Vec::new(), latest: Vec::new() });
            }
            Action::Unit(label) => {
                self.found.push(Found { tokens: at..at + 1, label, margin: margin(&self.scores, most) });
            }
            Action::Out => {}
        }
    }
}

/// By how much the likeliest is likelier than the next.
fn margin(scores: &[f32], most: f32) -> f32 {
    let mut next = f32::NEG_INFINITY;
    let (mut sum, mut seen) = (0.0, false);
    for score in scores {
        sum += (score - most).exp();
        if *score < most || std::mem::replace(&mut seen, true) {
            next = next.max(*score);
        }
    }
    (1.0 - (next - most).exp()) / sum
}
