//! The `sessions-end-others` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::sessions_end_others::ENDPOINT)
}
