//! System calls over owned descriptors: the only place with `unsafe`.
//!
//! What rustix has is called there directly by the layers above; here is what it lacks.
#![allow(unsafe_code)]

pub mod credentials;
pub mod lock;
pub mod memory;
pub mod mount;
pub mod net;
pub mod notify;
pub mod process;
pub mod seccomp;
pub mod signal;
