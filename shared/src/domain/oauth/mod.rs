//! What an authorization server knows of: clients, where their answers go, and the APIs that they ask tokens for.

pub mod authorization;
pub mod client;
pub mod client_brand;
pub mod client_kind;
pub mod consent;
pub mod continuation;
pub mod grant;
pub mod logout_order;
pub mod parameters;
pub mod redirect_uri;
pub mod resource;
pub mod scope;
pub mod token_algorithm;
pub mod words;
