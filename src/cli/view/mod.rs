//! What is printed of containers, images and the rest: rows for lists and documents for `inspect`, as JSON whose fields
//! carry the names that Docker and Podman gave them. Where the two write a value differently, the one is chosen that
//! more scripts read, and a comment says so.

pub mod container;
pub mod containers;
pub mod events;
pub mod history;
pub mod images;
mod log;
pub mod moment;
mod resources;
pub mod stats;
pub mod tree;
pub mod usage;
pub mod volumes;
pub mod yaml;
