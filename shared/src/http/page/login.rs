//! The page on which people sign in, for an application or for themselves.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

/// What the page shows. Its form posts `request` and `flow` where an application sent the browser, `csrf`, `email`, `password`
/// and `remember`.
#[derive(Clone, Copy, Default, Serialize)]
pub struct LoginPage<'a> {
    /// Where the browser goes on afterwards, as pages carry it.
    pub request: Option<&'a str>,
    /// When the request first came, sealed.
    pub flow: &'a str,
    /// A token against forged requests.
    #[serde(skip)]
    pub csrf: &'a str,
    /// What the application is called that sent the browser.
    pub application: Option<&'a str>,
    /// The origin, or the scheme, that the browser goes on to.
    #[serde(skip)]
    pub leads_to: Option<&'a str>,
    /// The address that was typed before, or that the application has told.
    #[serde(skip)]
    pub account: Option<&'a str>,
    /// Whether the box is ticked.
    pub remember: bool,
    /// Whether it is what was typed that is refused.
    pub is_typed_wrong: bool,
    /// Why nobody was signed in.
    #[serde(skip)]
    pub refusal: Option<LoginRefusal>,
}

/// Why nobody was signed in. Each leaves the form as it was, but for the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Wrong address or password: which of them is not told (EN-04).
    Wrong,
    /// The address is none.
    Address,
    /// Too many attempts (EN-02).
    TooMany(Duration),
    /// Something is down.
    Down(Option<Duration>),
    /// The form did not come from our page in this browser (SE-06).
    Forged,
}

impl LoginRefusal {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Wrong | Self::Address => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Down(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forged => StatusCode::FORBIDDEN,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Wrong => "wrong_credentials",
            Self::Address => "address",
            Self::TooMany(_) => "too_many",
            Self::Down(_) => "down",
            Self::Forged => "forged",
        }
    }

    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(wait),
            Self::Down(wait) => wait,
            Self::Wrong | Self::Address | Self::Forged => None,
        }
    }

    pub(super) fn minutes(self) -> u64 {
        self.retry_after().map_or(1, |wait| wait.as_secs().div_ceil(60))
    }

    /// Whether the fields are marked.
    pub const fn is_typed_wrong(self) -> bool {
        matches!(self, Self::Wrong | Self::Address)
    }
}
