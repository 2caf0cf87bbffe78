//! The `page-undo-email-change` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_undo_email_change::ENDPOINT)
}
