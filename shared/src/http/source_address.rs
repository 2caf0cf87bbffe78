//! Whose address a request really has (SE-09).

use std::net::IpAddr;

use ipnet::IpNet;

/// The rightmost hop outside the trusted proxies. Hops further left are whatever the client wrote.
pub fn source_address(peer: IpAddr, forwarded_for: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(&address.to_canonical()));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut source = peer;
    for hop in forwarded_for.iter().rev().flat_map(|value| value.rsplit(',')) {
        // A hop that is not an address was not written by a proxy that we trust.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        source = address;
        if !is_trusted(&address) {
            break;
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        source_address(peer.parse().unwrap(), forwarded, &trusted).to_string()
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
