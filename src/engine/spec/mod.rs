//! What a container's record means to the kernel: the default mounts, devices, masks and rights, together with what
//! its owner asked for.

mod mounts;

use rustix::process::{Resource, Rlimit};

pub use self::mounts::{INIT_PROGRAM, ZONES, standard_devices};
use self::mounts::{init_program, notify_socket, timezone};
use super::notify::INSIDE;
use super::{Engine, EngineError, Result, limits};
use crate::base::bytes::ByteString;
use crate::runtime::capabilities::{self, CapabilitySet};
use crate::runtime::seccomp;
use crate::runtime::spec::{Capabilities, Network, Overlay, Process, Root, Spec, User};
use crate::store::Kind;
use crate::store::container::{
    Config, Container, Network as NetworkChoice, Notifier, Root as RootRecord, Seccomp, Sharing, Ulimit,
};
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
        mounts.extend(init_program(config)?);
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
        let (below, mark) = self.mark(container, &mounts);
        Ok(Spec {
            root: self.root(container, below),
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
            mark,
            process: self.process(container, set, terminal_size)?,
            init: config.init && config.init_program.is_none(),
        })
    }

    /// `below`: a tree that lies below all others.
    fn root(&self, container: &Container, below: Option<&str>) -> Root {
        let own = |name: &str| format!("{}/{}/{name}", Kind::Containers.path(), container.id).into();
        let overlay = |mut lowers: Vec<ByteString>, data: &[String]| {
            lowers.extend(below.map(ByteString::from));
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

    /// Refuses what can be seen to be wrong before anything is made: unknown capabilities, sources that are not there.
    pub fn check_config(&self, config: &Config) -> Result<()> {
        capability_set(config)?;
        timezone(config)?;
        init_program(config)?;
        limits::check(config)?;
        self.user_mounts(config).map(drop)
    }

    fn process(
        &self,
        container: &Container,
        set: CapabilitySet,
        terminal_size: (u16, u16),
    ) -> Result<Process> {
        let config = &container.config;
        Ok(Process {
            arguments: arguments(config),
            environment: payload_environment(container),
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
            descriptors: Vec::new(),
            is_listener: false,
        })
    }
}

/// The words to run, behind those of a program that is to run them.
fn arguments(config: &Config) -> Vec<ByteString> {
    let before = config.init_program.iter();
    let before = before.flat_map(|_| [INIT_PROGRAM, "--"].map(ByteString::from));
    let words = config.entrypoint.iter().chain(&config.command).cloned();
    before.chain(words).collect()
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

/// The same with what only the payload is told: systemd, by which machine it runs on (systemd's "Container Interface").
fn payload_environment(container: &Container) -> Vec<ByteString> {
    let mut environment = environment(&container.config);
    let is_told = |entry: &ByteString| entry.as_bytes().starts_with(b"container_uuid=");
    if container.config.systemd.is_some() && !environment.iter().any(is_told) {
        let uuid = container.id.get(..32).unwrap_or(&container.id);
        environment.push(format!("container_uuid={uuid}").into());
    }
    let notify = container.config.notify.as_ref();
    if let Some(notify) = notify.filter(|notify| notify.by == Notifier::Container) {
        let inside = match notify.socket.as_bytes().starts_with(b"@") {
            true => notify.socket.as_bytes(),
            false => INSIDE.as_bytes(),
        };
        let entry = [b"NOTIFY_SOCKET=", inside].concat();
        set_variable(&mut environment, &entry.into());
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
}
