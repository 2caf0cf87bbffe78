//! Applications that are told of sign-outs by the standalone server.

use wardgate_server::jobs::retries::MOST_TRIES;

use super::{replica, work};
use crate::harness::applications::{claims, with_applications};
use crate::harness::pages::Browser;
use crate::harness::relying_party::{RelyingParty, sign_in_to, sign_out};
use crate::harness::{TABLE, TestServer};

/// A person who was signed in to an application that is told, and is no more.
async fn signed_out(server: &TestServer, relying_party: &RelyingParty) {
    relying_party.register(server, "told", "").await;
    let mut browser = Browser::default();
    let tokens = sign_in_to(server, &mut browser, "told", "openid").await;
    sign_out(server, &mut browser, &tokens.string("id_token")).await;
}

#[tokio::test]
async fn sa_11_a_client_that_is_down_waits_in_the_table_and_is_told_by_whoever_has_the_lease() {
    let (server, relying_party) = (with_applications().await, RelyingParty::start());
    let ((mut one, _), (mut other, _)) = (replica(&server), replica(&server));
    work(&mut one).await;
    relying_party.answers(503);
    signed_out(&server, &relying_party).await;
    for _ in 0..2 {
        work(&mut one).await;
        work(&mut other).await;
    }
    assert_eq!(relying_party.taken().len(), 1);
    assert_eq!(server.items(TABLE, "LOGOUTRETRY").await.len(), 1);
    relying_party.answers(200);
    server.clock.advance(11);
    work(&mut one).await;
    work(&mut other).await;
    let taken = relying_party.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(claims(&taken[0])["aud"], "told");
    assert_eq!(server.items(TABLE, "LOGOUTRETRY").await.len(), 0);
}

#[tokio::test]
async fn sa_11_after_twenty_tries_nobody_tells_it_any_more() {
    let (server, relying_party) = (with_applications().await, RelyingParty::start());
    let (mut jobs, _) = replica(&server);
    work(&mut jobs).await;
    relying_party.answers(500);
    signed_out(&server, &relying_party).await;
    work(&mut jobs).await;
    for tries in 1..MOST_TRIES {
        let waiting = server.items(TABLE, "LOGOUTRETRY").await.len();
        assert_eq!((waiting, server.items(TABLE, "LOGOUTFAILED").await.len()), (1, 0), "{tries}");
        server.clock.advance(3600);
        work(&mut jobs).await;
    }
    assert_eq!(server.items(TABLE, "LOGOUTRETRY").await.len(), 0);
    assert_eq!(server.items(TABLE, "LOGOUTFAILED").await.len(), 1);
    assert_eq!(relying_party.taken().len(), usize::try_from(MOST_TRIES).unwrap());
}
