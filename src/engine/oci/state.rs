//! What is known of a container, and what it is at this moment: the record names a process, the kernel says whether it
//! lives and whether it has passed its gate.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use serde::{Deserialize, Serialize};

use super::{Result, Runtime, refuse};
use crate::base::bytes::ByteString;
use crate::base::file::{Durability, read_bounded, replace};
use crate::engine::{host, io};

const RECORD: &str = "state.json";
/// Names of the FIFOs of the gate.
pub const START: &str = "start";
pub const ANSWER: &str = "answer";
const MAX_RECORD: u64 = 32 << 20;

/// What `create` writes down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub oci_version: String,
    pub id: String,
    pub pid: i32,
    pub start_time: u64,
    pub boot: String,
    pub bundle: PathBuf,
    pub rootfs: PathBuf,
    pub created: String,
    pub annotations: BTreeMap<String, String>,
    /// For messages about its exec.
    pub program: String,
    /// The directory of its control group.
    pub cgroup: Option<ByteString>,
}

/// The life cycle of the specification (runtime.md, "State").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Creating,
    Created,
    Running,
    Stopped,
}

/// The state as it is printed and told to hooks; the last three are what runc adds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    pub oci_version: String,
    pub id: String,
    pub status: Status,
    pub pid: i32,
    pub bundle: PathBuf,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    pub rootfs: PathBuf,
    pub created: String,
    pub owner: &'static str,
}

impl Record {
    pub fn view(&self, status: Status) -> View {
        View {
            oci_version: self.oci_version.clone(),
            id: self.id.clone(),
            status,
            pid: if status == Status::Stopped { 0 } else { self.pid },
            bundle: self.bundle.clone(),
            annotations: self.annotations.clone(),
            rootfs: self.rootfs.clone(),
            created: self.created.clone(),
            owner: "",
        }
    }

    pub fn write(&self, directory: &OwnedFd) -> Result<()> {
        let failed = || format!("record of container {:?}", self.id);
        let text = serde_json::to_vec(self).map_err(|error| io(failed())(error.into()))?;
        replace(directory.as_fd(), Path::new(RECORD), &text, Durability::Transient).map_err(io(failed()))
    }

    /// None before `create` has written it.
    pub fn read(directory: &OwnedFd, id: &str) -> Result<Option<Self>> {
        let text = match read_bounded(directory.as_fd(), Path::new(RECORD), MAX_RECORD) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            result => result.map_err(io(format!("record of container {id:?}")))?,
        };
        match serde_json::from_slice(&text) {
            Ok(record) => Ok(Some(record)),
            Err(error) => refuse(format!("record of container {id:?}: {error}")),
        }
    }

    /// The first process, if it lives: by a descriptor that can mean no later process of that pid.
    pub fn process(&self) -> Option<OwnedFd> {
        if self.boot != host::boot() {
            return None;
        }
        let pidfd = rustix::process::pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        let (condition, start_time) = host::process(self.pid)?;
        // A zombie has ended, whether or not somebody has asked how.
        (start_time == self.start_time && !matches!(condition, b'Z' | b'X')).then_some(pidfd)
    }

    pub fn status(&self, directory: &OwnedFd) -> Status {
        match self.process() {
            None => Status::Stopped,
            Some(_) if open_start(directory).is_ok() => Status::Created,
            Some(_) => Status::Running,
        }
    }
}

/// Opens the gate for writing: only while the first process waits at it (`fifo(7)`, ENXIO).
pub fn open_start(directory: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, START, flags, Mode::empty())
}

/// A container as found.
pub struct Found {
    pub directory: OwnedFd,
    /// None while it is being created, or when that was cut off.
    pub record: Option<Record>,
    pub status: Status,
}

impl Runtime {
    pub(super) fn find(&self, id: &str) -> Result<Found> {
        let directory = self.open(id)?;
        let record = Record::read(&directory, id)?;
        let status = match &record {
            Some(record) => record.status(&directory),
            None if is_locked(&directory) => Status::Creating,
            None => Status::Stopped,
        };
        Ok(Found {
            directory,
            record,
            status,
        })
    }

    /// The state of a container.
    pub fn state(&self, id: &str) -> Result<View> {
        let found = self.find(id)?;
        Ok(match &found.record {
            Some(record) => record.view(found.status),
            None => View {
                oci_version: super::VERSION.into(),
                id: id.into(),
                status: found.status,
                pid: 0,
                bundle: PathBuf::new(),
                annotations: BTreeMap::new(),
                rootfs: PathBuf::new(),
                created: String::new(),
                owner: "",
            },
        })
    }
}

/// Whether somebody holds the lock at this moment.
fn is_locked(directory: &OwnedFd) -> bool {
    match rustix::fs::flock(directory, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => true,
        _ => {
            let _ = rustix::fs::flock(directory, FlockOperation::Unlock);
            false
        }
    }
}
