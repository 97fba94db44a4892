//! What is mounted in a container: what every one has, files of ours, and what its owner asked for.

use std::path::Path;

use super::super::{Engine, EngineError, Result, files, io, notify};
use crate::runtime::hierarchy;
use crate::runtime::rootless::Ids;
use crate::runtime::spec::{Device, DeviceKind, Mark, Mount, Source};
use crate::store::Kind;
use crate::store::container::{Config, Container, MountSource, Network, Notifier, Root, Sharing, Systemd};
use crate::sys::mount::{Attributes, Propagation};

impl Engine {
    pub(super) fn default_mounts(&self, config: &Config) -> Vec<Mount> {
        use Attributes as A;
        let base = A::NOSUID | A::NOEXEC | A::NODEV;
        let read_only = if config.privileged { A::empty() } else { A::RDONLY };
        // Nothing can be written but volumes, as with Podman.
        let sealed = match config.read_only && !config.read_only_tmpfs {
            true => A::RDONLY,
            false => A::empty(),
        };
        let option = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        let mut mounts = vec![
            self.proc(config, base),
            plain(
                Source::Devices {
                    devices: standard_devices(),
                    options: Vec::new(),
                },
                "/dev",
                A::NOSUID | sealed,
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
                base | sealed,
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
        if config.network == Network::Host && self.ids() != Ids::All {
            let mut sys = bind(Path::new("/sys"), "/sys", true, true);
            sys.set = base | A::RDONLY;
            sys.recursive = true;
            mounts.push(sys);
            if config.systemd.is_some() && config.cgroup == Sharing::Private {
                let read_only = match !config.no_group && hierarchy::guards_namespaces() {
                    true => A::empty(),
                    false => read_only,
                };
                mounts.push(filesystem("cgroup2", "/sys/fs/cgroup", vec![], base | read_only));
            }
        } else {
            mounts.push(filesystem("sysfs", "/sys", vec![], base | read_only));
            if config.cgroup == Sharing::Private && Path::new("/proc/self/ns/cgroup").exists() {
                // The container's limits are those of the group that it sees as the root: the kernel must keep them.
                let read_only = match &config.systemd {
                    Some(_) if !config.no_group && hierarchy::guards_namespaces() => A::empty(),
                    _ => read_only,
                };
                mounts.push(filesystem("cgroup2", "/sys/fs/cgroup", vec![], base | read_only));
            }
        }
        if let Some(systemd) = &config.systemd {
            mounts.extend(systemd_mounts(systemd));
        }
        if config.read_only && config.read_only_tmpfs {
            for path in ["/run", "/tmp", "/var/tmp"] {
                if config.systemd.is_some() && path != "/var/tmp" {
                    continue;
                }
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
    pub(super) fn own_files(&self, container: &Container) -> Vec<Mount> {
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

    /// What tells programs that they are in a container: a tree below the layers, which costs next to nothing, or a file to be
    /// made where that would not be seen or says something. In a directory of the user's, which may be a whole host,
    /// nothing is to stay that says so.
    pub(super) fn mark(
        &self,
        container: &Container,
        mounts: &[Mount],
    ) -> (Option<&'static str>, Option<Mark>) {
        if let Root::Directory { overlay: false, .. } = container.root {
            return (None, None);
        }
        let is_at = |mount: &&Mount| mount.target.as_bytes() == b"/run";
        let mount = match mounts.iter().enumerate().rfind(|(_, mount)| is_at(mount)) {
            None => None,
            Some((place, mount)) => match mount.source {
                Source::Filesystem { kind: "tmpfs", .. } => Some(place),
                _ => return (None, None),
            },
        };
        let content = files::mark(container, self.ids() != Ids::All).into_bytes();
        // Content that others lend is followed in the undermost layer alone (Documentation/filesystems/overlayfs.rst, "Data-only lower layers").
        let has_lent_content = matches!(&container.root, Root::Image { data, .. } if !data.is_empty());
        if content.is_empty() && mount.is_none() && !has_lent_content {
            // A container without it is one all the same.
            return (self.store.mark().ok(), None);
        }
        let mark = Mark { content, mount };
        (None, Some(mark))
    }

    /// What the user asked for, parents before what lies in them.
    pub(super) fn user_mounts(&self, config: &Config) -> Result<Vec<Mount>> {
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
}

/// What systemd wants to have for itself (systemd's "Container Interface").
fn systemd_mounts(systemd: &Systemd) -> impl Iterator<Item = Mount> + '_ {
    let places = [
        ("/run", "0755"),
        ("/run/lock", "1777"),
        ("/tmp", "1777"),
        ("/var/log/journal", "0755"),
    ];
    places.into_iter().map(|(path, mode)| {
        let mut options = vec![("mode".to_owned(), Some(mode.to_owned()))];
        options.extend(
            systemd
                .tmpfs_size
                .map(|size| ("size".to_owned(), Some(size.to_string()))),
        );
        filesystem("tmpfs", path, options, Attributes::NOSUID | Attributes::NODEV)
    })
}

/// Where the time zones of the host are.
pub const ZONES: &str = "/usr/share/zoneinfo";

/// The container's local time (tzfile(5)), with the content that the host has.
pub(super) fn timezone(config: &Config) -> Result<Option<Mount>> {
    let Some(zone) = &config.timezone else {
        return Ok(None);
    };
    let path = match zone.as_str() {
        "local" => Path::new("/etc/localtime").to_owned(),
        zone => Path::new(ZONES).join(zone),
    };
    let content = crate::base::file::read_trusted(&path, 1 << 20)
        .map_err(io(format!("time zone {zone} ({})", path.display())))?;
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

/// Where a container has the host's program that is its init: where Podman has it.
pub const INIT_PROGRAM: &str = "/run/podman-init";

/// The program itself. Nothing that the container has lies over it.
pub(super) fn init_program(config: &Config) -> Result<Option<Mount>> {
    let Some(path) = &config.init_program else {
        return Ok(None);
    };
    let refused = |why: &str| {
        let path = path.lossy();
        EngineError::Refused(format!(
            "container-init binary not found on the host: {path}: {why}"
        ))
    };
    let status = rustix::fs::stat(path.as_path())
        .map_err(|error| refused(&crate::runtime::spawn::describe(error).to_string()))?;
    if rustix::fs::FileType::from_raw_mode(status.st_mode) != rustix::fs::FileType::RegularFile {
        return Err(refused("it is no file"));
    }
    let mut mount = bind(path.as_path(), INIT_PROGRAM, false, false);
    mount.set = Attributes::RDONLY;
    Ok(Some(mount))
}

/// The socket of the service manager, for a payload that talks to it itself.
pub(super) fn notify_socket(config: &Config) -> Option<Mount> {
    let notify = config
        .notify
        .as_ref()
        .filter(|notify| notify.by == Notifier::Container)?;
    // The manager that it was made under may be gone.
    let is_path = notify.socket.as_bytes().starts_with(b"/") && notify.socket.as_path().exists();
    is_path.then(|| bind(notify.socket.as_path(), notify::INSIDE, false, false))
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

#[cfg(test)]
mod tests {
    use super::*;

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
