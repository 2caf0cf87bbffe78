//! The operations, and what holds right after each.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wardgate::domain::user::UserStatus;
use wardgate::use_cases::eraser::erase_accounts;

use super::people::{Asked, Client, Outcome, World, partition};
use super::{ADDRESSES, Death, Operation, Proof, Step};

/// Nobody has this password.
const WRONG: &str = "nobody ever chose this sentence";
/// How long after a sign-in one counts as having just signed in, less what a test takes.
const FRESH_MILLIS: i64 = 290_000;

impl World {
    pub async fn act(&mut self, Step { operation, death }: Step) {
        match operation {
            Operation::Register { address } => self.register(address, death).await,
            Operation::Verify { address, first, by_code, back, flow } => {
                if first {
                    self.register(address, None).await;
                    self.server.clock.advance(1);
                }
                self.verify(address, by_code, back, flow, death).await;
            }
            Operation::Resend { address } => self.ask("/v1/email/verify/resend", address, death).await,
            Operation::Login { address, right, device } => self.login(address, right, device, death).await,
            Operation::AskCode { address } => self.ask("/v1/login/email-code", address, death).await,
            Operation::SignInByMail { address, first, proof } => {
                let address = self.home(address).await;
                if first {
                    self.ask("/v1/login/email-code", address, None).await;
                }
                self.sign_in_by_mail(address, proof, death).await;
            }
            Operation::Refresh { session, back } => self.refresh(session, back, death).await,
            Operation::Logout { session, by_refresh } => self.logout(session, by_refresh, death).await,
            Operation::EndSession { session, other } => self.end_session(session, other, death).await,
            Operation::EndOthers { session } => self.end_others(session, death).await,
            Operation::ChangePassword { address, right } => self.change_password(address, right, death).await,
            Operation::Forgot { address } => self.ask("/v1/password/forgot", address, death).await,
            Operation::Reset { address, first, back } => {
                let address = self.home(address).await;
                if first {
                    self.ask("/v1/password/forgot", address, None).await;
                }
                self.reset(address, back, death).await;
            }
            Operation::ChangeAddress { address, to } => self.change_address(address, to, death).await,
            Operation::ConfirmAddress { address, to, first, back } => {
                if first {
                    let to = self.vacancy(to).await;
                    self.change_address(address, to, None).await;
                    self.server.clock.advance(1);
                }
                self.confirm_address(back, death).await;
            }
            Operation::UndoAddress { back } => self.undo_address(back, death).await,
            Operation::SetName { session } => self.set_name(session, death).await,
            Operation::Delete { address } => self.delete(address, death).await,
            Operation::Keep { address, first, back } => {
                if first {
                    self.delete(address, None).await;
                    self.server.clock.advance(1);
                }
                self.keep(back, death).await;
            }
            Operation::Erase => self.erase(death).await,
            Operation::Disable { address } => self.disable(address).await,
            Operation::Deliver { mail } => self.deliver(death, mail).await,
            Operation::Wait { seconds } => self.server.clock.advance(seconds),
        }
    }

    fn count(&mut self, operation: &'static str, outcome: Outcome) {
        let (done, died) = self.tally.entry(operation).or_default();
        *done += usize::from(outcome == Outcome::Done);
        *died += usize::from(outcome == Outcome::Unknown);
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.server.request(Method::POST, path).json(body)
    }

    async fn ask(&mut self, path: &'static str, address: usize, death: Death) {
        let (answer, outcome) = self.send(self.post(path, &json!({ "email": Self::email(address) })), death).await;
        self.count(path, outcome);
        assert_ne!(outcome, Outcome::Refused, "{path}");
        if outcome == Outcome::Done && path == "/v1/login/email-code" {
            self.flows.push(answer.string("flow_token"));
        }
    }

    /// The flow that a mailed link was asked for in, if its answer arrived: both name the same item.
    fn flow_of(&self, link: &str) -> Option<String> {
        let payload = |token: &str| URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let item = payload(link)[32..48].to_owned();
        self.flows.iter().find(|flow| payload(flow)[..16] == item).cloned()
    }

    async fn register(&mut self, address: usize, death: Death) {
        let password = self.fresh_password();
        let body = json!({ "email": Self::email(address), "password": password });
        let (answer, outcome) = self.send(self.post("/v1/register", &body), death).await;
        self.count("register", outcome);
        assert_ne!(outcome, Outcome::Refused, "{}", answer.text);
        self.meet(&[Some(&password)]).await;
        let flow = (outcome == Outcome::Done).then(|| answer.string("flow_token"));
        self.asked.push(Asked { address, flow, password });
    }

    async fn verify(&mut self, address: usize, by_code: bool, back: usize, flow: Option<usize>, death: Death) {
        let proofs =
            if by_code { self.codes(address, "verify-email").await } else { self.links(address, "verify-email").await };
        let Some(proof) = proofs.get(back) else { return };
        let flow = flow.and_then(|back| self.asked.iter().rev().filter(|asked| asked.address == address).nth(back));
        let (flow, password) = flow.map_or((None, None), |asked| (asked.flow.clone(), Some(asked.password.clone())));
        let body = if by_code {
            json!({ "email": Self::email(address), "code": proof, "flow_token": flow })
        } else {
            json!({ "token": proof, "flow_token": flow })
        };
        let (answer, outcome) = self.send(self.post("/v1/email/verify", &body), death).await;
        self.count("verify", outcome);
        let kept = outcome == Outcome::Done && answer.string("status") == "verified";
        if outcome != Outcome::Done {
            // Where the answer is lost, so is whether the flow was the registration's own.
            self.meet(&[password.as_deref().filter(|_| flow.is_some()), None]).await;
            if outcome == Outcome::Unknown
                && !self.verified
                && let Some(user) = self.account(address).await
            {
                self.known(&user.id.to_string()).may_be_removed();
            }
            return;
        }
        assert!(!kept || flow.is_some(), "verified without a flow");
        self.meet(&[password.as_deref().filter(|_| kept)]).await;
        let user = self.account(address).await.unwrap_or_else(|| panic!("verified, and there is no account"));
        assert!(user.email_verified);
        let user = user.id.to_string();
        self.end(&user, None, "the verification");
        if !kept {
            self.known(&user).remove();
            self.resets.push((address, answer.string("reset_token")));
        }
    }

    async fn login(&mut self, address: usize, right: bool, device: bool, death: Death) {
        let address = if right { self.home(address).await } else { address };
        let account = self.account(address).await;
        let user = account.as_ref().map(|user| user.id.to_string());
        let known = user.as_ref().map(|user| self.known(user));
        let password = match known {
            Some(known) if right => known.best(),
            Some(known) => known.replaced().next().cloned(),
            None => self.asked.iter().rev().find(|asked| asked.address == address).map(|asked| asked.password.clone()),
        };
        let password = password.unwrap_or_else(|| WRONG.to_owned());
        let mut body = json!({ "email": Self::email(address), "password": password });
        if let Some(token) = self.devices.get(&address).filter(|_| device) {
            body["device_token"] = json!(token);
        }
        let (answer, outcome) = self.send(self.post("/v1/login", &body), death).await;
        self.count("login", outcome);
        if outcome == Outcome::Done {
            let client = self.signed_in(&answer).user.clone();
            assert_eq!(Some(&client), user.as_ref(), "signed in to another account");
            let active = account.is_some_and(|account| account.status == UserStatus::Active);
            assert!(active, "signed in to an account that is not active");
            let known = self.known(&client);
            assert!(known.may_work(&password), "a password that was replaced signs in");
            known.possible.retain(|other| other.as_ref() == Some(&password));
            self.devices.insert(address, answer.string("device_token"));
        } else if let Some(account) = account
            && outcome == Outcome::Refused
            && account.status == UserStatus::Active
            && (account.email_verified || !self.verified)
        {
            let known = self.known(&account.id.to_string());
            let sole = known.possible.len() == 1 && known.may_work(&password);
            assert!(!sole, "the password does not sign in: {} {}", answer.status, answer.text);
        }
    }

    async fn sign_in_by_mail(&mut self, address: usize, proof: Proof, death: Death) {
        let (links, codes) = (self.links(address, "sign-in").await, self.codes(address, "sign-in").await);
        let (Some(token), Some(code)) = (links.first(), codes.first()) else { return };
        let body = match (proof, self.flow_of(token)) {
            (Proof::WrongCode, Some(flow)) => {
                json!({ "email": Self::email(address), "code": "00000000", "flow_token": flow })
            }
            (Proof::Code, Some(flow)) => json!({ "email": Self::email(address), "code": code, "flow_token": flow }),
            (Proof::Link, Some(flow)) => json!({ "token": token, "flow_token": flow }),
            (Proof::WrongCode, None) => json!({ "token": token, "code": "00000000" }),
            (Proof::Code | Proof::Link, None) => json!({ "token": token, "code": code }),
        };
        let account = self.account(address).await;
        let (answer, outcome) = self.send(self.post("/v1/login/email-code/verify", &body), death).await;
        self.count("sign_in_by_mail", outcome);
        if outcome == Outcome::Done {
            assert!(!matches!(proof, Proof::WrongCode), "signed in with a wrong code");
            let client = self.signed_in(&answer).user.clone();
            let account = account.unwrap();
            assert_eq!((client, account.status), (account.id.to_string(), UserStatus::Active));
        }
    }

    async fn refresh(&mut self, session: usize, back: usize, death: Death) {
        let Some(index) = self.somebody(session).await else { return };
        let client = &self.clients[index];
        let token = client.tokens.iter().rev().nth(back).unwrap_or(&client.tokens[0]);
        let (answer, outcome) =
            self.send(self.post("/v1/token/refresh", &json!({ "refresh_token": token })), death).await;
        self.count("refresh", outcome);
        if outcome == Outcome::Done {
            assert_eq!(self.ended_client(&self.clients[index]), None, "refreshed a session that has ended");
            let (token, access) = (answer.string("refresh_token"), answer.string("access_token"));
            let client = &mut self.clients[index];
            client.access = access;
            if !client.tokens.contains(&token) {
                client.tokens.push(token);
            }
        }
    }

    async fn logout(&mut self, session: usize, by_refresh: bool, death: Death) {
        let Some(index) = self.somebody(session).await else { return };
        let client = &self.clients[index];
        let request = if by_refresh {
            self.post("/v1/logout", &json!({ "refresh_token": client.tokens.last() }))
        } else {
            self.server.request(Method::POST, "/v1/logout").bearer_auth(&client.access)
        };
        let (answer, outcome) = self.send(request, death).await;
        self.count("logout", outcome);
        assert_ne!(outcome, Outcome::Refused, "{}", answer.text);
        self.clients[index].ended |= outcome == Outcome::Done;
    }

    async fn end_session(&mut self, session: usize, other: usize, death: Death) {
        let Some(index) = self.somebody(session).await else { return };
        // Mostly one's own: nobody gets at another's.
        let user = &self.clients[index].user;
        let own = (0..self.clients.len()).rev().filter(|index| self.clients[*index].user == *user).nth(other);
        let Some(other) = own.or_else(|| self.client(other)) else { return };
        let path = format!("/v1/sessions/{}", self.clients[other].session);
        let request = self.server.request(Method::DELETE, &path).bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request, death).await;
        self.count("end_session", outcome);
        if outcome == Outcome::Done {
            assert_eq!(self.clients[index].user, self.clients[other].user, "ended another person's session");
            self.clients[other].ended = true;
        }
    }

    async fn end_others(&mut self, session: usize, death: Death) {
        let Some(index) = self.somebody(session).await else { return };
        let (user, id) = (self.clients[index].user.clone(), self.clients[index].session.clone());
        let request = self.server.request(Method::DELETE, "/v1/sessions").bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request, death).await;
        self.count("end_others", outcome);
        if outcome == Outcome::Done {
            assert_eq!(self.ended_client(&self.clients[index]), None, "a dead session ended the others");
            self.end(&user, Some(&id), "the end of all others");
        }
    }

    async fn set_name(&mut self, session: usize, death: Death) {
        let Some(index) = self.somebody(session).await else { return };
        let request = self.server.request(Method::PATCH, "/v1/me").bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request.json(&json!({ "name": "Ada King" })), death).await;
        self.count("set_name", outcome);
        if outcome == Outcome::Done {
            assert_eq!(self.ended_client(&self.clients[index]), None, "a dead session changed the name");
        }
    }

    /// An address with an account, if there is one: this one, or the first after it.
    async fn home(&mut self, address: usize) -> usize {
        for other in (address..ADDRESSES).chain(0..address) {
            if self.account(other).await.is_some_and(|user| user.status == UserStatus::Active) {
                return other;
            }
        }
        address
    }

    /// Somebody who has just signed in at an address: their client, and their password. Who knows none sets one first.
    async fn fresh(&mut self, address: usize) -> Option<(usize, String)> {
        let address = self.home(address).await;
        let user = self.account(address).await.filter(|user| user.status == UserStatus::Active)?.id.to_string();
        let newest = self.clients.iter().rposition(|client| client.user == user);
        let is_fresh = |index: &usize| {
            let client = &self.clients[*index];
            self.now().millis() - client.since.millis() < FRESH_MILLIS && self.ended_client(client).is_none()
        };
        if let (Some(index), Some(password)) = (newest.filter(is_fresh), self.known(&user).best()) {
            return Some((index, password));
        }
        if self.known(&user).possible.len() > 1 || self.known(&user).best().is_none() {
            self.ask("/v1/password/forgot", address, None).await;
            self.reset(address, 0, None).await;
            self.server.clock.advance(1);
        }
        let before = self.clients.len();
        self.login(address, true, true, None).await;
        self.server.clock.advance(1);
        let index = self.clients.len().checked_sub(1).filter(|_| self.clients.len() > before)?;
        Some((index, self.known(&user).best()?))
    }

    /// The `back`th newest client that has not been signed out; where nobody is signed in, somebody who then is.
    async fn somebody(&mut self, back: usize) -> Option<usize> {
        let is_live = |client: &Client| self.ended_client(client).is_none();
        if !self.clients.iter().any(is_live) {
            self.fresh(0).await;
        }
        self.client(back)
    }

    /// An address that nobody has, if there is one: this one, or the first after it.
    async fn vacancy(&mut self, address: usize) -> usize {
        for other in (address..ADDRESSES).chain(0..address) {
            if self.credential(other).await.is_none() {
                return other;
            }
        }
        address
    }

    async fn change_password(&mut self, address: usize, right: bool, death: Death) {
        let Some((index, current)) = self.fresh(address).await else { return };
        let (user, id) = (self.clients[index].user.clone(), self.clients[index].session.clone());
        let new = self.fresh_password();
        let body = json!({ "current_password": if right { &current } else { WRONG }, "new_password": new });
        let request = self.post("/v1/password/change", &body).bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request, death).await;
        self.count("change_password", outcome);
        match outcome {
            Outcome::Done => {
                assert!(right && current != WRONG, "changed with a wrong password");
                self.known(&user).set(&new);
                self.end(&user, Some(&id), "a change of the password");
                let me = self.server.as_bearer(Method::GET, "/v1/me", &self.clients[index].access).await;
                assert_eq!(me.status, 200, "the session that changed the password lives on: {}", me.text);
            }
            Outcome::Unknown if right => self.known(&user).may_be(&new),
            Outcome::Unknown | Outcome::Refused => {}
        }
    }

    async fn reset(&mut self, address: usize, back: usize, death: Death) {
        let mut tokens = self.links(address, "reset-password").await;
        if let Some(index) = self.resets.iter().position(|(other, _)| *other == address) {
            tokens.insert(0, self.resets.remove(index).1);
        }
        let (Some(token), account) = (tokens.get(back), self.account(address).await) else { return };
        let new = self.fresh_password();
        let body = json!({ "token": token, "new_password": new });
        let (_, outcome) = self.send(self.post("/v1/password/reset", &body), death).await;
        self.count("reset", outcome);
        match (outcome, account) {
            (Outcome::Done, account) => {
                let account = account.unwrap();
                assert_eq!(account.status, UserStatus::Active);
                let user = account.id.to_string();
                self.known(&user).set(&new);
                self.end(&user, None, "a reset");
            }
            (Outcome::Unknown, Some(account)) => self.known(&account.id.to_string()).may_be(&new),
            _ => {}
        }
    }

    async fn change_address(&mut self, address: usize, to: usize, death: Death) {
        let Some((index, password)) = self.fresh(address).await else { return };
        let body = json!({ "new_email": Self::email(to), "password": password });
        let request = self.post("/v1/email/change", &body).bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request, death).await;
        self.count("change_address", outcome);
    }

    async fn confirm_address(&mut self, back: usize, death: Death) {
        let Some((address, token)) = self.link_anywhere("confirm-email-change", back).await else { return };
        let (_, outcome) = self.send(self.post("/v1/email/change/confirm", &json!({ "token": token })), death).await;
        self.count("confirm_address", outcome);
        if outcome == Outcome::Done {
            let user = self.account(address).await.unwrap().id.to_string();
            self.end(&user, None, "a change of the address");
        }
    }

    async fn undo_address(&mut self, back: usize, death: Death) {
        let Some((address, token)) = self.link_anywhere("undo-email-change", back).await else { return };
        let reserved = self.credential(address).await.map(|credential| credential.user_id.to_string());
        let (_, outcome) = self.send(self.post("/v1/email/change/undo", &json!({ "token": token })), death).await;
        self.count("undo_address", outcome);
        match outcome {
            Outcome::Done => {
                let user = self.account(address).await.unwrap().id.to_string();
                assert_eq!(Some(&user), reserved.as_ref());
                self.known(&user).remove();
                self.end(&user, None, "an undo");
            }
            Outcome::Unknown => {
                if let Some(user) = reserved {
                    self.known(&user).may_be_removed();
                }
            }
            Outcome::Refused => {}
        }
    }

    async fn delete(&mut self, address: usize, death: Death) {
        let Some((index, _)) = self.fresh(address).await else { return };
        let user = self.clients[index].user.clone();
        let request = self.server.request(Method::DELETE, "/v1/me").bearer_auth(&self.clients[index].access);
        let (_, outcome) = self.send(request, death).await;
        self.count("delete", outcome);
        if outcome == Outcome::Done {
            self.end(&user, None, "a deletion");
        }
    }

    async fn keep(&mut self, back: usize, death: Death) {
        let Some((address, token)) = self.link_anywhere("keep-account", back).await else { return };
        let (_, outcome) = self.send(self.post("/v1/me/keep", &json!({ "token": token })), death).await;
        self.count("keep", outcome);
        if outcome == Outcome::Done {
            assert_eq!(self.account(address).await.unwrap().status, UserStatus::Active);
        }
    }

    pub async fn erase(&mut self, death: Death) {
        if let Some((after, crash)) = death {
            self.server.store.crash_after(after, crash);
        }
        let erased = erase_accounts(&self.server.app, "property").await;
        self.server.store.mend();
        assert!(death.is_some() || erased.is_ok(), "nobody died: {erased:?}");
    }

    /// As an administrator's tool would.
    async fn disable(&mut self, address: usize) {
        let Some(user) = self.account(address).await.filter(|user| user.status == UserStatus::Active) else { return };
        let (id, disabled) = (user.id.to_string(), AttributeValue::S("disabled".to_owned()));
        self.server.set_attribute(&format!("USER#{id}"), "PROFILE", "status", disabled.clone()).await;
        self.server.set_attribute(&partition(address), "CREDENTIAL", "status", disabled).await;
        self.end(&id, None, "a disabling");
    }
}
