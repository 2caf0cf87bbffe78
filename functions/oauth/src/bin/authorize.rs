//! The `authorize` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&oauth::authorize::ENDPOINT)
}
