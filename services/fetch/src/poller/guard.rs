//! No request reaches an address outside the public internet unless the configuration allows it (SSRF).
//!
//! Addresses written in a URL are checked before each hop, for no resolver sees them; names are checked where they
//! are resolved, so that what was checked is what is connected to (no rebinding). There is no proxy: a proxy would
//! resolve names itself.

use super::addresses::special;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};
use url::{Host, Url};

/// An entry of `fetch.allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// A CIDR block, or one address.
    Net(IpNet),
    /// A host as URLs name it, on any port or on one.
    Host {
        /// Name or address.
        host: Host,
        /// Any where absent.
        port: Option<u16>,
    },
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mend = || "write a host, host:port, an address or a CIDR block such as 10.0.0.0/8".to_owned();
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Self::Net(net));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().map_err(|_| mend())?)),
            _ => (text, None),
        };
        Ok(Self::Host { host: Host::parse(host).map_err(|_| mend())?, port })
    }
}

/// Decides which hops may be made.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    allow: Arc<[Allow]>,
}

/// How a hop is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    /// Its name must resolve to permitted addresses.
    Guarded,
    /// The configuration names this very host, or the block of its address.
    Allowed,
}

/// Why a hop is refused, for the person who runs this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Forbidden(pub String);

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("host {0} not found")]
pub(super) struct NotFound(String);

impl Guard {
    /// Entries that do not parse allow nothing; the configuration's `problems` tell of them.
    pub fn new(allow: &[String]) -> Self {
        Self { allow: allow.iter().filter_map(|entry| entry.parse().ok()).collect() }
    }

    /// Checks all that can be known of a hop before its name is resolved.
    pub fn check(&self, url: &Url) -> Result<Hop, Forbidden> {
        let host = match (url.scheme(), url.host()) {
            ("http" | "https", Some(host)) => host.to_owned(),
            (scheme, _) => return Err(Forbidden(format!("{scheme} is not polled; only http and https are"))),
        };
        if self.names(&host, url.port_or_known_default()) {
            return Ok(Hop::Allowed);
        }
        let address: IpAddr = match host {
            Host::Domain(_) => return Ok(Hop::Guarded),
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
        };
        match self.refused(address) {
            Some(what) => Err(Forbidden(format!("{address} is {what}; allow it with fetch.allow"))),
            None if special(address).is_some() => Ok(Hop::Allowed),
            None => Ok(Hop::Guarded),
        }
    }

    fn names(&self, host: &Host, port: Option<u16>) -> bool {
        self.allow.iter().any(|entry| match entry {
            Allow::Net(_) => false,
            Allow::Host { host: named, port: any } => named == host && (any.is_none() || *any == port),
        })
    }

    fn refused(&self, address: IpAddr) -> Option<&'static str> {
        let allowed = self.allow.iter().any(|entry| matches!(entry, Allow::Net(net) if net.contains(&address)));
        if allowed { None } else { special(address) }
    }
}

/// Resolves names, and drops addresses that are not permitted.
pub(super) struct Guarded {
    pub guard: Guard,
    /// Who knows the addresses.
    pub names: Arc<dyn Resolve>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, asked) = (self.guard.clone(), name.as_str().to_owned());
        let found = self.names.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| guard.refused(address.ip()).is_none()).collect();
            let refused = found.first().and_then(|first| Some((first.ip(), guard.refused(first.ip())?)));
            match (permitted.is_empty(), refused) {
                (true, Some((address, what))) => {
                    let why = format!("{asked} resolves to {address}, {what}; allow it with fetch.allow");
                    Err(Forbidden(why).into())
                }
                (true, None) => Err(NotFound(asked).into()),
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// The system's resolver.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found =
                tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NotFound(name.as_str().to_owned()))?;
            let found: Vec<SocketAddr> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops() {
        let allow = ["127.0.0.1:8899", "10.0.0.0/8", "intranet.example", "[::1]:80", "192.168.0.7"].map(str::to_owned);
        let guard = Guard::new(&allow);
        for (url, verdict) in [
            ("https://example.org/feed", Ok(Hop::Guarded)),
            ("http://1.1.1.1/", Ok(Hop::Guarded)),
            ("http://127.0.0.1:8899/", Ok(Hop::Allowed)),
            ("http://2130706433:8899/", Ok(Hop::Allowed)),
            ("http://127.0.0.1/", Err("127.0.0.1 is a loopback address; allow it with fetch.allow")),
            ("http://2130706433/", Err("127.0.0.1 is a loopback")),
            ("http://0x7f.1/", Err("127.0.0.1 is a loopback")),
            ("http://[::ffff:127.0.0.1]:8899/", Err("::ffff:127.0.0.1 is a loopback")),
            ("http://[::1]/", Ok(Hop::Allowed)),
            ("http://[::1]:81/", Err("::1 is a loopback")),
            ("http://10.9.8.7/", Ok(Hop::Allowed)),
            ("http://192.168.0.7:81/", Ok(Hop::Allowed)),
            ("http://192.168.0.8/", Err("192.168.0.8 is a private")),
            ("http://intranet.example:81/", Ok(Hop::Allowed)),
            ("ftp://example.org/", Err("ftp is not polled")),
            ("file:///etc/passwd", Err("file is not polled")),
        ] {
            match (guard.check(&Url::parse(url).unwrap()), verdict) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{url}"),
                (Err(Forbidden(why)), Err(expected)) => assert!(why.starts_with(expected), "{url}: {why}"),
                (found, expected) => panic!("{url}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn odd_allowances_are_refused() {
        for text in ["", "10.0.0.0/33", "http://x/", "a b", "host:99999", "host:"] {
            assert!(text.parse::<Allow>().is_err(), "{text:?}");
        }
    }
}
