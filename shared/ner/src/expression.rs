//! The regular expressions of a tokenizer, searched quickly.
//!
//! spaCy's are alternations of hundreds of marks and of a few alternatives that look at what stands beside them. Taken
//! as one, such an expression can only be tried place by place. Here its alternatives stand in groups, as the pack has
//! them: those that do not look around are one automaton. Those that do have another, without their looking: where that
//! one finds nothing they do not match, and no match of theirs starts before its.
//!
//! Promise: a match is Python's: the leftmost, of these the one of the first alternative.

use crate::pack::{Alternatives, Error, unusable};
use fancy_regex::Regex;
use std::ops::Range;

/// Alternatives in their order; none match nothing.
#[derive(Debug)]
pub(crate) struct Expression(Vec<Group>);

#[derive(Debug)]
struct Group {
    /// The alternatives, but for their looking around.
    bare: Regex,
    /// The alternatives, where they look around.
    whole: Option<Regex>,
}

impl Expression {
    pub fn read(alternatives: &[Alternatives]) -> Result<Self, Error> {
        let group = |(bare, whole): &Alternatives| {
            Ok(Group { bare: compile(bare)?, whole: whole.as_deref().map(compile).transpose()? })
        };
        alternatives.iter().map(group).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|group| group.find(text, 0).is_some())
    }

    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        // of equal starts the first
        self.0.iter().filter_map(|group| group.find(text, 0)).min_by_key(|found| found.start)
    }

    /// All matches from left to right, none overlapping.
    pub fn find_all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut at = 0;
        // each group's next match, which holds until the search is past its start
        let mut next: Vec<_> = self.0.iter().map(|group| group.find(text, 0)).collect();
        std::iter::from_fn(move || {
            for (group, next) in self.0.iter().zip(&mut next) {
                if next.as_ref().is_some_and(|found| found.start < at) {
                    *next = group.find(text, at);
                }
            }
            let found = next.iter().flatten().min_by_key(|found| found.start)?.clone();
            // after an empty match the search goes on a character later
            let width = || text[found.end..].chars().next().map_or(1, char::len_utf8);
            at = found.end + if found.is_empty() { width() } else { 0 };
            Some(found)
        })
    }
}

impl Group {
    /// The leftmost match from a place on.
    fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let bare = find(&self.bare, text, from)?;
        match &self.whole {
            Some(whole) => find(whole, text, bare.start),
            None => Some(bare),
        }
    }
}

/// An expression that gives up, having gone back too often, has found nothing.
fn find(expression: &Regex, text: &str, from: usize) -> Option<Range<usize>> {
    if from > text.len() {
        return None;
    }
    expression.find_from_pos(text, from).ok().flatten().map(|found| found.range())
}

fn compile(expression: &str) -> Result<Regex, Error> {
    Regex::new(expression).map_err(|error| unusable(format!("its tokenizer has an odd expression: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(alternatives: &[(&str, Option<&str>)]) -> Expression {
        let owned: Vec<_> =
            alternatives.iter().map(|(bare, whole)| ((*bare).to_owned(), whole.map(ToOwned::to_owned))).collect();
        Expression::read(&owned).unwrap()
    }

    #[test]
    fn groups_match_as_one_expression_does() {
        let groups = [("a|bc", None), (r"b|\.|x*y", Some(r"b|(?<=c)\.|x*y(?=z)")), ("bd|c", None)];
        let (parted, one) = (expression(&groups), Regex::new(r"a|bc|b|(?<=c)\.|x*y(?=z)|bd|c").unwrap());
        for text in ["", "bca", "bd.c..", ".c.xxyxyz", "xyzxxyz", "bbbcc.b", "é.c.é"] {
            let want: Vec<_> = one.find_iter(text).map(|found| found.unwrap().range()).collect();
            assert_eq!(parted.find_all(text).collect::<Vec<_>>(), want, "{text}");
            assert_eq!(parted.find(text), want.first().cloned(), "{text}");
            assert_eq!(parted.is_match(text), !want.is_empty(), "{text}");
        }
    }

    #[test]
    fn an_expression_without_alternatives_matches_nothing() {
        assert_eq!(expression(&[]).find_all("abc").count(), 0);
        assert!(!expression(&[]).is_match(""));
    }

    #[test]
    fn what_matches_emptily_comes_to_an_end() {
        assert_eq!(expression(&[("x*", None)]).find_all("axé").collect::<Vec<_>>(), [0..0, 1..2, 2..2, 4..4]);
    }

    #[test]
    fn an_odd_expression_is_told_of() {
        let odd = [("(".to_owned(), None)];
        assert!(Expression::read(&odd).unwrap_err().to_string().contains("odd expression"));
    }
}
