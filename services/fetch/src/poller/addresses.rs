//! Which addresses are not the public internet (IANA's special-purpose registries, RFC 6890 and its updates).

use ipnet::{IpNet, Ipv6Net};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

const SPECIAL: [(&str, &str); 28] = [
    ("0.0.0.0/8", "an unspecified address"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "a carrier's private address"),
    ("127.0.0.0/8", "a loopback address"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "an address for protocols"),
    ("192.0.2.0/24", "an address for documentation"),
    ("192.88.99.0/24", "a relay address"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "an address for benchmarks"),
    ("198.51.100.0/24", "an address for documentation"),
    ("203.0.113.0/24", "an address for documentation"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "an unspecified address"),
    ("::1/128", "a loopback address"),
    ("64:ff9b:1::/48", "a private address"),
    ("100::/64", "a discard address"),
    ("2001::/32", "a tunnel address"),
    ("2001::/23", "an address for protocols"),
    ("2001:db8::/32", "an address for documentation"),
    ("3fff::/20", "an address for documentation"),
    ("5f00::/16", "an address for protocols"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a private address"),
    ("ff00::/8", "a multicast address"),
];

/// IPv6 prefixes that carry an IPv4 address, and the bit where it begins: mapped and compatible (RFC 4291 §2.5.5),
/// NAT64 (RFC 6052), 6to4 (RFC 3056). What they reach is what the IPv4 address reaches.
const CARRIERS: [(&str, u32); 4] = [("::ffff:0:0/96", 96), ("::/96", 96), ("64:ff9b::/96", 96), ("2002::/16", 16)];

static SPECIAL_NETS: LazyLock<Vec<(IpNet, &str)>> =
    LazyLock::new(|| SPECIAL.iter().map(|(net, what)| (net.parse().expect("a CIDR block"), *what)).collect());
static CARRIER_NETS: LazyLock<Vec<(Ipv6Net, u32)>> =
    LazyLock::new(|| CARRIERS.iter().map(|(net, bit)| (net.parse().expect("a CIDR block"), *bit)).collect());
/// The only block that IPv6 hosts on the internet have addresses in.
static GLOBAL_UNICAST: LazyLock<Ipv6Net> = LazyLock::new(|| "2000::/3".parse().expect("a CIDR block"));

/// What an address is, unless it is a public one.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    if let IpAddr::V6(v6) = address
        && let Some(v4) = carried(v6)
    {
        return special(v4.into());
    }
    let found = SPECIAL_NETS.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what);
    found.or(match address {
        IpAddr::V6(v6) if !GLOBAL_UNICAST.contains(&v6) => Some("a reserved address"),
        _ => None,
    })
}

/// The IPv4 address within an IPv6 one.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (_, bit) = CARRIER_NETS.iter().find(|(net, _)| net.contains(&address))?;
    let compatible_but_named = address.is_unspecified() || address.is_loopback();
    (!compatible_but_named).then(|| Ipv4Addr::from_bits((address.to_bits() >> (96 - bit)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_in_every_dress() {
        for (address, what) in [
            ("127.0.0.1", Some("loopback")),
            ("::1", Some("loopback")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::127.0.0.1", Some("loopback")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("2002:7f00:1::", Some("loopback")),
            ("2002:c0a8:101::1", Some("private")),
            ("64:ff9b::a00:1", Some("private")),
            ("64:ff9b:1::1", Some("private")),
            ("10.1.2.3", Some("private")),
            ("172.31.255.255", Some("private")),
            ("172.32.0.0", None),
            ("192.168.1.1", Some("private")),
            ("100.100.0.1", Some("carrier")),
            ("169.254.169.254", Some("link-local")),
            ("fe80::1", Some("link-local")),
            ("fd00::1", Some("private")),
            ("0.0.0.0", Some("unspecified")),
            ("::", Some("unspecified")),
            ("224.0.0.1", Some("multicast")),
            ("ff02::1", Some("multicast")),
            ("255.255.255.255", Some("reserved")),
            ("192.0.2.1", Some("documentation")),
            ("2001:db8::1", Some("documentation")),
            ("2001:0:1::1", Some("tunnel")),
            ("4000::1", Some("reserved")),
            ("1.1.1.1", None),
            ("::ffff:1.1.1.1", None),
            ("64:ff9b::101:101", None),
            ("2002:101:101::1", None),
            ("2606:4700::1111", None),
        ] {
            let found = special(address.parse().unwrap());
            assert_eq!(found.is_some(), what.is_some(), "{address}: {found:?}");
            assert!(found.is_none_or(|found| found.contains(what.unwrap())), "{address}: {found:?}");
        }
    }
}
