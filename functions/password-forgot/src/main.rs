//! The `password-forgot` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&password_forgot::ENDPOINT)
}
