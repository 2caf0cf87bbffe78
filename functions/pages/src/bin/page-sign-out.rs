//! The `page-sign-out` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&pages::page_sign_out::ENDPOINT)
}
