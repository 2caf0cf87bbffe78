//! `POST /v1/passkeys/login/options`.

use serde_json::json;

use crate::harness::TestServer;
use crate::permissions::observer::Observer;

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    observer.see("passkey-login-options", async |it| drop(it.login_options().await)).await;
}

#[tokio::test]
async fn sec_mf_14_the_question_names_nobody_and_asks_nothing_of_the_table() {
    let server = TestServer::start().await;
    server.with_passkey().await;
    server.store.reset();
    let first = server.login_options().await;
    assert_eq!(server.store.count(), 0);
    assert_eq!(first["allowCredentials"], json!([]));
    assert_eq!((&first["rpId"], &first["userVerification"]), (&json!("localhost"), &json!("required")));
    assert_ne!(first["challenge"], server.login_options().await["challenge"]);
}
