//! The `sessions-end-others` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sessions_end_others::ENDPOINT)
}
