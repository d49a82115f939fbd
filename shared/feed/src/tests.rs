//! Whole feeds.

use super::*;

#[test]
fn what_is_no_feed_says_so() {
    assert_eq!(parse(b"  ", &Hints::default()), Err(NotAFeed::Empty));
}
