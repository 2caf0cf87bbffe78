//! The `page-consent` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_consent::ENDPOINT)
}
