//! One file for each endpoint, by area.

mod accounts;
mod pages;
mod service;
mod sign_in;
