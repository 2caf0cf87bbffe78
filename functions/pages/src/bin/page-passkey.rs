//! The `page-passkey` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_passkey::ENDPOINT)
}
