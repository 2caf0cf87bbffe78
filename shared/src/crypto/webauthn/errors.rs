//! What can be wrong with a response: each wrong thing by its own name, for logs and tests. A client is told none of it.

use thiserror::Error;

/// Why bytes are not CBOR as authenticators have to write it (MF-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CborError {
    /// It ends in the middle.
    #[error("the data ends too early")]
    Truncated,
    /// Something follows the one item.
    #[error("bytes follow the item")]
    TrailingBytes,
    /// A string, array or map does not say its length first.
    #[error("an item has no definite length")]
    Indefinite,
    /// A number or length has a shorter encoding.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// Tags, floating point, `undefined` and what is not assigned.
    #[error("an item is of a type that authenticators do not use")]
    Unsupported,
    /// Arrays and maps in each other, too many.
    #[error("items are nested too deep")]
    TooDeep,
    /// An array or map that is too long.
    #[error("an array or map has too many entries")]
    TooManyEntries,
    /// A text string that is none.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A map with one key twice.
    #[error("a map has one key twice")]
    RepeatedKey,
}

/// Why a credential's public key is none that we take (MF-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not CBOR.
    #[error("the key is not CBOR: {0}")]
    Cbor(#[from] CborError),
    /// Not a map.
    #[error("the key is not a map")]
    NotAMap,
    /// Its algorithm is missing, or was not offered.
    #[error("the key's algorithm was not offered")]
    Algorithm,
    /// Its type is not that of its algorithm.
    #[error("the key's type does not fit its algorithm")]
    KeyType,
    /// Its curve is not that of its algorithm.
    #[error("the key's curve does not fit its algorithm")]
    Curve,
    /// Its point is missing, compressed, or of a wrong length.
    #[error("the key's point is not of its curve")]
    Point,
    /// Its modulus has not 2048 to 8192 bits.
    #[error("the key's modulus is too short, too long, or none")]
    Modulus,
    /// Its exponent is none.
    #[error("the key's exponent is none")]
    Exponent,
    /// It has more parameters than its algorithm needs, which section 6.5.1.1 forbids.
    #[error("the key has parameters of no use")]
    Parameters,
}

/// Why a response is refused. Everything in it was sent by a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CeremonyError {
    /// The client data is no JSON object with the members that matter.
    #[error("the client data cannot be read")]
    ClientData,
    /// It was made for the other ceremony.
    #[error("the client data is of another ceremony")]
    Type,
    /// It answers another challenge.
    #[error("another challenge was answered")]
    Challenge,
    /// It comes from a page or app that is not ours.
    #[error("the origin is not listed")]
    Origin,
    /// It comes from a frame within another site, and no such site is listed (MF-10).
    #[error("the ceremony ran in another site's frame")]
    CrossOrigin,
    /// It comes from a frame within a site that is not listed (MF-10).
    #[error("the ceremony ran in the frame of a site that is not listed")]
    TopOrigin,
    /// The attestation object is not CBOR.
    #[error("the attestation object is not CBOR: {0}")]
    Attestation(CborError),
    /// The attestation object lacks one of its three members.
    #[error("the attestation object has not its members")]
    AttestationMembers,
    /// The authenticator data ends early, or goes on.
    #[error("the authenticator data is not as long as it says")]
    AuthenticatorData,
    /// Its extensions are no map in CBOR.
    #[error("the authenticator's extensions are not a CBOR map")]
    Extensions,
    /// It is for another relying party.
    #[error("the authenticator data is for another relying party")]
    RpIdHash,
    /// Nobody was there.
    #[error("no user was present")]
    UserPresence,
    /// Nobody was verified, which was required.
    #[error("the user was not verified")]
    UserVerification,
    /// Backed up, and not able to be.
    #[error("a credential is backed up that cannot be")]
    BackupState,
    /// No credential was registered.
    #[error("the authenticator data has no credential")]
    NoCredential,
    /// The credential's id is empty, or longer than 1023 bytes.
    #[error("the credential's id is too long, or empty")]
    CredentialIdLength,
    /// The credential's id is not the one that the response has beside it, or not that of the record.
    #[error("the credential's id is another")]
    CredentialId,
    /// The credential's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record is of another relying party (MF-19).
    #[error("the credential belongs to another relying party")]
    RpId,
    /// No user is known, and the response names none.
    #[error("the response names no user")]
    NoUserHandle,
    /// The credential's owner is another user (MF-18).
    #[error("the response names another user")]
    UserHandle,
    /// The credential has never verified its user, and so does not sign in alone (MF-17).
    #[error("the credential has never verified its user")]
    NeverVerified,
    /// Able to be backed up now and not at registration, or the other way round.
    #[error("the backup eligibility has changed")]
    BackupEligibility,
    /// The signature is not the credential's.
    #[error("the signature is wrong")]
    Signature,
}
