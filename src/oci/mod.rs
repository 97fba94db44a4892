//! The documents of the Open Container Initiative as plain types: no files, no network.

pub mod config;
pub mod image;
