//! A request's head, judged before anything reads it (RFC 9112): one reading of it, or none. A proxy and we must never
//! see two different requests in the same bytes.

use std::net::Ipv6Addr;

use http::uri::Uri;
use http::{Method, StatusCode, header};
use wardgate::http::problem::Problem;

/// The longest head.
pub(super) const MAX_HEAD: usize = 16 * 1024;
/// The longest request line.
const MAX_LINE: usize = 8 * 1024;
/// The most header fields.
const MAX_FIELDS: usize = 100;

/// What the bytes of a connection begin with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing yet, or a part.
    Incomplete,
    /// A whole head of so many bytes.
    Complete {
        /// Its length, with the line ends.
        length: usize,
        /// What comes after it.
        body: Framing,
    },
    /// One that has no one reading.
    Refused(Refusal),
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Why a head is refused. The connection ends with it: where the next request begins is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A line or field that is none, or a line end that another reader could take for something else.
    Malformed,
    /// None, two, or not a host.
    Host,
    /// No length, two, or both ways at once.
    Length,
    /// Over [`MAX_LINE`].
    LineTooLong,
    /// Over [`MAX_HEAD`] or [`MAX_FIELDS`].
    HeadTooLarge,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A coding other than `chunked`.
    Coding,
    /// `CONNECT` or `TRACE`.
    Method,
    /// Not HTTP/1.
    Version,
}

impl Refusal {
    /// What the client sees.
    pub(super) fn problem(self) -> Problem {
        let (status, code, title, detail) = match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed_request",
                "The request is malformed.",
                "Send a request line and header fields as RFC 9112 has them, each line ended by CR and LF.",
            ),
            Self::Host => (
                StatusCode::BAD_REQUEST,
                "malformed_host",
                "The Host header is missing or malformed.",
                "Send exactly one Host header, with a host name and perhaps a port.",
            ),
            Self::Length => (
                StatusCode::BAD_REQUEST,
                "ambiguous_length",
                "The length of the body is ambiguous.",
                "Send either one Content-Length in decimal digits, or Transfer-Encoding: chunked.",
            ),
            Self::LineTooLong => (
                StatusCode::URI_TOO_LONG,
                "uri_too_long",
                "The request line is too long.",
                "A request line may have at most 8 KiB.",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "The header fields are too large.",
                "Request line and header fields may have at most 16 KiB together, and there may be 100 fields.",
            ),
            Self::Expectation => (
                StatusCode::EXPECTATION_FAILED,
                "expectation_failed",
                "The expectation cannot be met.",
                "The only expectation that is understood is 100-continue.",
            ),
            Self::Coding => (
                StatusCode::NOT_IMPLEMENTED,
                "unknown_transfer_encoding",
                "The transfer encoding is not known.",
                "The only transfer encoding that is understood is chunked.",
            ),
            Self::Method => (
                StatusCode::NOT_IMPLEMENTED,
                "method_not_implemented",
                "The method is not implemented.",
                "Nothing here answers CONNECT or TRACE.",
            ),
            Self::Version => (
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "version_not_supported",
                "The version of HTTP is not supported.",
                "Speak HTTP/1.1.",
            ),
        };
        Problem::new(status, code, title, detail)
    }
}

/// Judges the head at the beginning of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Head {
    match judge(bytes) {
        Ok(Some((length, body))) => Head::Complete { length, body },
        Ok(None) => Head::Incomplete,
        Err(refusal) => Head::Refused(refusal),
    }
}

fn judge(bytes: &[u8]) -> Result<Option<(usize, Framing)>, Refusal> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let head = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    // A line end without CR is what RFC 9112 lets a reader take or refuse: where one takes it and another does not, one
    // request becomes two.
    let bare =
        |(at, byte): (usize, &u8)| *byte == b'\n' && at.checked_sub(1).and_then(|at| head.get(at)) != Some(&b'\r');
    if head.iter().enumerate().any(bare) {
        return Err(Refusal::Malformed);
    }
    if head.iter().position(|byte| *byte == b'\r').unwrap_or(head.len()) > MAX_LINE {
        return Err(Refusal::LineTooLong);
    }
    if head.len() > MAX_HEAD {
        return Err(Refusal::HeadTooLarge);
    }
    let Some(length) = end else { return Ok(None) };
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) if names_a_version(head) => return Err(Refusal::Version),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Refusal::Malformed),
    }
    let is_current = request.version == Some(1);
    target(request.method.unwrap_or_default(), request.path.unwrap_or_default())?;
    host(is_current, &values(&request, &header::HOST))?;
    if values(&request, &header::EXPECT).iter().any(|value| !value.eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::Expectation);
    }
    let codings = values(&request, &header::TRANSFER_ENCODING);
    let lengths = values(&request, &header::CONTENT_LENGTH);
    Ok(Some((length, framing(is_current, &codings, &lengths)?)))
}

/// Whether the request line ends as one of HTTP does.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    matches!(parts.as_slice(), [_, _, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

fn values<'a>(request: &httparse::Request<'_, 'a>, name: &header::HeaderName) -> Vec<&'a [u8]> {
    let named = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_str()));
    named.map(|field| field.value).collect()
}

/// A path, `*` for OPTIONS, or the absolute form, which a server must take.
fn target(method: &str, target: &str) -> Result<(), Refusal> {
    if [Method::CONNECT, Method::TRACE].iter().any(|refused| refused.as_str() == method) {
        return Err(Refusal::Method);
    }
    if target.starts_with('/') || (target == "*" && method == Method::OPTIONS.as_str()) {
        return if target.contains('#') { Err(Refusal::Malformed) } else { Ok(()) };
    }
    let absolute = target.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let authority = absolute.as_ref().and_then(Uri::authority).filter(|authority| is_host(authority.as_str()));
    authority.map(|_| ()).ok_or(Refusal::Malformed)
}

/// Exactly one in HTTP/1.1; at most one in HTTP/1.0, which had none.
fn host(is_current: bool, hosts: &[&[u8]]) -> Result<(), Refusal> {
    match hosts {
        [] if !is_current => Ok(()),
        [host] if std::str::from_utf8(host).is_ok_and(is_host) => Ok(()),
        _ => Err(Refusal::Host),
    }
}

fn is_host(text: &str) -> bool {
    let end = text.find(']').map_or_else(|| text.find(':').unwrap_or(text.len()), |bracket| bracket + 1);
    let (host, port) = text.split_at(end);
    let is_name = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_name && (port.is_empty() || port == ":" || port.strip_prefix(':').is_some_and(is_number))
}

fn framing(is_current: bool, codings: &[&[u8]], lengths: &[&[u8]]) -> Result<Framing, Refusal> {
    match (codings, lengths) {
        ([], []) => Ok(Framing::Length(0)),
        ([], [length]) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            let length = std::str::from_utf8(length).ok().and_then(|length| length.parse().ok());
            length.map(Framing::Length).ok_or(Refusal::Length)
        }
        // Also one length said twice: whoever forwards it may believe either.
        ([], _) => Err(Refusal::Length),
        (_, []) if is_current => {
            let codings: Vec<_> = codings.iter().flat_map(|value| value.split(|byte| *byte == b',')).collect();
            let is_chunked = |coding: &&&[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
            match codings.iter().filter(is_chunked).count() {
                1 if codings.len() == 1 => Ok(Framing::Chunked),
                _ if codings.iter().all(|coding| is_chunked(&coding) || coding.trim_ascii().is_empty()) => {
                    Err(Refusal::Length)
                }
                _ => Err(Refusal::Coding),
            }
        }
        _ => Err(Refusal::Length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(head: &str) -> Option<Refusal> {
        match read(head.as_bytes()) {
            Head::Refused(refusal) => Some(refusal),
            Head::Complete { .. } => None,
            Head::Incomplete => panic!("incomplete: {head:?}"),
        }
    }

    fn with(fields: &str) -> Option<Refusal> {
        refusal(&format!("POST /v1/login HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n"))
    }

    fn hosted(fields: &str) -> Option<Refusal> {
        refusal(&format!("GET / HTTP/1.1\r\n{fields}\r\n"))
    }

    #[test]
    fn sec_sa_05_a_request_has_exactly_one_host() {
        for good in ["a.example", "a.example:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "localhost"] {
            assert_eq!(hosted(&format!("Host: {good}\r\n")), None, "{good}");
        }
        for bad in ["", "Host:\r\n", "Host: \r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n"] {
            assert_eq!(hosted(bad), Some(Refusal::Host), "{bad:?}");
        }
        for bad in [
            "a b", "a,b", "a/b", "http://a", "u@a", "a:", "a:x", "a:99999", "a:+1", ":80", "a:80:80", "[::1", "ü",
            "a?b",
        ] {
            let expected = if bad == "a:" { None } else { Some(Refusal::Host) };
            assert_eq!(hosted(&format!("Host: {bad}\r\n")), expected, "{bad}");
        }
        assert_eq!(refusal("GET / HTTP/1.0\r\n\r\n"), None);
        assert_eq!(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Some(Refusal::Host));
    }

    #[test]
    fn sec_sa_05_a_body_has_one_length() {
        for good in [
            "Content-Length: 0\r\n",
            "Content-Length: 007\r\n",
            "Transfer-Encoding: chunked\r\n",
            "transfer-encoding: CHUNKED\r\n",
        ] {
            assert_eq!(with(good), None, "{good}");
        }
        for bad in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding:\r\n",
        ] {
            assert_eq!(with(bad), Some(Refusal::Length), "{bad:?}");
        }
        for unknown in ["gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", "chunked;a=b", "\"chunked\""]
        {
            assert_eq!(with(&format!("Transfer-Encoding: {unknown}\r\n")), Some(Refusal::Coding), "{unknown}");
        }
        let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refusal(old), Some(Refusal::Length));
    }

    #[test]
    fn sec_sa_05_what_two_readers_could_read_in_two_ways_is_malformed() {
        for bad in [
            "A: b\r\n c: d\r\n",
            "A: b\r\n\tc\r\n",
            "A : b\r\n",
            " A: b\r\n",
            "A: b\nC: d\r\n",
            "A: b\rC: d\r\n",
            "A: b\0\r\n",
            "A\r\n",
            ": b\r\n",
            "Content-Length : 5\r\n",
            "A(: b\r\n",
        ] {
            assert_eq!(with(bad), Some(Refusal::Malformed), "{bad:?}");
        }
        for line in [
            "GET /\r\n",
            "GET  / HTTP/1.1\r\n",
            "GET / a HTTP/1.1\r\n",
            "G@T / HTTP/1.1\r\n",
            "GET a HTTP/1.1\r\n",
            "GET ftp://a/ HTTP/1.1\r\n",
            "GET http:///a HTTP/1.1\r\n",
            "GET /#a HTTP/1.1\r\n",
            "GET * HTTP/1.1\r\n",
        ] {
            assert_eq!(refusal(&format!("{line}Host: a\r\n\r\n")), Some(Refusal::Malformed), "{line:?}");
        }
        for bare in ["GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\r\n\n"] {
            assert_eq!(refusal(bare), Some(Refusal::Malformed), "{bare:?}");
        }
    }

    #[test]
    fn what_a_server_must_take_is_taken() {
        for line in
            ["GET http://a.example/v1 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /?a=%00 HTTP/1.1", "PROPFIND / HTTP/1.1"]
        {
            assert_eq!(refusal(&format!("{line}\r\nHost: a\r\n\r\n")), None, "{line}");
        }
        assert_eq!(with("Expect: 100-Continue\r\n"), None);
        assert_eq!(with("Expect: 200-ok\r\n"), Some(Refusal::Expectation));
        for (line, expected) in [
            ("TRACE / HTTP/1.1", Refusal::Method),
            ("CONNECT a.example:443 HTTP/1.1", Refusal::Method),
            ("GET / HTTP/2.0", Refusal::Version),
        ] {
            assert_eq!(refusal(&format!("{line}\r\nHost: a\r\n\r\n")), Some(expected), "{line}");
        }
    }

    #[test]
    fn sec_sa_05_a_head_has_a_size() {
        assert_eq!(
            refusal(&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000))),
            Some(Refusal::LineTooLong)
        );
        assert_eq!(read("GET /".repeat(2000).as_bytes()), Head::Refused(Refusal::LineTooLong));
        assert_eq!(with(&format!("A: {}\r\n", "a".repeat(17_000))), Some(Refusal::HeadTooLarge));
        assert_eq!(with(&"A: b\r\n".repeat(101)), Some(Refusal::HeadTooLarge));
        assert_eq!(with(&"A: b\r\n".repeat(99)), None);
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost"), Head::Incomplete);
        let piped = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /\n";
        assert_eq!(read(piped), Head::Complete { length: 27, body: Framing::Length(0) });
    }
}
