//! The pages of second factors.

use std::sync::LazyLock;

use crate::domain::factors::PasswordKind::{None as Passwordless, Short, Sufficient};
use crate::http::page::{FactorsPage, FactorsPart, FormRefusal, Page, PasskeyLine};

/// Why the form of the second step is refused.
pub(super) const REFUSALS: [(&str, FormRefusal<'static>); 5] = [
    ("wrong", FormRefusal::WrongSecondFactor),
    ("wrong-recovery-code", FormRefusal::WrongRecoveryCode),
    ("wrong-passkey", FormRefusal::WrongPasskey),
    ("address-changed", FormRefusal::AddressChanged),
    ("by-administrator", FormRefusal::ByAdministrator),
];

const PASSKEYS: [PasskeyLine<'static>; 2] = [
    PasskeyLine {
        id: "fac_1",
        name: "My phone",
        since: "2026-03-01 12:30 UTC",
        used: Some("2026-03-02 08:15 UTC"),
        removable: true,
    },
    PasskeyLine {
        id: "fac_2",
        name: "The blue key on my ring",
        since: "2026-03-01 12:40 UTC",
        used: None,
        removable: true,
    },
];

/// A person's second factor, in each of its parts.
pub(super) fn pages() -> Vec<(String, Page<'static>)> {
    static CODES: LazyLock<Vec<String>> = LazyLock::new(|| vec!["000G-40R4-0M30-E209-185G-R38E".to_owned(); 10]);
    // What a real one has, but for most of its modules.
    let qr_svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\" role=\"img\" aria-label=\"QR code\" \
                  shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h10v10H0z\"/><path fill=\"#000\" d=\"M4 4h2v2h-2z\"/></svg>";
    let set_up = FactorsPart::SetUp {
        qr_svg,
        secret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
        enrolment_token: "te_k1.abc.def",
    };
    let since = Some("2026-03-01 12:30 UTC");
    let present = |second_factor, password, left| FactorsPart::Present {
        second_factor,
        password,
        can_do_without: false,
        since,
        app_removable: password == Sufficient,
        passkeys: &[],
        left,
    };
    let keys = |since, passkeys, password| FactorsPart::Present {
        second_factor: true,
        password,
        can_do_without: password == Sufficient,
        since,
        app_removable: true,
        passkeys,
        left: 10,
    };
    let lost = [("factors-lost", Some("2026-03-04 12:30 UTC")), ("factors-lost-mail", None)];
    let page = |part, refusal| {
        let options = !matches!(part, FactorsPart::Codes { .. });
        let passkey_options = options.then_some("{\"rp\":{}}");
        Page::Factors(FactorsPage { csrf: "c1", part, passkey_options, refusal })
    };
    [
        ("set-up", set_up, None),
        ("wrong-code", set_up, Some(FormRefusal::WrongFirstCode)),
        ("wrong-passkey", set_up, Some(FormRefusal::WrongPasskey)),
        ("wrong-clock", set_up, Some(FormRefusal::WrongClock)),
        ("present", present(true, Sufficient, 10), None),
        ("present-passkeys", keys(since, &PASSKEYS, Sufficient), None),
        ("present-passkey-alone", keys(None, &PASSKEYS[..1], Sufficient), None),
        ("present-short-password", present(true, Short, 10), None),
        ("present-passwordless", keys(since, &PASSKEYS, Passwordless), None),
        ("present-few-codes", present(false, Sufficient, 1), None),
        ("codes", FactorsPart::Codes { codes: &CODES }, None),
    ]
    .map(|(name, part, refusal)| (format!("account-second-factor-{name}"), page(part, refusal)))
    .into_iter()
    .chain(lost.map(|(name, until)| (name.to_owned(), Page::FactorsLost { until, sign_in: "/ui/login" })))
    .collect()
}
