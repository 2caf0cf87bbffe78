//! The `page-sign-in` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_sign_in::ENDPOINT)
}
