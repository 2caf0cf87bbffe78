//! Addresses: one mailbox, one canonical form, one key (EN-07).

use wardgate::domain::email::Email;

/// The input is an address as somebody typed it.
pub(crate) fn run(data: &[u8]) {
    let raw = crate::text(data);
    let Ok(email) = Email::parse(raw) else { return };
    let canonical = email.canonical();
    assert_eq!(email.display(), raw, "people are shown what they typed");
    assert!(email.mailbox().eq_ignore_ascii_case(canonical), "mail goes to another mailbox than {canonical}");
    assert!(raw.starts_with(email.mailbox().trim_end_matches(email.domain())), "mail goes where its owner said");
    assert_eq!(format!("{}@{}", email.local_part(), email.domain()), canonical);
    assert!(canonical.bytes().all(|byte| byte.is_ascii_graphic()), "{canonical:?} is more than visible ASCII");
    assert!(!canonical.bytes().any(|byte| byte.is_ascii_uppercase()), "{canonical} has upper case");
    assert!(canonical.len() <= 254 && email.local_part().len() <= 64, "{canonical} is too long");

    let again = Email::parse(canonical);
    assert_eq!(again.map(|again| again.key()), Ok(email.key()), "{canonical} does not stand for itself");
    for case in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let typed = Email::parse(&case(raw));
        assert_eq!(typed.map(|typed| typed.key()), Ok(email.key()), "case makes a second mailbox of {canonical}");
    }
}
