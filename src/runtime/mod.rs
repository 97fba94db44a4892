//! From a description of a container to a running process: namespaces, mounts, credentials, exec.
//!
//! Knows no store, no image and no log: it is given paths and a [`spec::Spec`], and gives back a child.

pub mod accounts;
pub mod capabilities;
pub mod cgroup;
pub mod change;
mod copy;
pub mod copy_up;
pub mod data_only;
mod dbus;
mod execute;
pub mod freeze;
pub mod hierarchy;
mod init;
mod mark;
pub mod overlay;
mod plan;
mod reaper;
pub mod rootfs;
pub mod rootless;
mod scope;
pub mod seccomp;
pub mod setting;
pub mod spawn;
pub mod spec;
mod step;
mod sync;
pub mod usage;
pub mod waiting;
