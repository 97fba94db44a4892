//! What a container's record means to the kernel: the default mounts, devices, masks and rights, together with what
//! its owner asked for.

use std::path::Path;

use rustix::process::{Resource, Rlimit};

use super::files;
use super::{Engine, EngineError, Result};
use crate::base::bytes::ByteString;
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::runtime::rootless::Ids;
use crate::runtime::seccomp;
use crate::runtime::spec::{
    Capabilities, Device, DeviceKind, Mount, Network, Overlay, Process, Root, Source, Spec, User,
};
use crate::store::Kind;
use crate::store::container::{
    Config, Container, MountSource, Network as NetworkChoice, Notifier, Root as RootRecord, Seccomp, Sharing,
    Ulimit,
};
use crate::sys::mount::{Attributes, Propagation};
use crate::sys::process::Namespaces;

/// Covered in every container that is not privileged: what the kernel tells there concerns the host.
pub const MASKED: [&str; 11] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Read-only in every container that is not privileged.
pub const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// What a user finds in `PATH` when neither the image nor the command line says.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Engine {
    /// Everything that the kernel is asked for, but the control group.
    pub fn spec(&self, container: &Container, terminal_size: (u16, u16)) -> Result<Spec> {
        let config = &container.config;
        let set = capability_set(config)?;
        let has_own_network = config.network == NetworkChoice::None;
        let mut mounts = self.default_mounts(config);
        mounts.extend(self.own_files(container));
        mounts.extend(timezone(config)?);
        mounts.extend(notify_socket(config));
        mounts.extend(self.user_mounts(config)?);
        let is_covered = |path: &&str| !config.unmask.iter().any(|shown| shown == "ALL" || shown == path);
        let covered = |paths: &[&'static str]| -> Vec<ByteString> {
            if config.privileged {
                return Vec::new();
            }
            paths
                .iter()
                .filter(|path| is_covered(path))
                .map(|path| (*path).into())
                .collect()
        };
        let mut masked = covered(&MASKED);
        masked.extend(config.mask.iter().map(|path| path.as_str().into()));
        Ok(Spec {
            root: self.root(container),
            read_only: config.read_only,
            // A node that an image brings would open the host's device; there may be no other guard.
            no_devices: !config.privileged,
            mounts,
            masked,
            read_only_paths: covered(&READ_ONLY),
            root_propagation: None,
            namespaces: namespaces(config),
            joined: Vec::new(),
            joined_pid: None,
            id_maps: None,
            network: if has_own_network {
                Network::Loopback
            } else {
                Network::Host
            },
            hostname: if config.uts == Sharing::Private {
                config.hostname.as_str().into()
            } else {
                ByteString::default()
            },
            domainname: config.domainname.as_str().into(),
            sysctls: config
                .sysctls
                .iter()
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect(),
            cgroup: None,
            process: self.process(container, set, terminal_size)?,
            init: config.init,
        })
    }

    fn root(&self, container: &Container) -> Root {
        let own = |name: &str| format!("{}/{}/{name}", Kind::Containers.path(), container.id).into();
        let overlay = |lowers: Vec<ByteString>, data: &[String]| {
            Root::Overlay(Overlay {
                base: self.store.path().into(),
                lowers,
                data: data.iter().map(|data| data.as_str().into()).collect(),
                upper: own("upper"),
                work: own("work"),
                volatile: container.config.remove,
            })
        };
        match &container.root {
            RootRecord::Image { lowers, .. } if lowers.is_empty() => {
                // An image without layers: overlayfs wants one all the same.
                let empty = format!("{}/{}/empty", Kind::Containers.path(), container.id);
                overlay(vec![empty.into()], &[])
            }
            RootRecord::Image { lowers, data, .. } => {
                overlay(lowers.iter().map(|lower| lower.as_str().into()).collect(), data)
            }
            RootRecord::Directory { path, overlay: true } => overlay(vec![path.clone()], &[]),
            RootRecord::Directory { path, overlay: false } => Root::Directory {
                path: path.as_path().to_path_buf(),
            },
        }
    }

    fn default_mounts(&self, config: &Config) -> Vec<Mount> {
        use Attributes as A;
        let base = A::NOSUID | A::NOEXEC | A::NODEV;
        let read_only = if config.privileged { A::empty() } else { A::RDONLY };
        let option = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        let mut mounts = vec![
            self.proc(config, base),
            plain(
                Source::Devices {
                    devices: standard_devices(),
                    options: Vec::new(),
                },
                "/dev",
                A::NOSUID,
            ),
        ];
        let mut terminals = vec![option("ptmxmode", "0666"), option("mode", "0620")];
        // The group tty, which is 5 in every distribution; not where only one id is mapped.
        if self.ids() != Ids::Single {
            terminals.push(option("gid", "5"));
        }
        mounts.push(plain(
            Source::Terminals { options: terminals },
            "/dev/pts",
            A::NOSUID | A::NOEXEC,
        ));
        if config.ipc == Sharing::Private {
            let size = config.shm_size.to_string();
            mounts.push(filesystem(
                "tmpfs",
                "/dev/shm",
                vec![option("mode", "1777"), option("size", &size)],
                base,
            ));
            mounts.push(filesystem("mqueue", "/dev/mqueue", vec![], base));
        } else {
            mounts.push(bind(Path::new("/dev/shm"), "/dev/shm", true, true));
            // A host need not have one.
            if Path::new("/dev/mqueue").exists() {
                mounts.push(bind(Path::new("/dev/mqueue"), "/dev/mqueue", true, true));
            }
        }
        // sysfs shows the network namespace of its mounter, who must own it: in the host's an ordinary user is refused.
        if config.network == NetworkChoice::Host && self.ids() != Ids::All {
            let mut sys = bind(Path::new("/sys"), "/sys", true, true);
            sys.set = base | A::RDONLY;
            sys.recursive = true;
            mounts.push(sys);
        } else {
            mounts.push(filesystem("sysfs", "/sys", vec![], base | read_only));
            if config.cgroup == Sharing::Private && Path::new("/proc/self/ns/cgroup").exists() {
                mounts.push(filesystem("cgroup2", "/sys/fs/cgroup", vec![], base | read_only));
            }
        }
        if config.read_only && config.read_only_tmpfs {
            for path in ["/run", "/tmp", "/var/tmp"] {
                mounts.push(filesystem(
                    "tmpfs",
                    path,
                    vec![option("mode", "1777")],
                    A::NOSUID | A::NODEV,
                ));
            }
        }
        mounts.retain(|mount| !config.mounts.iter().any(|own| own.target == mount.target));
        mounts
    }

    /// procfs shows the pid namespace of its mounter, who must own it: in the host's an ordinary user is refused.
    fn proc(&self, config: &Config, attributes: Attributes) -> Mount {
        if config.pid == Sharing::Private || self.ids() == Ids::All {
            return filesystem("proc", "/proc", vec![], attributes);
        }
        let mut proc = bind(Path::new("/proc"), "/proc", true, true);
        proc.set = attributes;
        proc.recursive = true;
        proc
    }

    /// hosts, hostname and resolv.conf; those that the user mounts himself are left to him.
    fn own_files(&self, container: &Container) -> Vec<Mount> {
        files::contents(&container.config, &container.name)
            .into_iter()
            .filter(|(target, _)| {
                let is_taken = container
                    .config
                    .mounts
                    .iter()
                    .any(|mount| mount.target == (*target).into());
                !(is_taken || container.config.no_hosts && *target == "/etc/hosts")
            })
            .map(|(target, content)| {
                let content = content.into_bytes();
                plain(Source::File { content }, target, Attributes::empty())
            })
            .collect()
    }

    /// Refuses what can be seen to be wrong before anything is made: unknown capabilities, sources that are not there.
    pub fn check_config(&self, config: &Config) -> Result<()> {
        capability_set(config)?;
        timezone(config)?;
        self.user_mounts(config).map(drop)
    }

    /// What the user asked for, parents before what lies in them.
    fn user_mounts(&self, config: &Config) -> Result<Vec<Mount>> {
        let mut mounts: Vec<_> = config
            .mounts
            .iter()
            .map(|mount| self.user_mount(mount))
            .collect::<Result<_>>()?;
        mounts.sort_by_key(|mount| {
            let path = mount.target.as_bytes();
            path.split(|byte| *byte == b'/')
                .filter(|part| !part.is_empty())
                .count()
        });
        Ok(mounts)
    }

    fn user_mount(&self, mount: &crate::store::container::Mount) -> Result<Mount> {
        let mut made = match &mount.source {
            MountSource::Tmpfs => {
                let mut made = filesystem("tmpfs", "", tmpfs_options(&mount.options), Attributes::empty());
                made.set = Attributes::NOSUID | Attributes::NODEV | Attributes::NOEXEC;
                made
            }
            MountSource::Bind { path, recursive } => {
                let status = rustix::fs::stat(path.as_path()).map_err(|error| {
                    EngineError::Refused(format!(
                        "cannot mount {} at {}: {}",
                        path.lossy(),
                        mount.target.lossy(),
                        crate::runtime::spawn::describe(error)
                    ))
                })?;
                let kind = rustix::fs::FileType::from_raw_mode(status.st_mode);
                bind(
                    path.as_path(),
                    "",
                    kind == rustix::fs::FileType::Directory,
                    *recursive,
                )
            }
            MountSource::Volume { name, .. } => bind(
                &self.store.path_of(Kind::Volumes, name).join("_data"),
                "",
                true,
                true,
            ),
        };
        made.target = mount.target.clone();
        if mount.read_only {
            made.set |= Attributes::RDONLY;
            made.recursive = true;
        }
        for option in &mount.options {
            apply_option(&mut made, option);
        }
        Ok(made)
    }

    fn process(
        &self,
        container: &Container,
        set: CapabilitySet,
        terminal_size: (u16, u16),
    ) -> Result<Process> {
        let config = &container.config;
        Ok(Process {
            arguments: config.entrypoint.iter().chain(&config.command).cloned().collect(),
            environment: environment(config),
            working_directory: if config.working_directory.is_empty() {
                "/".into()
            } else {
                config.working_directory.clone()
            },
            user: User::Named {
                user: config.user.clone(),
                groups: config.groups.clone(),
            },
            capabilities: Capabilities::engine(set),
            no_new_privileges: config.no_new_privileges,
            seccomp: filter(config, set)?,
            limits: config.ulimits.iter().map(limit).collect::<Result<_>>()?,
            oom_score_adj: config.oom_score_adj,
            umask: config.umask.unwrap_or(0o022),
            terminal: config.terminal.then_some(terminal_size),
            preserved_fds: 0,
        })
    }
}

/// Where the time zones of the host are.
pub const ZONES: &str = "/usr/share/zoneinfo";

/// The container's local time (tzfile(5)), with the content that the host has.
fn timezone(config: &Config) -> Result<Option<Mount>> {
    let Some(zone) = &config.timezone else {
        return Ok(None);
    };
    let path = match zone.as_str() {
        "local" => Path::new("/etc/localtime").to_owned(),
        zone => Path::new(ZONES).join(zone),
    };
    let content = crate::base::file::read_trusted(&path, 1 << 20)
        .map_err(super::io(format!("time zone {zone} ({})", path.display())))?;
    if !content.starts_with(b"TZif") {
        let error = format!("time zone {zone}: {} is no time zone", path.display());
        return Err(EngineError::Refused(error));
    }
    Ok(Some(plain(
        Source::File { content },
        "/etc/localtime",
        Attributes::empty(),
    )))
}

/// The socket of the service manager, for a payload that talks to it itself.
fn notify_socket(config: &Config) -> Option<Mount> {
    let notify = config
        .notify
        .as_ref()
        .filter(|notify| notify.by == Notifier::Container)?;
    // The manager that it was made under may be gone.
    let is_path = notify.socket.as_bytes().starts_with(b"/") && notify.socket.as_path().exists();
    is_path.then(|| bind(notify.socket.as_path(), super::notify::INSIDE, false, false))
}

/// The capabilities of the superuser in the container.
pub fn capability_set(config: &Config) -> Result<CapabilitySet> {
    let ours = rustix::thread::capabilities(None).map_or(CapabilitySet::ALL, |sets| {
        CapabilitySet::from_bits(sets.permitted.bits())
    });
    capabilities::resolve(
        CapabilitySet::DEFAULT,
        &config.cap_add,
        &config.cap_drop,
        config.privileged,
        ours,
    )
    .map_err(|error| EngineError::Refused(error.to_string()))
}

/// The filter for a process with these capabilities.
pub fn filter(config: &Config, set: CapabilitySet) -> Result<Option<seccomp::Filter>> {
    if config.privileged {
        return Ok(None);
    }
    match &config.seccomp {
        Seccomp::Unconfined => Ok(None),
        Seccomp::Default => Ok(Some(seccomp::default_filter(set))),
        Seccomp::Profile(text) => seccomp::from_profile(text.as_bytes(), set)
            .map(Some)
            .map_err(|error| EngineError::Refused(format!("seccomp profile: {error}"))),
    }
}

/// The environment of the payload, later entries winning.
pub fn environment(config: &Config) -> Vec<ByteString> {
    let mut environment: Vec<ByteString> = vec![PATH.into(), "container=coracle".into()];
    if config.terminal {
        environment.push("TERM=xterm".into());
    }
    if !config.hostname.is_empty() {
        environment.push(format!("HOSTNAME={}", config.hostname).into());
    }
    for entry in &config.env {
        set_variable(&mut environment, entry);
    }
    environment
}

/// Adds `NAME=VALUE`, in the place of an older value if there is one.
pub fn set_variable(environment: &mut Vec<ByteString>, entry: &ByteString) {
    // What is not `NAME=VALUE` is no variable: an image cannot name one of the host's to get it (CVE-2026-57231).
    if !entry.as_bytes().iter().skip(1).any(|byte| *byte == b'=') || entry.as_bytes().starts_with(b"=") {
        return;
    }
    let name = |entry: &ByteString| -> Vec<u8> {
        entry
            .as_bytes()
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .to_vec()
    };
    let new = name(entry);
    match environment.iter_mut().find(|old| name(old) == new) {
        Some(old) => *old = entry.clone(),
        None => environment.push(entry.clone()),
    }
}

pub fn namespaces(config: &Config) -> Namespaces {
    let mut namespaces = Namespaces::MOUNT;
    for (sharing, namespace) in [
        (config.pid, Namespaces::PID),
        (config.ipc, Namespaces::IPC),
        (config.uts, Namespaces::UTS),
        (config.cgroup, Namespaces::CGROUP),
    ] {
        if sharing == Sharing::Private {
            namespaces |= namespace;
        }
    }
    namespaces
}

/// The devices that every container has (OCI runtime-spec, config-linux.md, "Default Devices").
pub fn standard_devices() -> Vec<Device> {
    [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    ]
    .into_iter()
    .map(|(name, major, minor)| Device {
        name: name.into(),
        host: format!("/dev/{name}").into(),
        kind: DeviceKind::Character,
        major,
        minor,
        mode: 0o666,
        uid: 0,
        gid: 0,
    })
    .collect()
}

fn plain(source: Source, target: &str, set: Attributes) -> Mount {
    Mount {
        target: target.into(),
        source,
        set,
        clear: Attributes::empty(),
        recursive: false,
        propagation: None,
        propagation_recursive: false,
    }
}

fn filesystem(
    kind: &'static str,
    target: &str,
    options: Vec<(String, Option<String>)>,
    set: Attributes,
) -> Mount {
    plain(Source::Filesystem { kind, options }, target, set)
}

/// A bind that the host's later mounts reach and that spreads nothing back, as Podman's `rprivate` default does not
/// even do; private is what Docker has.
fn bind(path: &Path, target: &str, directory: bool, recursive: bool) -> Mount {
    let mut mount = plain(
        Source::Bind {
            path: path.into(),
            recursive,
            directory,
        },
        target,
        Attributes::empty(),
    );
    mount.propagation = Some(Propagation::Private);
    mount
}

/// Options of the file system itself: size, mode and the like.
fn tmpfs_options(options: &[String]) -> Vec<(String, Option<String>)> {
    options
        .iter()
        .filter_map(|option| {
            let (key, value) = option.split_once('=')?;
            matches!(key, "size" | "mode" | "nr_inodes" | "uid" | "gid")
                .then(|| (key.to_owned(), Some(value.to_owned())))
        })
        .collect()
}

/// Options of the mount. Unknown ones were refused when they were read.
fn apply_option(mount: &mut Mount, option: &str) {
    let attribute = |name: &str| match name {
        "suid" => Some(Attributes::NOSUID),
        "dev" => Some(Attributes::NODEV),
        "exec" => Some(Attributes::NOEXEC),
        _ => None,
    };
    if let Some(attribute) = option.strip_prefix("no").and_then(attribute) {
        mount.set |= attribute;
        return;
    }
    if let Some(attribute) = attribute(option) {
        mount.set -= attribute;
        return;
    }
    let propagation = match option.strip_prefix('r').unwrap_or(option) {
        "private" => Propagation::Private,
        "slave" => Propagation::Slave,
        "shared" => Propagation::Shared,
        "unbindable" => Propagation::Unbindable,
        _ => return,
    };
    mount.propagation = Some(propagation);
    mount.recursive |= option.starts_with('r');
}

/// A resource limit by the name that `ulimit` gives it.
pub fn limit(ulimit: &Ulimit) -> Result<(Resource, Rlimit)> {
    let resource = resource(&ulimit.name)
        .ok_or_else(|| EngineError::Refused(format!("unknown resource limit {:?}", ulimit.name)))?;
    Ok((
        resource,
        Rlimit {
            current: ulimit.soft,
            maximum: ulimit.hard,
        },
    ))
}

/// The kernel's limit of that name (`getrlimit(2)`), lower case and without `RLIMIT_`.
pub fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "as" => Resource::As,
        "core" => Resource::Core,
        "cpu" => Resource::Cpu,
        "data" => Resource::Data,
        "fsize" => Resource::Fsize,
        "locks" => Resource::Locks,
        "memlock" => Resource::Memlock,
        "msgqueue" => Resource::Msgqueue,
        "nice" => Resource::Nice,
        "nofile" => Resource::Nofile,
        "nproc" => Resource::Nproc,
        "rss" => Resource::Rss,
        "rtprio" => Resource::Rtprio,
        "rttime" => Resource::Rttime,
        "sigpending" => Resource::Sigpending,
        "stack" => Resource::Stack,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_one_value_a_name() {
        let config = Config {
            env: vec!["PATH=/x".into(), "A=1".into(), "A=2".into()],
            hostname: "box".into(),
            ..Config::default()
        };
        let expected: Vec<ByteString> = vec![
            "PATH=/x".into(),
            "container=coracle".into(),
            "HOSTNAME=box".into(),
            "A=2".into(),
        ];
        assert_eq!(environment(&config), expected);
    }

    #[test]
    fn mount_options() {
        let mut mount = filesystem("tmpfs", "/x", vec![], Attributes::NOEXEC | Attributes::NODEV);
        for option in ["exec", "nosuid", "rslave", "size=1"] {
            apply_option(&mut mount, option);
        }
        assert_eq!(mount.set, Attributes::NODEV | Attributes::NOSUID);
        assert_eq!(
            (mount.propagation, mount.recursive),
            (Some(Propagation::Slave), true)
        );
        assert_eq!(
            tmpfs_options(&["size=1".into(), "noexec".into()]),
            [("size".into(), Some("1".into()))]
        );
    }
}
