//! A person who has lost every second factor.

use crate::harness::{Folder, outcome};

#[test]
fn sec_mf_20_an_address_without_an_account_is_said_and_one_that_is_none_too() {
    let folder = Folder::new();
    for (email, said) in
        [("nobody@example.com", "no active account has this address"), ("nobody", "invalid value 'nobody'")]
    {
        let (succeeds, text) = outcome(folder.bare("allow-recovery").arg(email));
        assert!(!succeeds && text.contains(said), "{text}");
    }
}
