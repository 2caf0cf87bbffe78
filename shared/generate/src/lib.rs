//! Makes private signing keys. A crate of its own, because RSA needs one that nothing else may link: a feature of
//! `wardgate` would be switched on for every function that is built beside `rotate-keys`.

use getrandom::SysRng;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::UnwrapErr;
use wardgate::crypto::key_ring::SigningAlgorithm;
use wardgate::crypto::rotation::NotGenerated;
use wardgate::crypto::secret_bytes::SecretBytes;

/// What TK-05 asks for at least. Longer ones sign slower at every sign-in.
const RSA_BITS: usize = 2048;

/// A new private key in PKCS #8, from the operating system's randomness.
pub fn generate(algorithm: SigningAlgorithm) -> Result<SecretBytes, NotGenerated> {
    match algorithm {
        SigningAlgorithm::RS256 => {
            // The system's source does not fail once the system is up; the crate has no way to say that it did.
            let key = rsa::RsaPrivateKey::new(&mut UnwrapErr(SysRng), RSA_BITS).map_err(|_| NotGenerated)?;
            let pkcs8 = key.to_pkcs8_der().map_err(|_| NotGenerated)?;
            Ok(SecretBytes::new(pkcs8.as_bytes().to_vec()))
        }
        SigningAlgorithm::ES256 => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            Ok(SecretBytes::new(pkcs8.map_err(|_| NotGenerated)?.as_ref().to_vec()))
        }
    }
}
