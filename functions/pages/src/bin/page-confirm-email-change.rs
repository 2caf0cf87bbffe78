//! The `page-confirm-email-change` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_confirm_email_change::ENDPOINT)
}
