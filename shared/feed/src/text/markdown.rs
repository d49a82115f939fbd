//! Inline links of markdown (CommonMark 0.31 §6.3), as search engines leave them in their extracts.
//!
//! Only links and images are read, nothing else of markdown. What is not balanced is ordinary text. To keep news
//! prose safe, a destination must look like one: `[sic](he said)` is no link.

/// The longest anchor and the longest destination, in bytes: bounds the search for their ends.
const LONGEST: usize = 2_048;
/// How often, all in all, a text is read over in search of the ends of its brackets; then its rest is plain.
const EFFORT: usize = 16;
/// How deep links and images may nest in an anchor.
const DEEPEST: u8 = 3;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Link { anchor: &'a str, url: &'a str },
}

/// Splits a text into plain pieces and links, in order.
pub(super) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut plain, mut at) = (0, 0);
    let mut effort = source.len().saturating_mul(EFFORT).max(LONGEST);
    while let Some(found) = memchr::memchr(b'[', &source.as_bytes()[at..]).map(|found| at + found) {
        at = found + 1;
        if escaped(source, found) {
            continue;
        }
        let rest = &source[found..];
        let close = closing(rest);
        let Some(left) = effort.checked_sub(close.unwrap_or(rest.len().min(LONGEST))) else { break };
        effort = left;
        if let Some((anchor, url, end)) = close.and_then(|close| link(rest, close)) {
            let image = source[..found].ends_with('!');
            pieces.push(Piece::Text(&source[plain..found - usize::from(image)]));
            pieces.push(if image { Piece::Text(anchor) } else { Piece::Link { anchor, url } });
            at = found + end;
            plain = at;
        }
    }
    pieces.push(Piece::Text(&source[plain..]));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// An anchor as readers see it: links and images in it reduced to theirs, escapes resolved.
pub(super) fn anchor_text(anchor: &str) -> String {
    fn flatten(anchor: &str, depth: u8, out: &mut String) {
        for piece in pieces(anchor) {
            match piece {
                Piece::Link { anchor, .. } if depth < DEEPEST => flatten(anchor, depth + 1, out),
                Piece::Link { anchor: text, .. } | Piece::Text(text) => unescape(text, out),
            }
        }
    }
    let mut out = String::with_capacity(anchor.len());
    flatten(anchor, 0, &mut out);
    out
}

/// Whether an odd number of backslashes stands before `at`.
fn escaped(source: &str, at: usize) -> bool {
    source.as_bytes()[..at].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

fn unescape(text: &str, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('[' | ']' | '(' | ')' | '\\')) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
}

/// `[anchor](destination "title")` at the start of `source`, whose anchor closes at `close`: the anchor, the
/// destination, where it ends.
fn link(source: &str, close: usize) -> Option<(&str, &str, usize)> {
    let rest = &source[close + 1..];
    if !rest.starts_with('(') {
        return None;
    }
    let inner = rest[1..].trim_start();
    let start = rest.len() - inner.len();
    let (url, after) = if let Some(quoted) = inner.strip_prefix('<') {
        let end = quoted.bytes().take(LONGEST).position(|byte| matches!(byte, b'>' | b'<' | b'\n'))?;
        (&quoted[..end], start + 1 + end + 1)
    } else {
        let end = bare_destination(inner)?;
        (&inner[..end], start + end)
    };
    let tail = rest.get(after..)?;
    let end = after + title(tail)?;
    let anchor = &source[1..close];
    (!anchor.trim().is_empty() && is_destination(url)).then_some((anchor, url, close + 1 + end))
}

/// Where the bracket that opens `source` closes, brackets within it in balance; looked for no further than `LONGEST`.
fn closing(source: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut escape = false;
    for (at, byte) in source.bytes().enumerate().take(LONGEST) {
        match byte {
            _ if escape => escape = false,
            b'\\' => escape = true,
            b'[' => depth += 1,
            b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The length of a destination without angle brackets: no white space, parentheses in balance.
fn bare_destination(source: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, byte) in source.bytes().enumerate().take(LONGEST) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(at),
            b')' => depth -= 1,
            byte if byte.is_ascii_whitespace() => return Some(at),
            _ => {}
        }
    }
    None
}

/// The length of an optional title and the closing parenthesis.
fn title(source: &str) -> Option<usize> {
    let trimmed = source.trim_start();
    let start = source.len() - trimmed.len();
    let quote = match trimmed.as_bytes().first()? {
        b')' => return Some(start + 1),
        quote @ (b'"' | b'\'') if start > 0 => *quote,
        _ => return None,
    };
    let end = trimmed.bytes().take(LONGEST).skip(1).position(|byte| byte == quote)? + 2;
    let rest = trimmed[end..].trim_start();
    rest.starts_with(')').then(|| source.len() - rest.len() + 1)
}

/// Whether this looks like an address rather than a remark in parentheses.
fn is_destination(url: &str) -> bool {
    !url.is_empty()
        && !url.contains(char::is_whitespace)
        && (url.contains('/') || url.contains('.') || url.starts_with(['#', '?']) || url.starts_with("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_what_is_none() {
        for (source, text, urls) in [
            ("see [the plan](https://e.org/a) today", "see the plan today", vec!["https://e.org/a"]),
            ("[a](/a)[b](b/c \"its title\")[c](<d e/f>)", "ab[c](<d e/f>)", vec!["/a", "b/c"]),
            ("[a [b] c](https://e.org/x_(y))", "a [b] c", vec!["https://e.org/x_(y)"]),
            ("[![alt](i.png)](https://e.org/)", "alt", vec!["https://e.org/"]),
            ("![a boat](boat.png) at sea", "a boat at sea", vec![]),
            ("[“quoted”](</a>) \\[not\\](/a)", "“quoted” \\[not\\](/a)", vec!["/a"]),
            ("to isolate one [Russia],” he said", "to isolate one [Russia],” he said", vec![]),
            ("[open [never](closed", "[open [never](closed", vec![]),
            ("[outer [a](/b)", "[outer a", vec!["/b"]),
            ("[sic](he said) [x](sic) []( /a)", "[sic](he said) [x](sic) []( /a)", vec![]),
            ("[é](/é \"ü\") [日本](//e.org/日本)", "é 日本", vec!["/é", "//e.org/日本"]),
        ] {
            let mut found = Vec::new();
            let flat: String = pieces(source)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Link { anchor, url } => {
                        found.push(url);
                        anchor_text(anchor)
                    }
                })
                .collect();
            assert_eq!((flat.as_str(), found), (text, urls), "{source}");
        }
    }
}
