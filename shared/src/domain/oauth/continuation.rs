//! The request as the state: where a browser goes on once its person has signed in. It is public, is carried by the pages,
//! and nothing of it is stored: no tab, no button and no lunch loses it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::domain::factors::Wanted;
use crate::domain::language::Language;
use crate::domain::oauth::authorization::asks_for_two;
use crate::domain::oauth::client::ClientRegistration;
use crate::domain::oauth::parameters::Parameters;

/// The most bytes of the parameters (OC-20): a gateway takes 10,240 of the request line and all headers.
pub const MAX_REQUEST: usize = 3072;
/// Where browsers may be sent on to, and nowhere else (OC-28).
const PATHS: [&str; 7] =
    [AUTHORIZE, LOGOUT, ACCOUNT, ACCOUNT_EMAIL, ACCOUNT_PASSWORD, ACCOUNT_SECOND_FACTOR, ACCOUNT_DELETE];
/// A person's own page, and the forms behind it.
pub const ACCOUNT: &str = "/ui/account";
/// Another address.
pub const ACCOUNT_EMAIL: &str = "/ui/account/email";
/// Another password.
pub const ACCOUNT_PASSWORD: &str = "/ui/account/password";
/// Where the forms of both go: what checks a password is one route, which the edge counts.
pub const ACCOUNT_CREDENTIALS: &str = "/ui/account/credentials";
/// The second factor: to set it up, and what becomes of it.
pub const ACCOUNT_SECOND_FACTOR: &str = "/ui/account/second-factor";
/// The end of it.
pub const ACCOUNT_DELETE: &str = "/ui/account/delete";
/// Where authorization requests come.
pub const AUTHORIZE: &str = "/oauth2/authorize";
/// Where applications send browsers to sign out (OpenID Connect RP-Initiated Logout 1.0, 2).
pub const LOGOUT: &str = "/oauth2/logout";
/// The parameter with which a browser comes back: a sealed flow.
pub const FLOW: &str = "wg_flow";

/// A path of ours, and its parameters in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    path: &'static str,
    query: String,
}

impl Continuation {
    /// Of a request for an authorization, without the flow that it may come back with. Browsers and gateways encode in
    /// other ways, so it is written anew. `None` where it is too long.
    pub fn of_authorize(query: &str) -> Option<Self> {
        Self::of(AUTHORIZE, query)
    }

    /// Of one of a person's own pages.
    pub fn of_account(path: &str) -> Option<Self> {
        let path = PATHS.into_iter().find(|known| *known == path && known.starts_with(ACCOUNT))?;
        Self::of(path, "")
    }

    /// Of a request to sign out.
    pub fn of_logout(query: &str) -> Option<Self> {
        Self::of(LOGOUT, query)
    }

    fn of(path: &'static str, query: &str) -> Option<Self> {
        let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != FLOW);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        (query.len() <= MAX_REQUEST).then_some(Self { path, query })
    }

    /// As pages carry it.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}?{}", self.path, self.query))
    }

    /// As it stands in the query of a page of ours, with its question mark. A page has carried the flow: it may be anything.
    pub fn page_query(&self, flow: &str) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
        query.append_pair("request", &self.encode()).append_pair("flow", flow).finish()
    }

    /// Reads what a page has carried. `None` where it leads to no path of ours (OC-28).
    pub fn decode(encoded: &str) -> Option<Self> {
        if encoded.len() > 2 * MAX_REQUEST {
            return None;
        }
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
        let (path, query) = text.split_once('?')?;
        let path = PATHS.into_iter().find(|known| *known == path)?;
        Self::of(path, query)
    }

    /// What a flow is bound to.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, format!("{}?{}", self.path, self.query).as_bytes()).as_ref());
        hash
    }

    /// Where it leads: without a flow, to begin again.
    pub fn location(&self, flow: Option<&str>) -> String {
        if self.path.starts_with(ACCOUNT) {
            return self.path.to_owned();
        }
        match flow {
            // A page has carried it: it may be anything.
            Some(flow) => {
                let flow: String = form_urlencoded::byte_serialize(flow.as_bytes()).collect();
                format!("{}?{}&{FLOW}={flow}", self.path, self.query)
            }
            None => format!("{}?{}", self.path, self.query),
        }
    }

    /// Whether it leads back to where this client may be led.
    pub fn leads_back(&self, client: &ClientRegistration) -> bool {
        let parameters = self.parameters();
        if self.path.starts_with(ACCOUNT) {
            return false;
        }
        if self.path == LOGOUT {
            let uri = parameters.get("post_logout_redirect_uri");
            return uri.is_none_or(|uri| client.logs_out_to(uri));
        }
        parameters.get("redirect_uri").is_some_and(|uri| client.redirects_to(uri))
    }

    /// The language that the client asks pages to be written in, of those that they exist in (OpenID Connect Core 1.0,
    /// 3.1.2.1).
    pub fn language(&self) -> Option<Language> {
        self.parameters().get("ui_locales").and_then(Language::first_of)
    }

    /// What a sign-in on the way there is for: a person's own forms are for who has shown every factor, and so is what an
    /// application asks two factors for.
    pub fn wanted(&self) -> Wanted {
        let is_own_form = self.path.starts_with(ACCOUNT) && self.path != ACCOUNT;
        let asks = self.is_authorization() && asks_for_two(&self.parameters());
        if is_own_form || asks { Wanted::EveryFactor } else { Wanted::Session }
    }

    /// Whether it asks for a sign-in, and not for its end.
    pub fn is_authorization(&self) -> bool {
        self.path == AUTHORIZE
    }

    /// The parameters.
    pub fn parameters(&self) -> Parameters {
        Parameters::parse(self.query.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn sec_oc_28_a_request_leads_to_paths_of_ours_alone() {
        let is_let_in = |text: &str| Continuation::decode(&encoded(text)).is_some();
        assert!(is_let_in("/oauth2/authorize?client_id=a") && is_let_in("/oauth2/logout?client_id=a"));
        for text in [
            "",
            "/oauth2/authorize",
            "/oauth2/authorize/?a=b",
            "/oauth2/authorizes?a=b",
            "//evil.example?/oauth2/authorize?",
            "https://evil.example/oauth2/authorize?a=b",
            "/oauth2/token?a=b",
            "/ui/login?a=b",
            "\\oauth2/authorize?a=b",
        ] {
            assert!(!is_let_in(text), "{text}");
        }
        assert!(Continuation::decode("not base64!").is_none());
        assert!(Continuation::decode(&encoded(&format!("/oauth2/authorize?a={}", "b".repeat(MAX_REQUEST)))).is_none());
    }

    #[test]
    fn the_flow_that_it_came_back_with_is_no_part_of_it() {
        let one = Continuation::of_authorize("client_id=a&scope=openid+email&wg_flow=lf_x").unwrap();
        let other = Continuation::of_authorize("client_id=a&scope=openid%20email").unwrap();
        assert_eq!(one, other);
        assert_eq!(one.hash(), other.hash());
        assert_eq!(one.location(None), "/oauth2/authorize?client_id=a&scope=openid+email");
        assert_eq!(one.location(Some("lf_y")), "/oauth2/authorize?client_id=a&scope=openid+email&wg_flow=lf_y");
    }

    #[test]
    fn sec_oc_28_what_a_page_carries_as_a_flow_adds_no_parameter() {
        let request = Continuation::of_authorize("client_id=a").unwrap();
        let location = request.location(Some("x&redirect_uri=https://evil.example\r\nset-cookie: a=b"));
        let (_, query) = location.split_once('?').unwrap();
        assert_eq!(Continuation::of_authorize(query), Some(request));
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
    }

    #[test]
    fn sec_oc_20_three_kilobytes_are_taken_and_no_more() {
        let of = |length: usize| Continuation::of_authorize(&format!("a={}", "b".repeat(length - 2)));
        assert!(of(MAX_REQUEST).is_some());
        assert!(of(MAX_REQUEST + 1).is_none());
    }

    proptest! {
        #[test]
        fn what_pages_carry_is_the_same_request(query in "\\PC{0,200}") {
            let request = Continuation::of_authorize(&query);
            prop_assume!(request.is_some());
            let request = request.unwrap();
            prop_assert_eq!(Continuation::decode(&request.encode()), Some(request.clone()));
            // And so is where it leads to.
            let (_, again) = request.location(Some("lf_x")).split_once('?').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            prop_assert_eq!(Continuation::of_authorize(&again), Some(request));
        }
    }
}
