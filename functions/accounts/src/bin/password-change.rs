//! The `password-change` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::password_change::ENDPOINT)
}
