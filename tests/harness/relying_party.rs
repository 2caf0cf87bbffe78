//! An application's own server, as far as it is told of ended sessions: real HTTP on this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use reqwest::{Method, Url};

use super::applications::{SECRET, code_of, exchange, give_secret, register, with_applications};
use super::pages::Browser;
use super::{Answer, TestServer};

/// What it says where nothing is said.
const HANGS: u16 = 0;

/// It notes what it is sent, and answers as it was told.
pub struct RelyingParty {
    port: u16,
    status: Arc<AtomicU16>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl RelyingParty {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let relying_party = Self {
            port: listener.local_addr().unwrap().port(),
            status: Arc::new(AtomicU16::new(200)),
            taken: Arc::default(),
        };
        let (status, taken) = (Arc::clone(&relying_party.status), Arc::clone(&relying_party.taken));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let token = read(&stream);
                taken.lock().unwrap().extend(token);
                match status.load(Ordering::SeqCst) {
                    // Kept open, and never answered.
                    HANGS => silent.push(stream),
                    status => answer(stream, status),
                }
            }
        });
        relying_party
    }

    /// Where it is told.
    pub fn uri(&self) -> String {
        format!("http://localhost:{}/backchannel-logout", self.port)
    }

    /// What it answers from now on.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// From now on it takes everything and says nothing.
    pub fn hangs(&self) {
        self.answers(HANGS);
    }

    /// The tokens that it has been sent since the last look.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }

    /// Registers a client beside the applications whose sign-outs it is told of.
    pub async fn register(&self, server: &TestServer, client: &str, more: &str) {
        register(server, &self.client(client, more)).await;
        give_secret(server, client).await;
    }

    /// The line of the file.
    pub fn client(&self, client: &str, more: &str) -> String {
        format!(
            "[[client]]\nid = \"{client}\"\nkind = \"web\"\nname = {{ en = \"{client}\" }}\nconsent = \"none\"\n\
             redirect_uris = [\"https://shop.example/callback\"]\n\
             grants = [\"authorization_code\", \"refresh_token\"]\nscopes = [\"openid\", \"offline_access\"]\n\
             post_logout_redirect_uris = [\"https://shop.example/bye\"]\npkce = \"legacy\"\n\
             backchannel_logout_uri = \"{}\"\n{more}\n",
            self.uri()
        )
    }
}

/// A server with an application that is told, beside those that are not.
pub async fn with_told(more: &str) -> (TestServer, RelyingParty) {
    let (server, relying_party) = (with_applications().await, RelyingParty::start());
    relying_party.register(&server, "told", more).await;
    (server, relying_party)
}

/// Signs the browser in to an application.
pub async fn sign_in_to(server: &TestServer, browser: &mut Browser, client: &str, scope: &str) -> Answer {
    let code = code_of(server, browser, &[("client_id", client), ("scope", scope)]).await;
    let request = server.request(Method::POST, "/oauth2/token").basic_auth(client, Some(SECRET));
    let tokens = server.send(request.form(&exchange(&code, &[]))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    server.step();
    tokens
}

/// Signs the browser out, as an application asks for it.
pub async fn sign_out(server: &TestServer, browser: &mut Browser, id_token: &str) {
    let out = browser.open(server, &format!("/oauth2/logout?id_token_hint={id_token}")).await;
    assert_eq!(out.status, 200, "{}", out.text);
    server.step();
}

/// The token of a request, if it is what the specification says (OpenID Connect Back-Channel Logout 1.0, 2.5).
fn read(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
    }
    let field = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    assert_eq!(head.first()?, "post /backchannel-logout http/1.1");
    assert_eq!(field("content-type"), Some("application/x-www-form-urlencoded"));
    let mut body = vec![0; field("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let mut url = Url::parse("https://x.example").unwrap();
    url.set_query(Some(std::str::from_utf8(&body).unwrap()));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let [(name, token)] = pairs.as_slice() else { panic!("{pairs:?}") };
    assert_eq!(name, "logout_token");
    Some(token.clone())
}

fn answer(mut stream: TcpStream, status: u16) {
    // Whoever has not waited for it has closed.
    let _ = write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}
