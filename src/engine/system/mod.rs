//! The store as a whole: what it takes on the disk, whether it is sound, its repair and its end.

pub mod check;
mod reset;
pub mod usage;
