//! A [`Spec`] made ready for a child that may not allocate: C strings, arrays, precomputed paths. Everything that can
//! be refused by looking at the words alone is refused here.

use std::ffi::{CString, NulError};
use std::os::fd::{OwnedFd, RawFd};

use rustix::process::{Resource, Rlimit};

use super::seccomp::Filter;
use super::spec::{
    Capabilities, Device, Gate, Mark, Network, Overlay, Process, Root, Source, Spec, Target as Joined, User,
};
use crate::base::bytes::ByteString;
use crate::sys::credentials::MAX_HOME;
use crate::sys::mount::{Attributes, Propagation};
use crate::sys::process::{Namespaces, Strings};

/// What the child walks.
pub struct Plan {
    pub root: RootPlan,
    /// Of the root mount, once everything in it is in place.
    pub root_attributes: Attributes,
    pub root_propagation: Option<Propagation>,
    pub mounts: Vec<MountPlan>,
    pub masked: Vec<CString>,
    pub read_only_paths: Vec<CString>,
    pub namespaces: Namespaces,
    pub joined: Vec<OwnedFd>,
    pub network: Network,
    pub hostname: Vec<u8>,
    pub domainname: Vec<u8>,
    /// Path below /proc, and value.
    pub sysctls: Vec<(CString, Vec<u8>)>,
    pub cgroup: Option<OwnedFd>,
    pub process: ProcessPlan,
    pub mark: Option<Mark>,
    pub init: bool,
    /// Device and inode of our own binary, which must not be executed in the container (CVE-2019-5736).
    pub own_binary: Option<(u64, u64)>,
    /// The host's /dev/null, opened and checked by the parent: what masked files are covered with.
    pub null: Option<OwnedFd>,
    /// A running container to be entered, instead of all mounts.
    pub target: Option<Joined>,
    /// Where the child waits when everything is ready (OCI `create`).
    pub start_gate: Option<Gate>,
    /// The child waits with its mounts made and its root not yet changed until the parent has run hooks.
    pub pauses: bool,
}

pub enum RootPlan {
    Overlay {
        base: CString,
        lowers: Vec<CString>,
        data: Vec<CString>,
        joined: CString,
        upper: CString,
        work: CString,
        volatile: bool,
    },
    Directory {
        path: CString,
    },
}

pub struct MountPlan {
    pub target: Target,
    pub source: SourcePlan,
    pub set: Attributes,
    pub clear: Attributes,
    pub recursive: bool,
    pub propagation: Option<Propagation>,
    pub propagation_recursive: bool,
}

pub enum SourcePlan {
    /// `source`: what the mount table names as its origin.
    Filesystem {
        kind: CString,
        source: CString,
        options: Vec<(CString, Option<CString>)>,
    },
    Bind {
        path: CString,
        recursive: bool,
    },
    File {
        content: Vec<u8>,
    },
    Devices {
        devices: Vec<DevicePlan>,
        options: Vec<(CString, Option<CString>)>,
    },
    Terminals {
        options: Vec<(CString, Option<CString>)>,
    },
}

pub struct DevicePlan {
    pub name: CString,
    pub host: CString,
    pub device: Device,
}

impl SourcePlan {
    /// Whether it shows the network namespace of whoever mounts it.
    pub fn needs_network(&self) -> bool {
        matches!(self, Self::Filesystem { kind, .. } if kind.to_bytes() == b"sysfs")
    }
}

/// A path in the container and what to make when it is missing.
pub struct Target {
    /// `a`, `a/b`, `a/b/c` for `/a/b/c`: relative to the root, in which they are resolved.
    pub prefixes: Vec<CString>,
    /// The last part of each.
    pub names: Vec<CString>,
    pub directory: bool,
    /// Whether what is missing is made.
    pub makes: bool,
    /// A place of ours: a symbolic link in it is an attack (CVE-2023-27561), not a convenience.
    pub strict: bool,
}

pub struct ProcessPlan {
    /// Where the program may be, in the order of `PATH`.
    pub candidates: Vec<CString>,
    pub arguments: Strings,
    pub environment: Strings,
    /// Where `HOME=` stands with room behind it, when it is to be filled in.
    pub home: Option<usize>,
    pub working_directory: Target,
    pub user: User,
    pub capabilities: Capabilities,
    pub no_new_privileges: bool,
    pub seccomp: Option<Filter>,
    pub limits: Vec<(Resource, Rlimit)>,
    pub oom_score_adj: Option<Vec<u8>>,
    pub umask: u32,
    pub terminal: Option<(u16, u16)>,
    pub descriptors: Vec<RawFd>,
    /// Where `LISTEN_PID=` stands with room behind it, when it is to be filled in.
    pub listen_pid: Option<usize>,
}

/// The kernel's limit (PATH_MAX), the final NUL byte not counted. It also bounds what a path of many parts costs here,
/// which is the square of its length: an image may name any.
const LONGEST_PATH: usize = 4095;

/// What cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{what} holds a NUL byte")]
    Nul { what: String },
    #[error("{what} {path:?} is not an absolute path")]
    NotAbsolute { what: &'static str, path: ByteString },
    #[error("{what} is longer than {LONGEST_PATH} bytes")]
    TooLong { what: &'static str },
    #[error("a mount at the container's root is not possible")]
    MountAtRoot,
    #[error("sysctl {0:?} is not a name of dots or slashes")]
    Sysctl(ByteString),
    #[error("no command to run: name one, or use an image that has one")]
    NoCommand,
    #[error("at most 65535 limits, mounts or paths of one kind are possible")]
    TooMany,
    #[error("{path}: {source}")]
    Open {
        path: &'static str,
        source: rustix::io::Errno,
    },
}

type Result<T> = std::result::Result<T, PlanError>;

impl Plan {
    /// Plans `spec`.
    pub fn new(spec: Spec) -> Result<Self> {
        let mounts = spec
            .mounts
            .iter()
            .map(MountPlan::new)
            .collect::<Result<Vec<_>>>()?;
        if mounts.len() > 65_535 || spec.masked.len() > 65_535 {
            return Err(PlanError::TooMany);
        }
        let needs_null = !spec.masked.is_empty();
        let mut root_attributes = Attributes::empty();
        root_attributes.set(Attributes::RDONLY, spec.read_only);
        root_attributes.set(Attributes::NODEV, spec.no_devices);
        Ok(Self {
            root: RootPlan::new(&spec.root)?,
            root_attributes,
            root_propagation: spec.root_propagation,
            mounts,
            masked: relative_all(&spec.masked, "masked path")?,
            read_only_paths: relative_all(&spec.read_only_paths, "read-only path")?,
            namespaces: spec.namespaces,
            joined: spec.joined,
            network: spec.network,
            hostname: spec.hostname.as_bytes().to_vec(),
            domainname: spec.domainname.as_bytes().to_vec(),
            sysctls: spec.sysctls.iter().map(sysctl).collect::<Result<_>>()?,
            cgroup: spec.cgroup,
            process: ProcessPlan::new(spec.process)?,
            mark: spec.mark,
            init: spec.init,
            own_binary: own_binary(),
            null: if needs_null { Some(open_null()?) } else { None },
            target: None,
            start_gate: None,
            pauses: false,
        })
    }

    /// Plans a process in a running container.
    pub fn join(target: Joined, process: Process, cgroup: Option<OwnedFd>) -> Result<Self> {
        let mut process = ProcessPlan::new(process)?;
        // Of a container that runs nothing is changed by looking into it.
        process.working_directory.makes = false;
        Ok(Self {
            root: RootPlan::Directory {
                path: CString::default(),
            },
            root_attributes: Attributes::empty(),
            root_propagation: None,
            mounts: Vec::new(),
            masked: Vec::new(),
            read_only_paths: Vec::new(),
            namespaces: Namespaces::empty(),
            joined: Vec::new(),
            network: Network::Joined,
            hostname: Vec::new(),
            domainname: Vec::new(),
            sysctls: Vec::new(),
            cgroup,
            process,
            mark: None,
            init: false,
            own_binary: own_binary(),
            null: None,
            target: Some(target),
            start_gate: None,
            pauses: false,
        })
    }
}

impl RootPlan {
    fn new(root: &Root) -> Result<Self> {
        Ok(match root {
            Root::Directory { path } => Self::Directory {
                path: c("root", &path.as_path().into())?,
            },
            Root::Overlay(overlay) => Self::overlay(overlay)?,
        })
    }

    fn overlay(overlay: &Overlay) -> Result<Self> {
        // For kernels that take all layers in one string (before 6.7).
        let mut joined = Vec::new();
        for lower in &overlay.lowers {
            if !joined.is_empty() {
                joined.push(b':');
            }
            joined.extend_from_slice(lower.as_bytes());
        }
        Ok(Self::Overlay {
            base: c("store", &overlay.base.as_path().into())?,
            lowers: overlay
                .lowers
                .iter()
                .map(|lower| c("layer", lower))
                .collect::<Result<_>>()?,
            data: overlay
                .data
                .iter()
                .map(|data| c("data of a layer", data))
                .collect::<Result<_>>()?,
            joined: c("layers", &joined.into())?,
            upper: c("upper directory", &overlay.upper)?,
            work: c("work directory", &overlay.work)?,
            volatile: overlay.volatile,
        })
    }
}

impl MountPlan {
    fn new(mount: &super::spec::Mount) -> Result<Self> {
        let (directory, strict) = match &mount.source {
            Source::Bind { directory, .. } => (*directory, false),
            Source::File { .. } => (false, false),
            Source::Filesystem { .. } | Source::Devices { .. } | Source::Terminals { .. } => (true, true),
            Source::Other { .. } => (true, false),
        };
        let target = Target::new("mount target", &mount.target, directory, strict)?;
        if target.prefixes.is_empty() {
            return Err(PlanError::MountAtRoot);
        }
        Ok(Self {
            target,
            source: SourcePlan::new(&mount.source)?,
            set: mount.set,
            clear: mount.clear,
            recursive: mount.recursive,
            propagation: mount.propagation,
            propagation_recursive: mount.propagation_recursive,
        })
    }
}

impl SourcePlan {
    fn new(source: &Source) -> Result<Self> {
        Ok(match source {
            Source::Filesystem { kind, options } => Self::Filesystem {
                kind: c("file system", &(*kind).into())?,
                source: c("file system", &(*kind).into())?,
                options: mount_options(options)?,
            },
            Source::Other {
                kind,
                source,
                options,
            } => Self::Filesystem {
                kind: c("file system", kind)?,
                source: c("mount source", source)?,
                options: mount_options(options)?,
            },
            Source::Bind { path, recursive, .. } => Self::Bind {
                path: c("mount source", path)?,
                recursive: *recursive,
            },
            Source::File { content } => Self::File {
                content: content.clone(),
            },
            Source::Devices { devices, options } => Self::Devices {
                options: mount_options(options)?,
                devices: devices
                    .iter()
                    .map(|device| {
                        Ok(DevicePlan {
                            name: c("device", &device.name)?,
                            host: c("device", &device.host)?,
                            device: device.clone(),
                        })
                    })
                    .collect::<Result<_>>()?,
            },
            Source::Terminals { options } => Self::Terminals {
                options: mount_options(options)?,
            },
        })
    }
}

fn mount_options(options: &[(String, Option<String>)]) -> Result<Vec<(CString, Option<CString>)>> {
    let text = |text: &String| c("mount option", &text.as_str().into());
    options
        .iter()
        .map(|(key, value)| Ok((text(key)?, value.as_ref().map(text).transpose()?)))
        .collect()
}

impl Target {
    /// Takes `path` apart. `..` is resolved lexically below the root, as a shell's `cd` does, so that it cannot lead
    /// outside; links are resolved in-root by the kernel.
    fn new(what: &'static str, path: &ByteString, directory: bool, strict: bool) -> Result<Self> {
        if !path.as_bytes().starts_with(b"/") {
            return Err(PlanError::NotAbsolute {
                what,
                path: path.clone(),
            });
        }
        if path.as_bytes().len() > LONGEST_PATH {
            return Err(PlanError::TooLong { what });
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in path.as_bytes().split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => _ = parts.pop(),
                _ => parts.push(part),
            }
        }
        let mut prefixes = Vec::with_capacity(parts.len());
        for end in 1..=parts.len() {
            prefixes.push(c(what, &parts[..end].join(&b'/').into())?);
        }
        let names = parts
            .iter()
            .map(|part| c(what, &part.to_vec().into()))
            .collect::<Result<_>>()?;
        Ok(Self {
            prefixes,
            names,
            directory,
            makes: true,
            strict,
        })
    }

    /// The whole path, relative to the root; `None` is the root itself.
    pub fn path(&self) -> Option<&CString> {
        self.prefixes.last()
    }
}

impl ProcessPlan {
    fn new(process: Process) -> Result<Self> {
        let program = process.arguments.first().filter(|program| !program.is_empty());
        let program = program.ok_or(PlanError::NoCommand)?;
        let path = process
            .environment
            .iter()
            .find_map(|entry| entry.as_bytes().strip_prefix(b"PATH="));
        let candidates = candidates(program, path.unwrap_or(DEFAULT_PATH))?;
        let mut environment = c_all("environment", &process.environment)?;
        let mut home = None;
        let has_home = process
            .environment
            .iter()
            .any(|entry| entry.as_bytes().starts_with(b"HOME="));
        if !has_home {
            home = Some(environment.len());
            let mut room = HOME.to_vec();
            room.resize(HOME.len() + MAX_HOME, b'-');
            environment.push(c("environment", &room.into())?);
        }
        let listen_pid = process.is_listener.then_some(environment.len());
        if process.is_listener {
            // Room for any pid.
            environment.push(c("environment", &[LISTEN_PID, b"0000000000"].concat().into())?);
        }
        Ok(Self {
            candidates,
            arguments: Strings::new(c_all("argument", &process.arguments)?),
            environment: Strings::new(environment),
            home,
            working_directory: Target::new("working directory", &process.working_directory, true, false)?,
            user: process.user,
            capabilities: process.capabilities,
            no_new_privileges: process.no_new_privileges,
            seccomp: process.seccomp,
            limits: process.limits,
            oom_score_adj: process.oom_score_adj.map(|value| value.to_string().into_bytes()),
            umask: process.umask,
            terminal: process.terminal,
            descriptors: process.descriptors,
            listen_pid,
        })
    }
}

/// What stands before the home directory in the environment.
pub const HOME: &[u8] = b"HOME=";

/// What stands before the pid of whoever gets sockets.
pub const LISTEN_PID: &[u8] = b"LISTEN_PID=";

/// Where programs are looked for when the environment has no `PATH` (`execvp(3)`, and what Docker sets).
pub const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where `program` may be.
fn candidates(program: &ByteString, path: &[u8]) -> Result<Vec<CString>> {
    if program.as_bytes().contains(&b'/') {
        return Ok(vec![c("argument", program)?]);
    }
    path.split(|byte| *byte == b':')
        .map(|directory| {
            // An empty part is the working directory (POSIX, "PATH").
            let directory = if directory.is_empty() { b"." } else { directory };
            let file = [directory, b"/", program.as_bytes()].concat();
            c("argument", &file.into())
        })
        .collect()
}

/// A sysctl's path below /proc. Only letters, digits and `_-.` make up its parts, so that no value or second name can
/// be smuggled in (CVE-2022-0811).
fn sysctl((name, value): &(ByteString, ByteString)) -> Result<(CString, Vec<u8>)> {
    let bytes = name.as_bytes();
    let has_slash = bytes.contains(&b'/');
    let path: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'.' && !has_slash { b'/' } else { *byte })
        .collect();
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && part != b".."
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte))
    };
    if !path.split(|byte| *byte == b'/').all(is_part) || value.as_bytes().contains(&b'\n') {
        return Err(PlanError::Sysctl(name.clone()));
    }
    Ok((
        c("sysctl", &[b"sys/", &path[..]].concat().into())?,
        value.as_bytes().to_vec(),
    ))
}

fn relative_all(paths: &[ByteString], what: &'static str) -> Result<Vec<CString>> {
    paths
        .iter()
        .map(|path| match Target::new(what, path, true, true)?.prefixes.pop() {
            Some(path) => Ok(path),
            None => Err(PlanError::MountAtRoot),
        })
        .collect()
}

fn c(what: &str, text: &ByteString) -> Result<CString> {
    text.to_c().map_err(|_: NulError| PlanError::Nul {
        what: format!("{what} {text:?}"),
    })
}

fn c_all(what: &str, texts: &[ByteString]) -> Result<Vec<CString>> {
    texts.iter().map(|text| c(what, text)).collect()
}

fn own_binary() -> Option<(u64, u64)> {
    let status = rustix::fs::stat("/proc/self/exe").ok()?;
    Some((status.st_dev, status.st_ino))
}

/// The host's null device, checked to be it (CVE-2025-31133).
fn open_null() -> Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let failed = |source| PlanError::Open {
        path: "/dev/null",
        source,
    };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let null = rustix::fs::open("/dev/null", flags, Mode::empty()).map_err(failed)?;
    let status = rustix::fs::fstat(&null).map_err(failed)?;
    if !is_null(&status) {
        return Err(failed(rustix::io::Errno::NODEV));
    }
    Ok(null)
}

/// Whether this is the null device, character device 1:3.
pub fn is_null(status: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::CharacterDevice
        && status.st_rdev == rustix::fs::makedev(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(path: &str) -> Vec<String> {
        let target = Target::new("target", &path.into(), true, false).unwrap();
        target
            .prefixes
            .iter()
            .map(|prefix| prefix.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn targets_stay_below_the_root() {
        assert_eq!(prefixes("/a/b/c"), ["a", "a/b", "a/b/c"]);
        assert_eq!(prefixes("//a/./b/"), ["a", "a/b"]);
        assert_eq!(prefixes("/a/../../../b"), ["b"]);
        assert!(prefixes("/").is_empty());
        assert!(Target::new("target", &"a/b".into(), true, false).is_err());
        assert!(Target::new("target", &"/a\0b".into(), true, false).is_err());
        assert!(Target::new("target", &"/x".repeat(2047).as_str().into(), true, false).is_ok());
        assert!(Target::new("target", &"/x".repeat(2048).as_str().into(), true, false).is_err());
    }

    #[test]
    fn sysctl_names() {
        let path = |name: &str, value: &str| sysctl(&(name.into(), value.into())).ok().map(|(path, _)| path);
        assert_eq!(
            path("net.ipv4.ip_forward", "1").unwrap().to_bytes(),
            b"sys/net/ipv4/ip_forward"
        );
        assert_eq!(
            path("net/ipv4/conf/eth0.1/x", "1").unwrap().to_bytes(),
            b"sys/net/ipv4/conf/eth0.1/x"
        );
        for (name, value) in [
            ("kernel.shm=1+x", "1"),
            ("../kernel/core_pattern", "1"),
            ("a..b", "1"),
            ("", "1"),
            ("a", "1\nb"),
        ] {
            assert!(path(name, value).is_none(), "{name}");
        }
    }

    #[test]
    fn programs_are_looked_for_in_the_path() {
        let found = |program: &str, path: &[u8]| -> Vec<String> {
            let found = candidates(&program.into(), path).unwrap();
            found
                .iter()
                .map(|path| path.to_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(found("sh", b"/bin::/x"), ["/bin/sh", "./sh", "/x/sh"]);
        assert_eq!(found("./sh", b"/bin"), ["./sh"]);
    }
}
