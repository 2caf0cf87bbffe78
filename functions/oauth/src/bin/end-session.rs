//! The `end-session` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&oauth::end_session::ENDPOINT)
}
