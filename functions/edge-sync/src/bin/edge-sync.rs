//! The `edge-sync` function.

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve_event(&edge_sync::FUNCTION)
}
