//! One table per rule: the text, and the names that it must give.

use super::*;
use crate::token::tokens;
use proptest::prelude::*;
use tidings_model::EntityType;

fn names(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let spans = CapitalisedNames::english().recognise(text, &tokens(text));
    let shown = spans.iter().map(|span| {
        let kind = match span.kind {
            EntityType::Person => "per",
            EntityType::Organisation => "org",
            EntityType::Place => "loc",
            _ => "etc",
        };
        format!("{}/{kind}", chars[span.start..span.end].iter().collect::<String>())
    });
    shown.collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, want) in cases {
        // Running text: a text of few words might be a headline.
        assert_eq!(names(&format!("{text} while nobody else noticed anything")), *want, "{text}");
    }
}

#[test]
fn a_word_at_the_start_of_a_sentence_alone_is_no_name() {
    check(&[
        ("Visitors came. Shingle lay on the road.", ""),
        ("Analysts said prices rose.", ""),
        ("Yesterday Mira Kell spoke.", "Mira Kell/per"),
        ("Tugs pulled. Later the tugs left with Tugs Benn.", "Tugs Benn/per"),
        ("Given Orla’s strength", "Orla/etc"),
    ]);
}

#[test]
fn headlines_in_title_case_and_in_capitals_say_nothing() {
    for text in ["Storm Hedda Cuts Power to 12,000 Homes", "KELL OFFERS ARBITRATION AS WALKOUT LOOMS"] {
        assert_eq!(names(text), "", "{text}");
    }
}

#[test]
fn small_words_hyphens_and_initials_belong_to_names() {
    check(&[
        ("that Jonas Thorup-Lind said", "Jonas Thorup-Lind/per"),
        ("with Anneke van der Berg today", "Anneke van der Berg/per"),
        ("with Tarek al-Hadi today", "Tarek al-Hadi/per"),
        ("that Tarek bin Hadi said", "Tarek bin Hadi/per"),
        ("met Park Jae-won and left", "Park Jae-won/per"),
        ("the Velmont-backed plan", "Velmont/etc"),
        ("that Edda J. Maring said", "Edda J. Maring/per"),
        ("the firm Benn & Orlo paid", "Benn & Orlo/org"),
        ("that Orla O’Dell said", "Orla O’Dell/per"),
    ]);
}

#[test]
fn possessives_are_no_part_of_a_name() {
    check(&[("for Mira Kell’s plan", "Mira Kell/per"), ("by St Alder's Hospital today", "St Alder's Hospital/org")]);
}

#[test]
fn titles_point_at_persons_and_are_no_part_of_them() {
    check(&[
        ("when President Orla Benn came", "Orla Benn/per"),
        ("when Deputy Foreign Minister Benn came", "Benn/per"),
        ("Mr Zorianskyy, the mediator", "Zorianskyy/per"),
        ("Dr. Benn left", "Benn/per"),
        ("by harbour master Oskamp at noon", "Oskamp/per"),
        ("the Prime Minister left", ""),
        ("when the US Secretary of State Orla Benn left", "US/org | Orla Benn/per"),
    ]);
}

#[test]
fn words_of_organisations_places_and_events_tell_them() {
    check(&[
        ("by the University of New South Wales in", "University of New South Wales/org"),
        ("the National Bank of Noravia lifted", "National Bank of Noravia/org"),
        ("the Department for Work and Pensions paid", "Department for Work and Pensions/org"),
        ("shares of Brennick Fuels rose", "Brennick Fuels/org"),
        ("Osprey Lines said so", "Osprey Lines/org"),
        ("the NWA wrote", "NWA/org"),
        ("at the Port of Arden on", "Port of Arden/loc"),
        ("along the Kasimir Strait to", "Kasimir Strait/loc"),
        ("east of Mill Street to", "Mill Street/loc"),
        ("after Storm Hedda took", "Storm Hedda/etc"),
    ]);
}

#[test]
fn the_words_around_a_name_tell_what_it_is() {
    check(&[
        ("he lives in Velmont now", "Velmont/loc"),
        ("in the town of Sael today", "Sael/loc"),
        ("it is late, says Tsang.", "Tsang/per"),
        ("day,\" Lilya, who lives here, told me", "Lilya/per"),
        ("a man, Benn, 45, died", "Benn/per"),
        ("Zoryansky told reporters", "Zoryansky/per"),
        ("talk of Hedda again", "Hedda/etc"),
    ]);
}

#[test]
fn datelines_are_places_and_their_agency_is_not_news() {
    check(&[
        ("VELMONT (NWA) - A deal is near", "VELMONT/loc"),
        ("TORSAY — The boats of the island are back", "TORSAY/loc"),
    ]);
}

#[test]
fn days_and_months_end_a_name() {
    check(&[("saw Orla Benn Tuesday with Theresa May in May", "Orla Benn/per | Theresa May/per")]);
}

proptest! {
    #[test]
    fn spans_are_in_order_and_within_the_text(text in "\\PC{0,80}|([A-Z]?[a-z’'é]{0,6}[ .,\\-\n]{0,2}){0,20}") {
        let mut end = 0;
        for span in CapitalisedNames::english().recognise(&text, &tokens(&text)) {
            prop_assert!(span.start >= end && span.start < span.end);
            prop_assert!((0.0..=1.0).contains(&span.confidence));
            end = span.end;
        }
        prop_assert!(end <= text.chars().count());
    }
}
