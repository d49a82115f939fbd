//! Which vocabulary an element's name belongs to, by its namespace or by what its prefix usually means.

/// A vocabulary that feeds use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// RSS 0.9x, 1.0, 1.1 and 2.0.
    Rss,
    /// Atom 0.3 and 1.0.
    Atom,
    Content,
    DublinCore,
    DublinCoreTerms,
    Media,
    Itunes,
    Rdf,
    Xhtml,
    /// RSS 1.0's update periods.
    Syndication,
    /// RFC 6721.
    Tombstone,
    /// sitemaps.org.
    Sitemap,
    /// Google's news sitemaps.
    News,
    /// Not of interest; its elements are dropped with all that is in them.
    Other,
}

use Vocabulary::{
    Atom, Content, DublinCore, DublinCoreTerms, Itunes, Media, News, Other, Rdf, Rss, Sitemap, Syndication, Tombstone,
    Xhtml,
};

/// Namespaces in the wild, lower-case, without scheme and final `/` or `#`.
const NAMESPACES: [(&str, Vocabulary); 38] = [
    ("", Rss),
    ("api.twitter.com/mrss", Media),
    ("backend.userland.com/blogchannelmodule/rss", Rss),
    ("backend.userland.com/rss", Rss),
    ("backend.userland.com/rss2", Rss),
    ("blogs.law.harvard.edu/tech/rss", Rss),
    ("channel.netscape.com/rdf/simple/0.9", Rss),
    ("cyber.law.harvard.edu/rss", Rss),
    ("example.com/necho", Atom),
    ("example.com/newformat", Atom),
    ("hacks.benhammersley.com/rss/streaming", Rss),
    ("my.netscape.com/publish/formats/rss-0.91.dtd", Rss),
    ("my.netscape.com/rdf/simple/0.9", Rss),
    ("purl.org/atom/ns", Atom),
    ("purl.org/atompub/tombstones/1.0", Tombstone),
    ("purl.org/dc/elements/1.0", DublinCore),
    ("purl.org/dc/elements/1.1", DublinCore),
    ("purl.org/dc/terms", DublinCoreTerms),
    ("purl.org/echo", Atom),
    ("purl.org/metadata/dublin_core", DublinCore),
    ("purl.org/net/rss1.1", Rss),
    ("purl.org/pie", Atom),
    ("purl.org/rss/1.0", Rss),
    ("purl.org/rss/1.0/modules/content", Content),
    ("purl.org/rss/1.0/modules/syndication", Syndication),
    ("search.yahoo.com/mrss", Media),
    ("tools.search.yahoo.com/mrss", Media),
    ("uri/of/echo/namespace", Atom),
    ("video.search.yahoo.com/mrss", Media),
    ("www.google.com/schemas/sitemap-news/0.9", News),
    ("www.google.com/schemas/sitemap/0.84", Sitemap),
    ("www.google.com/schemas/sitemap/0.9", Sitemap),
    ("www.itunes.com/dtds/podcast-1.0.dtd", Itunes),
    ("www.rssboard.org/rss-specification", Rss),
    ("www.sitemaps.org/schemas/sitemap/0.9", Sitemap),
    ("www.w3.org/1999/02/22-rdf-syntax-ns", Rdf),
    ("www.w3.org/1999/xhtml", Xhtml),
    ("www.w3.org/2005/atom", Atom),
];

/// What prefixes mean where they are not declared.
const PREFIXES: [(&str, Vocabulary); 14] = [
    ("a10", Atom),
    ("at", Tombstone),
    ("atom", Atom),
    ("atom10", Atom),
    ("content", Content),
    ("dc", DublinCore),
    ("dcterms", DublinCoreTerms),
    ("itunes", Itunes),
    ("media", Media),
    ("news", News),
    ("rdf", Rdf),
    ("rss", Rss),
    ("sy", Syndication),
    ("xhtml", Xhtml),
];

impl Vocabulary {
    /// By the namespace's name.
    pub(super) fn of(namespace: &str) -> Self {
        let name = namespace.trim().to_ascii_lowercase();
        let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(&name);
        let name = name.trim_end_matches(['/', '#']);
        if name.starts_with("www.itunes.com/dtds/podcast") || name.starts_with("example.com/dtds/podcast") {
            return Itunes;
        }
        NAMESPACES.iter().find(|(known, _)| *known == name).map_or(Other, |(_, vocabulary)| *vocabulary)
    }

    /// By an undeclared prefix.
    pub(super) fn of_prefix(prefix: &str) -> Self {
        let prefix = prefix.to_ascii_lowercase();
        PREFIXES.iter().find(|(known, _)| *known == prefix).map_or(Other, |(_, vocabulary)| *vocabulary)
    }

    /// The prefix that is written, as [`DECLARATIONS`] declares it; none for what the library has no use for.
    pub(super) fn prefix(self) -> Option<&'static str> {
        match self {
            Rss => Some(""),
            Atom => Some("atom:"),
            Content => Some("content:"),
            DublinCore => Some("dc:"),
            Media => Some("media:"),
            Itunes => Some("itunes:"),
            DublinCoreTerms | Rdf | Xhtml | Syndication | Tombstone | Sitemap | News | Other => None,
        }
    }
}

/// What every repaired feed declares at its root.
pub(super) const DECLARATIONS: &str = concat!(
    " xmlns:atom=\"http://www.w3.org/2005/Atom\"",
    " xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"",
    " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
    " xmlns:media=\"http://search.yahoo.com/mrss/\"",
    " xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\""
);
