//! The `page-remove-factors` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_remove_factors::ENDPOINT)
}
