//! Containers as the kernel sees them: what is prepared before a process is cloned, and what that process then does.

pub mod capabilities;
