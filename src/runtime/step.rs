//! The steps of a container's first process, and how it tells which one failed: as numbers, for it may not allocate.

use rustix::io::Errno;

use super::sync::{Kind, Message};

/// What the child was doing, in the order of doing it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Step {
    OomScore,
    UserNamespace,
    Isolate,
    Join,
    Root,
    Mount,
    Network,
    Sysctl,
    Mask,
    ReadOnlyPath,
    ReadOnlyRoot,
    Hostname,
    Enter,
    Parent,
    Session,
    Streams,
    Limit,
    WorkingDirectory,
    OutsideRoot,
    BoundingSet,
    Credentials,
    Seccomp,
    Capabilities,
    NoNewPrivileges,
    Death,
    Gate,
    Fork,
    OwnBinary,
    Execute,
}

impl Step {
    /// All, so that a number can be turned back into its step.
    pub const ALL: [Self; 29] = [
        Self::OomScore,
        Self::UserNamespace,
        Self::Isolate,
        Self::Join,
        Self::Root,
        Self::Mount,
        Self::Network,
        Self::Sysctl,
        Self::Mask,
        Self::ReadOnlyPath,
        Self::ReadOnlyRoot,
        Self::Hostname,
        Self::Enter,
        Self::Parent,
        Self::Session,
        Self::Streams,
        Self::Limit,
        Self::WorkingDirectory,
        Self::OutsideRoot,
        Self::BoundingSet,
        Self::Credentials,
        Self::Seccomp,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::Death,
        Self::Gate,
        Self::Fork,
        Self::OwnBinary,
        Self::Execute,
    ];
}

/// A failed step.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    pub step: Step,
    pub index: u32,
    pub errno: Errno,
}

impl Failure {
    /// As it is told to whoever can explain it.
    pub fn message(self) -> Message {
        Message {
            kind: Kind::Failed,
            step: self.step as u32,
            index: self.index,
            errno: self.errno.raw_os_error(),
        }
    }
}

pub type Result<T> = std::result::Result<T, Failure>;

/// Adds where it happened to an error number.
pub fn at(step: Step) -> impl Fn(Errno) -> Failure {
    move |errno| Failure {
        step,
        index: 0,
        errno,
    }
}

/// The same with the number of the item in the plan.
pub fn at_index(step: Step, index: usize) -> impl Fn(Errno) -> Failure {
    move |errno| Failure {
        step,
        index: index as u32,
        errno,
    }
}
