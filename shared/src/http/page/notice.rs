//! What pages say that belong to no link.

/// What a page says that belongs to no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// There is no such page.
    NotFound,
    /// The request is none that a page of ours sends.
    NotUnderstood,
    /// An application that nobody here knows sent the browser (OC-02).
    UnknownClient,
    /// An application wants the answer where it is not to go (OC-02).
    ForeignRedirectUri,
    /// What an application asks for is too long (OC-20).
    TooLong,
    /// The account's address is not verified, and has to be.
    UnverifiedAddress,
    /// Something is down.
    Down,
}

impl Notice {
    pub(super) const fn case(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotUnderstood => "",
            Self::UnknownClient => "unknown_client",
            Self::ForeignRedirectUri => "foreign_redirect_uri",
            Self::TooLong => "too_long",
            Self::UnverifiedAddress => "unverified_address",
            Self::Down => "down",
        }
    }
}
