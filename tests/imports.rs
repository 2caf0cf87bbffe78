//! Accounts from other systems, as the store takes them.

use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::credential::{Credential, WrappedHash};
use wardgate::domain::email::Email;
use wardgate::domain::id::{ImportId, UserId};
use wardgate::domain::user::User;
use wardgate::store::accounts::imports::{Import, ImportRow, ImportedAccount, MAX_ACCOUNTS, Resumption};

use crate::harness::{AUDIT_TABLE, EMAIL, PASSWORD, TABLE, TestServer};

fn account(server: &TestServer, row: u64, id: u128, email: &str) -> ImportedAccount {
    let context = server.context();
    let user = User::new(UserId::new(context.now, id), Email::parse(email).unwrap(), None, context.now);
    let credential = Credential::of(&user, Some(WrappedHash { key_version: 1, sealed: vec![1] }));
    let audit = server.app.audit(&context, Subject::User(user.id), AuditAction::Imported, None).unwrap();
    ImportedAccount { from: ImportRow { file: "file".to_owned(), row }, user, credential, audit }
}

fn rows(server: &TestServer, rows: std::ops::RangeInclusive<u64>) -> Vec<ImportedAccount> {
    rows.map(|row| account(server, row, u128::from(row), &format!("user{row}@example.com"))).collect()
}

#[tokio::test]
async fn sec_pl_03_a_full_transaction_creates_every_account_with_its_audit_line() {
    let server = TestServer::start().await;
    let accounts = rows(&server, 1..=MAX_ACCOUNTS as u64);
    server.store.reset();
    let outcomes = server.app.store.import_accounts(&accounts).await.unwrap();
    assert_eq!(outcomes, vec![Import::Created; MAX_ACCOUNTS]);
    assert_eq!(server.store.rounds(), [vec!["TransactWriteItems"]]);
    for (table, prefix) in [(TABLE, "EMAIL#"), (TABLE, "USER#"), (AUDIT_TABLE, "USER#")] {
        assert_eq!(server.items(table, prefix).await.len(), MAX_ACCOUNTS, "{table} {prefix}");
    }
    let outcomes = server.app.store.import_accounts(&accounts).await.unwrap();
    assert_eq!(outcomes, vec![Import::AlreadyImported; MAX_ACCOUNTS]);
    assert_eq!(server.items(AUDIT_TABLE, "USER#").await.len(), MAX_ACCOUNTS, "nothing happened, nothing is recorded");
}

#[tokio::test]
async fn sec_pw_07_those_that_exist_stay_and_the_rest_of_the_transaction_is_created() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.app.store.import_accounts(&rows(&server, 3..=4)).await.unwrap();
    let before = server.items(TABLE, "EMAIL#").await;
    let mut accounts = rows(&server, 1..=4);
    accounts.push(account(&server, 5, 5, EMAIL));
    // Another row with the address of the third, and the fourth under another address: its owner changed it since.
    accounts[2] = account(&server, 30, 30, "user3@example.com");
    accounts[3] = account(&server, 4, 4, "former@example.com");
    server.store.reset();
    let outcomes = server.app.store.import_accounts(&accounts).await.unwrap();
    let expected = [
        Import::Created,
        Import::Created,
        Import::RepeatedAddress { row: 3 },
        Import::AlreadyImported,
        Import::EmailTaken,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(server.store.count(), 2, "one transaction was refused, one took the rest");
    let after = server.items(TABLE, "EMAIL#").await;
    assert_eq!(after.len(), before.len() + 2);
    assert!(before.iter().all(|item| after.contains(item)), "an item was changed");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_import_goes_on_only_where_the_table_has_noted_as_many_rows() {
    let server = TestServer::start().await;
    let (now, store) = (server.context().now, &server.app.store);
    let (run, other) = (ImportId::new(now, 1), ImportId::new(now, 2));
    assert_eq!(store.resume_import(run, 0, now).await.unwrap(), Resumption::Unknown, "a table that never saw it");
    store.note_import(run, 100, now).await.unwrap();
    for (rows, expected) in [(99, Resumption::Known), (100, Resumption::Unknown)] {
        // Going on notes what the checkpoint says: there may be more rows than that, never fewer.
        assert_eq!(store.resume_import(run, rows, now).await.unwrap(), expected, "{rows}");
    }
    assert_eq!(store.resume_import(other, 1, now).await.unwrap(), Resumption::Unknown, "another import's note");
    store.note_import(run, 200, now).await.unwrap();
    assert_eq!(store.resume_import(run, 200, now).await.unwrap(), Resumption::Known);
    assert_eq!(server.items(TABLE, "IMPORT#").await.len(), 1);
}
