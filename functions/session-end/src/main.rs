//! The `session-end` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&session_end::ENDPOINT)
}
