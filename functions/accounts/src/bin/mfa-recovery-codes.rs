//! The `mfa-recovery-codes` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::mfa_recovery_codes::ENDPOINT)
}
