//! The smoke test, with the real handlers behind Lambda's API, as a deployment's hook and as an operator calls it.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use wardgate::domain::synthetic::Synthetic;
use wardgate::use_cases::smoke::Report;

use crate::harness::deployed_functions::{DeployedFunctions, Tells, Version};
use crate::harness::store_edge::Disturbance;
use crate::harness::{AUDIT_TABLE, OTHER_PASSWORD, TABLE, TestServer, repository};

const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");
const WAY: [&str; 10] =
    ["start", "erase", "register", "verify", "sign-in", "refresh", "me", "code-flow", "second-factor", "sign-out"];

fn golden(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(repository(&format!("events/smoke/{name}.json"))).unwrap()).unwrap()
}

async fn run(server: &TestServer, functions: &DeployedFunctions, event: Value) -> Report {
    let parts = (smoke::FUNCTION.parts)(&server.app.config, &functions.connection()).unwrap();
    (smoke::FUNCTION.handler)(&server.app, &parts, serde_json::from_value(event).unwrap()).await.unwrap()
}

async fn start(variables: &[(&str, &str)]) -> (TestServer, DeployedFunctions) {
    let server = TestServer::with(variables).await;
    let functions = DeployedFunctions::new(server.elsewhere());
    (server, functions)
}

/// What there is of synthetic users, but for the trail.
async fn left(server: &TestServer) -> Vec<String> {
    let mut left = Vec::new();
    for prefix in ["EMAIL#", "USER#", "SMOKE#", "CLIENT#", "ERASURE"] {
        left.extend(server.items(TABLE, prefix).await.iter().map(|item| format!("{:?} {:?}", item["pk"], item["sk"])));
    }
    left
}

#[track_caller]
fn passed(report: &Report) {
    assert_eq!((report.passed, &report.failure), (true, &None));
    let steps: Vec<&str> = report.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, WAY);
}

/// The step, the function and the reason.
#[track_caller]
fn failed(report: &Report) -> (&'static str, String, String) {
    assert!(!report.passed);
    let failure = report.failure.clone().unwrap();
    (failure.step, failure.function.unwrap_or_default(), failure.reason)
}

#[tokio::test]
async fn sec_pl_08_a_user_without_roles_goes_all_the_way_and_leaves_nothing_but_the_trail() {
    for verified in ["true", "false"] {
        let (server, functions) = start(&[(VERIFIED.0, verified)]).await;
        for _ in 0..2 {
            passed(&run(&server, &functions, golden("live")).await);
            assert_eq!(left(&server).await, Vec::<String>::new(), "{verified}");
        }
        let trail = server.items(AUDIT_TABLE, "USER#usr_0000000000000000000000000").await;
        assert!(trail.iter().any(|line| line["action"].as_s().unwrap() == "signed_in"), "{trail:?}");
        assert!(functions.invoked().iter().all(|(_, qualifier, _)| qualifier == "live"));
        assert!(functions.reported().is_empty());
    }
}

/// The names in a request's body.
fn members(event: &Value) -> Vec<String> {
    let body = event["body"].as_str().unwrap_or("{}");
    match serde_json::from_str::<Value>(body) {
        Ok(body) => body.as_object().unwrap().keys().cloned().collect(),
        Err(_) => body.split('&').map(|member| member.split('=').next().unwrap().to_owned()).collect(),
    }
}

/// A request of it is one of anybody's: no header, no member that others do not send.
#[tokio::test]
async fn sec_pl_08_no_request_has_anything_that_lets_it_pass() {
    let (server, functions) = start(&[VERIFIED]).await;
    passed(&run(&server, &functions, golden("live")).await);
    for (function, _, event) in functions.invoked() {
        let headers: Vec<&String> = event["headers"].as_object().unwrap().keys().collect();
        let usual = ["authorization", "content-type", "origin", "user-agent"];
        assert!(headers.iter().all(|it| usual.contains(&it.as_str())), "{headers:?}");
        let members = members(&event);
        let expected: &[&str] = match function.as_str() {
            "page-login" => &["request", "flow", "csrf", "email", "password"],
            "token" => &["grant_type", "code", "redirect_uri", "client_id", "code_verifier"],
            "register" => &["email", "name", "password"],
            "login" => &["email", "password"],
            "email-verify" => &["token"],
            "token-refresh" => &["refresh_token"],
            "mfa-totp-confirm" => &["code", "enrolment_token"],
            "login-mfa" => &["code", "method", "mfa_token"],
            _ => &[],
        };
        assert_eq!(members, expected, "{function}");
    }
    let needs = (smoke::FUNCTION.needs)(&server.app.config).unwrap();
    assert_eq!(needs.rings.iter().map(|ring| ring.name()).collect::<Vec<_>>(), ["password_wrap"]);
}

#[tokio::test]
async fn a_hook_asks_the_new_version_and_all_others_live_and_says_so() {
    let (server, functions) = start(&[VERIFIED]).await;
    for tells in [Tells::HashAlone, Tells::Content] {
        functions.deploy("login", "7", tells);
        passed(&run(&server, &functions, golden("ok")).await);
        let invoked = functions.invoked();
        assert!(invoked.len() > 6, "{invoked:?}");
        for (function, qualifier, _) in invoked {
            assert_eq!(qualifier, if function == "login" { "7" } else { "live" }, "{function}");
        }
        let expected = json!({
            "deploymentId": golden("ok")["DeploymentId"],
            "lifecycleEventHookExecutionId": golden("ok")["LifecycleEventHookExecutionId"],
            "status": "Succeeded",
        });
        assert_eq!(functions.reported(), [expected]);
    }
}

#[tokio::test]
async fn a_new_version_that_does_not_work_fails_its_hook_by_name() {
    let (server, functions) = start(&[VERIFIED]).await;
    let broken = server.elsewhere_with(|config| "nowhere".clone_into(&mut config.store.table));
    for (function, version, expected) in [
        ("me", Version::Runs(broken.clone()), ("me", "me:7", "answered 500 with internal_error, not 200")),
        ("register", Version::Runs(broken), ("register", "register:7", "answered 500 with internal_error, not 202")),
        (
            "logout",
            Version::Fails("Runtime.ExitError"),
            ("sign-out", "logout:7", "Lambda did not take it: the function failed: Runtime.ExitError"),
        ),
        (
            "userinfo",
            Version::Fails("Runtime.ExitError"),
            ("code-flow", "userinfo:7", "Lambda did not take it: the function failed: Runtime.ExitError"),
        ),
        (
            "jwks",
            Version::Fails("Runtime.InitError"),
            ("start", "jwks:7", "Lambda did not take it: the function failed: Runtime.InitError"),
        ),
    ] {
        functions.deploy(function, "7", Tells::HashAlone);
        functions.set(function, "7", version);
        let report = run(&server, &functions, golden("ok")).await;
        assert_eq!(failed(&report), (expected.0, expected.1.to_owned(), expected.2.to_owned()));
        assert_eq!(functions.reported()[0]["status"], "Failed", "{function}");
        assert_eq!(left(&server).await, Vec::<String>::new(), "{function}");
    }
    // What is live is not what was broken.
    passed(&run(&server, &functions, golden("live")).await);
}

/// A release that brings sign-in to applications brings its functions one after the other, and each waits for this test.
/// As a table does that is busy for longer than a request tries. Whoever asks again is answered.
#[tokio::test]
async fn what_the_table_does_not_answer_once_takes_no_release_back() {
    let server = TestServer::with(&[VERIFIED, ("AUTH__AWS__MAX_ATTEMPTS", "1")]).await;
    let beside = server.beside_itself().await;
    let functions = DeployedFunctions::new(Arc::clone(&beside.app));
    for operation in ["UpdateItem", "GetItem", "Query", "TransactWriteItems", "DeleteItem"] {
        for edge in [&server.store, &beside.store] {
            edge.disturb(operation, Disturbance::ServerError, 1);
            passed(&run(&server, &functions, golden("live")).await);
            edge.mend();
            assert_eq!(left(&server).await, Vec::<String>::new(), "{operation}");
        }
    }
    beside.store.disturb("GetItem", Disturbance::ServerError, 1000);
    let (_, _, reason) = failed(&run(&server, &functions, golden("live")).await);
    assert!(reason.contains("503 with temporarily_unavailable"), "{reason}");
}

#[tokio::test]
async fn an_application_and_a_second_factor_are_signed_in_with_once_all_of_their_functions_are_there() {
    let (server, functions) = start(&[VERIFIED]).await;
    for function in ["authorize", "page-login", "token", "userinfo", "mfa-totp", "mfa-totp-confirm", "login-mfa"] {
        functions.set(function, "live", Version::IsNotThere);
        passed(&run(&server, &functions, golden("live")).await);
    }
    // No other function may be missing.
    functions.set("me", "live", Version::IsNotThere);
    let (step, function, _) = failed(&run(&server, &functions, golden("live")).await);
    assert_eq!((step, function.as_str()), ("me", "me:live"));
}

/// Each answer is looked at: one that is not this sign-in's fails.
#[tokio::test]
async fn an_answer_that_is_not_of_this_sign_in_fails_the_step() {
    let (server, functions) = start(&[VERIFIED]).await;
    let moved = server.elsewhere_with(|config| config.tokens.issuer = "https://elsewhere.example".to_owned());
    for (function, reason) in [
        ("authorize", "gave the application no code"),
        ("page-login", "answered 403, not 303"),
        ("userinfo", "answered 401, not 200"),
    ] {
        functions.set(function, "live", Version::Runs(moved.clone()));
        let (step, failed_function, why) = failed(&run(&server, &functions, golden("live")).await);
        assert_eq!((step, failed_function, why.as_str()), ("code-flow", format!("{function}:live"), reason));
        functions.set(function, "live", Version::Runs(server.elsewhere()));
    }
}

/// Of a function that people's way does not lead through, a hook learns that it starts: it answers, or refuses what it
/// was sent.
#[tokio::test]
async fn other_functions_have_to_start() {
    let (server, functions) = start(&[VERIFIED]).await;
    for function in ["jwks", "sessions-list", "password-reset", "mailer", "eraser"] {
        functions.deploy(function, "3", Tells::HashAlone);
        passed(&run(&server, &functions, golden("ok")).await);
        let invoked = functions.invoked();
        assert_eq!((invoked[0].0.as_str(), invoked[0].1.as_str()), (function, "3"));
    }
}

#[tokio::test]
async fn a_deployment_has_its_answer_also_where_the_test_cannot_be_made() {
    let (server, functions) = start(&[VERIFIED, ("AUTH__HTTP__REQUEST_DEADLINE_MS", "4000")]).await;
    functions.deploy("me", "7", Tells::Nothing);
    let (step, _, reason) = failed(&run(&server, &functions, golden("ok")).await);
    assert_eq!((step, reason.as_str()), ("deployment", "CodeDeploy did not take it: DeploymentDoesNotExistException"));
    assert_eq!(functions.reported()[0]["status"], "Failed");

    // Nor is anybody kept waiting: an answer that never comes is one.
    functions.deploy("me", "7", Tells::HashAlone);
    functions.set("me", "7", Version::Hangs);
    let (step, _, reason) = failed(&run(&server, &functions, golden("ok")).await);
    assert_eq!((step, reason.as_str()), ("me", "it took too long"));
    assert_eq!(functions.reported()[0]["status"], "Failed");
    assert_eq!(left(&server).await, Vec::<String>::new());
}

/// What an alarm counts is an error of the function's, and an operator gets a report.
#[tokio::test]
async fn a_scheduled_run_that_does_not_pass_is_an_error_of_the_functions() {
    let (server, functions) = start(&[VERIFIED]).await;
    let report = run(&server, &functions, json!({ "scheduled": true })).await;
    let steps: Vec<&str> = report.steps.iter().map(|step| step.step).collect();
    // What mails is left out: it goes on for ever.
    let way: Vec<&str> = WAY.into_iter().filter(|step| *step != "second-factor").collect();
    assert_eq!((report.passed, steps), (true, way));
    functions.set("me", "live", Version::Fails("Runtime.ExitError"));
    let parts = (smoke::FUNCTION.parts)(&server.app.config, &functions.connection()).unwrap();
    let event = serde_json::from_value(json!({ "scheduled": true })).unwrap();
    let failed = (smoke::FUNCTION.handler)(&server.app, &parts, event).await.unwrap_err();
    assert_eq!(failed.to_string(), "the smoke test did not pass");
    assert_eq!(left(&server).await, Vec::<String>::new());
}

/// Whoever tries the stage from outside reads no mail: the account is made for them, has no role, and is gone afterwards.
#[tokio::test]
async fn sec_pl_08_a_user_is_lent_signs_in_as_anybody_does_and_is_cleared_away() {
    let (server, functions) = start(&[VERIFIED]).await;
    let lent = run(&server, &functions, json!({ "lend": true })).await.lent.unwrap();
    assert!(!format!("{lent:?}").contains(&lent.password), "{lent:?}");
    let session = server.login(&lent.email, &lent.password).await;
    assert_eq!(session.status, 200);
    let me = server.as_bearer(reqwest::Method::GET, "/v1/me", &session.string("access_token")).await;
    assert_eq!((me.status, &me.json()["roles"]), (200, &json!([])));
    assert!(functions.invoked().is_empty());

    // Nobody else gives it back, and no run plays it meanwhile.
    let back = |holder: &str| json!({ "give_back": { "number": lent.number, "holder": holder } });
    assert!(run(&server, &functions, back("somebody else")).await.passed);
    assert_eq!(server.login(&lent.email, &lent.password).await.status, 200);
    assert!(run(&server, &functions, back(&lent.holder)).await.passed);
    assert_eq!(left(&server).await, Vec::<String>::new());
    assert_eq!(server.login(&lent.email, &lent.password).await.status, 401);
}

/// `CodeDeploy` begins one for each function.
#[tokio::test]
async fn forty_runs_at_a_time_do_not_fail_each_other() {
    // As in template.yaml: the time, and what one source may do in a minute.
    let deadline = ("AUTH__HTTP__REQUEST_DEADLINE_MS", "590000");
    let limits = [("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "100"), ("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "100")];
    let (server, functions) = start(&[VERIFIED, deadline, limits[0], limits[1]]).await;
    let runs = (0..40).map(|_| run(&server, &functions, golden("ok")));
    for report in futures::future::join_all(runs).await {
        passed(&report);
    }
    assert_eq!(functions.reported().len(), 40);
    assert_eq!(left(&server).await, Vec::<String>::new());
}

/// Wherever it was killed: the others go on with other users, and with its own once its lease is over.
#[tokio::test]
async fn a_run_that_was_killed_is_cleared_away() {
    let (server, functions) = start(&[VERIFIED]).await;
    for requests in [1, 2, 3, 6, 8, 10] {
        server.store.cut_after(requests);
        failed(&run(&server, &functions, golden("live")).await);
        server.store.mend();
        assert!(!left(&server).await.is_empty(), "{requests}: nothing was left, so nothing is shown");
        passed(&run(&server, &functions, golden("live")).await);
        server.clock.advance(91);
        let runs = Synthetic::all().into_iter().map(|_| run(&server, &functions, golden("live")));
        futures::future::join_all(runs).await.iter().for_each(passed);
        assert_eq!(left(&server).await, Vec::<String>::new(), "{requests}");
    }
}

/// The addresses are no secret. Whoever registers one first gets no account, and whoever uses up its limits stops nobody.
#[tokio::test]
async fn sec_pl_08_strangers_gain_nothing_by_the_addresses_and_cannot_stop_the_test() {
    for verified in ["true", "false"] {
        let limits = ("AUTH__LIMITS__REGISTER_ADDRESS__LIMIT", "3");
        let (server, functions) = start(&[(VERIFIED.0, verified), limits]).await;
        for user in Synthetic::all() {
            let email = user.email().display();
            while server.register(email, OTHER_PASSWORD).await.status == 202 {}
            while server.login(email, "crimson kettles drift westward").await.status == 401 {}
        }
        let runs = Synthetic::all().into_iter().map(|_| run(&server, &functions, golden("live")));
        futures::future::join_all(runs).await.iter().for_each(passed);
        for user in Synthetic::all() {
            let gained = server.login(user.email().display(), OTHER_PASSWORD).await.status;
            assert!([401, 429].contains(&gained), "{gained}");
        }
        let strangers: Vec<String> = left(&server).await.into_iter().filter(|item| item.contains("EMAIL#")).collect();
        assert_eq!(strangers, Vec::<String>::new(), "{verified}");
    }
}

/// What an operator has switched off is no failure of the stage's, also where this function has not heard of it yet.
#[tokio::test]
async fn closed_sign_up_and_read_only_are_walked_as_far_as_they_go() {
    for verified in ["true", "false"] {
        let server = TestServer::with(&[(VERIFIED.0, verified)]).await;
        let closed = DeployedFunctions::new(server.elsewhere_with(|config| config.switches.sign_up = false));
        let report = run(&server, &closed, golden("live")).await;
        assert_eq!((report.passed, &report.failure), (true, &None), "{verified}");
        let steps: Vec<&str> = report.steps.iter().map(|step| step.step).collect();
        let way: Vec<&str> = WAY.into_iter().filter(|step| *step != "verify").collect();
        assert_eq!(steps, way, "{verified}");
        let read_only = DeployedFunctions::new(server.elsewhere_with(|config| config.switches.read_only = true));
        let report = run(&server, &read_only, golden("live")).await;
        assert_eq!((report.passed, &report.failure), (true, &None), "{verified}");
        assert_eq!(report.steps.last().unwrap().step, "read-only");
        // Of a switch one function hears before another.
        let (server, some) = start(&[(VERIFIED.0, verified)]).await;
        let heard = server.elsewhere_with(|config| config.switches.read_only = true);
        some.set("token-refresh", "live", Version::Runs(heard));
        let report = run(&server, &some, golden("live")).await;
        let steps: Vec<&str> = report.steps.iter().map(|step| step.step).collect();
        assert_eq!((report.passed, steps.last()), (true, Some(&"read-only")), "{steps:?}");
        assert_eq!(left(&server).await, Vec::<String>::new(), "{verified}");
    }
}

/// The schedule goes on for ever: no limit of a month's window may fill, and nothing may pile up. A run every eight hours meets
/// each window's beginning and end as one every five minutes does; two hours and a half at that pace come at the end.
#[tokio::test]
async fn a_month_of_scheduled_runs_fails_never_and_leaves_nothing_but_the_trail() {
    let (server, functions) = start(&[VERIFIED]).await;
    for seconds in [8 * 3600; 93].into_iter().chain([300; 30]) {
        passed(&run(&server, &functions, golden("live")).await);
        server.clock.advance(seconds);
    }
    assert_eq!(left(&server).await, Vec::<String>::new());
}
