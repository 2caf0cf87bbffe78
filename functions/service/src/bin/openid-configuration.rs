//! The `openid-configuration` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&service::openid_configuration::ENDPOINT)
}
