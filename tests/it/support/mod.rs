//! What the integration tests stand on: a hermetic place to run the real program in, images made without any tool,
//! a terminal, and the checks that nothing is left behind and nothing was reached that should not be.

// One module per command uses what it needs; a helper without a user today is not a mistake.
#![allow(dead_code)]

pub mod canary;
pub mod certificates;
pub mod files;
pub mod group;
pub mod image;
pub mod killer;
pub mod leaks;
pub mod memory;
pub mod programs;
pub mod registry;
pub mod requires;
pub mod run;
pub mod sandbox;
pub mod skip;
pub mod tar;
pub mod terminal;

pub use canary::Canary;
pub use image::{Compression, Document, Format, Image};
pub(crate) use requires::requires;
pub use run::Invocation;
pub use sandbox::Sandbox;
pub use tar::Entry;
