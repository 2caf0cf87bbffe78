//! The verifier.

use crate::access_token::ClaimError;
use crate::jws::Compact;
use crate::{AccessToken, KeySet, VerifierError, VerifyError, provider};

/// Longest leeway, in seconds (TK-07).
const MAX_LEEWAY: u8 = 5;

/// What a service demands of an access token.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audiences: Vec<String>,
    leeway: i64,
    scopes: Vec<String>,
    acrs: Vec<String>,
}

impl Verifier {
    /// A verifier that accepts `issuer`'s tokens for any of `audiences`, with a leeway of 5 seconds.
    ///
    /// Installs [`provider`] as `jsonwebtoken`'s, unless the process has one already.
    ///
    /// # Errors
    /// [`VerifierError::NoIssuer`] and [`VerifierError::NoAudience`]: both are mandatory (TK-06, TK-07).
    pub fn new<A>(issuer: impl Into<String>, audiences: A) -> Result<Self, VerifierError>
    where
        A: IntoIterator<Item: Into<String>>,
    {
        let issuer = issuer.into();
        let audiences: Vec<String> = audiences.into_iter().map(Into::into).collect();
        if issuer.is_empty() {
            return Err(VerifierError::NoIssuer);
        }
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(VerifierError::NoAudience);
        }
        provider::install();
        Ok(Self { issuer, audiences, leeway: i64::from(MAX_LEEWAY), scopes: Vec::new(), acrs: Vec::new() })
    }

    /// Sets how many seconds the issuer's clock and ours may differ, at most 5.
    ///
    /// # Errors
    /// [`VerifierError::LeewayTooLong`].
    pub fn with_leeway(mut self, seconds: u8) -> Result<Self, VerifierError> {
        if seconds > MAX_LEEWAY {
            return Err(VerifierError::LeewayTooLong);
        }
        self.leeway = i64::from(seconds);
        Ok(self)
    }

    /// Demands all of `scopes`, on top of those demanded before.
    ///
    /// # Errors
    /// [`VerifierError::ImpossibleScope`].
    pub fn require_scopes<S>(mut self, scopes: S) -> Result<Self, VerifierError>
    where
        S: IntoIterator<Item: Into<String>>,
    {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        if self.scopes.iter().any(|scope| scope.is_empty() || scope.contains(' ')) {
            return Err(VerifierError::ImpossibleScope);
        }
        Ok(self)
    }

    /// Demands one of `values` as `acr`, in place of those demanded before; none demands nothing. A second factor is
    /// `["urn:wardgate:2fa", "phr"]`, a passkey `["phr"]`.
    ///
    /// # Errors
    /// [`VerifierError::ImpossibleAcr`].
    pub fn require_acr<S>(mut self, values: S) -> Result<Self, VerifierError>
    where
        S: IntoIterator<Item: Into<String>>,
    {
        self.acrs = values.into_iter().map(Into::into).collect();
        if self.acrs.iter().any(|acr| acr.is_empty() || acr.contains(' ')) {
            return Err(VerifierError::ImpossibleAcr);
        }
        Ok(self)
    }

    /// Verifies an access token (RFC 9068 section 4) at `now_unix_seconds`, seconds since 1970-01-01T00:00:00Z.
    ///
    /// `token` is the bare token, without `Bearer`. Nothing of its payload is looked at before its signature holds. It is
    /// valid from `nbf` less the leeway until just before `exp` plus the leeway.
    ///
    /// # Errors
    /// See [`VerifyError`]. [`VerifyError::Expired`] comes last: such a token is right in all else.
    pub fn verify(&self, keys: &KeySet, token: &str, now_unix_seconds: i64) -> Result<AccessToken, VerifyError> {
        let jws = Compact::parse(token)?;
        let Some(key) = keys.get(&jws.header.kid) else {
            return Err(VerifyError::UnknownKey { kid: jws.header.kid });
        };
        if key.algorithm != jws.header.algorithm {
            return Err(VerifyError::AlgorithmMismatch);
        }
        let message = jws.signing_input.as_bytes();
        if !provider::verify(jws.signature, message, &key.key, key.algorithm) {
            return Err(VerifyError::BadSignature);
        }
        let token = AccessToken::try_from(jws.payload()?)?;
        self.check(token, now_unix_seconds)
    }

    fn check(&self, token: AccessToken, now: i64) -> Result<AccessToken, VerifyError> {
        if token.iss != self.issuer {
            return Err(VerifyError::WrongIssuer);
        }
        if !token.aud.iter().any(|aud| self.audiences.contains(aud)) {
            return Err(VerifyError::WrongAudience);
        }
        let latest_start = now.saturating_add(self.leeway);
        if token.iat > latest_start || token.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(VerifyError::NotYetValid);
        }
        if !self.scopes.iter().all(|scope| token.has_scope(scope)) {
            return Err(VerifyError::MissingScope);
        }
        if !self.acrs.is_empty() && !token.acr.as_ref().is_some_and(|acr| self.acrs.contains(acr)) {
            return Err(VerifyError::InsufficientUserAuthentication);
        }
        if now >= token.exp.saturating_add(self.leeway) {
            return Err(VerifyError::Expired { token: Box::new(token) });
        }
        Ok(token)
    }
}

impl From<ClaimError> for VerifyError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Missing(name) => Self::MissingClaim(name),
            ClaimError::Invalid(name) => Self::InvalidClaim(name),
        }
    }
}

#[cfg(test)]
mod tests;
