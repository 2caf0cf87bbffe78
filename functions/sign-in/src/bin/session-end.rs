//! The `session-end` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&sign_in::session_end::ENDPOINT)
}
