//! What pages are for.

/// What a page's button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Confirms the address of an account.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Confirms a new address.
    ConfirmEmailChange,
    /// Gives an account its former address back.
    UndoEmailChange,
    /// Takes a first second factor away again.
    UndoFactor,
    /// Takes back that all second factors are lost.
    KeepFactors,
    /// Takes lost second factors away.
    RemoveFactors,
    /// Cancels a deletion.
    KeepAccount,
    /// Signs in with a link from a mail.
    SignIn,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::ConfirmEmailChange,
        Self::UndoEmailChange,
        Self::UndoFactor,
        Self::KeepFactors,
        Self::RemoveFactors,
        Self::KeepAccount,
        Self::SignIn,
    ];

    /// The action of `/ui/{name}`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.path().strip_prefix("/ui/") == Some(name))
    }

    /// Whether its POST reads or sets cookies, and so needs a token against forged requests (SE-06).
    pub const fn uses_cookies(self) -> bool {
        matches!(self, Self::VerifyEmail | Self::SignIn)
    }

    /// The page's path, which its form posts to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::VerifyEmail => "/ui/verify-email",
            Self::ResetPassword => "/ui/reset-password",
            Self::ConfirmEmailChange => "/ui/confirm-email-change",
            Self::UndoEmailChange => "/ui/undo-email-change",
            Self::UndoFactor => "/ui/undo-factor",
            Self::KeepFactors => "/ui/keep-factors",
            Self::RemoveFactors => "/ui/remove-factors",
            Self::KeepAccount => "/ui/keep-account",
            Self::SignIn => "/ui/sign-in",
        }
    }
}
