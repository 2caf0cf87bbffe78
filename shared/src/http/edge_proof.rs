//! Whether a request came through the edge (ED-01), and whose address it has then (ED-02).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, StatusCode};
use ring::digest::{SHA256, digest};
use subtle::{Choice, ConstantTimeEq as _};

use crate::config::EdgeDigest;
use crate::http::problem::Problem;
use crate::http::source_address;

/// What the edge shows to its origin. Its value is a secret: it is in no log line, metric or problem.
const SECRET: HeaderName = HeaderName::from_static("x-wardgate-edge");
/// The viewer's address, as the edge knows it.
const VIEWER: HeaderName = HeaderName::from_static("x-wardgate-viewer-address");

/// How a request got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// There is no edge, or no gateway either (PL-08): the host knows the client.
    Direct,
    /// Through the edge, which knows the client.
    Edge,
    /// Around the edge that there is.
    Around,
}

impl Way {
    /// Judges a request by its header fields. `digests` are those of the edge's secrets, none where there is no edge.
    pub fn of(digests: &[EdgeDigest], headers: &HeaderMap, is_without_gateway: bool) -> Self {
        if digests.is_empty() || is_without_gateway {
            Self::Direct
        } else if is_proven(digests, headers) {
            Self::Edge
        } else {
            Self::Around
        }
    }

    /// The client's address: the edge's word where it is proven, else the host's (SE-09). An edge that says nothing, or
    /// something that is no address, leaves none.
    pub fn address(self, headers: &HeaderMap, of_host: Option<IpAddr>) -> Option<IpAddr> {
        match self {
            Self::Direct | Self::Around => of_host,
            Self::Edge => {
                only(headers, &VIEWER).and_then(|value| source_address::parse(std::str::from_utf8(value).ok()?))
            }
        }
    }

    /// Refuses what came around the edge, if the edge is the only way.
    pub fn admit(self, is_edge_only: bool) -> Result<(), Problem> {
        match self {
            Self::Around if is_edge_only => Err(edge_only()),
            Self::Direct | Self::Edge | Self::Around => Ok(()),
        }
    }
}

/// Takes both fields away, so that no handler sees the secret, or an address that a client wrote.
pub fn strip(headers: &mut HeaderMap) {
    headers.remove(SECRET);
    headers.remove(VIEWER);
}

/// All digests are compared, each in constant time: how long it takes tells nothing of them.
fn is_proven(digests: &[EdgeDigest], headers: &HeaderMap) -> bool {
    let Some(secret) = only(headers, &SECRET) else { return false };
    let shown = digest(&SHA256, secret);
    let matches = digests.iter().map(|known| known.as_bytes().as_slice().ct_eq(shown.as_ref()));
    matches.fold(Choice::from(0), |any, one| any | one).into()
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(http::HeaderValue::as_bytes)
}

fn edge_only() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "edge_only",
        "This is not the service's address.",
        "Requests are answered at the service's public address alone.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Zk3vQ8yX1mB6tR9wL4pN7sD2fG5hJ0aC3eU8iO1kM6qT9xV4bY7zW2rE5nH0lS3d";
    const NEW: &str = "b7Yz4WxV2rT9Eq6nM1kH0lOi8S3dUe3CaJ05hG2fDs7Np4Lw9Rt6Bm1Xy8Qv3kZA";
    const HOST: &str = "203.0.113.9";

    fn digests(secrets: &[&str]) -> Vec<EdgeDigest> {
        let of = |secret: &&str| crate::domain::hex(digest(&SHA256, secret.as_bytes()).as_ref());
        secrets.iter().map(|secret| EdgeDigest::parse(&of(secret)).unwrap()).collect()
    }

    fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        fields.iter().map(pair).collect()
    }

    fn judged(known: &[&str], sent: &[(&'static str, &str)]) -> (Way, Option<String>) {
        let headers = fields(sent);
        let way = Way::of(&digests(known), &headers, false);
        (way, way.address(&headers, HOST.parse().ok()).map(|address| address.to_string()))
    }

    #[test]
    fn sec_ed_01_either_of_two_secrets_is_proof_and_nothing_else_is() {
        for secret in [OLD, NEW] {
            assert_eq!(judged(&[OLD, NEW], &[("x-wardgate-edge", secret)]).0, Way::Edge);
        }
        let digest = crate::domain::hex(digest(&SHA256, OLD.as_bytes()).as_ref());
        let both = format!("{OLD},{OLD}");
        let close = OLD.replace("Zk3", "Zk4");
        for sent in ["", &OLD[1..], &OLD.to_lowercase(), &digest, &both, &close, NEW] {
            assert_eq!(judged(&[OLD], &[("x-wardgate-edge", sent)]).0, Way::Around, "{sent}");
        }
        assert_eq!(judged(&[OLD], &[]).0, Way::Around);
        assert_eq!(judged(&[OLD], &[("x-wardgate-edge", OLD), ("x-wardgate-edge", OLD)]).0, Way::Around);
    }

    #[test]
    fn sec_ed_02_the_viewers_address_is_believed_only_behind_the_secret() {
        let viewer = ("x-wardgate-viewer-address", "192.0.2.7");
        let address = |known: &[&str], sent: &[(&'static str, &str)]| judged(known, sent).1;
        assert_eq!(address(&[OLD], &[("x-wardgate-edge", OLD), viewer]).as_deref(), Some("192.0.2.7"));
        // Not without the secret, not with a wrong one, and not where there is no edge.
        assert_eq!(address(&[OLD], &[viewer]).as_deref(), Some(HOST));
        assert_eq!(address(&[OLD], &[("x-wardgate-edge", NEW), viewer]).as_deref(), Some(HOST));
        assert_eq!(address(&[], &[("x-wardgate-edge", OLD), viewer]).as_deref(), Some(HOST));
        // What the edge does not say is not made up from its own address, which all clients share.
        for wrong in ["", "unknown", "192.0.2.7, 192.0.2.8"] {
            let sent = [("x-wardgate-edge", OLD), ("x-wardgate-viewer-address", wrong)];
            assert_eq!(address(&[OLD], &sent), None, "{wrong}");
        }
        assert_eq!(address(&[OLD], &[("x-wardgate-edge", OLD)]), None);
        let six = [("x-wardgate-edge", OLD), ("x-wardgate-viewer-address", "2001:db8::7")];
        assert_eq!(address(&[OLD], &six).as_deref(), Some("2001:db8::7"));
    }

    /// While a service moves behind its edge, clients come by both ways.
    #[test]
    fn sec_ed_01_what_came_around_the_edge_is_refused_where_that_is_the_only_way() {
        for (way, is_edge_only, is_admitted) in [
            (Way::Around, true, false),
            (Way::Around, false, true),
            (Way::Edge, true, true),
            (Way::Edge, false, true),
            (Way::Direct, true, true),
        ] {
            assert_eq!(way.admit(is_edge_only).is_ok(), is_admitted, "{way:?} {is_edge_only}");
        }
    }

    #[test]
    fn sec_ed_02_neither_field_reaches_a_handler() {
        let mut headers =
            fields(&[("x-wardgate-edge", OLD), ("x-wardgate-viewer-address", "192.0.2.7"), ("accept", "*/*")]);
        strip(&mut headers);
        assert_eq!(headers, fields(&[("accept", "*/*")]));
    }
}
