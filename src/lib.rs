//! Coracle, a daemonless container engine: the library behind the `coracle` command.
//!
//! Layers import downward only (`tests/layering.rs` holds this):
//! `cli` → `engine` → `image`, `runtime` → `store` → `oci` → `base` → `sys`.
//! `image` and `runtime` never import each other, and `runtime` never imports `store`:
//! it is given paths and a plan.
#![deny(unsafe_code)]

pub mod base;
pub mod cli;
pub mod engine;
pub mod image;
pub mod oci;
pub mod runtime;
pub mod store;
pub mod sys;
