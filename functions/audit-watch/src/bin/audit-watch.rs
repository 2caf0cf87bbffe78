//! The `audit-watch` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&audit_watch::FUNCTION)
}
