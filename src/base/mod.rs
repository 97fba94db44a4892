//! What every layer above shares: digests, identifiers, units, time, and the one way to replace a file.

pub mod bytes;
pub mod digest;
pub mod file;
pub mod id;
pub mod journal;
pub mod machine;
pub mod parallel;
pub mod time;
pub mod timing;
pub mod units;
