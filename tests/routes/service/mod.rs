//! A file for each endpoint of the area `service`.

mod health;
mod jwks;
mod openid_configuration;
mod ready;
