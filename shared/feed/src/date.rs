//! Dates as publishers write them: RFC 3339, RFC 2822 and what is near to either.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use tidings_model::Timestamp;

/// Zones by name (RFC 2822 §4.3, and the European ones that feeds use), in minutes east of Greenwich.
const ZONES: [(&str, i32); 24] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("cest", 120),
    ("mest", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("ist", 330),
    ("jst", 540),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
];

/// Months by their first three letters.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads a date; without a zone it is taken as UTC, without a time as midnight. `None` where it can't be read.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (civil, minutes) = iso(text).or_else(|| rfc2822(text))?;
    let offset = Offset::from_seconds(minutes.checked_mul(60)?).ok()?;
    let at = offset.to_timestamp(civil).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// `2003-12-31T10:14:55.5-08:00` and its shorter forms (W3C date and time formats).
fn iso(text: &str) -> Option<(DateTime, i32)> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let mut parts = date.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let mut part = || parts.next().map_or(Some(1), |part| part.parse().ok());
    let date = Date::new(year, part()?, part()?).ok()?;
    let split = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(split);
    Some((date.to_datetime(time(clock)?), offset(zone.trim())?))
}

/// `Wed, 31 Dec 2003 10:14:55 GMT`, with the weekday, seconds, century or zone missing, or month before day.
fn rfc2822(text: &str) -> Option<(DateTime, i32)> {
    let words: Vec<&str> = text.split([' ', ',', '\t', '\n', '-']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| month(word).is_some())?;
    let number = |word: Option<&&str>| {
        word.and_then(|word| word.trim_end_matches(['.', 't', 'h', 's', 'n', 'd', 'r']).parse::<i16>().ok())
    };
    let before = at.checked_sub(1).and_then(|before| number(words.get(before)));
    let (day, next) = match before {
        Some(day) => (day, at + 1),
        None => (number(words.get(at + 1))?, at + 2),
    };
    // "Dec 31 10:14:55 2003": the year may stand behind the time
    let clock_first = words.get(next).is_some_and(|word| word.contains(':'));
    let (year, clock) =
        if clock_first { (number(words.get(next + 1))?, next) } else { (number(words.get(next))?, next + 1) };
    let year = match year {
        0..=49 => year + 2000,
        50..=99 => year + 1900,
        year => year,
    };
    let date = Date::new(year, month(words[at])?, i8::try_from(day).ok()?).ok()?;
    let zone = text.rsplit([' ', '\t']).next().filter(|zone| offset(zone).is_some()).unwrap_or("");
    let clock = words.get(clock).copied().filter(|word| word.contains(':')).unwrap_or("");
    Some((date.to_datetime(time(clock)?), offset(zone)?))
}

fn month(word: &str) -> Option<i8> {
    let start = word.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == start)?;
    word.chars().all(|c| c.is_ascii_alphabetic() || c == '.').then_some(at as i8 + 1)
}

/// `10:14:55.5`, `10:14`, or nothing; some write 24:00 for midnight.
fn time(text: &str) -> Option<Time> {
    if text.is_empty() {
        return Some(Time::midnight());
    }
    let mut parts = text.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute = parts.next().map_or(Some(0), |minute| minute.parse().ok())?;
    let second: f64 = parts.next().map_or(Some(0.0), |second| second.replace(',', ".").parse().ok())?;
    if !(0.0..=60.0).contains(&second) {
        return None;
    }
    // a leap second is the last of its minute here
    let millis = (second.min(59.999) * 1000.0) as i32;
    Time::new(hour % 24, minute, (millis / 1000) as i8, millis % 1000 * 1_000_000).ok()
}

/// Minutes east of Greenwich; nothing counts as UTC.
fn offset(zone: &str) -> Option<i32> {
    if zone.is_empty() {
        return Some(0);
    }
    if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| zone.eq_ignore_ascii_case(name)) {
        return Some(*minutes);
    }
    let zone = zone.trim_start_matches("GMT").trim_start_matches("UTC");
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let number: i32 = digits.parse().ok().filter(|_| digits.len() <= 4)?;
    let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_publishers_write_them() {
        for (text, at) in [
            ("2003-12-31T10:14:55Z", Some("2003-12-31T10:14:55.000Z")),
            ("2003-12-31T10:14:55.25-08:00", Some("2003-12-31T18:14:55.250Z")),
            ("2003-12-31 10:14:55 +0100", Some("2003-12-31T09:14:55.000Z")),
            ("2003-12-31T10:14", Some("2003-12-31T10:14:00.000Z")),
            ("2003-12", Some("2003-12-01T00:00:00.000Z")),
            ("2003", Some("2003-01-01T00:00:00.000Z")),
            ("Wed, 31 Dec 2003 10:14:55 GMT", Some("2003-12-31T10:14:55.000Z")),
            ("Thurs, 31 December 03 10:14 EST", Some("2003-12-31T15:14:00.000Z")),
            ("31 Dec 2003 10:14:55 -0000", Some("2003-12-31T10:14:55.000Z")),
            ("Dec 31, 2003 10:14:55 +02:00", Some("2003-12-31T08:14:55.000Z")),
            ("Wed Dec 31 10:14:55 PST 2003", None),
            ("Wed Dec 31 10:14:55 2003", Some("2003-12-31T10:14:55.000Z")),
            ("Wed, 31 Dec 2003 24:00:00 GMT", Some("2003-12-31T00:00:00.000Z")),
            ("31-Dec-2003", Some("2003-12-31T00:00:00.000Z")),
            ("Sat, 31 Dec 2016 23:59:60 GMT", Some("2016-12-31T23:59:59.999Z")),
            ("Wed, 31 Feb 2003 10:14:55 GMT", None),
            ("yesterday", None),
            ("", None),
            ("Mar", None),
            ("2003-12-31T10:14:55+99:00", None),
        ] {
            assert_eq!(read(text).map(|at| at.to_string()).as_deref(), at, "{text}");
        }
    }
}
