//! Connections, byte by byte: what is one request, how long it may take, and how many there are (SA-05).

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{EMAIL, PASSWORD, TestServer};

/// Longer than any limit that these tests set.
const LONGEST: Duration = Duration::from_secs(30);

/// A client that writes bytes, not requests.
struct Raw(TcpStream);

impl Raw {
    async fn connect(server: &TestServer) -> Self {
        let port = server.base.rsplit(':').next().unwrap().parse().unwrap();
        Self(TcpStream::connect(("127.0.0.1", port)).await.unwrap())
    }

    async fn send(server: &TestServer, bytes: &str) -> Self {
        let mut raw = Self::connect(server).await;
        raw.write(bytes).await;
        raw
    }

    async fn write(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Everything until the server closes.
    async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A limit that does not hold fails here, instead of after its own time.
        tokio::time::timeout(LONGEST, self.0.read_to_end(&mut all)).await.unwrap().unwrap();
        String::from_utf8(all).unwrap()
    }

    /// One answer, by its length.
    async fn answer(&mut self) -> String {
        let mut text = Vec::new();
        loop {
            text.push(self.0.read_u8().await.unwrap());
            let head = String::from_utf8_lossy(&text).to_lowercase();
            if let Some((head, body)) = head.split_once("\r\n\r\n") {
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                if body.len() >= length {
                    return String::from_utf8(text).unwrap();
                }
            }
        }
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {answer:?}")).parse().unwrap()
}

const GET: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn posted(fields: &str, body: &str) -> String {
    format!("POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{fields}\r\n{body}")
}

#[tokio::test]
async fn sec_sa_05_a_head_without_one_reading_is_refused_and_its_connection_ends() {
    let server = TestServer::start().await;
    let long = "a".repeat(9000);
    let large = format!("A: {}\r\n", "a".repeat(100_000));
    let hosted = |fields: &str| format!("GET /health HTTP/1.1\r\n{fields}\r\n");
    for (bytes, expected) in [
        (hosted(""), 400),
        (hosted("Host:\r\n"), 400),
        (hosted("Host: localhost\r\nHost: localhost\r\n"), 400),
        (hosted("Host: local host\r\n"), 400),
        (hosted("Host: localhost\r\nA: b\r\n c\r\n"), 400),
        (hosted("Host: localhost\r\nA : b\r\n"), 400),
        (hosted("Host : localhost\r\n"), 400),
        ("GET /health HTTP/1.1\nHost: localhost\n\n".to_owned(), 400),
        (hosted("Host: localhost\r\nA: b\rc\r\n"), 400),
        (posted("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400),
        (posted("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n"), 400),
        (posted("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400),
        (posted("Content-Length: +2\r\n", "{}"), 400),
        (posted("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
        (posted("Expect: wonders\r\nContent-Length: 2\r\n", "{}"), 417),
        (format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414),
        (hosted(&format!("Host: localhost\r\n{large}")), 431),
        (hosted(&format!("Host: localhost\r\n{}", "A: b\r\n".repeat(101))), 431),
        ("TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 501),
        ("CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n".to_owned(), 501),
        ("GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n".to_owned(), 505),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let shown = &bytes[..bytes.len().min(80)];
        // What follows must not become a request of its own.
        let answers = Raw::send(&server, &format!("{bytes}{GET}")).await.rest().await;
        assert_eq!(status(&answers), expected, "{shown:?}: {answers}");
        let lower = answers.to_lowercase();
        assert_eq!(lower.matches("x-request-id: ").count(), 1, "{shown:?}: {answers}");
        for header in ["connection: close", "strict-transport-security", "cache-control: no-store", "x-request-id"] {
            assert!(lower.contains(header), "{shown:?} has no {header}: {answers}");
        }
    }
}

#[tokio::test]
async fn sec_se_08_a_chunk_that_is_none_is_400_and_not_a_timeout() {
    let server = TestServer::start().await;
    for body in [
        "x\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "fffffffffffffffff\r\n{}",
    ] {
        let answer = Raw::send(&server, &posted("Transfer-Encoding: chunked\r\n", body)).await.answer().await;
        assert_eq!(status(&answer), 400, "{body:?}: {answer}");
        assert!(answer.contains("malformed_body"), "{body:?}: {answer}");
    }
    let good = posted("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    assert!(Raw::send(&server, &good).await.answer().await.contains("missing"));
}

#[tokio::test]
async fn what_http_1_lets_clients_do_works() {
    let server = TestServer::start().await;
    let mut raw = Raw::send(&server, &format!("\r\n{GET}{GET}{}{GET}", posted("Content-Length: 2\r\n", "{}"))).await;
    for expected in [200, 200, 400, 200] {
        assert_eq!(status(&raw.answer().await), expected);
    }
    // Piece by piece, on the same connection.
    for piece in ["GET /hea", "lth HTTP/1.1\r\nHo", "st: localhost\r\n\r", "\n"] {
        raw.write(piece).await;
    }
    assert_eq!(status(&raw.answer().await), 200);
    raw.write("GET http://localhost/health HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&raw.rest().await), 200);
    assert_eq!(status(&Raw::send(&server, "GET /health HTTP/1.0\r\n\r\n").await.rest().await), 200);
    let mut waiting = Raw::send(&server, &posted("Content-Length: 2\r\nExpect: 100-continue\r\n", "")).await;
    assert_eq!(status(&waiting.answer().await), 100);
    waiting.write("{}").await;
    assert_eq!(status(&waiting.answer().await), 400);
    let head = "HEAD /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&Raw::send(&server, head).await.rest().await), 200);
}

#[tokio::test]
async fn sec_sa_05_on_a_laptop_a_page_of_another_name_reads_nothing() {
    let server = TestServer::start().await;
    for path in ["/dev/outbox", "/dev/outbox?to=ada@example.com", "/v1/me", "/health", "/openapi.json", "/metrics"] {
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let answer = Raw::send(&server, &request).await.rest().await;
            assert_eq!(status(&answer), 421, "{path} for {host}: {answer}");
        }
        let absolute =
            format!("GET http://evil.example{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&Raw::send(&server, &absolute).await.rest().await), 421);
    }
    for host in ["localhost", "127.0.0.1:8080", "[::1]"] {
        let request = format!("GET /dev/outbox HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&Raw::send(&server, &request).await.rest().await), 200, "{host}");
    }
}

#[tokio::test]
async fn sec_sa_05_half_sent_heads_and_quiet_connections_end() {
    let short = [("AUTH__HTTP__HEAD_MS", "200"), ("AUTH__HTTP__IDLE_MS", "400")];
    let server = TestServer::with(&short).await;
    let mut half = Vec::new();
    for _ in 0..20 {
        half.push(Raw::send(&server, "GET /health HTTP/1.1\r\nHost:").await);
        half.push(Raw::connect(&server).await);
    }
    for raw in &mut half {
        assert_eq!(raw.rest().await, "");
    }
    let mut asked = Raw::send(&server, GET).await;
    assert_eq!(status(&asked.answer().await), 200);
    assert_eq!(asked.rest().await, "");
}

#[tokio::test]
async fn sec_sa_05_whoever_holds_every_connection_keeps_nobody_out() {
    let server = TestServer::with(&[("AUTH__HTTP__MAX_CONNECTIONS", "16"), ("AUTH__HTTP__MAX_IN_FLIGHT", "16")]).await;
    let mut held = Vec::new();
    for n in 0..64 {
        held.push(Raw::send(&server, ["", "GET /health HTTP/1.1\r\n"][n % 2]).await);
        let mut honest = Raw::send(&server, GET).await;
        assert_eq!(status(&honest.answer().await), 200, "beside {n}");
    }
}

#[tokio::test]
async fn sec_sa_05_past_the_limit_in_flight_a_request_is_refused_before_its_body_is_read() {
    let server = TestServer::with(&[("AUTH__HTTP__MAX_IN_FLIGHT", "1")]).await;
    let mut first = Raw::send(&server, &posted("Content-Length: 2\r\nExpect: 100-continue\r\n", "")).await;
    // It is in flight: its body is asked for.
    assert_eq!(status(&first.answer().await), 100);
    let answer = Raw::send(&server, &posted("Content-Length: 60000\r\n", "")).await.answer().await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 1"), "{answer}");
    first.write("{}").await;
    assert_eq!(status(&first.answer().await), 400);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_sa_05_a_client_that_does_not_read_its_answers_is_cut() {
    let server = TestServer::with(&[("AUTH__HTTP__RESPONSE_MS", "200")]).await;
    let mut raw = Raw::connect(&server).await;
    let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    // Written until the server neither reads nor answers any more, and then lets go.
    while raw.0.write_all(request.as_bytes()).await.is_ok() {}
}

/// While the store stands still: as many calls as it may have at a time are there, the others wait, and what comes when many
/// wait is refused before it has begun. Whoever has begun is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_sa_06_a_store_that_is_slow_is_asked_no_more_than_it_can_take() {
    const CALLS: usize = 4;
    let server = TestServer::asking_the_store(CALLS).await;
    let holds = ["GetItem", "UpdateItem"].into_iter().flat_map(|operation| std::iter::repeat_n(operation, CALLS));
    let held: Vec<_> = holds.map(|operation| server.store.hold(operation)).collect();
    let login = async |number: u32| server.login(&format!("user{number}@example.com"), PASSWORD).await;
    // Two calls each: the address and its source.
    let begun = join_all((0..10).map(login));
    let shed = async {
        while server.gate.waiting() < 4 * CALLS {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.store.count(), CALLS);
        let refused = login(10).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.text);
        assert_eq!(refused.string("code"), "temporarily_unavailable");
        for held in &held {
            held.release();
        }
    };
    let (answers, ()) = futures::join!(begun, shed);
    let statuses: BTreeSet<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, BTreeSet::from([401]));
    assert_eq!((login(11).await.status, server.gate.waiting()), (401, 0));
}
