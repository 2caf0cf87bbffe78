//! A stop under load: what was asked is answered, and nobody stretches it (SA-03).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{PASSWORD, Server, free_port};

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.base.trim_start_matches("http://")).unwrap()
}

fn sent(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(bytes.as_bytes()).unwrap();
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    all
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Five times: each request has been sent before the signal, and most are not even accepted by then.
#[test]
fn sec_sa_03_no_request_is_lost_at_sigterm() {
    for run in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let patient = [
            ("AUTH__HTTP__REQUEST_DEADLINE_MS", "60000"),
            ("AUTH__HTTP__DRAIN_MS", "60000"),
            ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "30000"),
            ("AUTH__AWS__OPERATION_TIMEOUT_MS", "50000"),
            ("AUTH__AWS__MAX_ATTEMPTS", "20"),
        ];
        let mut server = Server::start_with(folder.path(), &patient);
        let asked: Vec<TcpStream> = (0..100)
            .map(|n| {
                let body = format!(r#"{{"email":"user{n}@example.com","password":"{PASSWORD}"}}"#);
                let length = body.len();
                sent(
                    &server,
                    &format!(
                        "POST /v1/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                         Content-Length: {length}\r\n\r\n{body}"
                    ),
                )
            })
            .collect();
        server.signal("TERM");
        for (n, stream) in asked.into_iter().enumerate() {
            let answer = rest(stream);
            assert!(answer.starts_with("HTTP/1.1 202"), "run {run}, request {n}: {answer:?}");
        }
        assert!(server.child.wait().unwrap().success());
    }
}

/// One request over a connection that may be kept; gives it back if it can be used again.
fn asked(kept: Option<TcpStream>, base: &str, path: &str) -> std::io::Result<(String, Option<TcpStream>)> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => TcpStream::connect(base.trim_start_matches("http://"))?,
    };
    stream.write_all(get(path).as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut length, mut ends) = (String::new(), 0, false);
    loop {
        let from = head.len();
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = head[from..].trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        ends |= line == "connection: close";
        if line.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    Ok((head, (!ends).then(|| reader.into_inner())))
}

/// What a load balancer knows of a replica: where it is, and whether it was ready when it was last asked.
struct Target {
    base: Mutex<String>,
    in_rotation: AtomicBool,
}

impl Target {
    fn base(&self) -> String {
        self.base.lock().unwrap().clone()
    }

    fn in_rotation(&self) -> bool {
        self.in_rotation.load(Ordering::Relaxed)
    }
}

struct Balancer {
    targets: [Target; 2],
    answered: AtomicUsize,
    done: AtomicBool,
}

impl Balancer {
    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Asks for `/ready` again and again.
    fn check(&self) {
        while !self.is_done() {
            for target in &self.targets {
                let answer = asked(None, &target.base(), "/ready");
                let ready = answer.is_ok_and(|(head, _)| head.starts_with("HTTP/1.1 200"));
                target.in_rotation.store(ready, Ordering::Relaxed);
            }
        }
    }

    /// Asks the replicas in rotation, one after the other, and fails with the first request that is lost.
    fn ask(&self, keeps_connections: bool) {
        let mut connections: [Option<(String, TcpStream)>; 2] = [None, None];
        while !self.is_done() {
            for (target, kept) in self.targets.iter().zip(&mut connections) {
                if !target.in_rotation() {
                    continue;
                }
                let base = target.base();
                let stream = kept.take().filter(|(of, _)| *of == base).map(|(_, stream)| stream);
                let (head, stream) = asked(stream, &base, "/.well-known/jwks.json").unwrap();
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                *kept = stream.filter(|_| keeps_connections).map(|stream| (base, stream));
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Two replicas behind a balancer that asks for `/ready`, and each in turn is stopped and started again.
#[test]
fn sec_sa_03_no_request_is_lost_in_a_rolling_restart() {
    let noticed = [("AUTH__HTTP__NOTICE_MS", "4000")];
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut replicas = folders.each_ref().map(|folder| Server::start_with(folder.path(), &noticed));
    let balancer = &Balancer {
        targets: replicas
            .each_ref()
            .map(|replica| Target { base: Mutex::new(replica.base.clone()), in_rotation: AtomicBool::new(true) }),
        answered: AtomicUsize::new(0),
        done: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        // Whatever fails below, the threads end.
        let _over = Over(&balancer.done);
        scope.spawn(|| balancer.check());
        let clients: Vec<_> = (0..4).map(|client| scope.spawn(move || balancer.ask(client % 2 == 0))).collect();
        for n in 0..2 {
            let before = balancer.answered();
            replicas[n].signal("TERM");
            assert!(replicas[n].child.wait().unwrap().success());
            replicas[n] = Server::start_with(folders[n].path(), &noticed);
            let target = &balancer.targets[n];
            target.base.lock().unwrap().clone_from(&replicas[n].base);
            while !target.in_rotation() {
                assert!(clients.iter().all(|client| !client.is_finished()), "a request was lost");
                std::thread::yield_now();
            }
            assert!(balancer.answered() > before + 100, "hardly anybody asked");
        }
        balancer.done.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    });
}

/// Sets its flag when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn sec_sa_03_half_sent_heads_and_quiet_connections_cannot_stretch_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let short = [("AUTH__HTTP__HEAD_MS", "300"), ("AUTH__HTTP__DRAIN_MS", "600000")];
    let mut server = Server::start_with(folder.path(), &short);
    let _half: Vec<TcpStream> = (0..5).map(|_| sent(&server, "GET /health HTTP/1.1\r\nHost:")).collect();
    let _silent: Vec<TcpStream> = (0..5).map(|_| connect(&server)).collect();
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

/// The notice is longer than any test: only the second signal ends it.
#[test]
fn sec_sa_03_during_the_notice_everything_is_served_and_the_second_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(folder.path(), &[("AUTH__HTTP__NOTICE_MS", "60000")]);
    let mut kept = sent(&server, &get("/ready"));
    let mut line = String::new();
    BufReader::new(kept.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    server.signal("TERM");
    // The signal is on its way to the process; the notice begins with the first refusal.
    while !rest(sent(&server, &get("/ready").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")))
        .starts_with("HTTP/1.1 503")
    {}
    let answer = rest(sent(&server, &get("/health")));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.to_lowercase().contains("connection: close"), "{answer}");
    kept.write_all(get("/health").as_bytes()).unwrap();
    assert!(rest(kept).to_lowercase().contains("connection: close"));
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn sec_sa_05_too_few_descriptors_are_refused_at_the_start() {
    let start = format!("ulimit -n 300; exec '{}'", env!("CARGO_BIN_EXE_wardgate-server"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &start]).env("AUTH__STAGE", "development").env("AUTH__HTTP__PORT", free_port().to_string());
    let output = shell.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("AUTH__HTTP__MAX_CONNECTIONS"), "{message}");
}
