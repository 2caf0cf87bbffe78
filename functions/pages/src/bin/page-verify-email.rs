//! The `page-verify-email` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_verify_email::ENDPOINT)
}
