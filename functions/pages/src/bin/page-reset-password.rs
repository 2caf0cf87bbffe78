//! The `page-reset-password` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_reset_password::ENDPOINT)
}
