//! Images: their names, their way in and out of the store, and what is told about them.

pub mod compression;
pub mod layer;
pub mod reference;
