//! The `page-login-code` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_pages(&pages::page_login_code::ENDPOINT)
}
