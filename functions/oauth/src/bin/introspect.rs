//! The `introspect` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&oauth::introspect::ENDPOINT)
}
