//! Addresses: which site a URL belongs to, and the one form of it that copies of the same link share.

use url::{Host, Url};

/// Query parameters that say how a reader came, not what is read.
const TRACKING: [&str; 24] = [
    "at_medium",
    "at_campaign",
    "cmp",
    "cmpid",
    "dclid",
    "fbclid",
    "gclid",
    "gclsrc",
    "igshid",
    "mc_cid",
    "mc_eid",
    "msclkid",
    "ns_campaign",
    "ns_mchannel",
    "ocid",
    "partner",
    "ref_src",
    "smid",
    "spm",
    "srnd",
    "taid",
    "traffic_source",
    "twclid",
    "yclid",
];

/// Parses an absolute http or https URL with a host.
fn parse(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).map_err(|error| format!("url {text:?}: {error}; write it as https://host/path"))?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(host)) if !host.is_empty() => Ok(url),
        (scheme, _) => Err(format!("url {text:?}: scheme {scheme}; only http and https are polled")),
    }
}

/// The normal form of a feed's address: lower-case host, default port, fragment and credentials removed
/// (RFC 3986 §6.2.2 and §6.2.3).
pub fn normalise(text: &str) -> Result<String, String> {
    normal(text).map(String::from)
}

fn normal(text: &str) -> Result<Url, String> {
    let mut url = parse(text)?;
    url.set_fragment(None);
    // infallible for http and https URLs with a host, which `parse` made sure of
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

/// The canonical form of an article's address: normalised, without tracking parameters.
/// `None` where it is not an absolute http or https URL.
pub fn canonical(text: &str) -> Option<String> {
    let mut url = normal(text).ok()?;
    let tracks = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("utm_") || TRACKING.contains(&name.as_str())
    };
    if url.query_pairs().any(|(name, _)| tracks(&name)) {
        let kept: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| !tracks(name))
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
    Some(url.into())
}

/// What two links to the same article have in common: the canonical address without scheme, `www.` and a
/// final slash. For comparing only.
pub fn identity(canonical: &str) -> &str {
    let rest = canonical.split_once("://").map_or(canonical, |(_, rest)| rest);
    rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/')
}

/// The registrable domain of a URL's host by the Public Suffix List, such as `example.co.uk`; an IP address
/// or a host without one stands for itself.
pub fn domain(url: &str) -> Option<String> {
    let url = parse(url).ok()?;
    match url.host()? {
        Host::Domain(host) => {
            let host = host.trim_end_matches('.');
            Some(psl::domain_str(host).unwrap_or(host).to_owned())
        }
        address => Some(address.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_addresses() {
        for (from, to) in [
            ("HTTPS://News.Example.org:443/a?utm_source=x&id=3#top", Some("https://news.example.org/a?id=3")),
            ("http://example.org/a?traffic_source=KeepReading", Some("http://example.org/a")),
            ("https://example.org/a?", Some("https://example.org/a")),
            ("/news/2023", None),
            ("mailto:a@example.org", None),
        ] {
            assert_eq!(canonical(from).as_deref(), to, "{from}");
        }
        assert_eq!(identity("https://www.example.org/a/"), identity("http://example.org/a"));
    }

    #[test]
    fn registrable_domains() {
        for (url, domain_is) in [
            ("https://feeds.bbci.co.uk/news/rss.xml", Some("bbci.co.uk")),
            ("http://127.0.0.1:8899/x", Some("127.0.0.1")),
            ("http://localhost/", Some("localhost")),
            ("ftp://example.org/", None),
        ] {
            assert_eq!(domain(url).as_deref(), domain_is, "{url}");
        }
    }

    #[test]
    fn a_bad_feed_address_says_what_would_be_right() {
        assert!(normalise("example.org/feed").unwrap_err().contains("https://host/path"));
        assert!(normalise("file:///etc/passwd").unwrap_err().contains("only http and https"));
    }
}
