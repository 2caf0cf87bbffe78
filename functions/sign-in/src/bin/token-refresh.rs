//! The `token-refresh` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::token_refresh::ENDPOINT)
}
