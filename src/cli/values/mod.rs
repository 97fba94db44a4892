//! What the values of options mean: pure functions from words to parts of a container's configuration.
//!
//! Errors say what is wrong with a value; whoever calls adds the option and the value.

pub mod environment;
pub mod filter;
pub mod health;
pub mod limits;
pub mod mounts;
pub mod names;
pub mod restart;
pub mod security;
pub mod signal;
pub mod time;

/// A value that does not mean anything, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

pub type Result<T> = std::result::Result<T, ValueError>;

/// Reads `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => invalid("expected KEY=VALUE"),
    }
}

/// An error with this message.
pub fn invalid<T>(message: impl Into<String>) -> Result<T> {
    Err(ValueError(message.into()))
}
