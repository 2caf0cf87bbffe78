//! What the people in the property know, and what their doing led to as far as they can tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wardgate::domain::credential::Credential;
use wardgate::domain::email::Email;
use wardgate::domain::timestamp::Timestamp;
use wardgate::domain::user::User;

use super::{ADDRESSES, Death, Tally};
use crate::harness::{Answer, TABLE, TestServer};

const EMAILS: [&str; ADDRESSES] = ["ada@example.com", "grace@example.net", "joan@example.org"];

/// An item of the table, as it lies there.
pub type Item = HashMap<String, AttributeValue>;

/// A registration that somebody asked for.
pub struct Asked {
    pub address: usize,
    /// None where the answer was lost.
    pub flow: Option<String>,
    pub password: String,
}

/// What somebody signed in with.
pub struct Client {
    pub user: String,
    pub session: String,
    pub access: String,
    /// Every refresh token, oldest first.
    pub tokens: Vec<String>,
    pub since: Timestamp,
    /// Its own end was answered.
    pub ended: bool,
}

/// What is known of the password of an account.
#[derive(Default)]
pub struct Passwords {
    /// Exactly one of these is so; `None` is an account without a password.
    pub possible: BTreeSet<Option<String>>,
    /// All that the account ever had or may have had.
    pub ever: Vec<String>,
}

impl Passwords {
    pub fn set(&mut self, password: &str) {
        self.possible.clear();
        self.may_be(password);
    }

    /// The answer was lost: the one before or this one works, never both.
    pub fn may_be(&mut self, password: &str) {
        self.possible.insert(Some(password.to_owned()));
        self.ever.push(password.to_owned());
    }

    pub fn remove(&mut self) {
        self.possible = BTreeSet::from([None]);
    }

    pub fn may_be_removed(&mut self) {
        self.possible.insert(None);
    }

    pub fn may_work(&self, password: &str) -> bool {
        self.possible.contains(&Some(password.to_owned()))
    }

    /// The newest that may work.
    pub fn best(&self) -> Option<String> {
        self.ever.iter().rev().find(|password| self.may_work(password)).cloned()
    }

    /// Those that were replaced for sure, newest first.
    pub fn replaced(&self) -> impl Iterator<Item = &String> {
        self.ever.iter().rev().filter(|password| !self.may_work(password))
    }
}

/// Ends every session of an account that is older, but one.
pub struct End {
    pub user: String,
    pub at: Timestamp,
    pub spared: Option<String>,
    pub why: &'static str,
}

/// What an operation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
    /// The answer says nothing about what happened.
    Unknown,
}

pub struct World {
    pub server: TestServer,
    /// Whether an account begins only with its verification.
    pub verified: bool,
    pub asked: Vec<Asked>,
    /// The flow tokens of the codes that were asked for.
    pub flows: Vec<String>,
    pub clients: Vec<Client>,
    pub passwords: BTreeMap<String, Passwords>,
    pub ends: Vec<End>,
    pub devices: HashMap<usize, String>,
    /// Tokens that a verification answered with, by address.
    pub resets: Vec<(usize, String)>,
    /// Orders for mails that have not been carried out, and whether they have to be.
    pub owed: BTreeMap<String, bool>,
    pub tally: Tally,
    chosen: usize,
}

impl World {
    pub async fn new(verified: bool) -> Self {
        let variables = [
            ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", if verified { "true" } else { "false" }),
            ("AUTH__LIMITS__LOGIN_ACCOUNT__FREE_FAILURES", "100"),
            ("AUTH__STORE__AUDIT_RETENTION_DAYS", "31"),
            ("AUTH__LOG__LEVEL", "off"),
        ];
        Self {
            server: TestServer::with(&variables).await,
            verified,
            asked: Vec::new(),
            flows: Vec::new(),
            clients: Vec::new(),
            passwords: BTreeMap::new(),
            ends: Vec::new(),
            devices: HashMap::new(),
            resets: Vec::new(),
            owed: BTreeMap::new(),
            tally: Tally::new(),
            chosen: 0,
        }
    }

    pub fn email(address: usize) -> &'static str {
        EMAILS[address]
    }

    pub fn now(&self) -> Timestamp {
        self.server.context().now
    }

    /// A password that nobody has chosen before.
    pub fn fresh_password(&mut self) -> String {
        self.chosen += 1;
        format!("violet teapots orbit slowly {}", self.chosen)
    }

    /// Sends a request to a process that dies as it is told to.
    pub async fn send(&self, request: RequestBuilder, death: Death) -> (Answer, Outcome) {
        if let Some((after, crash)) = death {
            self.server.store.crash_after(after, crash);
        }
        let answer = self.server.send(request).await;
        self.server.store.mend();
        let outcome = match answer.status {
            200..=299 => Outcome::Done,
            400..=499 if death.is_none() => Outcome::Refused,
            _ => Outcome::Unknown,
        };
        assert!(death.is_some() || answer.status < 500, "nobody died: {} {}", answer.status, answer.text);
        (answer, outcome)
    }

    pub async fn table(&self) -> Vec<Item> {
        self.server.items(TABLE, "").await
    }

    pub async fn credential(&self, address: usize) -> Option<Credential> {
        let pk = partition(address);
        let items = self.server.items(TABLE, &pk).await;
        items.iter().find(|item| text(item, "sk") == "CREDENTIAL").map(parsed)
    }

    /// The account that has the address, though it may not be active.
    pub async fn account(&self, address: usize) -> Option<User> {
        let credential = self.credential(address).await.filter(|credential| credential.reserved_until.is_none())?;
        self.user(&credential.user_id.to_string()).await
    }

    pub async fn user(&self, id: &str) -> Option<User> {
        let items = self.server.items(TABLE, &format!("USER#{id}")).await;
        items.iter().find(|item| text(item, "sk") == "PROFILE").map(parsed)
    }

    /// Learns of accounts that have come to be, with one of these passwords.
    pub async fn meet(&mut self, possible: &[Option<&str>]) {
        for item in self.table().await.iter().filter(|item| text(item, "sk") == "PROFILE") {
            let user: User = parsed(item);
            self.passwords.entry(user.id.to_string()).or_insert_with(|| Passwords {
                possible: possible.iter().map(|password| password.map(str::to_owned)).collect(),
                ever: possible.iter().flatten().copied().map(str::to_owned).collect(),
            });
        }
    }

    pub fn known(&mut self, user: &str) -> &mut Passwords {
        self.passwords.get_mut(user).unwrap_or_else(|| panic!("{user} came out of nowhere"))
    }

    pub fn end(&mut self, user: &str, spared: Option<&str>, why: &'static str) {
        let (at, spared) = (self.now(), spared.map(str::to_owned));
        self.ends.push(End { user: user.to_owned(), at, spared, why });
    }

    /// Why a session that began then must be dead.
    pub fn ended(&self, user: &str, session: &str, since: Timestamp) -> Option<&'static str> {
        let ends = |end: &&End| end.user == user && since <= end.at && end.spared.as_deref() != Some(session);
        self.ends.iter().find(ends).map(|end| end.why)
    }

    pub fn ended_client(&self, client: &Client) -> Option<&'static str> {
        let own = client.ended.then_some("its own end");
        own.or_else(|| self.ended(&client.user, &client.session, client.since))
    }

    /// Somebody is signed in: what they have from now on.
    pub fn signed_in(&mut self, answer: &Answer) -> &Client {
        let access = answer.string("access_token");
        let client = Client {
            user: subject(&access),
            session: answer.string("session_id"),
            access,
            tokens: vec![answer.string("refresh_token")],
            since: self.now(),
            ended: false,
        };
        self.clients.push(client);
        self.clients.last().unwrap()
    }

    /// The `back`th newest client that has not been signed out; where there are not so many, the newest that has.
    pub fn client(&self, back: usize) -> Option<usize> {
        let lives = |index: &usize| self.ended_client(&self.clients[*index]).is_none();
        let mut all = (0..self.clients.len()).rev();
        all.clone().filter(lives).nth(back).or_else(|| all.find(|index| !lives(index)))
    }
}

/// The partition of an address.
pub fn partition(address: usize) -> String {
    format!("EMAIL#{}", Email::parse(EMAILS[address]).unwrap().key().as_str())
}

pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

#[track_caller]
pub fn parsed<T: DeserializeOwned>(item: &Item) -> T {
    serde_dynamo::from_item(item.clone()).unwrap_or_else(|error| panic!("{error}: {item:?}"))
}

fn subject(access_token: &str) -> String {
    let payload = URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    claims["sub"].as_str().unwrap().to_owned()
}
