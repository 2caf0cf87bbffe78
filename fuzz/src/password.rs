//! Passwords: what is compared is NFC, nothing is cut off, and no refusal repeats any of it (PW-03 to PW-05).

use unicode_normalization::UnicodeNormalization as _;
use wardgate::domain::password::{Context, Password, PasswordPolicy};

/// The input is the address's two parts, the person's name and the service's, each on a line, and then a password.
pub(crate) fn run(data: &[u8]) {
    let mut lines = crate::text(data).splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (email_local, email_domain, name, service_name, raw) = (line(), line(), line(), line(), line());

    let length = raw.nfc().count();
    let attempt = Password::attempt(raw);
    // The bound on what is typed is there to save work: it must refuse nothing that the maximum would not.
    assert_eq!(attempt.is_some(), length <= 256, "{length} code points");
    if let Some(password) = &attempt {
        assert!(password.expose().chars().eq(raw.nfc()), "it is not the NFC of what was typed");
        let decomposed: String = raw.nfd().collect();
        let typed_elsewhere = Password::attempt(&decomposed).expect("another keyboard spells the same password");
        assert_eq!(typed_elsewhere.expose(), password.expose());
    }

    let context = Context { email_local, email_domain, name: Some(name).filter(|name| !name.is_empty()), service_name };
    for policy in [PasswordPolicy::OnlyFactor, PasswordPolicy::WithMfa] {
        match Password::parse(raw, policy, &context) {
            Ok(password) => {
                assert!((policy.minimum()..=256).contains(&length), "{length} code points were accepted");
                assert_eq!(attempt.as_ref().map(Password::expose), Some(password.expose()), "it could never sign in");
            }
            Err(rejection) => {
                let shown = format!("{rejection} {rejection:?} {}", rejection.code());
                assert!(!shown.contains(crate::CANARY), "{shown}");
            }
        }
    }
}
