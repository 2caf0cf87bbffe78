//! Deny lists, and tokens that one of them holds or only seems to.

use serde_json::{Value, json};

use crate::cases::claims_with;
use crate::keys::Keys;
use crate::{Case, IAT, SESSION, USER};

const ANOTHER: &str = "ses_01hzy8kq3w5t7v9xbcdefghjkp";

/// By name: the keys and values of a list, as docs/edge.md describes them.
pub(crate) fn lists() -> Value {
    let until = (IAT + 365).to_string();
    json!({
        "nothing": {},
        "session": { SESSION: until },
        "another-session": { ANOTHER: until },
        "user": { USER: IAT.to_string() },
        "user-before": { USER: (IAT - 1).to_string() },
        "user-but-this": { USER: format!("{IAT} {ANOTHER} {SESSION}") },
        "user-but-another": { USER: format!("{IAT} {ANOTHER}") },
        "all": { "all": IAT.to_string() },
        "all-before": { "all": (IAT - 1).to_string() },
        "key": { "all": "0 ec-9 ed-1" },
        "another-key": { "all": "0 ec-9" },
        "key-by-its-end": { "all": "0 ~c-9 ~d-1" },
        "another-key-by-its-end": { "all": "0 ~c-9 d-1" },
        "every-key": { "all": "0 ~" },
        "unreadable": { "all": "", USER: "soon" },
    })
}

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let token = |changes: &Value| keys.ed.sign(keys.ed.header().to_string(), claims_with(changes).to_string());
    let good = token(&json!({}));
    let without_session = token(&json!({ "sid": null }));
    let lists = [
        ("nothing", "ok"),
        ("session", "denied"),
        ("another-session", "ok"),
        ("user", "denied"),
        ("user-before", "ok"),
        ("user-but-this", "ok"),
        ("user-but-another", "denied"),
        ("all", "denied"),
        ("all-before", "ok"),
        ("key", "denied"),
        ("another-key", "ok"),
        ("key-by-its-end", "denied"),
        ("another-key-by-its-end", "ok"),
        ("every-key", "denied"),
        ("unreadable", "ok"),
    ];
    let mut cases = Vec::new();
    for (list, verdict) in lists {
        cases.push((format!("list of {list}"), good.clone(), list, verdict));
    }
    for (list, verdict) in [("session", "ok"), ("user-but-this", "denied"), ("all", "denied")] {
        cases.push((format!("list of {list}, token without a session"), without_session.clone(), list, verdict));
    }
    // What is no identifier of ours is never a key.
    for (name, sid) in
        [("all", "all"), ("a key of another kind", USER), ("upper case", "SES_01HZY8KQ3W5T7V9XBCDEFGHJKN")]
    {
        cases.push((
            format!("list of user-but-this, session {name}"),
            token(&json!({ "sid": sid })),
            "user-but-this",
            "denied",
        ));
        cases.push((format!("list of session, session {name}"), token(&json!({ "sid": sid })), "session", "ok"));
    }
    // The list says nothing about a token that is refused anyway.
    let expired = token(&json!({ "exp": IAT + 30 }));
    cases.push(("list of session, expired".to_owned(), expired, "session", "expired"));
    cases
        .into_iter()
        .map(|(name, token, list, verdict)| Case { list: Some(list), ..Case::new(name, &token, verdict) })
        .collect()
}
