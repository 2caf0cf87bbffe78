//! The `password-forgot` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&accounts::password_forgot::ENDPOINT)
}
