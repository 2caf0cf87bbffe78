//! A second factor, as whoever reads the server's logs sees it.

use serde_json::{Value, json};
use wardgate::clock::{Clock as _, SystemClock};
use wardgate_runtime_tests::authenticator::Authenticator;
use wardgate_runtime_tests::phone_app::PhoneApp;

use super::{Server, client, post};

/// MF-25: at the noisiest level, nothing of a second factor reaches logs or metrics.
#[tokio::test]
async fn sec_mf_25_nothing_of_a_second_factor_reaches_logs_or_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let noisy = [("AUTH__LOG__LEVEL", "trace"), ("AUTH__LOG__FORMAT", "json")];
    let server =
        Server::start_logging(&folder.path().join("data"), &noisy, std::fs::File::create(&log).unwrap().into());
    let demo = json!({ "email": "demo@example.com", "password": "tulips lean over quiet canals" });
    let signed_in = post(&server.base, "/v1/login", demo.clone()).await.unwrap().1;
    let ask = async |path: &str, body: Value| {
        let request = client().post(format!("{}{path}", server.base)).bearer_auth(text(&signed_in, "access_token"));
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let begun = ask("/v1/mfa/totp", json!({})).await.1;
    let app = PhoneApp::typed(&text(&begun, "secret"));
    let confirm = |code: &str| json!({ "enrolment_token": begun["enrolment_token"], "code": code });
    assert_eq!(ask("/v1/mfa/totp/confirm", confirm("canary-code")).await.0, 400);
    let code = app.code(SystemClock.now().unix_seconds());
    let (status, confirmed) = ask("/v1/mfa/totp/confirm", confirm(&code)).await;
    assert_eq!(status, 200, "{confirmed}");
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap();
    let waiting = post(&server.base, "/v1/login", demo).await.unwrap().1;
    let second = |code: &str| json!({ "mfa_token": waiting["mfa_token"], "method": "recovery_code", "code": code });
    assert_eq!(post(&server.base, "/v1/login/mfa", second("canary-code")).await.unwrap().0, 401);
    assert_eq!(post(&server.base, "/v1/login/mfa", second(&codes[0])).await.unwrap().0, 200);
    let step_up = json!({
        "password": "tulips lean over quiet canals", "method": "recovery_code", "code": codes[1],
    });
    assert_eq!(ask("/v1/step-up", step_up).await.0, 200);
    // A passkey, which comes to that as well.
    let asked = ask("/v1/passkeys/registration/options", json!({})).await.1;
    let mut authenticator = Authenticator::synced(&server.base.replace("127.0.0.1", "localhost"));
    let made = authenticator.create(&asked["publicKey"]);
    assert_eq!(ask("/v1/passkeys/registration", json!({ "credential": made })).await.0, 201);
    let asked = ask("/v1/step-up/options", json!({})).await.1;
    let signed = authenticator.get(&asked["passkey"]["publicKey"]);
    let shown =
        json!({ "password": "tulips lean over quiet canals", "method": "passkey", "credential": signed.clone() });
    assert_eq!(ask("/v1/step-up", shown.clone()).await.0, 200);
    assert_eq!(ask("/v1/step-up", shown).await.0, 401);
    let metrics = client().get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
    server.signal("TERM");
    drop(server);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(r#""endpoint":"login-mfa""#), "the log is empty: {log}");
    let parts = |token: String| token.split('.').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let of_passkeys = [(&made, "attestationObject"), (&made, "clientDataJSON"), (&signed, "signature")]
        .map(|(credential, member)| text(&credential["response"], member));
    let mut canaries = vec!["canary-code".to_owned(), "otpauth".to_owned(), text(&begun, "secret")];
    canaries.extend(parts(text(&begun, "enrolment_token")));
    canaries.extend(parts(text(&waiting, "mfa_token")));
    canaries.extend(codes);
    canaries.extend(of_passkeys);
    canaries.push(text(&asked["passkey"]["publicKey"], "challenge"));
    for canary in canaries {
        assert!(!log.contains(&canary), "{canary} is in the log");
        assert!(!metrics.contains(&canary), "{canary} is in the metrics");
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap().to_owned()
}
