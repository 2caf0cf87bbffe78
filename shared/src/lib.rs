//! Wardgate: serverless authentication for AWS. A map of the crate:
//!
//! - [`domain`]: what things are. No AWS, HTTP, environment or system clock.
//! - [`use_cases`]: what can be done, one file a verb. No HTTP.
//! - [`store`]: the one table; a method is one atomic transition.
//! - [`crypto`]: password hashing and wrapping, sealed tokens, key rings, access tokens, second factors.
//! - [`http`]: the edge: requests, replies, problems.
//! - [`mail`]: the words and the MIME form of mails. [`templates`] embeds the files that they and the pages are made of.
//! - [`breach`]: whether a password is known from a breach, asked of a service elsewhere.
//! - [`outbound`]: what leaves by itself: mails, orders for them, events.
//! - [`app`]: the composition root. [`config`], [`secrets`], [`aws`], [`clock`] and [`entropy`] are what it is given.
//! - [`fault`]: what can go wrong on our side of any of it.
//! - [`tls`]: what TLS connections are made with. `qr`: QR codes, with the feature of that name.
//! - [`lambda`] and [`telemetry`]: how a process hosts an endpoint and reports on it.

pub mod app;
pub mod aws;
pub mod breach;
mod cached;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod current;
pub mod domain;
pub mod entropy;
pub mod fault;
#[cfg(test)]
mod gallery;
pub mod http;
pub mod lambda;
pub mod mail;
pub mod migrations;
pub mod outbound;
#[cfg(feature = "qr")]
pub mod qr;
pub mod secrets;
pub mod store;
pub mod telemetry;
pub mod templates;
pub mod tls;
pub mod use_cases;
