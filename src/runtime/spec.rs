//! What a container is to the kernel: paths, namespaces, a process. Plain values, made by the engine from its
//! records and by `runtime create` from a bundle; [`super::plan`] turns them into what a child can walk.

use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit};

use super::capabilities::CapabilitySet;
use super::seccomp::Filter;
use crate::base::bytes::ByteString;
use crate::sys::mount::{Attributes, Propagation};
use crate::sys::process::Namespaces;

/// A whole container.
pub struct Spec {
    pub root: Root,
    /// The root is mounted read-only once everything in it is in place.
    pub read_only: bool,
    /// No device can be opened on the root file system, only on other mounts.
    pub no_devices: bool,
    /// In the order of mounting.
    pub mounts: Vec<Mount>,
    /// Paths in the container that are covered; missing ones are passed over.
    pub masked: Vec<ByteString>,
    /// Paths in the container that become read-only; missing ones are passed over.
    pub read_only_paths: Vec<ByteString>,
    /// Propagation of the root mount after all mounts; private if not given.
    pub root_propagation: Option<Propagation>,
    /// New namespaces. A network namespace is made aside, see [`Network`].
    pub namespaces: Namespaces,
    /// Namespaces to be joined instead of made, in this order.
    pub joined: Vec<OwnedFd>,
    /// A pid namespace to be born in instead of a new one.
    pub joined_pid: Option<OwnedFd>,
    /// The ids of a new user namespace.
    pub id_maps: Option<IdMaps>,
    pub network: Network,
    pub hostname: ByteString,
    pub domainname: ByteString,
    /// Name below `/proc/sys` with `/` between its parts, and value.
    pub sysctls: Vec<(ByteString, ByteString)>,
    /// The directory of the control group that the process is born in.
    pub cgroup: Option<OwnedFd>,
    /// What tells programs that they are in a container.
    pub mark: Option<Mark>,
    pub process: Process,
    /// A pid-1 of ours that reaps orphans and passes signals on, with the process as its child.
    pub init: bool,
}

/// The file `/run/.containerenv`.
pub struct Mark {
    pub content: Vec<u8>,
    /// Which of the mounts is the temporary file system at /run that it goes to, before anything can be mounted over it.
    pub mount: Option<usize>,
}

/// The root file system.
pub enum Root {
    Overlay(Overlay),
    /// A directory as it is, with the mounts below it.
    Directory {
        path: PathBuf,
    },
}

/// Layers. All paths are relative to `base` and short, because the kernel takes at most 255 bytes each.
pub struct Overlay {
    /// Absolute.
    pub base: PathBuf,
    /// Uppermost first.
    pub lowers: Vec<ByteString>,
    /// Where the content of files lies of which a lower has the attributes alone: absolute paths.
    pub data: Vec<ByteString>,
    /// The writable layer and overlayfs's own directory beside it.
    pub upper: ByteString,
    pub work: ByteString,
    /// Never synced: for what vanishes when the container ends.
    pub volatile: bool,
}

/// One mount.
pub struct Mount {
    pub target: ByteString,
    pub source: Source,
    pub set: Attributes,
    pub clear: Attributes,
    /// Attributes apply to the mounts below a recursive bind as well.
    pub recursive: bool,
    pub propagation: Option<Propagation>,
    /// The propagation applies to the mounts below as well, whatever the attributes do.
    pub propagation_recursive: bool,
}

/// What is mounted.
pub enum Source {
    /// A new instance of a file system with options: a key alone is a flag.
    Filesystem {
        kind: &'static str,
        options: Vec<(String, Option<String>)>,
    },
    /// The same with a kind that a bundle names.
    Other {
        kind: ByteString,
        source: ByteString,
        options: Vec<(String, Option<String>)>,
    },
    /// A path of the host. `directory`: what it is, so that the target can be made alike.
    Bind {
        path: ByteString,
        recursive: bool,
        directory: bool,
    },
    /// A file of ours, in memory.
    File { content: Vec<u8> },
    /// A tmpfs with the standard devices and links (OCI runtime-spec, config-linux.md, "Default Devices"); without
    /// options it is as Docker's.
    Devices {
        devices: Vec<Device>,
        options: Vec<(String, Option<String>)>,
    },
    /// A new devpts; a terminal comes from it when the process has one.
    Terminals { options: Vec<(String, Option<String>)> },
}

/// A device node.
#[derive(Clone, Debug)]
pub struct Device {
    /// Below /dev.
    pub name: ByteString,
    /// The path on the host, for where nodes cannot be made.
    pub host: ByteString,
    pub kind: DeviceKind,
    pub major: u32,
    pub minor: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// `mknod(2)` kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Character,
    Block,
    Fifo,
}

/// The network namespace.
pub enum Network {
    /// A new one with loopback up, made by a helper process while the mounts are made.
    Loopback,
    /// A new one with loopback up, born with the process: the only kind that belongs to a new user namespace.
    Born,
    /// The caller's.
    Host,
    /// One among `joined`.
    Joined,
}

/// The content of `uid_map` and `gid_map` (`user_namespaces(7)`).
#[derive(Clone, Debug)]
pub struct IdMaps {
    pub users: String,
    pub groups: String,
}

/// Where the first process waits before the exec, made so that it needs no more than read and write, which every seccomp
/// filter allows.
#[derive(Debug)]
pub enum Gate {
    /// For whoever comes when the parent has gone (OCI `create`).
    Open {
        /// One byte is read here.
        start: OwnedFd,
        /// Why the exec failed is written here; the exec closes it.
        answer: OwnedFd,
    },
    /// The socket that it shares with its parent, who stays and opens it. Of its parent's descriptors it then keeps none but
    /// that and those that the payload gets.
    Parent,
}

/// A running container to be joined.
pub struct Target {
    /// Its init, by pidfd.
    pub init: OwnedFd,
    /// The namespaces in which it differs from us.
    pub namespaces: Namespaces,
}

/// The process that runs in the container.
pub struct Process {
    pub arguments: Vec<ByteString>,
    /// `NAME=VALUE`. `HOME` is added from the container's passwd file if it is missing.
    pub environment: Vec<ByteString>,
    pub working_directory: ByteString,
    pub user: User,
    pub capabilities: Capabilities,
    pub no_new_privileges: bool,
    pub seccomp: Option<Filter>,
    pub limits: Vec<(Resource, Rlimit)>,
    pub oom_score_adj: Option<i32>,
    pub umask: u32,
    /// A terminal with this many rows and columns.
    pub terminal: Option<(u16, u16)>,
    /// Descriptors that the process keeps, by the numbers that they have in ours already; all others are closed.
    pub descriptors: Vec<RawFd>,
    /// It is told its own pid by `LISTEN_PID` (sd_listen_fds(3)).
    pub is_listener: bool,
}

/// Whom the process runs as.
#[derive(Clone, Debug)]
pub enum User {
    /// As written by the user or the image, resolved by the container's own files.
    Named {
        user: String,
        groups: Vec<String>,
    },
    Ids {
        uid: u32,
        gid: u32,
        groups: Vec<u32>,
    },
}

/// The five sets (`capabilities(7)`).
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    pub bounding: CapabilitySet,
    pub effective: CapabilitySet,
    pub permitted: CapabilitySet,
    pub inheritable: CapabilitySet,
    pub ambient: CapabilitySet,
    /// A user other than the superuser loses effective and permitted ones (Docker's and Podman's rule; a bundle says
    /// itself what it wants).
    pub superuser_only: bool,
}

impl Capabilities {
    /// `set` for the superuser, none for others, inheritable and ambient never (CVE-2022-24769).
    pub fn engine(set: CapabilitySet) -> Self {
        Self {
            bounding: set,
            effective: set,
            permitted: set,
            inheritable: CapabilitySet::EMPTY,
            ambient: CapabilitySet::EMPTY,
            superuser_only: true,
        }
    }
}

impl Source {
    /// For messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Filesystem { kind, .. } => (*kind).into(),
            Self::Other { kind, .. } => kind.lossy().into_owned(),
            Self::Bind { path, .. } => path.lossy().into_owned(),
            Self::File { .. } => "a file of ours".into(),
            Self::Devices { .. } => "the devices".into(),
            Self::Terminals { .. } => "devpts".into(),
        }
    }
}

impl User {
    /// For messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Named { user, .. } => user.clone(),
            Self::Ids { uid, gid, .. } => format!("{uid}:{gid}"),
        }
    }
}
