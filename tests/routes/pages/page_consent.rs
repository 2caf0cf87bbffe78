//! `GET` and `POST /ui/consent`

use crate::harness::applications::{CHALLENGE, authorize, leads_to, register_applications, sent, with_applications};
use crate::harness::pages::{Browser, heading};
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

const SHOWN: &str = "https://stranger.example/callback";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let own = observer.server.base.clone();
    let asked = browser.open(&observer.server, &stranger(&[])).await;
    let asked = browser.sign_in(&observer.server, &asked, EMAIL, PASSWORD).await;
    let mut shown = Answer::default();
    observer.see("page-consent", async |it| shown = browser.open(it, asked.header("location")).await).await;
    for (decision, status) in [("deny", 200), ("allow", 303), ("allow", 303)] {
        let typed = [("decision", decision)];
        observer
            .see("page-consent", async |it| expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status))
            .await;
        observer.server.step();
    }
    observer.see("authorize", async |it| expect(browser.open(it, &stranger(&[])).await.status, 302)).await;
}

/// The request of an application that is not the service's own.
fn stranger(more: &[(&str, &str)]) -> String {
    let mut given = vec![("client_id", "stranger"), ("redirect_uri", SHOWN), ("code_challenge", CHALLENGE)];
    given.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    given.extend(more);
    authorize(&given)
}

/// A browser that is shown the question, whose person is signed in.
async fn asked(server: &TestServer, more: &[(&str, &str)]) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let asked = browser.open(server, &stranger(more)).await;
    let asked = browser.sign_in(server, &asked, EMAIL, PASSWORD).await;
    assert!(asked.header("location").starts_with("/ui/consent?request="), "{} {}", asked.status, asked.text);
    let shown = browser.open(server, asked.header("location")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    server.step();
    (browser, shown)
}

#[tokio::test]
async fn sec_oc_21_a_person_is_asked_once_and_again_only_for_more() {
    let server = with_applications().await;
    let (mut browser, shown) = asked(&server, &[("scope", "openid")]).await;
    assert_eq!(heading(&shown), "Let Stranger have this?");
    for part in ["Know who you are", "stranger.example", EMAIL, "value=\"deny\""] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    assert!(!shown.text.contains("See your email address"), "{}", shown.text);
    let allowed = browser.press(&server, &shown, &[("decision", "allow")]).await;
    assert_eq!(allowed.status, 303, "{}", allowed.text);
    let back = browser.open(&server, allowed.header("location")).await;
    assert!(leads_to(&back).starts_with(&format!("{SHOWN}?code=ac_")), "{}", back.text);
    server.step();
    // The same, and less, is not asked again, in this browser or another.
    assert!(
        sent(&browser.open(&server, &stranger(&[("scope", "openid"), ("prompt", "none")])).await, "code").is_some()
    );
    server.step();
    let mut other = Browser::default();
    let asked = other.open(&server, &stranger(&[("scope", "openid")])).await;
    assert!(sent(&other.sign_in(&server, &asked, EMAIL, PASSWORD).await, "code").is_some());
    server.step();
    // More is: a scope, an API, another host.
    for more in [
        [("scope", "openid email"), ("state", "s")],
        [("scope", "openid"), ("resource", "https://orders.example")],
        [("scope", "openid"), ("redirect_uri", "https://other.example/callback")],
    ] {
        let asked = browser.open(&server, &stranger(&more)).await;
        assert!(asked.header("location").starts_with("/ui/consent?"), "{more:?} {}", asked.header("location"));
        let silent = browser.open(&server, &stranger(&[more[0], more[1], ("prompt", "none")])).await;
        assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"), "{more:?}");
    }
    let consents: Vec<_> = server.items(TABLE, "USER#").await;
    let consents: Vec<_> = consents.iter().filter(|it| it["sk"].as_s().unwrap() == "CONSENT#stranger").collect();
    assert_eq!(consents.len(), 1);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|it| it["action"].as_s().unwrap() == "consent_given"), "{lines:?}");
}

#[tokio::test]
async fn what_is_asked_is_said_in_the_words_of_the_api() {
    let server = with_applications().await;
    let (_, shown) =
        asked(&server, &[("scope", "openid email orders:read"), ("resource", "https://orders.example")]).await;
    for words in ["Know who you are", "See your email address", "Read your orders"] {
        assert!(shown.text.contains(words), "{words}: {}", shown.text);
    }
}

#[tokio::test]
async fn sec_oc_13_whoever_says_no_goes_back_with_access_denied_and_nothing_is_noted() {
    let server = with_applications().await;
    let (mut browser, shown) = asked(&server, &[]).await;
    let back = browser.press(&server, &shown, &[("decision", "deny")]).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_eq!(sent(&back, "error").as_deref(), Some("access_denied"), "{}", leads_to(&back));
    assert_eq!(sent(&back, "state").as_deref(), Some("s t&ate"));
    assert_eq!(sent(&back, "iss").as_deref(), Some(server.base.as_str()));
    assert!(server.items(TABLE, "USER#").await.iter().all(|it| !it["sk"].as_s().unwrap().starts_with("CONSENT#")));
    let again = browser.open(&server, &stranger(&[])).await;
    assert!(again.header("location").starts_with("/ui/consent?"), "{}", again.header("location"));
}

#[tokio::test]
async fn sec_oc_14_prompt_consent_asks_again_and_an_older_press_will_not_do() {
    let server = with_applications().await;
    let (mut browser, shown) = asked(&server, &[]).await;
    let allowed = browser.press(&server, &shown, &[("decision", "allow")]).await;
    browser.open(&server, allowed.header("location")).await;
    server.clock.advance(5);
    let asked = browser.open(&server, &stranger(&[("prompt", "consent")])).await;
    assert!(asked.header("location").starts_with("/ui/consent?"), "{}", asked.header("location"));
    let flow = sent(&asked, "flow").unwrap();
    server.step();
    let unpressed = browser.open(&server, &format!("{}&wg_flow={flow}", stranger(&[("prompt", "consent")]))).await;
    assert!(unpressed.header("location").starts_with("/ui/consent?"), "{}", unpressed.header("location"));
    let shown = browser.open(&server, asked.header("location")).await;
    assert!(shown.text.contains("See your email address"), "{}", shown.text);
    let allowed = browser.press(&server, &shown, &[("decision", "allow")]).await;
    let back = browser.open(&server, allowed.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.text);
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_gives_no_consent() {
    let server = with_applications().await;
    let (mut browser, shown) = asked(&server, &[]).await;
    for origin in [None, Some("null"), Some("https://evil.example"), Some("https://stranger.example")] {
        let refused = browser.submit(&server, &shown, &[("decision", "allow")], origin).await;
        assert_eq!(
            (refused.status, heading(&refused)),
            (403, "Let Stranger have this?"),
            "{origin:?}: {}",
            refused.text
        );
    }
    assert!(server.items(TABLE, "USER#").await.iter().all(|it| !it["sk"].as_s().unwrap().starts_with("CONSENT#")));
}

#[tokio::test]
async fn sec_oc_28_whoever_is_not_signed_in_is_led_to_where_they_can_and_a_foreign_request_nowhere() {
    let server = with_applications().await;
    let (browser, shown) = asked(&server, &[]).await;
    let mut other = Browser::default();
    other.cookies.extend(browser.cookies.into_iter().filter(|(name, _)| name.contains("csrf")));
    let led = other.press(&server, &shown, &[("decision", "allow")]).await;
    assert!(led.status == 303 && led.header("location").starts_with("/oauth2/authorize?"), "{}", led.text);
    let asked = other.open(&server, led.header("location")).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.header("location"));
    for request in ["", "aHR0cHM6Ly9ldmlsLmV4YW1wbGUvP2E9Yg", "L29hdXRoMi9sb2dvdXQ_Y2xpZW50X2lkPWE"] {
        let answer = other.open(&server, &format!("/ui/consent?request={request}")).await;
        assert_eq!((answer.status, heading(&answer)), (400, "This did not work"), "{request}: {}", answer.text);
    }
}

/// Two tabs that say yes at once are in nobody's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_21_two_tabs_that_say_yes_at_once_both_go_on_and_nothing_is_lost() {
    let server = with_applications().await;
    let (browser, one) = asked(&server, &[("scope", "openid")]).await;
    let mut second = Browser::default();
    second.cookies.clone_from(&browser.cookies);
    let asked = second.open(&server, &stranger(&[("scope", "email")])).await;
    let other = second.open(&server, asked.header("location")).await;
    let mut first = Browser::default();
    first.cookies.clone_from(&browser.cookies);
    let decision = [("decision", "allow")];
    let (one, other) = tokio::join!(first.press(&server, &one, &decision), second.press(&server, &other, &decision));
    assert_eq!((one.status, other.status), (303, 303), "{} {}", one.text, other.text);
    server.step();
    let both = [("scope", "openid email"), ("prompt", "none")];
    assert!(sent(&first.open(&server, &stranger(&both)).await, "code").is_some());
}
