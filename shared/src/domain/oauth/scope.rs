//! Scopes (RFC 6749, 3.3).

/// What OpenID Connect and we ourselves mean by a scope.
pub const STANDARD: [&str; 4] = ["openid", "profile", "email", OFFLINE_ACCESS];

/// Lets a grant outlive the session that it came of (OpenID Connect Core 1.0, 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// A scope token (RFC 6749, 3.3).
pub(super) fn is_scope(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}
