//! PL-01: what each function asks of AWS, recorded below the SDK, and what its role in its stack allows are the same. Most
//! of a role is written from this record (`generated/grants.rs`), the rest by hand: both are held to it. Every branch that
//! asks for something has to be driven, here or by the endpoint's own test: a right that no test uses fails as well as one
//! that is missing.

mod accounts;
mod addresses;
mod mails;
mod migrations;
pub mod observer;
mod passwords;
mod restored;
mod rotation;
mod sign_in;
mod smoke;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::observer::{Observer, expect};
use crate::harness::cloudformation::{
    CodeStack, EDGE_STORE, code_stacks, functions, read, stack_of, statements, templates, texts,
};
use crate::harness::store_edge::Access;
use crate::harness::{EMAIL, PASSWORD};
use crate::routes::DRIVES;

const API: &str = "https://api.example.com";

/// An action, what it is done to, and in which partition.
pub type Uses = BTreeSet<Access>;

/// What Lambda itself does with a function's role to read the table's stream.
const POLLING: [&str; 4] =
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"];

/// What asks for no partition, so that no condition can name one.
const WHOLE_TABLE: [&str; 2] = ["dynamodb:DescribeTable", "dynamodb:Scan"];

/// What a role allows on tables and secrets.
fn granted(template: &Value, stage: &str, id: &str) -> Uses {
    let mut uses = Uses::new();
    for statement in statements(template, id) {
        assert_eq!(statement["Effect"], "Allow", "{id}: {statement}");
        for action in texts(&statement["Action"]).into_iter().filter(|action| !POLLING.contains(action)) {
            let Some(kind) = ["dynamodb:", "secretsmanager:"].into_iter().find(|kind| action.starts_with(kind)) else {
                continue;
            };
            for arn in texts(&statement["Resource"]) {
                let resource = arn.rsplit(':').next().unwrap();
                let partitions = texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
                if kind == "dynamodb:" {
                    let table = resource.strip_prefix("table/").unwrap().strip_suffix(&format!("-{stage}")).unwrap();
                    if WHOLE_TABLE.contains(&action) && partitions.is_empty() {
                        uses.insert(Access::new(action, table, ""));
                        continue;
                    }
                    assert!(!partitions.is_empty(), "{id} may use every partition: {statement}");
                    uses.extend(partitions.iter().map(|partition| Access::new(action, table, partition)));
                } else {
                    // Secrets Manager appends six characters of its own.
                    let ring = resource.strip_prefix(&format!("wardgate/{stage}/")).unwrap();
                    uses.insert(Access::new(action, ring.strip_suffix("-??????").unwrap(), ""));
                }
            }
        }
    }
    uses
}

/// What is wrong with a role, in both directions.
fn differences(granted: &Uses, used: &Uses) -> Vec<String> {
    let unused = granted.difference(used).map(|it| format!("allowed and never used: {it}"));
    unused.chain(used.difference(granted).map(|it| format!("used and not allowed: {it}"))).collect()
}

#[tokio::test]
async fn sec_pl_01_each_role_allows_what_its_function_does_and_nothing_else() {
    let stacks = code_stacks(&[]);
    let functions: BTreeMap<String, (&Value, &str)> = stacks
        .iter()
        .flat_map(|CodeStack { template, .. }| {
            functions(template).into_iter().map(move |(name, id)| (name, (template, id)))
        })
        // It works on other tables: restored.rs.
        .filter(|(name, _)| name != "restore-sweep")
        .collect();
    let seen = &everything().await.uses;
    assert!(seen.keys().copied().eq(functions.keys()), "left: driven, right: in the templates");
    let wrong: Vec<String> = functions
        .iter()
        .flat_map(|(name, (stack, id))| {
            let found = differences(&granted(stack, "development", id), &seen[name.as_str()]);
            found.into_iter().map(move |difference| format!("{name}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An endpoint's own way through its branches.
pub type Drive = for<'a> fn(&'a mut Observer) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What functions have been seen to do, by their names.
#[derive(Default)]
pub struct Seen {
    pub uses: BTreeMap<&'static str, Uses>,
    /// The rings that the code itself reads.
    pub rings: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Everything that functions do in stage development, whatever becomes of it. It takes long, so that a process does it once.
pub async fn everything() -> &'static Seen {
    static SEEN: OnceCell<Seen> = OnceCell::const_new();
    SEEN.get_or_init(drive_everything).await
}

/// Each part has a store of its own.
async fn drive_everything() -> Seen {
    let mut seen = Seen::default();
    let mut add = |observer: Observer| {
        for (name, uses) in observer.seen {
            seen.uses.entry(name).or_default().extend(uses);
        }
        for (name, rings) in observer.rings {
            seen.rings.entry(name).or_default().extend(rings);
        }
    };
    for drive in DRIVES.into_iter().flatten() {
        let mut observer = Observer::with(&[]).await;
        drive(&mut observer).await;
        add(observer);
    }
    // Three iterations today, so that two were yesterday's.
    let mut observer = Observer::with(&[("AUTH__HASHING__ITERATIONS", "3")]).await;
    observer.see_sign_in().await;
    add(observer);
    // A device that stands for the second factor.
    let mut observer = Observer::with(&[("AUTH__ACCOUNTS__REMEMBER_DEVICE_DAYS", "30")]).await;
    observer.see_remembered_device().await;
    add(observer);
    for verified in ["false", "true"] {
        let mut observer = Observer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", verified)]).await;
        observer.see_verification().await;
        add(observer);
        let mut observer = Observer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", verified)]).await;
        observer.see_smoke().await;
        add(observer);
    }
    let mut observer = Observer::with(&[]).await;
    Box::pin(observer.see_mails()).await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    // On the heap: the stack of a test has no room for all of them.
    Box::pin(observer.see_logouts()).await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_mailed_sign_in().await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_address_change().await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_passwords().await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_account().await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_rotation().await;
    add(observer);
    let mut observer = Observer::with(&[]).await;
    observer.see_migrations().await;
    add(observer);
    seen
}

/// The one endpoint that does something else where addresses are verified.
#[tokio::test]
async fn sec_pl_01_outside_development_registration_makes_no_user() {
    let template = stack_of("register", &[("Stage", json!("production"))]);
    let mut observer = Observer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    observer.see("register", async |it| expect(it.register(EMAIL, PASSWORD).await.status, 202)).await;
    let granted = granted(&template, "production", "Register");
    assert_eq!(differences(&granted, &observer.seen["register"]), Vec::<String>::new());
}

#[tokio::test]
async fn sec_pl_01_the_authorizer_may_read_the_table_only_where_it_checks_sessions() {
    for checks in ["false", "true"] {
        let parameters = [("AuthorizerAudience", json!(API)), ("AuthorizerChecksSessions", json!(checks))];
        let template = stack_of("authorizer", &parameters);
        let mut observer = Observer::with(&[
            ("AUTH__TOKENS__AUDIENCE", API),
            ("AUTH__AUTHORIZER__AUDIENCE", API),
            ("AUTH__AUTHORIZER__CHECK_LIVE_SESSION", checks),
        ])
        .await;
        observer.see_authorizer().await;
        let granted = granted(&template, "development", "Authorizer");
        assert_eq!(differences(&granted, &observer.seen["authorizer"]), Vec::<String>::new(), "{checks}");
    }
}

/// How long tokens live, which an edge has to know, which region writes, and which sessions a person had.
#[tokio::test]
async fn sec_pl_01_events_reads_of_the_table_what_operators_set_and_sessions_and_nothing_else() {
    for store in ["", EDGE_STORE] {
        let template = stack_of("events", &[("EdgeStoreArn", json!(store))]);
        let orders = "https://sqs.eu-central-1.amazonaws.com/123456789012/wardgate-development-edge-sync";
        let variables = [("AUTH__EDGE__ORDERS_URL", orders)];
        let mut observer = Observer::with(if store.is_empty() { &[] } else { &variables }).await;
        observer.server.register(EMAIL, PASSWORD).await;
        observer.server.pump.drain().await.unwrap();
        observer.see_events().await;
        let granted = granted(&template, "development", "Events");
        assert_eq!(differences(&granted, &observer.seen["events"]), Vec::<String>::new(), "{store}");
        assert!(!granted.is_empty());
    }
}

/// IAM refuses a policy that says an identifier twice.
#[test]
fn sec_pl_01_no_policy_names_two_statements_alike() {
    fn statements(value: &Value, found: &mut Vec<Vec<String>>) {
        if let Some(list) = value["Statement"].as_array() {
            let sid = |it: &Value| it["Sid"].as_str().or(it["Fn::If"][1]["Sid"].as_str()).map(str::to_owned);
            found.push(list.iter().filter_map(sid).collect());
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|it| statements(it, found)),
            Value::Array(items) => items.iter().for_each(|it| statements(it, found)),
            _ => {}
        }
    }
    let mut policies = 0;
    for path in templates() {
        let mut found = Vec::new();
        statements(&read(&path), &mut found);
        policies += found.len();
        for sids in found {
            let unlike: BTreeSet<&String> = sids.iter().collect();
            assert_eq!(unlike.len(), sids.len(), "{path}: {sids:?}");
        }
    }
    assert!(policies > 50, "{policies}");
}

/// It keeps a list of the edge's, and neither tables nor keys.
#[tokio::test]
async fn sec_pl_01_the_edge_sync_reaches_no_table_and_no_key() {
    let template = stack_of("edge-sync", &[("EdgeStoreArn", json!(EDGE_STORE))]);
    let mut observer = Observer::with(&[]).await;
    observer.see("edge-sync", async |_| {}).await;
    assert_eq!(
        (granted(&template, "development", "EdgeSync"), &observer.seen["edge-sync"]),
        (Uses::new(), &Uses::new())
    );
}

#[tokio::test]
async fn sec_pl_01_a_planted_extra_and_a_planted_missing_action_are_caught() {
    let mut template = stack_of("sessions-list", &[]);
    let mut observer = Observer::with(&[]).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let (access, _) = observer.signed_in().await;
    observer
        .see("sessions-list", async |it| {
            expect(it.as_bearer(Method::GET, "/v1/sessions", &access).await.status, 200);
        })
        .await;
    let used = &observer.seen["sessions-list"];
    let check = |template: &Value| differences(&granted(template, "development", "SessionsList"), used);
    assert_eq!(check(&template), Vec::<String>::new());

    let policy = &mut template["Resources"]["SessionsListRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    let statements = policy["Statement"].as_array_mut().unwrap();
    let sessions = statements.iter_mut().find(|statement| statement["Sid"] == "User").unwrap();
    assert_eq!(sessions["Action"], json!(["dynamodb:GetItem", "dynamodb:Query"]));
    sessions["Action"] = json!(["dynamodb:DeleteItem", "dynamodb:GetItem"]);
    let expected = [
        "allowed and never used: dynamodb:DeleteItem on wardgate, USER#*",
        "used and not allowed: dynamodb:Query on wardgate, USER#*",
    ];
    assert_eq!(check(&template), expected);
}
