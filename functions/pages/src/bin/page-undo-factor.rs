//! The `page-undo-factor` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_undo_factor::ENDPOINT)
}
