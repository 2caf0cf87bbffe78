//! As much of DynamoDB and Secrets Manager as an initialisation asks for, on threads and bare sockets: an engine would
//! be part of what is measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::entropy::SystemEntropy;
use wardgate_runtime_tests::environment::Variables;
use wardgate_server::dev::keys;

const PREFIX: &str = "wardgate/development/";

pub struct Aws {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Aws {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let rings = Arc::new(keys::document(SystemClock.now(), &SystemEntropy).unwrap());
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (rings, requests) = (Arc::clone(&rings), Arc::clone(&counted));
                // A function that is killed breaks its connections.
                std::thread::spawn(move || drop(converse(connection.unwrap(), &rings, &requests)));
            }
        });
        Self { address, requests }
    }

    /// The variables that make a function ask here.
    pub fn variables(&self, mut variables: Variables) -> Variables {
        let endpoint = format!("http://{}", self.address);
        let own = [
            ("AUTH__AUTHORIZER__AUDIENCE", "https://api.example.com"),
            ("AUTH__MAIL__EVENT_BUS", "wardgate-development"),
            ("AUTH__MAIL__QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/mail.fifo"),
            ("AUTH__LOG__FORMAT", "json"),
            ("AUTH__SECRETS__PREFIX", PREFIX),
            ("AUTH__STAGE", "development"),
            ("AWS_ENDPOINT_URL", &endpoint),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables
    }

    /// How many requests there were since the last time.
    pub fn taken(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn converse(mut connection: TcpStream, rings: &Value, requests: &AtomicUsize) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if body.is_empty() {
            return Ok(());
        }
        requests.fetch_add(1, Ordering::SeqCst);
        let answer = answer(&serde_json::from_slice(&body).unwrap(), rings).to_string();
        write!(
            connection,
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
}

/// Secrets have rings; every other question is `DynamoDB`'s for an item that is not there, or for what an update has made
/// of a counter.
fn answer(question: &Value, rings: &Value) -> Value {
    match question["SecretId"].as_str() {
        Some(name) => json!({ "Name": name, "SecretString": rings[name.trim_start_matches(PREFIX)].to_string() }),
        None => json!({ "Attributes": { "failures": { "N": "1" }, "last_at": { "N": "1" } } }),
    }
}
