//! Every order in which the table can see two requests: one that raises the version of an account's credentials, and one
//! that makes something under the credentials before (SE-04). Each request's calls for the items of accounts wait at a
//! gate of their own, and are let on one by one: in some orders, or with `EVERY_ORDER=1` in every order in turn.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::task::JoinHandle;
use wardgate::domain::email::Email;
use wardgate::domain::one_time::Purpose;

use crate::harness::store_edge::Gate;
use crate::harness::{Answer, OTHER_PASSWORD, PASSWORD, TestServer};

/// What raises `cred_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    PasswordChange,
    PasswordReset,
    EmailChange,
    EmailUndo,
    VerifyElsewhere,
    VerifyInItsFlow,
    Deletion,
}

/// What makes, or renews, something under credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    Password,
    Code,
    Link,
    Refresh,
    Reset,
}

/// A request that is under way, and where its calls wait.
struct Running {
    gate: Arc<Gate>,
    answer: JoinHandle<Answer>,
}

impl Running {
    fn start(server: &TestServer, gate: Gate, request: RequestBuilder) -> Self {
        let gate = Arc::new(gate);
        server.store.guard(Some(Arc::clone(&gate)));
        let changed = Arc::clone(&gate.changed);
        let answer = tokio::spawn(async move {
            let answer = Answer::read(request.send().await.unwrap()).await;
            changed.notify_one();
            answer
        });
        Self { gate, answer }
    }

    /// Whether it is known what it does next. Calls that run in parallel are made in one go, on the one thread.
    fn is_settled(&self) -> bool {
        self.answer.is_finished() || !self.gate.waiting().is_empty()
    }

    async fn settle(&self) {
        while !self.is_settled() {
            self.gate.changed.notified().await;
        }
    }
}

/// What an order of the calls led to.
struct Outcome {
    act: Answer,
    made: Answer,
    /// How many calls could have been next, at each step.
    choices: Vec<usize>,
    /// Whether the act's transaction was there before the other request read anything.
    act_first: bool,
    /// Which calls there were, in their order.
    trace: Vec<String>,
}

/// Runs both to their ends in one order: `order` says at each step which of the calls that wait is next; beyond its end
/// the first is.
async fn run(
    servers: [&TestServer; 2],
    act: RequestBuilder,
    made: impl AsyncFnOnce() -> RequestBuilder,
    order: &[usize],
) -> Outcome {
    let act = Running::start(servers[0], Gate::default(), act);
    act.settle().await;
    // What is made is later than the act's own time.
    servers[0].clock.advance_millis(30);
    let made = Running::start(servers[1], act.gate.second(), made().await);
    let (mut choices, mut trace, mut act_first) = (Vec::new(), Vec::new(), None);
    loop {
        act.settle().await;
        made.settle().await;
        let waiting = |running: &Running, name| running.gate.waiting().into_iter().map(move |label| (name, label));
        let calls: Vec<(&str, String)> = waiting(&act, "act").chain(waiting(&made, "made")).collect();
        if calls.is_empty() {
            break;
        }
        let (name, label) = &calls[order.get(choices.len()).copied().unwrap_or(0) % calls.len()];
        choices.push(calls.len());
        trace.push(format!("{name} {label}"));
        match *name {
            "act" => act.gate.pass(label).await,
            _ => made.gate.pass(label).await,
        }
        let committed = *name == "act" && label.starts_with("TransactWriteItems");
        if act_first.is_none() && (committed || *name == "made") {
            act_first = Some(committed);
        }
    }
    for server in servers {
        server.store.guard(None);
    }
    let (act, made) = (act.answer.await.unwrap(), made.answer.await.unwrap());
    Outcome { act, made, choices, act_first: act_first == Some(true), trace }
}

/// The order after this one, of which the last run says how many calls there were to choose from.
fn next(mut order: Vec<usize>, choices: &[usize]) -> Option<Vec<usize>> {
    order.resize(choices.len(), 0);
    while let Some(last) = order.pop() {
        if last + 1 < choices[order.len()] {
            order.push(last + 1);
            return Some(order);
        }
    }
    None
}

/// An account, and what the two requests need.
struct Prepared {
    act: RequestBuilder,
    made: RequestBuilder,
    /// The session that asks, where one does.
    asking: String,
    /// What was alive before both.
    before: String,
}

/// Binds what an address was mailed to the account, as the mailer does.
async fn bound(server: &TestServer, email: &str, purpose: Purpose) -> String {
    let mail = server.last_mailed(email, purpose).await;
    let key = Email::parse(email).unwrap().key();
    let credential = server.app.store.read_credential(&key).await.unwrap().unwrap();
    let user = AttributeValue::S(credential.user_id.to_string());
    server.set_attribute(&mail.pk, &mail.sk, "user_id", user).await;
    let version = AttributeValue::N(credential.cred_version.to_string());
    server.set_attribute(&mail.pk, &mail.sk, "cred_version", version).await;
    mail.token
}

async fn reset_link(server: &TestServer, email: &str) -> String {
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": email })).await.status, 202);
    bound(server, email, Purpose::PasswordReset).await
}

async fn prepare(servers: [&TestServer; 2], act: Act, maker: Maker, number: usize) -> Prepared {
    let [server, other] = servers;
    let email = &format!("ada{number}@example.com");
    let flow = server.register(email, PASSWORD).await.string("flow_token");
    let verification = server.last_mailed(email, Purpose::Verification).await.token;
    if !matches!(act, Act::VerifyElsewhere | Act::VerifyInItsFlow) {
        server.verify_directly(email).await;
    }
    let present = &format!("ada{number}@new.example");
    let email = if act == Act::EmailUndo {
        server.move_address(email, PASSWORD, present).await;
        present
    } else {
        email
    };
    server.clock.advance(1);
    let signed_in = server.login(email, PASSWORD).await;
    let access = signed_in.string("access_token");
    let post = |server: &TestServer, path: &str, body| server.request(Method::POST, path).json(&body);
    let made = match maker {
        Maker::Password => post(other, "/v1/login", json!({ "email": email, "password": PASSWORD })),
        Maker::Code => {
            let mailed = server.mailed_code(email).await;
            post(other, "/v1/login/email-code/verify", mailed.body())
        }
        Maker::Link => {
            let mailed = server.mailed_code(email).await;
            post(other, "/v1/login/email-code/verify", mailed.link())
        }
        Maker::Refresh => {
            let token = server.login(email, PASSWORD).await.string("refresh_token");
            post(other, "/v1/token/refresh", json!({ "refresh_token": token }))
        }
        Maker::Reset => {
            let token = reset_link(server, email).await;
            post(other, "/v1/password/reset", json!({ "token": token, "new_password": "violet teapots orbit slowly" }))
        }
    };
    let before = server.login(email, PASSWORD).await.string("refresh_token");
    let act = match act {
        Act::PasswordChange => {
            let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
            post(server, "/v1/password/change", body).bearer_auth(&access)
        }
        Act::PasswordReset => {
            let token = reset_link(server, email).await;
            post(server, "/v1/password/reset", json!({ "token": token, "new_password": OTHER_PASSWORD }))
        }
        Act::EmailChange => {
            assert_eq!(server.ask_for_address(&access, present, PASSWORD).await.status, 202);
            let token = server.last_mailed(present, Purpose::EmailChange).await.token;
            post(server, "/v1/email/change/confirm", json!({ "token": token }))
        }
        Act::EmailUndo => {
            let token = server.last_mailed(&format!("ada{number}@example.com"), Purpose::EmailUndo).await.token;
            post(server, "/v1/email/change/undo", json!({ "token": token }))
        }
        Act::VerifyElsewhere => post(server, "/v1/email/verify", json!({ "token": verification })),
        Act::VerifyInItsFlow => post(server, "/v1/email/verify", json!({ "token": verification, "flow_token": flow })),
        Act::Deletion => server.request(Method::DELETE, "/v1/me").bearer_auth(&access),
    };
    server.clock.advance(1);
    Prepared { act, made, asking: signed_in.string("refresh_token"), before }
}

/// How many orders of each pair are tried, unless `EVERY_ORDER=1` says all: those take many minutes.
const SAMPLES: usize = 5;

/// The `run`th sample: one after the other, both ways, and then at random, the same each time.
fn sample(run: usize) -> Vec<usize> {
    let mut state = run.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let random = (0..64).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    });
    match run {
        1 => Vec::new(),
        // The last of what waits is the other request's.
        2 => vec![11; 64],
        _ => random.collect(),
    }
}

/// Tries the orders of the two requests, each on an account of its own; gives how many there were.
async fn every_order(act: Act, maker: Maker) -> usize {
    #[expect(clippy::disallowed_methods, reason = "says how much is tried, not what is right")]
    let every = std::env::var("EVERY_ORDER").is_ok();
    let first = TestServer::start().await;
    let second = first.beside_itself().await;
    let servers = [&first, &second];
    let (mut order, mut runs) = (Vec::new(), 0);
    loop {
        runs += 1;
        let Prepared { act: request, made, asking, before } = prepare(servers, act, maker, runs).await;
        let outcome = run(servers, request, async || made, &order).await;
        let what = format!("{maker:?} in {:#?}: {} {}", outcome.trace, outcome.made.status, outcome.made.text);
        let succeeded = (200..300).contains(&outcome.act.status);
        if maker == Maker::Reset {
            // An undo stands against whatever came before it.
            let both = succeeded && outcome.made.status == 200 && act != Act::EmailUndo;
            assert!(!both, "both replaced the same credentials: {what}");
        } else {
            assert!(succeeded, "a sign-in was in the way: {} {what}", outcome.act.text);
        }
        if outcome.made.status == 200 && maker != Maker::Reset {
            let lives = first.refresh(&outcome.made.string("refresh_token")).await.status == 200;
            // The password that was chosen in the flow is still the password.
            let may_live = act == Act::VerifyInItsFlow && maker == Maker::Password && outcome.act_first;
            assert!(!lives || may_live, "{what}");
        }
        assert_eq!(first.refresh(&before).await.status, 401, "a session from before: {what}");
        let asking = first.refresh(&asking).await.status;
        let spared = act == Act::PasswordChange && succeeded;
        assert_eq!(asking, if spared { 200 } else { 401 }, "the session that asked: {what}");
        let following = if every { next(order, &outcome.choices) } else { Some(sample(runs + 1)) };
        match following {
            Some(following) if every || runs < SAMPLES => order = following,
            _ => return runs,
        }
    }
}

macro_rules! races {
    ($($name:ident: $act:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                for maker in [Maker::Password, Maker::Code, Maker::Link, Maker::Refresh, Maker::Reset] {
                    let orders = every_order(Act::$act, maker).await;
                    assert!(orders > 1, "{maker:?} met nothing");
                }
            }
        )*
    };
}

races! {
    sec_se_04_in_no_order_does_anything_outlive_a_change_of_password: PasswordChange;
    sec_se_04_in_no_order_does_anything_outlive_a_reset: PasswordReset;
    sec_se_04_in_no_order_does_anything_outlive_a_change_of_address: EmailChange;
    sec_se_04_in_no_order_does_anything_outlive_the_undoing_of_one: EmailUndo;
    sec_se_04_in_no_order_does_anything_outlive_a_verification_elsewhere: VerifyElsewhere;
    sec_se_04_in_no_order_does_anything_outlive_a_verification_in_its_flow: VerifyInItsFlow;
    sec_se_04_in_no_order_does_anything_outlive_a_deletion: Deletion;
}
