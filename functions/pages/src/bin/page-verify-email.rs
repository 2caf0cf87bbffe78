//! The `page-verify-email` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_verify_email::ENDPOINT)
}
