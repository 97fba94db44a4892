//! The command line.

pub mod template;
