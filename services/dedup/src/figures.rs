//! The figures of a text, and whether another text tells the same news with others.
//!
//! Neighbouring words with digits are one figure, such as 6.1, 12,500 or 2-1. Years, and days beside their month, are
//! none: a story that goes on is told on another day, and most texts have dates that do not change.

use crate::{shingles::LEAD, sketch::fold, text::hash_word};
use std::sync::LazyLock;

/// The words of a text, of which the first `title` are its headline's.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub words: &'a [u32],
    pub title: usize,
    /// Whether it breaks off.
    pub cut: bool,
}

const MONTHS: &str = "january february march april may june july august september october november december jan feb mar \
    apr jun jul aug sep sept oct nov dec januar februar märz mai juni juli oktober dezember janvier février mars avril \
    juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre \
    octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro \
    fevereiro março maio junho julho setembro outubro novembro dezembro januari februari maart mei augustus января \
    февраля марта апреля мая июня июля августа сентября октября ноября декабря 月 年";

/// Hashes, sorted.
struct Dates {
    months: Vec<u32>,
    years: Vec<u32>,
}

static DATES: LazyLock<Dates> = LazyLock::new(|| {
    let sorted = |mut hashes: Vec<u32>| {
        hashes.sort_unstable();
        hashes
    };
    Dates {
        months: sorted(MONTHS.split_whitespace().map(hash_word).collect()),
        years: sorted((1900..2100).map(|year: u32| hash_word(&year.to_string())).collect()),
    }
});

/// One figure: where its first word is, its hash, and the hash of the words around it, if there are any.
struct Figure {
    place: usize,
    hash: u32,
    around: Option<u32>,
}

/// Whether `new` tells other figures than `old`: one of its headline that `old` lacks, where both headlines have figures;
/// one in the lead that the other text lacks, where that is so the other way round; or anywhere another one between the
/// same two words. A text that was merely cut or grew only lacks figures.
pub(crate) fn differ(new: Told<'_>, old: Told<'_>) -> bool {
    let (ours, theirs) = (figures(new.words), figures(old.words));
    let head = |figures: &'_ [Figure], end: usize| figures.partition_point(|figure| figure.place < end);
    let has = |figures: &[Figure], one: &Figure| figures.iter().any(|other| other.hash == one.hash);
    let heads = (&ours[..head(&ours, new.title)], &theirs[..head(&theirs, old.title)]);
    if !heads.0.is_empty() && !heads.1.is_empty() && heads.0.iter().any(|figure| !has(&theirs, figure)) {
        // where the old one breaks off, it may have gone on with that figure
        return !old.cut || heads.1.iter().any(|figure| !has(heads.0, figure));
    }
    let leads = (&ours[..head(&ours, new.title + LEAD)], &theirs[..head(&theirs, old.title + LEAD)]);
    let lacks = |figures: &[Figure], others: &[Figure]| figures.iter().any(|figure| !has(others, figure));
    if lacks(leads.0, &theirs) && lacks(leads.1, &ours) {
        return true;
    }
    let same = |a: &Figure, b: &Figure| a.hash == b.hash && a.around == b.around;
    let changed = |figure: &Figure, of: &[Figure], others: &[Figure]| {
        figure.around.is_some()
            && !others.iter().any(|other| same(figure, other))
            && others.iter().any(|other| other.around == figure.around && !of.iter().any(|one| same(one, other)))
    };
    ours.iter().any(|figure| changed(figure, &ours, &theirs))
}

/// All figures of a text.
fn figures(words: &[u32]) -> Vec<Figure> {
    let Dates { months, years } = &*DATES;
    let is_month = |place: usize| words.get(place).is_some_and(|word| months.binary_search(word).is_ok());
    let is_figure = |place: usize| {
        let dated = || is_month(place + 1) || is_month(place.wrapping_sub(1));
        words[place] & 1 == 1 && !dated() && years.binary_search(&words[place]).is_err()
    };
    let mut figures = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let length = (place..words.len()).take_while(|place| is_figure(*place)).count();
        if length > 0 {
            let around = place.checked_sub(1).and_then(|before| words.get(before).zip(words.get(place + length)));
            figures.push(Figure {
                place,
                hash: fold(&words[place..place + length]),
                around: around.map(|(before, after)| fold(&[*before, *after])),
            });
        }
        place += length + 1;
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_figures_are_told_from_cut_grown_and_dated_ones() {
        for (old, new, expected) in [
            ("quake kills 12 | magnitude 6 1 at 9 km", "quake kills 145 | magnitude 6 1 at 9 km", true),
            ("quake kills 12 | magnitude 6 1", "quake kills 12 | magnitude 6 1", false),
            ("quake kills 12 | of them", "quake kills 41 | of them and not 12 as before", true),
            ("quake kills 12 | of them", "quake kills 12 and hurts 300 | of them", true),
            ("quake kills 12 | of them …", "quake kills 12 and hurts 300 | of them", false),
            ("quake kills 12 | of them …", "quake kills 13 | of them", true),
            ("quake kills 12 and hurts 300 | of them", "quake kills 12 | of them", false),
            ("quake kills many | of them", "quake kills 12 | of them", false),
            ("| grew 1 2 percent in 2026", "| grew 1 9 percent in 2026", true),
            ("| on 24 november 2026 that 3 died", "| on 24 november 2026 that 41 died", true),
            ("| on 24 november 2026 that 3 died", "| on 25 november 2027 that 3 died", false),
            ("| on november 24 that 3 died", "| on november 26 that 3 died", false),
            ("| at 3 of 5 places", "| at 3 of", false),
            ("| at 3 of", "| at 3 of 5 places", false),
            ("| at least 6 people and a man aged 13", "| at least 13 people", true),
            ("| of 3 people and", "| of 3 people and of 5 people and", false),
            ("| lonsund beat harmark 2 1", "| lonsund beat harmark 3 1", true),
        ] {
            let read = |text: &str| {
                let words: Vec<u32> =
                    text.split_whitespace().filter(|word| !["|", "…"].contains(word)).map(hash_word).collect();
                (words, text.split('|').next().unwrap_or_default().split_whitespace().count(), text.contains('…'))
            };
            let ((words, title, cut), ours) = (read(old), read(new));
            let (old_told, new_told) =
                (Told { words: &words, title, cut }, Told { words: &ours.0, title: ours.1, cut: ours.2 });
            assert_eq!(differ(new_told, old_told), expected, "{old} → {new}");
        }
    }
}
