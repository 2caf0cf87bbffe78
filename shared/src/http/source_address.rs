//! Whose address a request really has (SE-09).

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use ipnet::IpNet;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its address, an IPv4 one as such.
    pub address: IpAddr,
    /// Whether a trusted proxy wrote a hop that is no address. The address is then that proxy's, which all of its
    /// clients share: somebody has to hear of it.
    pub is_hidden: bool,
}

/// The rightmost hop outside the trusted proxies. Hops further left are whatever the client wrote. Empty hops are none
/// (RFC 9110 5.6.1). `Forwarded` (RFC 7239) is not read: of two headers a client could write the one that its proxy does
/// not.
pub fn source_address(peer: IpAddr, forwarded_for: &[&[u8]], trusted: &[IpNet]) -> Source {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut address = peer.to_canonical();
    let hops = forwarded_for.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    for hop in hops.filter(|hop| !hop.trim_ascii().is_empty()) {
        if !is_trusted(&address) {
            break;
        }
        match std::str::from_utf8(hop).ok().and_then(parse) {
            Some(hop) => address = hop,
            None => return Source { address, is_hidden: true },
        }
    }
    Source { address, is_hidden: false }
}

/// An address as proxies write it: bare, with a port, in brackets, in quotes.
pub fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok();
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return None;
        }
        IpAddr::V6(address.parse().ok()?)
    } else if let Ok(address) = text.parse::<IpAddr>() {
        address
    } else {
        let address: Ipv4Addr = *text.parse::<SocketAddrV4>().ok()?.ip();
        IpAddr::V4(address)
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(peer: &str, forwarded: &[&str]) -> (String, bool) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        let source = source_address(peer.parse().unwrap(), &forwarded, &trusted);
        (source.address.to_string(), source.is_hidden)
    }

    #[test]
    fn sec_se_09_clients_behind_a_proxy_that_adds_ports_do_not_share_a_source() {
        for (hop, expected) in [
            ("192.0.2.7:5678", "192.0.2.7"),
            ("[2001:db8::7]:5678", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("\"[2001:db8::7]:5678\"", "2001:db8::7"),
            ("\"192.0.2.7\"", "192.0.2.7"),
            (" \t192.0.2.7 ", "192.0.2.7"),
            ("192.0.2.7, ", "192.0.2.7"),
            ("192.0.2.7,,10.0.0.2:443,", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("203.0.113.1, 192.0.2.7:1, [fd00::1]:2", "192.0.2.7"),
            ("garbage, 192.0.2.7:1", "192.0.2.7"),
        ] {
            assert_eq!(judged("10.0.0.1", &[hop]), (expected.to_owned(), false), "{hop}");
        }
        assert_eq!(judged("10.0.0.1", &["192.0.2.7:1", "", "10.0.0.3:2"]), ("192.0.2.7".to_owned(), false));
    }

    #[test]
    fn sec_se_09_a_hop_that_is_no_address_is_not_passed_over_in_silence() {
        for hop in [
            "unknown",
            "_hidden",
            "192.0.2.7:",
            "192.0.2.7:x",
            "192.0.2.7:99999",
            "192.0.2.7:+1",
            "[192.0.2.7]:1",
            "[2001:db8::7",
            "[2001:db8::7]x",
            "2001:db8::7%eth0",
            "192.0.2.007",
            "\"192.0.2.7",
            "proxy.example",
            "\u{fc}",
        ] {
            let left = format!("192.0.2.9, {hop}, 10.0.0.2:443");
            assert_eq!(judged("10.0.0.1", &[&left]), ("10.0.0.2".to_owned(), true), "{hop}");
        }
    }

    fn source(peer: &str, forwarded: &[&str]) -> String {
        judged(peer, forwarded).0
    }

    #[test]
    fn sec_se_09_a_clients_own_header_is_never_trusted() {
        assert_eq!(source("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(source("10.0.0.1", &["203.0.113.9, 192.0.2.7"]), "192.0.2.7");
    }

    #[test]
    fn sec_se_09_the_rightmost_hop_outside_the_proxies_counts() {
        assert_eq!(source("10.0.0.1", &["192.0.2.7, 10.9.9.9", "fd00::1"]), "192.0.2.7");
        assert_eq!(source("::ffff:10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(source("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(source("10.0.0.1", &["192.0.2.7, nonsense, 10.0.0.2"]), "10.0.0.2");
    }
}
