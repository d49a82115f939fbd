//! Bytes to text: which encoding a feed is really in.
//!
//! In this order, after measuring what publishers do: a byte order mark; UTF-16 and UTF-32 by their first
//! characters (XML 1.0 appendix F); valid UTF-8, whatever is declared; the HTTP charset (RFC 7303); the XML
//! declaration; a guess by the statistics of the bytes. Never fails: the worst case is windows-1252.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memmem;
use std::borrow::Cow;

/// Text, and what was odd about its encoding.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) repair: Option<&'static str>,
}

/// Decodes `bytes`, served with the HTTP header `content_type`.
pub(crate) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return Decoded { text, repair: None };
    }
    if let Some(text) = wide(bytes) {
        return Decoded { text, repair: Some("encoding undeclared") };
    }
    let declared = declaration(bytes);
    let served = content_type.and_then(charset);
    let labels = [served, declared];
    let seven_bit = labels.into_iter().flatten().any(|label| {
        // ASCII to look at, but its escape sequences mean other characters
        matches!(label.to_ascii_lowercase().as_str(), "iso-2022-jp" | "iso-2022-kr" | "hz-gb-2312")
    });
    if !seven_bit && let Ok(text) = std::str::from_utf8(bytes) {
        let lies = !bytes.is_ascii() && declared.is_some_and(|label| encoding(label) != Some(UTF_8));
        return Decoded { text: text.into(), repair: lies.then_some("encoding declared wrongly") };
    }
    for encoding in labels.into_iter().flatten().filter_map(encoding) {
        let (text, _, malformed) = encoding.decode(bytes);
        if !malformed {
            return Decoded { text, repair: None };
        }
    }
    Decoded { text: guess(bytes), repair: Some("encoding guessed") }
}

/// UTF-32 and UTF-16 without a byte order mark, by how `<` and the character after it look in them.
fn wide(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let utf32 = |read: fn([u8; 4]) -> u32| {
        let (units, _) = bytes.as_chunks::<4>();
        let chars = units.iter().filter_map(|unit| char::from_u32(read(*unit)));
        Cow::Owned(chars.filter(|&c| c != '\u{feff}').collect())
    };
    match bytes {
        [0, 0, 0, b'<', ..] | [0, 0, 0xfe, 0xff, ..] => Some(utf32(u32::from_be_bytes)),
        [b'<', 0, 0, 0, ..] => Some(utf32(u32::from_le_bytes)),
        [0, b'<', 0, ..] => Some(UTF_16BE.decode_without_bom_handling(bytes).0),
        [b'<', 0, _, 0, ..] => Some(UTF_16LE.decode_without_bom_handling(bytes).0),
        _ => None,
    }
}

/// Mostly UTF-8 with a few broken bytes stays UTF-8; else what the bytes look like.
fn guess(bytes: &[u8]) -> Cow<'_, str> {
    let lossy = String::from_utf8_lossy(bytes);
    let broken = memmem::find_iter(lossy.as_bytes(), "\u{fffd}").count();
    let beyond_ascii = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    if broken * 10 < beyond_ascii {
        return lossy;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let (text, _, malformed) = detector.guess(None, Utf8Detection::Deny).decode(bytes);
    if malformed { WINDOWS_1252.decode(bytes).0 } else { text }
}

/// An encoding by its label (WHATWG), and by what publishers write instead.
fn encoding(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase().replace('_', "-");
    match label.as_str() {
        "u16" | "utf16" | "ucs-2" | "iso-10646-ucs-2" => Some(UTF_16BE),
        "u8" | "u-8" => Some(UTF_8),
        label => Encoding::for_label(label.as_bytes()),
    }
}

/// The value of `encoding` in the XML declaration.
fn declaration(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(1024)];
    let head = &head[memmem::find(head, b"<?xml")?..];
    let head = &head[..memmem::find(head, b"?>").unwrap_or(head.len())];
    let rest = &head[memmem::find(head, b"encoding")? + "encoding".len()..];
    let open = rest.iter().position(|byte| matches!(byte, b'"' | b'\''))?;
    let value = &rest[open + 1..];
    let close = value.iter().position(|&byte| byte == rest[open])?;
    std::str::from_utf8(&value[..close]).ok()
}

/// The `charset` parameter of a media type.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let utf16: Vec<u8> = "<a>é</a>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let utf32: Vec<u8> = "<a>é</a>".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        let latin1 = b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>";
        let koi8 = b"<?xml version='1.0' encoding='koi8-r'?><a>\xcd\xc9\xd2</a>";
        for (what, bytes, content_type, ends) in [
            ("UTF-8 mark", &b"\xef\xbb\xbf<a>\xc3\xa9</a>"[..], None, "é</a>"),
            ("UTF-16 by looks", &utf16, None, "é</a>"),
            ("UTF-32 by looks", &utf32, None, "é</a>"),
            ("declared", latin1, None, "é</a>"),
            ("HTTP wins over the declaration", koi8, Some("text/xml; charset=windows-1251"), "НЙТ</a>"),
            ("declared, HTTP says nothing", koi8, Some("text/xml"), "мир</a>"),
            ("UTF-8 wins over a lie", b"<?xml encoding='iso-8859-1'?>\xc3\xa9", Some("x; charset=koi8-r"), "é"),
            ("an unknown label", b"<?xml encoding='x-none'?><a>caf\xe9 d'\xe9t\xe9</a>", None, "café d'été</a>"),
            (
                "one broken byte",
                "é".repeat(20).as_bytes().split_last().map(|(_, rest)| rest).unwrap(),
                None,
                "é\u{fffd}",
            ),
            ("escape sequences", b"\x1b$B$\"\x1b(B", Some("text/xml; charset=ISO-2022-JP"), "あ"),
        ] {
            let decoded = decode(bytes, content_type);
            assert!(decoded.text.ends_with(ends), "{what}: {}", decoded.text);
        }
    }
}
