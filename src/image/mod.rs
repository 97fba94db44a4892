//! Images: their names, their way in and out of the store, and what is told about them.

pub mod archive;
mod arrival;
pub mod artifact;
pub mod change;
mod chunked;
pub mod compression;
pub mod embedded;
pub mod engines;
pub mod find;
pub mod greeting;
mod gzip;
pub mod import;
pub mod inspect;
pub mod layer;
pub mod list;
pub mod list_members;
pub mod lists;
pub mod manifest;
pub mod platform;
pub mod policy;
pub mod publish;
pub mod pull;
pub mod push;
pub mod push_list;
mod ranges;
pub mod reference;
pub mod registry;
pub mod remove;
pub mod share;
pub mod signature;
pub mod sniff;
#[cfg(test)]
mod testing;
pub mod transport;
pub mod tree;
mod unique;
