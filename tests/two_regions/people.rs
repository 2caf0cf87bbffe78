//! People who do what they do with whichever region answers, and remember everything that they were ever given.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use wardgate_runtime_tests::golden;

use super::failover::{self, MARGIN};
use super::replication::{Link, Region};
use super::{Chance, NAMES, Tally};
use crate::harness::{Answer, TestServer};

const ADDRESSES: [&str; 3] = ["ada@example.com", "bob@example.com", "cyd@example.com"];
/// `sessions.grace_seconds`: within it a refresh may be repeated.
const GRACE: i64 = 10_000;

/// A machine that is too busy has refused nobody: whoever is told so has lost nothing, and a run of schedules is no proof.
#[track_caller]
fn decides(answer: &Answer) {
    assert!(answer.status < 500, "{} {}", answer.status, answer.text);
}

/// A session as its owner, or whoever copied its tokens, knows it.
struct Session {
    address: usize,
    began: i64,
    refresh: String,
    access: String,
    /// When it last changed.
    at: i64,
    /// Tokens that were exchanged, when, and after how many changes of the region that writes.
    spent: Vec<(String, i64, usize)>,
    ended: bool,
    /// Whether it is not tried before the first region has taken its place back: trying ends what is dead.
    waits: bool,
}

/// What works once.
#[derive(Clone)]
enum Proof {
    Reset(String),
    Code(Value),
}

struct Secret {
    proof: Proof,
    address: usize,
    /// After how many changes of the region that writes it was given out.
    epoch: usize,
    used: bool,
}

/// A registration whose mail nobody has read.
struct Waiting {
    address: usize,
    password: String,
    flow: String,
    epoch: usize,
}

/// A password that was told to be set.
struct Fact {
    address: usize,
    at: i64,
    password: String,
}

/// A change of the region that writes.
struct TakeOver {
    /// What was written until then had arrived for certain.
    until: i64,
    since: i64,
    keeps_sessions: bool,
    loses: bool,
}

pub struct People {
    regions: [Region; 2],
    links: [Link; 2],
    /// Which region answers.
    writer: usize,
    changes: Vec<TakeOver>,
    passwords: u32,
    facts: Vec<Fact>,
    sessions: Vec<Session>,
    secrets: Vec<Secret>,
    waiting: Vec<Waiting>,
    pub chance: Chance,
    pub tally: Tally,
}

impl People {
    pub fn new(regions: [Region; 2], chance: Chance) -> Self {
        Self {
            regions,
            links: Default::default(),
            writer: 0,
            changes: Vec::new(),
            passwords: 0,
            facts: Vec::new(),
            sessions: Vec::new(),
            secrets: Vec::new(),
            waiting: Vec::new(),
            chance,
            tally: Tally::new(),
        }
    }

    fn server(&self) -> &TestServer {
        &self.regions[self.writer].server
    }

    fn now(&self) -> i64 {
        self.server().context().now.millis()
    }

    fn met(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn often(&mut self) -> bool {
        self.chance.below(10) < 7
    }

    fn advance(&self, millis: i64) {
        for region in &self.regions {
            region.server.clock.advance_millis(millis);
        }
    }

    /// What was written is sent; what has arrived is there.
    async fn replicate(&mut self) {
        for from in 0..2 {
            let chance = &mut self.chance;
            let delay = || {
                let most = if chance.below(10) == 0 { 250_000 } else { 30_000 };
                i64::try_from(chance.below(most)).unwrap()
            };
            let changes = self.regions[from].changes(delay).await;
            self.links[from].send(changes);
        }
        let now = self.now();
        for from in 0..2 {
            for change in self.links[from].arrived(now) {
                self.regions[1 - from].arrive(change).await;
            }
        }
    }

    pub fn cut(&mut self) {
        self.links.iter_mut().for_each(|link| link.is_cut = true);
    }

    pub fn mend(&mut self) {
        self.links.iter_mut().for_each(|link| link.is_cut = false);
    }

    pub async fn everything_arrives(&mut self) {
        for _ in 0..2 {
            self.replicate().await;
            self.advance(MARGIN);
        }
        self.replicate().await;
    }

    /// Some are there already.
    pub async fn begin(&mut self) {
        for address in 0..ADDRESSES.len() {
            if self.chance.below(3) > 0 {
                self.register(address).await;
                self.login(address).await;
            }
        }
    }

    /// So many things happen. The region that writes says each time that it does.
    pub async fn live(&mut self, steps: usize, first: bool) {
        for _ in 0..steps {
            let passes = 1_000 + i64::try_from(self.chance.below(120_000)).unwrap();
            self.advance(passes);
            self.replicate().await;
            failover::beat(self.server(), NAMES[self.writer]).await;
            self.regions[self.writer].is_touched = true;
            if !first && self.chance.below(4) == 0 {
                // The region that was lost is there again, and goes on where it was.
                let _ = self.regions[1 - self.writer].server.pump.drain().await;
            }
            self.something().await;
            self.replicate().await;
        }
    }

    async fn something(&mut self) {
        let address = self.chance.index(ADDRESSES.len());
        match self.chance.below(14) {
            0 | 1 => self.register(address).await,
            12 | 13 => self.resend().await,
            2 | 3 => drop(self.login(address).await),
            4 | 5 => self.refresh().await,
            6 => self.logout().await,
            7 | 8 => self.reset(address).await,
            9 => self.code(address).await,
            10 => self.use_a_secret().await,
            _ => self.use_a_spent_token().await,
        }
    }

    fn new_password(&mut self) -> String {
        self.passwords += 1;
        format!("violet teapots orbit slowly {}", self.passwords)
    }

    /// What an order led to: the text of the mail that arrives, if any does.
    async fn mailed(&self, address: usize, before: usize) -> Option<String> {
        let mut mails = self.server().mails(ADDRESSES[address]).await;
        if mails.len() > before { mails.pop().map(|mail| mail.text) } else { None }
    }

    async fn register(&mut self, address: usize) {
        let password = self.new_password();
        let before = self.server().mails(ADDRESSES[address]).await.len();
        let answer = self.server().register(ADDRESSES[address], &password).await;
        if answer.status != 202 {
            return;
        }
        self.met("register");
        let flow = answer.string("flow_token");
        if !self.often() {
            self.waiting.push(Waiting { address, password, flow, epoch: self.changes.len() });
            return;
        }
        let Some(mail) = self.mailed(address, before).await.filter(|mail| mail.contains("?token=")) else { return };
        let answer = self.server().verify_link(&golden::link_token(&mail), Some(&flow)).await;
        if answer.status == 200 && answer.string("status") == "verified" {
            let again = self.facts.iter().any(|fact| fact.address == address) && !self.changes.is_empty();
            self.met(if again { "registered again" } else { "verify" });
            self.told(address, password);
        }
    }

    /// The mail of a registration is asked for once more.
    async fn resend(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let index = self.chance.index(self.waiting.len());
        let Waiting { address, password, flow, epoch } = self.waiting.swap_remove(index);
        let before = self.server().mails(ADDRESSES[address]).await.len();
        let body = json!({ "email": ADDRESSES[address], "flow_token": flow });
        let answer = self.server().post("/v1/email/verify/resend", &body).await;
        assert!([202, 400, 422].contains(&answer.status), "{}", answer.text);
        let Some(mail) = self.mailed(address, before).await.filter(|mail| mail.contains("?token=")) else { return };
        let answer = self.server().verify_link(&golden::link_token(&mail), Some(&flow)).await;
        if epoch < self.changes.len() {
            // Whatever was mailed, it is not of this one.
            let answer = self.server().login(ADDRESSES[address], &password).await;
            assert_ne!(answer.status, 200, "a registration of before goes on");
        } else if answer.status == 200 && answer.string("status") == "verified" {
            self.met("resend");
            self.told(address, password);
        }
    }

    /// The account has this password now, and no session from before.
    fn told(&mut self, address: usize, password: String) {
        let at = self.now();
        self.facts.push(Fact { address, at, password });
        self.sessions.iter_mut().filter(|session| session.address == address).for_each(|session| session.ended = true);
    }

    fn signed_in(&mut self, address: usize, answer: &Value) {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        let (at, waits) = (self.now(), !self.often());
        self.sessions.push(Session {
            address,
            began: at,
            refresh: text("refresh_token"),
            access: text("access_token"),
            at,
            spent: Vec::new(),
            ended: false,
            waits,
        });
    }

    async fn login(&mut self, address: usize) -> bool {
        let last = self.facts.iter().rfind(|fact| fact.address == address);
        let Some(password) = last.map(|fact| fact.password.clone()) else { return false };
        let answer = self.server().login(ADDRESSES[address], &password).await;
        decides(&answer);
        if answer.status != 200 {
            return false;
        }
        self.met("login");
        self.signed_in(address, &answer.json());
        true
    }

    fn any_session(&mut self) -> Option<usize> {
        let live: Vec<usize> = (0..self.sessions.len()).filter(|index| !self.sessions[*index].ended).collect();
        (!live.is_empty()).then(|| live[self.chance.index(live.len())])
    }

    /// Whether a session may live on.
    fn may_live(&self, session: &Session) -> bool {
        let kept = |it: &TakeOver| session.began > it.since || it.keeps_sessions && session.began <= it.until;
        self.changes.iter().all(kept)
    }

    /// Those that are tried by now.
    fn tried(&self) -> Vec<usize> {
        let is_last = self.changes.len() > 1;
        (0..self.sessions.len()).filter(|index| is_last || !self.sessions[*index].waits).collect()
    }

    async fn refresh_one(&mut self, index: usize) -> bool {
        let answer = self.server().refresh(&self.sessions[index].refresh).await;
        decides(&answer);
        let (now, epoch, may) = (self.now(), self.changes.len(), self.may_live(&self.sessions[index]));
        let session = &mut self.sessions[index];
        if answer.status != 200 {
            session.ended = true;
            return false;
        }
        assert!(may, "a session of before lives: began at {}", session.began);
        let spent = std::mem::replace(&mut session.refresh, answer.string("refresh_token"));
        if spent != session.refresh {
            session.spent.push((spent, now, epoch));
        }
        (session.access, session.at) = (answer.string("access_token"), now);
        true
    }

    async fn refresh(&mut self) {
        let Some(index) = self.any_session() else { return };
        if self.refresh_one(index).await {
            self.met("refresh");
        }
    }

    async fn logout(&mut self) {
        let Some(index) = self.any_session() else { return };
        if !self.refresh_one(index).await {
            return;
        }
        let answer = self.server().as_bearer(Method::POST, "/v1/logout", &self.sessions[index].access).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        self.sessions[index].ended = true;
        self.met("logout");
    }

    async fn reset(&mut self, address: usize) {
        let before = self.server().mails(ADDRESSES[address]).await.len();
        let answer = self.server().post("/v1/password/forgot", &json!({ "email": ADDRESSES[address] })).await;
        if answer.status != 202 || !self.often() {
            return;
        }
        let Some(mail) = self.mailed(address, before).await.filter(|mail| mail.contains("?token=")) else { return };
        self.given(Proof::Reset(golden::link_token(&mail)), address).await;
    }

    async fn code(&mut self, address: usize) {
        let before = self.server().mails(ADDRESSES[address]).await.len();
        let answer = self.server().post("/v1/login/email-code", &json!({ "email": ADDRESSES[address] })).await;
        if answer.status != 202 || !self.often() {
            return;
        }
        let Some(mail) = self.mailed(address, before).await.filter(|mail| mail.contains("?token=")) else { return };
        let flow = answer.string("flow_token");
        let body = json!({ "email": ADDRESSES[address], "code": golden::code(&mail), "flow_token": flow });
        self.given(Proof::Code(body), address).await;
    }

    /// Something that works once is in somebody's hands, who uses it at once, later, or never.
    async fn given(&mut self, proof: Proof, address: usize) {
        self.secrets.push(Secret { proof, address, epoch: self.changes.len(), used: false });
        if self.often() {
            self.present(self.secrets.len() - 1).await;
        }
    }

    async fn use_a_secret(&mut self) {
        if !self.secrets.is_empty() {
            let index = self.chance.index(self.secrets.len());
            self.present(index).await;
        }
    }

    async fn present(&mut self, index: usize) {
        let (proof, address) = (self.secrets[index].proof.clone(), self.secrets[index].address);
        let password = self.new_password();
        let answer = match &proof {
            Proof::Reset(token) => {
                let body = json!({ "token": token, "new_password": password });
                self.server().post("/v1/password/reset", &body).await
            }
            Proof::Code(body) => self.server().verify_sign_in(body).await,
        };
        let (used, epoch) = (self.secrets[index].used, self.secrets[index].epoch);
        if used {
            assert_ne!(answer.status, 200, "a secret of epoch {epoch} was used before");
            self.met("refused twice");
        }
        if epoch < self.changes.len() {
            assert_ne!(answer.status, 200, "a secret of before works");
            self.met("old secret refused");
        }
        if answer.status != 200 {
            return;
        }
        self.secrets[index].used = true;
        match proof {
            Proof::Reset(_) => {
                self.told(address, password);
                self.met("reset");
            }
            Proof::Code(_) => {
                self.signed_in(address, &answer.json());
                self.met("code");
            }
        }
    }

    /// Somebody has a copy of a token that was exchanged.
    async fn use_a_spent_token(&mut self) {
        let now = self.now();
        let with: Vec<usize> =
            (0..self.sessions.len()).filter(|index| !self.sessions[*index].spent.is_empty()).collect();
        if with.is_empty() {
            return;
        }
        let index = with[self.chance.index(with.len())];
        let which = self.chance.index(self.sessions[index].spent.len());
        let (token, at, epoch) = self.sessions[index].spent[which].clone();
        if now <= at + GRACE {
            return;
        }
        let answer = self.server().refresh(&token).await;
        // Whatever the answer, it is not the owner who goes on.
        self.sessions[index].ended = true;
        if answer.status != 200 {
            self.met("refused twice");
            return;
        }
        // That ended the epoch in which it was exchanged.
        let change = self.changes.get(epoch);
        let may = change.is_some_and(|it| it.keeps_sessions && it.loses && at > it.until);
        assert!(may, "a refresh token works twice, and its exchange was not in the window");
        self.met("lost: refresh");
    }

    /// The second region takes over; nobody reaches the first one any more.
    pub async fn fail_over(&mut self, keeps_sessions: bool, tally: &mut Tally) {
        // So that each schedule has sessions of the window.
        for address in 0..ADDRESSES.len() {
            self.login(address).await;
        }
        let second = &self.regions[1].server;
        let until = failover::heartbeat(second, NAMES[0]).await.unwrap_or_default() - MARGIN;
        let since = self.now();
        let promoted = failover::take_over(second, NAMES[1], keeps_sessions.then_some(until)).await;
        self.regions[1].server = promoted;
        self.regions[1].is_touched = true;
        self.writer = 1;
        self.changes.push(TakeOver { until, since, keeps_sessions, loses: true });
        *tally.entry(if keeps_sessions { "kept sessions" } else { "ended sessions" }).or_default() += 1;
        // Orders of before that nobody has carried out here: the other region may have.
        for address in ADDRESSES {
            for mail in self.server().mails(address).await {
                assert!(!mail.text.contains("?token="), "an order of before was carried out: {}", mail.subject);
            }
        }
        self.advance(1);
        self.replicate().await;
    }

    /// What is missing was written in the window.
    pub async fn look_for_losses(&mut self, tally: &mut Tally) {
        let TakeOver { until, keeps_sessions, .. } = self.changes[0];
        let mut count = |what| *tally.entry(what).or_default() += 1;
        let mut lost = Vec::new();
        for address in 0..ADDRESSES.len() {
            let of_address: Vec<i64> =
                self.facts.iter().filter(|fact| fact.address == address).map(|fact| fact.at).collect();
            let Some(last) = of_address.last() else { continue };
            let in_window = *last > until;
            if !in_window && keeps_sessions {
                for index in 0..self.sessions.len() {
                    let session = &self.sessions[index];
                    if session.address == address && !session.ended && session.at <= until {
                        assert!(self.refresh_one(index).await, "a session of before the window is lost");
                        count("kept: session");
                    }
                }
            }
            match (self.login(address).await, in_window) {
                (true, _) => count("kept: account"),
                (false, false) => panic!("an account of before the window is lost: {of_address:?}, {until}"),
                (false, true) if of_address[0] > until => {
                    count("lost: account");
                    lost.push(address);
                }
                (false, true) => count("lost: password"),
            }
        }
        // Who has lost an account registers again.
        for address in lost {
            self.register(address).await;
        }
    }

    /// It has come back, and has heard who writes now. Nothing that anybody asks of it changes anything (ED-17).
    pub async fn try_the_old_writer(&mut self, tally: &mut Tally) {
        self.advance(56_000);
        self.replicate().await;
        let old = &self.regions[1 - self.writer].server;
        let (before, mails) = (old.items(crate::harness::TABLE, "").await.len(), old.mail_edge.taken());
        let mut answers = vec![old.login(ADDRESSES[0], "violet teapots orbit slowly 1").await];
        answers.push(old.register("dot@example.com", "violet teapots orbit slowly 1").await);
        for session in &self.sessions {
            answers.push(old.refresh(&session.refresh).await);
        }
        for answer in answers {
            assert_eq!((answer.status, answer.string("code").as_str()), (503, "standby"), "{}", answer.text);
        }
        assert!(old.pump.drain().await.is_err(), "its workers go on");
        let after = (old.items(crate::harness::TABLE, "").await.len(), old.mail_edge.taken());
        assert_eq!(after, (before, mails));
        *tally.entry("old writer refused").or_default() += 1;
    }

    /// The first region takes its place back, once all has arrived: nothing is lost, and nothing comes back.
    pub async fn fail_back(&mut self, tally: &mut Tally) {
        self.everything_arrives().await;
        let mut accounts = Vec::new();
        for address in 0..ADDRESSES.len() {
            if self.login(address).await {
                accounts.push(address);
            }
        }
        self.everything_arrives().await;
        let mut live = Vec::new();
        for index in self.tried() {
            if self.refresh_one(index).await {
                live.push(index);
            }
        }
        self.everything_arrives().await;
        let [first, second] = [0, 1].map(|index| &self.regions[index].server);
        std::fs::copy(&second.key_file, &first.key_file).unwrap();
        // The command waits for a heartbeat of five seconds ago at most.
        let since = self.now();
        let until = since - 5_000 - MARGIN;
        let promoted = failover::take_over(first, NAMES[0], Some(until)).await;
        self.regions[0].server = promoted;
        self.regions[0].is_touched = true;
        self.writer = 0;
        self.changes.push(TakeOver { until, since, keeps_sessions: true, loses: false });
        self.advance(1);
        self.replicate().await;
        for address in accounts {
            assert!(self.login(address).await, "an account is lost by going back");
        }
        for index in live {
            assert!(self.refresh_one(index).await, "a session is lost by going back");
        }
        *tally.entry("went back").or_default() += 1;
    }

    /// Every secret that the other region gave, used or not (ED-18).
    pub async fn try_old_secrets(&mut self, tally: &mut Tally) {
        for index in 0..self.secrets.len() {
            if self.secrets[index].epoch < self.changes.len() {
                self.present(index).await;
            }
        }
        for index in self.tried() {
            if !self.may_live(&self.sessions[index]) {
                let answer = self.server().refresh(&self.sessions[index].refresh).await;
                assert_eq!(answer.status, 401, "{}", answer.text);
                *tally.entry("old session refused").or_default() += 1;
            }
        }
    }

    /// Whoever is let in at an address, by whatever, is the same user.
    pub async fn no_address_has_two_users(&mut self) {
        for address in 0..ADDRESSES.len() {
            self.login(address).await;
        }
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for index in self.tried() {
            if self.refresh_one(index).await {
                let me = self.server().as_bearer(Method::GET, "/v1/me", &self.sessions[index].access).await;
                assert_eq!(me.status, 200, "{}", me.text);
                users.entry(me.string("email")).or_default().insert(me.string("id"));
            }
        }
        for (address, ids) in users {
            assert_eq!(ids.len(), 1, "{address} has more than one user: {ids:?}");
        }
    }
}
