//! The `authorize` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&oauth::authorize::ENDPOINT)
}
