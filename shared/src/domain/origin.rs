//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::browser::BrowserSecret;

/// The most bytes of a user agent that are kept.
const MAX_USER_AGENT: usize = 256;

/// The client's address as the host vouches for it (SE-09), and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address; `None` only where the host did not report one.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut at 256 bytes.
    pub user_agent: Option<String>,
    /// What only the browser has that sends a page's form; `None` for programs and for what another site has it send.
    pub browser: Option<BrowserSecret>,
}

impl Origin {
    /// Puts an origin together, cutting the user agent to what is kept.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.filter(|agent| !agent.is_empty()).map(|agent| {
            let end = agent.floor_char_boundary(MAX_USER_AGENT);
            agent.get(..end).unwrap_or_default().to_owned()
        });
        Self { address: address.map(|address| address.to_canonical()), user_agent, browser: None }
    }

    /// The same, in this browser.
    #[must_use]
    pub fn in_browser(self, browser: Option<BrowserSecret>) -> Self {
        Self { browser, ..self }
    }

    /// What a mail counts against, and where limits begin: the IPv4 address, or the /64 of an IPv6 address, since one
    /// host has a whole /64. Requests without an address share one counter.
    pub fn source(&self) -> String {
        match self.address {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => network(address, 64),
            None => "unknown".to_owned(),
        }
    }

    /// Every network that a limit counts for a request (EN-02), and how often the limit each of them has. A customer may
    /// hold a /56 or a /48 and so many /64s, and still is one.
    pub fn sources(&self) -> Vec<Source> {
        let wider = match self.address {
            Some(IpAddr::V6(address)) => vec![(network(address, 56), 4), (network(address, 48), 16)],
            _ => Vec::new(),
        };
        let networks = std::iter::once((self.source(), 1)).chain(wider);
        networks.map(|(network, share)| Source { network, share }).collect()
    }

    /// Who a limit for a pair of address and source takes for one: the IPv4 address, or the /56 of an IPv6 address.
    pub fn pair_source(&self) -> String {
        match self.address {
            Some(IpAddr::V6(address)) => network(address, 56),
            _ => self.source(),
        }
    }
}

/// A network that limits count for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The IPv4 address, or the IPv6 prefix with its length.
    pub network: String,
    /// How many times the limit holds for it.
    pub share: u32,
}

fn network(address: Ipv6Addr, length: u32) -> String {
    let mask = u128::MAX << (128 - length);
    format!("{}/{length}", Ipv6Addr::from_bits(address.to_bits() & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> String {
        Origin::new(address.parse().ok(), None).source()
    }

    #[test]
    fn sec_en_02_a_source_is_an_ipv4_address_or_an_ipv6_64() {
        assert_eq!(source("192.0.2.7"), "192.0.2.7");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(source("2001:db8:1:2:ffff::1"), source("2001:db8:1:2::9"));
        assert_ne!(source("2001:db8:1:3::1"), source("2001:db8:1:2::1"));
    }

    #[test]
    fn sec_en_02_a_customer_with_many_ipv6_64s_is_still_one() {
        let networks = |address: &str| {
            let sources = Origin::new(address.parse().ok(), None).sources();
            sources.into_iter().map(|source| (source.network, source.share)).collect::<Vec<_>>()
        };
        let expected = [("2001:db8:1:2ff::/64", 1), ("2001:db8:1:200::/56", 4), ("2001:db8:1::/48", 16)];
        assert_eq!(networks("2001:db8:1:2ff::9"), expected.map(|(network, share)| (network.to_owned(), share)));
        assert_eq!(networks("192.0.2.7"), [("192.0.2.7".to_owned(), 1)]);
        let pair = |address: &str| Origin::new(address.parse().ok(), None).pair_source();
        assert_eq!(pair("2001:db8:1:2ff::9"), pair("2001:db8:1:201::1"));
        assert_ne!(pair("2001:db8:1:2ff::9"), pair("2001:db8:1:301::1"));
        assert_eq!(pair("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn sec_en_02_an_ipv4_address_has_no_second_counter_as_ipv6() {
        assert_eq!(source("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn a_long_user_agent_is_cut_at_a_character() {
        let agent = Origin::new(None, Some(&"ü".repeat(200))).user_agent;
        assert_eq!(agent.map(|a| a.len()), Some(256));
    }
}
