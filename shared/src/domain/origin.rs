//! Where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

/// The most bytes of a user agent that are kept.
const MAX_USER_AGENT: usize = 256;

/// The client's address as the host vouches for it (SE-09), and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address; `None` only where the host did not report one.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut at 256 bytes.
    pub user_agent: Option<String>,
}

impl Origin {
    /// Puts an origin together, cutting the user agent to what is kept.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.filter(|agent| !agent.is_empty()).map(|agent| {
            let end = agent.floor_char_boundary(MAX_USER_AGENT);
            agent.get(..end).unwrap_or_default().to_owned()
        });
        Self { address: address.map(|address| address.to_canonical()), user_agent }
    }

    /// What limits count by (EN-02): the IPv4 address, or the /64 of an IPv6 address, since one customer has a whole
    /// /64. Requests without an address share one counter.
    pub fn source(&self) -> String {
        match self.address {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            None => "unknown".to_owned(),
        }
    }
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
    fn sec_en_02_an_ipv4_address_has_no_second_counter_as_ipv6() {
        assert_eq!(source("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn a_long_user_agent_is_cut_at_a_character() {
        let agent = Origin::new(None, Some(&"ü".repeat(200))).user_agent;
        assert_eq!(agent.map(|a| a.len()), Some(256));
    }
}
