//! OAuth clients and resources: a reviewed file into the table, each change at the version that was read.

use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::oauth::client::{Client, ClientId};
use wardgate::domain::oauth::resource::ResourceUri;
use wardgate::store::clients::Saved;
use wardgate::use_cases::clients::{
    ClientsError, Registry, Step, add_secret, carry_out, drop_secret, plan, registered,
};
use wardgate_server::dev::demo_clients;

use crate::harness::{AUDIT_TABLE, TABLE, TestServer};

const SHOP: &str = r#"
[[client]]
id = "shop"
kind = "web"
name = { en = "Shop" }
redirect_uris = ["https://shop.example/callback"]
resources = ["https://orders.example"]

[[resource]]
uri = "https://orders.example"
name = { en = "Orders" }
scopes."orders:read" = { en = "Read your orders" }
"#;

fn registry(text: &str) -> Registry {
    toml::from_str(text).unwrap()
}

async fn planned(server: &TestServer, text: &str, prune: bool) -> Vec<Step> {
    plan(&server.app, &registry(text), prune).await.unwrap()
}

/// Plans and writes; gives what was said of it.
async fn saved(server: &TestServer, text: &str, prune: bool) -> Vec<String> {
    let steps = planned(server, text, prune).await;
    for step in &steps {
        carry_out(&server.app, &server.context(), step).await.unwrap();
    }
    steps.into_iter().map(|step| step.difference).collect()
}

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

async fn shop(server: &TestServer) -> Client {
    server.app.store.read_client(&id("shop")).await.unwrap().unwrap()
}

/// What the stage's lines of the trail say, sorted.
async fn recorded(server: &TestServer) -> Vec<(String, String)> {
    let lines = server.items(AUDIT_TABLE, "STAGE#").await;
    let text = |line: &std::collections::HashMap<String, _>, name: &str| {
        let value: &aws_sdk_dynamodb::types::AttributeValue = &line[name];
        value.as_s().unwrap().clone()
    };
    let mut found: Vec<_> = lines.iter().map(|line| (text(line, "action"), text(line, "detail"))).collect();
    found.sort();
    found
}

#[tokio::test]
async fn sec_oc_52_what_a_dry_run_says_is_written_and_recorded_word_for_word() {
    let server = TestServer::start().await;
    let said: Vec<String> = planned(&server, SHOP, false).await.into_iter().map(|step| step.difference).collect();
    assert_eq!(server.items(TABLE, "CLIENT#").await.len(), 0, "a plan writes nothing");
    assert!(said[0].starts_with("resource https://orders.example: added\n"), "{said:?}");
    assert!(said[1].starts_with("client shop: added\n") && said[1].contains("\n  consent: \"required\""), "{said:?}");
    assert_eq!(saved(&server, SHOP, false).await, said);
    let expected = [("client_changed".to_owned(), said[1].clone()), ("resource_changed".to_owned(), said[0].clone())];
    assert_eq!(recorded(&server).await, expected);
    assert_eq!(saved(&server, SHOP, false).await, [""; 0], "nothing is left to be done");

    let other = SHOP.replace("shop.example/callback", "shop.example/back");
    let said = saved(&server, &other, false).await;
    let line = r#"  redirect_uris: ["https://shop.example/callback"] -> ["https://shop.example/back"]"#;
    assert_eq!(said, [format!("client shop: changed\n{line}")]);
    assert_eq!((shop(&server).await.version, recorded(&server).await.len()), (2, 3));
}

#[tokio::test]
async fn sec_oc_52_of_two_who_have_read_the_same_version_one_writes() {
    let server = TestServer::start().await;
    saved(&server, SHOP, false).await;
    let lines = recorded(&server).await.len();
    let mine = planned(&server, &SHOP.replace("\"Shop\"", "\"Mine\""), false).await;
    let theirs = planned(&server, &SHOP.replace("\"Shop\"", "\"Theirs\""), false).await;
    let context = server.context();
    carry_out(&server.app, &context, &mine[0]).await.unwrap();
    let refused = carry_out(&server.app, &context, &theirs[0]).await.unwrap_err();
    assert!(matches!(refused, ClientsError::ChangedMeanwhile(_)), "{refused}");
    assert_eq!(shop(&server).await.registration.name["en"], "Mine");
    assert_eq!(recorded(&server).await.len(), lines + 1, "what did not happen is not recorded");
    // Nor is one that is new to both made twice.
    let client = Client { version: 1, ..shop(&server).await };
    let audit = server.app.audit(&context, Subject::Stage, AuditAction::ClientChanged, None);
    assert_eq!(server.app.store.save_client(&client, &audit.unwrap()).await.unwrap(), Saved::ChangedMeanwhile);
}

#[tokio::test]
async fn what_is_gone_is_out_of_use_comes_back_with_its_secrets_and_goes_for_good_only_when_asked() {
    let server = TestServer::start().await;
    saved(&server, SHOP, false).await;
    add_secret(&server.app, &server.context(), &id("shop")).await.unwrap();
    let said = saved(&server, "", false).await;
    let line = "disabled: false -> true";
    let expected =
        [format!("client shop: changed\n  {line}"), format!("resource https://orders.example: changed\n  {line}")];
    assert_eq!(said, expected);
    assert!(shop(&server).await.disabled);
    assert_eq!(saved(&server, "", false).await, [""; 0]);
    saved(&server, SHOP, false).await;
    assert!(!shop(&server).await.disabled);
    assert_eq!(shop(&server).await.secrets.len(), 1);

    let said = saved(&server, "", true).await;
    assert_eq!(said, ["client shop: deleted", "resource https://orders.example: deleted"]);
    let (clients, resources) = registered(&server.app).await.unwrap();
    assert!(clients.is_empty() && resources.is_empty());
    for prefix in ["CLIENT#", "RESOURCE#", "REGISTERED"] {
        assert_eq!(server.items(TABLE, prefix).await.len(), 0, "{prefix}");
    }
}

#[tokio::test]
async fn sec_oc_44_two_secrets_work_at_once_and_each_is_dropped_alone() {
    let server = TestServer::start().await;
    saved(&server, SHOP, false).await;
    let context = server.context();
    let (first, one) = add_secret(&server.app, &context, &id("shop")).await.unwrap();
    let (second, two) = add_secret(&server.app, &context, &id("shop")).await.unwrap();
    let refused = add_secret(&server.app, &context, &id("shop")).await.unwrap_err();
    assert!(matches!(refused, ClientsError::TooManySecrets(_)), "{refused}");
    let kept: Vec<String> = shop(&server).await.secrets.into_iter().map(|secret| secret.sha256).collect();
    let digest = wardgate::crypto::client_secret::digest;
    assert_eq!(kept, [digest(&one), digest(&two)]);

    assert_eq!(drop_secret(&server.app, &context, &first).await.unwrap(), id("shop"));
    let kept: Vec<String> = shop(&server).await.secrets.into_iter().map(|secret| secret.id).collect();
    assert_eq!(kept, [second]);
    let refused = drop_secret(&server.app, &context, &first).await.unwrap_err();
    assert!(matches!(refused, ClientsError::NoSecret(_)), "{refused}");
    // The trail names secrets, and has none.
    let trail = format!("{:?}", server.items(AUDIT_TABLE, "STAGE#").await);
    assert!(trail.contains(&format!("secret {first} dropped")));
    for secret in [&one, &two] {
        assert!(!trail.contains(secret.as_str()) && !trail.contains(&digest(secret)));
    }
}

#[tokio::test]
async fn who_keeps_no_secret_gets_none() {
    let server = TestServer::start().await;
    saved(&server, &SHOP.replace("\"web\"", "\"spa\""), false).await;
    let refused = add_secret(&server.app, &server.context(), &id("shop")).await.unwrap_err();
    assert!(matches!(refused, ClientsError::NoSecrets(_)), "{refused}");
    let refused = add_secret(&server.app, &server.context(), &id("other")).await.unwrap_err();
    assert!(matches!(refused, ClientsError::NoClient(_)), "{refused}");
}

#[tokio::test]
async fn sec_oc_34_no_audience_is_another_tokens() {
    let server = TestServer::start().await;
    let (audience, issuer) = (&server.app.config.tokens.audience, &server.app.config.tokens.issuer);
    for own in [audience.clone(), format!("{audience}/"), format!("{issuer}/oauth2/userinfo")] {
        let text = SHOP.replace("https://orders.example", &own);
        let refused = plan(&server.app, &registry(&text), false).await.unwrap_err();
        assert!(matches!(refused, ClientsError::OwnAudience(_)), "{own}: {refused}");
    }
    // An id has no colon, and a URI has one: neither is the other.
    assert!(ClientId::parse("https://orders.example").is_err() && ResourceUri::parse("shop").is_err());
}

#[tokio::test]
async fn a_file_that_contradicts_itself_is_refused_before_anything_is_written() {
    let server = TestServer::start().await;
    let twice = format!("{SHOP}{SHOP}");
    let slash = SHOP.replace("uri = \"https://orders.example\"", "uri = \"https://orders.example/\"");
    let both = format!("{SHOP}\n[[resource]]\nuri = \"https://orders.example/\"\nname = {{ en = \"Orders\" }}\n");
    let loopback = SHOP.replace("https://shop.example/callback", "http://127.0.0.1/callback");
    for (text, why) in [
        (&twice, "resource https://orders.example stands twice"),
        (&both, "resource https://orders.example/ stands twice"),
        (
            &slash,
            "client shop: resources: https://orders.example is no resource of this file, or spelt otherwise there",
        ),
        (&loopback, "client shop: redirect_uris: http://127.0.0.1/callback: it begins with https://"),
    ] {
        let refused = plan(&server.app, &registry(text), false).await.unwrap_err().to_string();
        assert!(refused.starts_with(why), "{refused}");
    }
}

/// A laptop's, each time that its server starts.
#[tokio::test]
async fn demo_clients_come_once_and_what_somebody_has_changed_stays() {
    let server = TestServer::start().await;
    demo_clients::ensure(&server.app).await.unwrap();
    let demo = || async { server.app.store.read_client(&id(demo_clients::WITH_SECRET)).await.unwrap().unwrap() };
    let secrets: Vec<String> = demo().await.secrets.into_iter().map(|secret| secret.sha256).collect();
    assert_eq!(secrets, [wardgate::crypto::client_secret::digest(demo_clients::SECRET)]);
    // Puts the demo clients out of use.
    saved(&server, SHOP, false).await;
    let changed = demo().await;
    demo_clients::ensure(&server.app).await.unwrap();
    assert_eq!(demo().await, changed);
    assert!(changed.disabled && !shop(&server).await.disabled);
}
