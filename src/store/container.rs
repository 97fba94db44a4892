//! The two records of a container: what it is (`container.json`, written when it is made or renamed) and how it is
//! (`state.json`, written by its monitor).

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::health::Health;
use super::life::RestartPolicy;
use super::resources::Resources;
use super::{Kind, Result, Store, record};
use crate::base::bytes::ByteString;
use crate::base::file::{self, Durability};

/// The version of both records.
pub const VERSION: u32 = 1;

/// `container.json`: what a container is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    pub version: u32,
    pub id: String,
    pub name: String,
    /// RFC 3339.
    pub created: String,
    /// Where the root file system comes from.
    pub root: Root,
    pub config: Config,
    /// How it was when it was made, which holds until there is a `state.json`: one file less to make.
    #[serde(default)]
    pub first: Option<State>,
    /// The command line that made it, for `inspect`.
    #[serde(default)]
    pub create_command: Vec<ByteString>,
    /// What a newer program wrote and we do not know.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The root file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    /// An image's layers below a directory of the container's own.
    Image {
        /// Hexadecimal digits of the image id.
        id: String,
        /// The reference by which it was asked for.
        name: String,
        /// The digest of the manifest, `sha256:…`, where it is known.
        digest: Option<String>,
        /// Trees relative to the root of the store, uppermost first. A container that exists keeps them.
        lowers: Vec<String>,
        /// Where the content of files lies that is not in the trees themselves: directories of stores that others
        /// share with us, by absolute paths.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<String>,
    },
    /// A directory that the user gave by `--rootfs`.
    Directory {
        path: ByteString,
        /// Changes go to the container's own directory (`--rootfs DIR:O`).
        overlay: bool,
    },
}

/// What the user and the image asked for, all defaults resolved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub entrypoint: Vec<ByteString>,
    pub command: Vec<ByteString>,
    /// `NAME=VALUE`, later ones winning. `HOME`, `HOSTNAME`, `TERM` and `container` are added at the start.
    pub env: Vec<ByteString>,
    /// Absolute, made in the container where it is missing.
    pub working_directory: ByteString,
    /// `user`, `uid`, `user:group` and so on; empty for the superuser.
    pub user: String,
    pub groups: Vec<String>,
    pub hostname: String,
    /// Where there is no host name it becomes the container's name, and not its short identifier.
    #[serde(skip)]
    pub is_named_host: bool,
    pub domainname: String,
    /// A terminal of its own (`--tty`).
    pub terminal: bool,
    /// Standard input stays open for a client (`--interactive`).
    pub interactive: bool,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub exposed_ports: Vec<String>,
    pub stop_signal: i32,
    /// Seconds until `stop` kills.
    pub stop_timeout: u64,
    /// Our own process as pid 1 (`--init`).
    pub init: bool,
    /// A program of the host that runs instead of ours, as an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_program: Option<ByteString>,
    pub read_only: bool,
    /// With `read_only`: writable tmpfs on /run, /tmp, /var/tmp (Podman's `--read-only-tmpfs`).
    pub read_only_tmpfs: bool,
    pub mounts: Vec<Mount>,
    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    /// Paths masked beside the default ones.
    pub mask: Vec<String>,
    /// Paths that stay visible, or `ALL`.
    pub unmask: Vec<String>,
    pub ulimits: Vec<Ulimit>,
    pub sysctls: BTreeMap<String, String>,
    pub network: Network,
    pub pid: Sharing,
    pub ipc: Sharing,
    pub uts: Sharing,
    pub cgroup: Sharing,
    pub resources: Resources,
    /// Its processes stay in the control group of whoever starts it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_group: bool,
    /// Bytes of /dev/shm.
    pub shm_size: u64,
    pub oom_score_adj: Option<i32>,
    pub umask: Option<u32>,
    pub log: Log,
    /// Gone as soon as it has ended (`--rm`).
    pub remove: bool,
    #[serde(skip_serializing_if = "RestartPolicy::is_no")]
    pub restart: RestartPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Box<Health>>,
    /// Identifiers of containers that are started before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Kept out of /etc/hosts and /etc/resolv.conf (`--no-hosts`); `host:address` lines to add.
    pub no_hosts: bool,
    pub extra_hosts: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_options: Vec<String>,
    /// Files that get the id and the pid of init, as given on the command line.
    pub cidfile: Option<ByteString>,
    pub pidfile: Option<ByteString>,
    /// Seconds after which it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Its image goes with it (`--rmi`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remove_image: bool,
    /// A file below /usr/share/zoneinfo, or `local`: the host's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The file that gets the pid of its monitor, and the one that gets how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor_pidfile: Option<ByteString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_report: Option<ByteString>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// It is prepared for systemd as its command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systemd: Option<Systemd>,
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// What systemd finds in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Systemd {
    /// Bytes of each temporary file system.
    pub tmpfs_size: Option<u64>,
}

/// A service manager that wants to be told (sd_notify(3)).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notify {
    pub by: Notifier,
    /// Its socket: a path, or a name that begins with `@`.
    pub socket: ByteString,
}

/// Who says that the container is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notifier {
    Container,
    /// The monitor, when the payload runs.
    Monitor,
    /// The monitor, when the payload is healthy.
    Health,
}

/// One mount that the user or the image asked for, in the order of mounting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    pub source: MountSource,
    /// Absolute path in the container.
    pub target: ByteString,
    #[serde(default)]
    pub read_only: bool,
    /// Further options as they were written, all known ones: `nosuid`, `nodev`, `noexec`, `rprivate`, `size=…`, `mode=…`.
    #[serde(default)]
    pub options: Vec<String>,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountSource {
    /// An absolute path on the host; `recursive` takes the mounts below it along.
    Bind {
        path: ByteString,
        recursive: bool,
    },
    /// A volume by name. `copy`: filled with what the image has at the target, when the volume is empty and new.
    Volume {
        name: String,
        anonymous: bool,
        copy: bool,
    },
    Tmpfs,
}

/// Which system calls are answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    #[default]
    Default,
    Unconfined,
    /// The text of a profile.
    Profile(String),
}

/// A resource limit; `None` is unlimited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ulimit {
    /// As in `ulimit(1)` and Docker: `nofile`, `core`, …
    pub name: String,
    pub soft: Option<u64>,
    pub hard: Option<u64>,
}

/// The network a container has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Loopback alone.
    #[default]
    None,
    Host,
}

/// Whether a namespace is the container's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    #[default]
    Private,
    Host,
}

/// Where the output goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// Docker's format, one JSON object a line.
    JsonFile(LogFile),
    /// Podman's, which is that of Kubernetes.
    K8sFile(LogFile),
    /// The journal of systemd; `tag`: what its lines are called.
    Journald {
        tag: Option<String>,
        #[serde(default, skip_serializing_if = "LogDetails::is_empty")]
        details: LogDetails,
    },
    /// The container has the standard streams of whoever starts it, which are no terminal, or may be one.
    Passthrough,
    PassthroughTty,
    None,
}

impl Log {
    /// Whether the container has its caller's streams instead of a log.
    pub fn is_passed(&self) -> bool {
        matches!(self, Self::Passthrough | Self::PassthroughTty)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::JsonFile(LogFile::default())
    }
}

/// A log that is a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFile {
    /// Where the file begins anew, and how many are kept with it.
    pub max_size: Option<u64>,
    pub max_files: u32,
    /// Where it is, if that is not the container's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<ByteString>,
    /// What its lines are to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(default, skip_serializing_if = "LogDetails::is_empty")]
    pub details: LogDetails,
}

/// What every line of a log says of its container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDetails {
    /// The labels and the variables whose values are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// What is told as it was given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, String>,
}

impl LogDetails {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What they are of a container.
    pub fn of(&self, config: &Config) -> BTreeMap<String, String> {
        let labels = config.labels.iter().filter(|(key, _)| self.labels.contains(key));
        let labels = labels.map(|(key, value)| (key.clone(), value.clone()));
        let variables = config.env.iter().filter_map(|variable| {
            let text = variable.lossy();
            let (name, value) = text.split_once('=')?;
            let is_wanted = self.variables.iter().any(|wanted| wanted == name);
            is_wanted.then(|| (name.to_owned(), value.to_owned()))
        });
        labels.chain(variables).chain(self.given.clone()).collect()
    }
}

impl Default for LogFile {
    fn default() -> Self {
        Self {
            max_size: None,
            max_files: 1,
            path: None,
            tag: None,
            details: LogDetails::default(),
        }
    }
}

/// How far a container has come, as recorded; whether a running one still runs is looked up, not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Created,
    /// Made by `run`, which starts it at once: without a monitor it was interrupted.
    Starting,
    /// Everything is made, and its first process waits until it may execute the payload.
    Initialized,
    Running,
    /// It has ended, and its monitor starts it again in a moment.
    Restarting,
    Exited,
}

/// `state.json`: how a container is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub version: u32,
    pub status: Status,
    /// Of the machine and the boot in which the container was last started.
    #[serde(default)]
    pub machine: String,
    #[serde(default)]
    pub boot: String,
    /// Pid and start time (clock ticks after boot, `/proc/PID/stat` field 22) of the container's init; 0: none.
    #[serde(default)]
    pub pid: i32,
    #[serde(default)]
    pub start_time: u64,
    /// Inode number of the user namespace that it lives in.
    #[serde(default)]
    pub user_namespace: u64,
    /// Path of its control group below the cgroup2 mount's root.
    #[serde(default)]
    pub cgroup: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub started: Option<String>,
    #[serde(default)]
    pub finished: Option<String>,
    #[serde(default)]
    pub exit_code: i32,
    #[serde(default)]
    pub oom_killed: bool,
    /// Why it could not be started, or what ended it when that was not the container itself.
    #[serde(default)]
    pub error: String,
    #[serde(default)]
    pub restarts: u32,
    /// Its user has ended it, or wants it to end, so that it does not start again by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// Somebody stops it, and waits for its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopping: bool,
    /// The last signal that was sent on purpose in this life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// A signal that one of us has sent to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub by: Sender,
    pub signal: i32,
}

/// Who sends signals to containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    Kill,
    /// `stop`, or what stops as well: `restart`, `rm`.
    Stop,
    /// The command in the foreground, which has got it itself.
    Caller,
    /// The monitor, which somebody wants to end: a service manager.
    Monitor,
}

impl State {
    /// The state of a container that was never started.
    pub fn created() -> Self {
        Self {
            version: VERSION,
            status: Status::Created,
            machine: String::new(),
            boot: String::new(),
            pid: 0,
            start_time: 0,
            user_namespace: 0,
            cgroup: None,
            started: None,
            finished: None,
            exit_code: 0,
            oom_killed: false,
            error: String::new(),
            restarts: 0,
            stopped: false,
            stopping: false,
            sent: None,
            extra: serde_json::Map::new(),
        }
    }
}

impl Root {
    /// The names of the layers that it is made of, fix-up trees among them.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        let lowers = match self {
            Self::Image { lowers, .. } => lowers.as_slice(),
            Self::Directory { .. } => &[],
        };
        lowers
            .iter()
            .filter_map(|lower| lower.strip_prefix("layers/")?.split('/').next())
    }
}

impl Root {
    /// Where content lies that its layers lack.
    pub fn data(&self) -> &[String] {
        match self {
            Self::Image { data, .. } => data,
            Self::Directory { .. } => &[],
        }
    }
}

impl Container {
    /// What survives a loss of power: all containers but those that vanish when they end.
    pub fn durability(&self) -> Durability {
        if self.config.remove {
            Durability::Transient
        } else {
            Durability::Synced
        }
    }
}

impl Store {
    /// The record of a published container.
    pub fn container(&self, id: &str) -> Result<Container> {
        let directory = self.object(Kind::Containers, id)?;
        self.read_container(std::os::fd::AsFd::as_fd(&directory), id)
    }

    /// The record in a container's directory.
    pub fn read_container(&self, directory: BorrowedFd<'_>, id: &str) -> Result<Container> {
        self.read_record(directory, &format!("containers/{id}"), "container.json")
    }

    pub fn write_container(&self, directory: BorrowedFd<'_>, container: &Container) -> Result<()> {
        let described = format!("containers/{}", container.id);
        self.write_record(
            directory,
            &described,
            "container.json",
            container,
            container.durability(),
        )
    }

    /// The record of a container that is not published yet, with its first state in it.
    pub fn write_first(&self, directory: BorrowedFd<'_>, container: &Container) -> Result<()> {
        let name = "container.json";
        file::write(
            directory,
            Path::new(name),
            &record(container),
            container.durability(),
        )
        .map_err(|error| self.io(&format!("containers/{}/{name}", container.id), error))
    }

    pub fn read_state(&self, directory: BorrowedFd<'_>, id: &str) -> Result<State> {
        if let Some(state) = self.read_written_state(directory, id)? {
            return Ok(state);
        }
        let container = self.read_container(directory, id)?;
        Ok(container.first.unwrap_or_else(State::created))
    }

    /// The same, where it is not still the one that the container was made with.
    pub fn read_written_state(&self, directory: BorrowedFd<'_>, id: &str) -> Result<Option<State>> {
        match self.read_record(directory, &format!("containers/{id}"), "state.json") {
            Err(error) if error.is_missing() => Ok(None),
            result => result.map(Some),
        }
    }

    /// Run state is not synced: after a loss of power nothing runs, which the boot id tells.
    pub fn write_state(&self, directory: BorrowedFd<'_>, id: &str, state: &State) -> Result<()> {
        self.write_record(
            directory,
            &format!("containers/{id}"),
            "state.json",
            state,
            Durability::Transient,
        )
    }
}
