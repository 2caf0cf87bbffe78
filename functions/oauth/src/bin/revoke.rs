//! The `revoke` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&oauth::revoke::ENDPOINT)
}
