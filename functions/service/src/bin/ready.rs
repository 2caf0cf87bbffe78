//! The `ready` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::ready::ENDPOINT)
}
