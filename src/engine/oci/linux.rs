//! A whole bundle as the runtime takes it: namespaces, maps, sysctls, paths (runtime-spec, config-linux.md).

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType};
use rustix::fs::{Mode, OFlags};

use super::bundle::Bundle;
use super::{Result, devices, mounts, process, refuse};
use crate::base::bytes::ByteString;
use crate::engine::errno;
use crate::runtime::capabilities::CapabilitySet;
use crate::runtime::seccomp;
use crate::runtime::spec::{IdMaps, Network, Root, Spec};
use crate::sys::process::{Namespaces, namespace_kind};

/// The most lines of an id map (`user_namespaces(7)`).
const MAX_MAPPINGS: usize = 340;

/// What the runtime is asked for; `None` stands for a process that the bundle does not have.
pub fn spec(bundle: &Bundle, root: &Path, descriptors: Vec<RawFd>) -> Result<Spec> {
    let config = &bundle.config;
    let Some(linux) = config.linux() else {
        return refuse("config.json: linux is missing");
    };
    let Some(listed) = config.process() else {
        return refuse("config.json: process is missing");
    };
    let chosen = Chosen::new(linux)?;
    let rules = linux
        .resources()
        .as_ref()
        .and_then(|resources| resources.devices().as_ref());
    let keeps_devices = rules.is_some_and(|rules| devices::denies(rules));
    let seccomp = match linux.seccomp().as_ref().map(seccomp::from_oci).transpose() {
        Ok(filter) => filter,
        Err(error) => return refuse(format!("config.json: linux.seccomp: {error}")),
    };
    let mut available = available(chosen.new);
    if keeps_devices {
        // Without a device filter the rules hold because no node can be made, nor be opened outside /dev.
        available.remove(caps::Capability::CAP_MKNOD);
    }
    let surroundings = mounts::Surroundings {
        bundle: &bundle.path,
        devices: devices::devices(linux.devices().as_deref().unwrap_or_default())?,
        own_cgroups: chosen.own.contains(Namespaces::CGROUP),
        keeps_devices,
    };
    let text = |text: &Option<String>| ByteString::from(text.as_deref().unwrap_or_default());
    let paths = |paths: &Option<Vec<String>>| -> Vec<ByteString> {
        paths.iter().flatten().map(|path| path.as_str().into()).collect()
    };
    let (hostname, domainname) = (text(config.hostname()), text(config.domainname()));
    let has_name = !hostname.is_empty() || !domainname.is_empty();
    if has_name && !chosen.own.contains(Namespaces::UTS) {
        return refuse("config.json: a host name needs a uts namespace that is not the host's");
    }
    Ok(Spec {
        root: Root::Directory { path: root.into() },
        read_only: config
            .root()
            .as_ref()
            .and_then(|root| root.readonly())
            .unwrap_or(false),
        no_devices: keeps_devices,
        mounts: mounts::mounts(config.mounts().as_deref().unwrap_or_default(), &surroundings)?,
        masked: paths(linux.masked_paths()),
        read_only_paths: paths(linux.readonly_paths()),
        root_propagation: mounts::root_propagation(
            linux.rootfs_propagation().as_deref().unwrap_or_default(),
        )?,
        namespaces: chosen.new,
        joined: chosen.joined,
        joined_pid: chosen.joined_pid,
        id_maps: id_maps(linux, chosen.new)?,
        network: chosen.network,
        hostname,
        domainname,
        sysctls: sysctls(linux.sysctl().as_ref(), chosen.own)?,
        cgroup: None,
        mark: None,
        process: process::process(
            listed,
            process::Surroundings {
                seccomp,
                available,
                descriptors,
            },
        )?,
        init: false,
    })
}

/// The capabilities that can be given: all in a new user namespace, else ours.
fn available(new: Namespaces) -> CapabilitySet {
    if new.contains(Namespaces::USER) {
        return CapabilitySet::ALL;
    }
    rustix::thread::capabilities(None).map_or(CapabilitySet::ALL, |sets| {
        CapabilitySet::from_bits(sets.permitted.bits())
    })
}

/// The namespaces that a bundle chooses.
struct Chosen {
    new: Namespaces,
    joined: Vec<OwnedFd>,
    joined_pid: Option<OwnedFd>,
    network: Network,
    /// New or joined, and not the one that we live in.
    own: Namespaces,
}

impl Chosen {
    fn new(linux: &Linux) -> Result<Self> {
        let mut chosen = Self {
            new: Namespaces::empty(),
            joined: Vec::new(),
            joined_pid: None,
            network: Network::Host,
            own: Namespaces::empty(),
        };
        let mut seen = Namespaces::empty();
        for listed in linux.namespaces().iter().flatten() {
            let kind = kind(listed.typ())?;
            if seen.contains(kind) {
                return refuse(format!("config.json: namespace {} is listed twice", listed.typ()));
            }
            seen |= kind;
            match listed.path().as_ref().filter(|path| !path.as_os_str().is_empty()) {
                Some(path) => chosen.join(kind, path)?,
                None => {
                    chosen.new |= kind;
                    chosen.own |= kind;
                }
            }
        }
        if !chosen.new.contains(Namespaces::MOUNT) {
            return refuse("config.json: a container without a mount namespace of its own is refused");
        }
        if chosen.new.contains(Namespaces::NETWORK) {
            // Of a new user namespace's own kind is only one that is born with it.
            if chosen.new.contains(Namespaces::USER) {
                chosen.network = Network::Born;
            } else {
                chosen.new -= Namespaces::NETWORK;
                chosen.network = Network::Loopback;
            }
        }
        Ok(chosen)
    }

    fn join(&mut self, kind: Namespaces, path: &PathBuf) -> Result<()> {
        let named = || format!("namespace {}", path.display());
        if !path.is_absolute() {
            return refuse(format!("{}: the path is not absolute", named()));
        }
        if kind == Namespaces::MOUNT || kind == Namespaces::USER {
            return refuse(format!(
                "{}: joining this kind of namespace is not supported yet",
                named()
            ));
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let namespace = rustix::fs::open(path, flags, Mode::empty()).map_err(errno(named()))?;
        match namespace_kind(namespace.as_fd()) {
            Ok(found) if found == kind => {}
            Ok(_) => return refuse(format!("{}: it is of another kind than listed", named())),
            Err(_) => return refuse(format!("{}: it is no namespace", named())),
        }
        if !is_ours(&namespace, kind) {
            self.own |= kind;
        }
        match kind {
            Namespaces::PID => self.joined_pid = Some(namespace),
            Namespaces::NETWORK => {
                self.network = Network::Joined;
                self.joined.push(namespace);
            }
            _ => self.joined.push(namespace),
        }
        Ok(())
    }
}

fn kind(listed: LinuxNamespaceType) -> Result<Namespaces> {
    Ok(match listed {
        LinuxNamespaceType::Mount => Namespaces::MOUNT,
        LinuxNamespaceType::Cgroup => Namespaces::CGROUP,
        LinuxNamespaceType::Uts => Namespaces::UTS,
        LinuxNamespaceType::Ipc => Namespaces::IPC,
        LinuxNamespaceType::User => Namespaces::USER,
        LinuxNamespaceType::Pid => Namespaces::PID,
        LinuxNamespaceType::Network => Namespaces::NETWORK,
        LinuxNamespaceType::Time => return refuse("config.json: a time namespace is not supported yet"),
    })
}

/// Whether it is the namespace that we live in, whose sysctls are the host's.
fn is_ours(namespace: &OwnedFd, kind: Namespaces) -> bool {
    let name = match kind {
        Namespaces::NETWORK => "net",
        Namespaces::IPC => "ipc",
        Namespaces::UTS => "uts",
        Namespaces::CGROUP => "cgroup",
        _ => "pid",
    };
    let identity = |status: rustix::fs::Stat| (status.st_dev, status.st_ino);
    let ours = rustix::fs::stat(format!("/proc/self/ns/{name}")).map(identity);
    let theirs = rustix::fs::fstat(namespace).map(identity);
    // What cannot be told is taken for ours.
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        _ => true,
    }
}

fn id_maps(linux: &Linux, new: Namespaces) -> Result<Option<IdMaps>> {
    let users = linux.uid_mappings().as_deref().unwrap_or_default();
    let groups = linux.gid_mappings().as_deref().unwrap_or_default();
    match (
        new.contains(Namespaces::USER),
        users.is_empty() && groups.is_empty(),
    ) {
        (false, true) => Ok(None),
        (false, false) => refuse("config.json: id mappings need a new user namespace"),
        (true, _) if users.is_empty() || groups.is_empty() => {
            refuse("config.json: a new user namespace needs uidMappings and gidMappings")
        }
        (true, _) => Ok(Some(IdMaps {
            users: id_map(users)?,
            groups: id_map(groups)?,
        })),
    }
}

fn id_map(mappings: &[LinuxIdMapping]) -> Result<String> {
    if mappings.len() > MAX_MAPPINGS {
        return refuse(format!(
            "config.json: at most {MAX_MAPPINGS} id mappings are possible"
        ));
    }
    let line = |map: &LinuxIdMapping| format!("{} {} {}\n", map.container_id(), map.host_id(), map.size());
    Ok(mappings.iter().map(line).collect())
}

/// Sysctls of namespaces that are the container's own; all others are the host's (`namespaces(7)`).
fn sysctls(
    listed: Option<&HashMap<String, String>>,
    own: Namespaces,
) -> Result<Vec<(ByteString, ByteString)>> {
    const OF_IPC: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    let mut sysctls = Vec::new();
    for (name, value) in listed.into_iter().flatten() {
        // With slashes only when these are the separators, in which case dots belong to names.
        let dotted = if name.contains('/') {
            name.replace('.', "\0").replace('/', ".")
        } else {
            name.clone()
        };
        let namespace = if OF_IPC.contains(&dotted.as_str()) || dotted.starts_with("fs.mqueue.") {
            Namespaces::IPC
        } else if dotted.starts_with("net.") {
            Namespaces::NETWORK
        } else if dotted == "kernel.domainname" {
            Namespaces::UTS
        } else {
            return refuse(format!("config.json: sysctl {name:?} is not one of a namespace"));
        };
        if !own.contains(namespace) {
            return refuse(format!(
                "config.json: sysctl {name:?} would be set in the host's namespace"
            ));
        }
        sysctls.push((name.as_str().into(), value.as_str().into()));
    }
    // A map has no order of its own; errors should be the same each time.
    sysctls.sort();
    Ok(sysctls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(json: &str) -> std::result::Result<Chosen, String> {
        let json = format!(r#"{{"namespaces":[{json}]}}"#);
        Chosen::new(&serde_json::from_str(&json).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn namespaces() {
        let made = chosen(r#"{"type":"mount"},{"type":"network"},{"type":"uts","path":"/proc/self/ns/uts"}"#);
        let made = made.unwrap();
        assert_eq!(made.new, Namespaces::MOUNT);
        assert!(matches!(made.network, Network::Loopback));
        assert_eq!(made.own, Namespaces::MOUNT | Namespaces::NETWORK);
        assert_eq!(made.joined.len(), 1);
        for (json, why) in [
            ("", "mount namespace"),
            (r#"{"type":"mount"},{"type":"mount"}"#, "twice"),
            (
                r#"{"type":"mount"},{"type":"ipc","path":"/proc/self/ns/uts"}"#,
                "another kind",
            ),
            (
                r#"{"type":"mount"},{"type":"ipc","path":"/dev/null"}"#,
                "no namespace",
            ),
            (r#"{"type":"mount"},{"type":"ipc","path":"x"}"#, "not absolute"),
        ] {
            let refusal = chosen(json).err().unwrap_or_default();
            assert!(refusal.contains(why), "{why}: {refusal}");
        }
    }

    #[test]
    fn only_sysctls_of_own_namespaces() {
        let set = |name: &str, own| sysctls(Some(&[(name.to_owned(), "1".to_owned())].into()), own).is_ok();
        assert!(set("net.ipv4.ip_forward", Namespaces::NETWORK));
        assert!(set("net/ipv4/conf/eth0.1/forwarding", Namespaces::NETWORK));
        assert!(!set("net.ipv4.ip_forward", Namespaces::IPC));
        assert!(set("kernel.sem", Namespaces::IPC) && set("fs.mqueue.queues_max", Namespaces::IPC));
        for name in [
            "kernel.core_pattern",
            "kernel.hostname",
            "vm.swappiness",
            "kernel/core_pattern",
            "net",
        ] {
            assert!(!set(name, Namespaces::all()), "{name}");
        }
    }
}
