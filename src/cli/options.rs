//! Options that several commands share, as they are typed. What they mean is found in `resolve.rs`.

use std::ffi::OsString;

use anyhow::{Context as _, bail};
use clap::Args;

use super::limits::LimitOptions;
use super::registry::TransferOptions;
use super::select::Wanted;
use crate::image::platform;
use crate::oci::image::Platform;

/// What `run` and `create` know about the container to make.
#[derive(Args, Clone, Debug, Default)]
pub struct ContainerOptions {
    #[command(flatten)]
    pub identity: Identity,
    #[command(flatten)]
    pub health: HealthOptions,
    #[command(flatten)]
    pub image: ImageOptions,
    #[command(flatten)]
    pub process: Process,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub security: Security,
    #[command(flatten)]
    pub network: NetworkOptions,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Identity and life")]
pub struct Identity {
    /// Name of the container; one is made up if none is given
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Remove an existing container of that name first
    #[arg(long)]
    pub replace: bool,
    /// Remove the container as soon as it has ended
    #[arg(long)]
    pub rm: bool,
    /// Write the container's identifier to a file that does not exist yet
    #[arg(long, value_name = "FILE")]
    pub cidfile: Option<OsString>,
    /// Write the process identifier of the container's first process to a file
    #[arg(long, value_name = "FILE")]
    pub pidfile: Option<OsString>,
    /// Add a label
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub label: Vec<String>,
    /// Read labels from a file, one a line
    #[arg(long, value_name = "FILE")]
    pub label_file: Vec<OsString>,
    /// Add an annotation
    #[arg(long, value_name = "KEY=VALUE")]
    pub annotation: Vec<String>,
    /// Containers that are started before it, by name or identifier
    #[arg(long, value_name = "CONTAINER", value_delimiter = ',')]
    pub requires: Vec<String>,
    /// When to start the container again: no, on-failure[:TIMES], always or unless-stopped
    #[arg(long, value_name = "POLICY")]
    pub restart: Option<String>,
    /// Signal that asks the container to stop
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// Seconds to wait after that signal before killing
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub stop_timeout: Option<i64>,
    /// Kill the container after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Write how the container ended to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub exit_report: Option<OsString>,
    /// Write the process identifier of the container's monitor to a file
    #[arg(long, value_name = "FILE")]
    pub conmon_pidfile: Option<OsString>,
    /// Who tells the service manager of $NOTIFY_SOCKET that the container is ready: container, conmon, healthy or ignore
    #[arg(long, value_name = "WHO")]
    pub sdnotify: Option<String>,
    /// Run our own small init as the first process, which reaps what others leave behind
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub init: Option<Boolean>,
    /// With --init: run this program of the host instead of our own
    #[arg(long, alias = "init-binary", value_name = "FILE")]
    pub init_path: Option<OsString>,
    /// Where output goes: json-file, k8s-file, journald, passthrough, passthrough-tty or none
    #[arg(long, value_name = "DRIVER")]
    pub log_driver: Option<String>,
    /// Option of the log: path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,..., env=NAME,... or label=KEY=VALUE
    #[arg(long, value_name = "KEY=VALUE")]
    pub log_opt: Vec<String>,
    /// Print no progress
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Health")]
pub struct HealthOptions {
    /// Check health by a command: a line for the shell, or a JSON list of words; "none" for no check
    #[arg(long, value_name = "COMMAND")]
    pub health_cmd: Option<String>,
    /// Time between checks; "disable" checks only when asked to
    #[arg(long, value_name = "DURATION")]
    pub health_interval: Option<String>,
    /// Time that a check may take
    #[arg(long, value_name = "DURATION")]
    pub health_timeout: Option<String>,
    /// Failures in a row that make the container unhealthy
    #[arg(long, value_name = "NUMBER")]
    pub health_retries: Option<u32>,
    /// Time at the start in which failures do not count
    #[arg(long, value_name = "DURATION")]
    pub health_start_period: Option<String>,
    /// Time between checks in that time
    #[arg(long, value_name = "DURATION")]
    pub health_start_interval: Option<String>,
    /// What to do when the container becomes unhealthy: none, kill, restart or stop
    #[arg(long, value_name = "ACTION")]
    pub health_on_failure: Option<String>,
    /// Command that has to succeed before health is checked
    #[arg(long, value_name = "COMMAND")]
    pub health_startup_cmd: Option<String>,
    /// Time between runs of the startup command
    #[arg(long, value_name = "DURATION")]
    pub health_startup_interval: Option<String>,
    /// Time that the startup command may take
    #[arg(long, value_name = "DURATION")]
    pub health_startup_timeout: Option<String>,
    /// Failures in a row after which the container starts anew; 0 for never
    #[arg(long, value_name = "NUMBER")]
    pub health_startup_retries: Option<u32>,
    /// Successes of the startup command that it takes
    #[arg(long, value_name = "NUMBER")]
    pub health_startup_success: Option<u32>,
    /// Where results are to be found besides: local, events_logger, or a directory
    #[arg(long, value_name = "PLACE")]
    pub health_log_destination: Option<String>,
    /// Results that are kept; 0 for the most there may be, which is 100
    #[arg(long, value_name = "NUMBER")]
    pub health_max_log_count: Option<usize>,
    /// Bytes of output that are kept of a check; 0 for the most there may be, which is 64 KiB
    #[arg(long, value_name = "BYTES")]
    pub health_max_log_size: Option<usize>,
    /// Do not run the health check of the image
    #[arg(long)]
    pub no_healthcheck: bool,
}

impl HealthOptions {
    /// Whether something is said about checks.
    pub fn is_any(&self) -> bool {
        let texts = [
            &self.health_cmd,
            &self.health_interval,
            &self.health_timeout,
            &self.health_start_period,
            &self.health_start_interval,
            &self.health_on_failure,
            &self.health_startup_cmd,
        ];
        texts.iter().any(|text| text.is_some()) || self.health_retries.is_some()
    }

    /// Whether something is said about how the startup command is run.
    pub fn is_about_startup(&self) -> bool {
        let times = [&self.health_startup_interval, &self.health_startup_timeout];
        let counts = [self.health_startup_retries, self.health_startup_success];
        times.iter().any(|time| time.is_some()) || counts.iter().any(|count| count.is_some())
    }
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Image")]
pub struct ImageOptions {
    /// When to fetch the image from its registry: always, missing, newer or never
    #[arg(long, value_name = "POLICY")]
    pub pull: Option<String>,
    #[command(flatten)]
    pub platform: PlatformOptions,
    #[command(flatten)]
    pub transfer: TransferOptions,
    /// The first argument is a directory that holds the root file system; DIR:O keeps changes apart
    #[arg(long)]
    pub rootfs: bool,
    /// How to provide the volumes of the image: anonymous, tmpfs or ignore
    #[arg(long, value_name = "HOW")]
    pub image_volume: Option<String>,
}

/// Which platform an image is for.
#[derive(Args, Clone, Debug, Default)]
pub struct PlatformOptions {
    /// Platform of the image
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<String>,
    /// Architecture of the image
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Operating system of the image
    #[arg(long, value_name = "OS")]
    pub os: Option<String>,
    /// Variant of the architecture of the image
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
}

/// The platform that an image here has to be for.
#[derive(Args, Clone, Debug, Default)]
pub struct Expected {
    /// Platform that the image is expected to be for; of a list, the one whose image is meant
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<String>,
}

impl Expected {
    pub fn wanted(&self) -> anyhow::Result<Option<Platform>> {
        self.platform.as_deref().map(asked_platform).transpose()
    }
}

/// What is written after `--platform`.
pub fn asked_platform(text: &str) -> anyhow::Result<Platform> {
    platform::parse(text).with_context(|| format!("invalid --platform {text:?}"))
}

impl PlatformOptions {
    /// What was asked for, if anything was.
    pub fn asked(&self) -> anyhow::Result<Option<Platform>> {
        let given = [&self.platform, &self.arch, &self.os, &self.variant];
        given
            .iter()
            .any(|option| option.is_some())
            .then(|| self.wanted())
            .transpose()
    }

    /// What was asked for, else this machine's.
    pub fn wanted(&self) -> anyhow::Result<Platform> {
        if self.platform.is_some() && (self.arch.is_some() || self.os.is_some()) {
            bail!("--platform option can not be specified with --arch or --os");
        }
        let mut wanted = match &self.platform {
            Some(text) => asked_platform(text)?,
            None => platform::host(),
        };
        if let Some(arch) = &self.arch {
            let text = format!("{}/{arch}", wanted.os);
            wanted = platform::parse(&text).with_context(|| format!("invalid --arch {arch:?}"))?;
        }
        if let Some(os) = &self.os {
            wanted.os.clone_from(os);
        }
        if let Some(variant) = &self.variant {
            wanted.variant = Some(variant.clone());
        }
        Ok(wanted)
    }
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Process")]
pub struct Process {
    /// Keep standard input open
    #[arg(short, long)]
    pub interactive: bool,
    /// Give the container a terminal
    #[arg(short, long)]
    pub tty: bool,
    /// Connect to a stream: stdin, stdout or stderr
    #[arg(short, long, value_name = "STREAM")]
    pub attach: Vec<String>,
    /// Set an environment variable; NAME alone copies it, NAME* copies all that begin so
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// Read environment variables from a file, one a line
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<OsString>,
    /// Copy the whole environment of the caller
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub env_host: Option<Boolean>,
    /// Set a variable to a value in which ${NAME} is a variable of the image
    #[arg(long, value_name = "NAME=VALUE")]
    pub env_merge: Vec<OsString>,
    /// Copy the caller's variables for proxies, which is the default
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub http_proxy: Option<Boolean>,
    /// Remove a variable of the image or of coracle
    #[arg(long, value_name = "NAME")]
    pub unsetenv: Vec<String>,
    /// Remove all variables of the image and of coracle
    #[arg(long)]
    pub unsetenv_all: bool,
    /// Program to run instead of the image's; a JSON list is taken apart
    #[arg(long, value_name = "COMMAND")]
    pub entrypoint: Option<OsString>,
    /// Directory to start in
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<OsString>,
    /// User to run as
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Add a supplementary group
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub group_add: Vec<String>,
    /// Whether the container is prepared for systemd: true, where its command is that, which is the default, always or false
    #[arg(long, value_name = "WHEN")]
    pub systemd: Option<String>,
    /// Size of each temporary file system that systemd gets
    #[arg(long, value_name = "SIZE")]
    pub shm_size_systemd: Option<String>,
    /// Time zone, such as Europe/Berlin; "local" for the host's
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// File mode creation mask, in octal
    #[arg(long, value_name = "MASK")]
    pub umask: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub struct Files {
    /// Mount a volume or a directory of the host
    #[arg(short, long, value_name = "SOURCE:TARGET[:OPTIONS]")]
    pub volume: Vec<OsString>,
    /// Mount something: type=bind, volume or tmpfs
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub mount: Vec<OsString>,
    /// Mount a temporary file system
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    pub tmpfs: Vec<OsString>,
    /// Make the root file system read-only
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub read_only: Option<Boolean>,
    /// With --read-only: keep /run, /tmp and /var/tmp writable
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    pub read_only_tmpfs: Boolean,
    /// Size of /dev/shm
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Security")]
pub struct Security {
    /// Add a capability
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_add: Vec<String>,
    /// Drop a capability, or all
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_drop: Vec<String>,
    /// Give all capabilities and devices that the caller has
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub privileged: Option<Boolean>,
    /// no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATHS, unmask=PATHS
    #[arg(long, value_name = "OPTION")]
    pub security_opt: Vec<String>,
    /// User namespace: host, which is the default
    #[arg(long, value_name = "MODE")]
    pub userns: Option<String>,
    /// PID namespace: private or host
    #[arg(long, value_name = "MODE")]
    pub pid: Option<String>,
    /// IPC namespace: private or host
    #[arg(long, value_name = "MODE")]
    pub ipc: Option<String>,
    /// UTS namespace: private or host
    #[arg(long, value_name = "MODE")]
    pub uts: Option<String>,
    /// Control group namespace: private or host
    #[arg(long, value_name = "MODE")]
    pub cgroupns: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Network: none, which is the default, or host
    #[arg(long, visible_alias = "net", value_name = "NETWORK")]
    pub network: Vec<String>,
    /// Host name; the short identifier if none is given
    #[arg(short = 'h', long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Domain name
    #[arg(long, value_name = "NAME")]
    pub domainname: Option<String>,
    /// Add a line to /etc/hosts
    #[arg(long, value_name = "HOST:ADDRESS")]
    pub add_host: Vec<String>,
    /// Leave /etc/hosts of the image as it is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub no_hosts: Option<Boolean>,
    /// Name server to put into /etc/resolv.conf
    #[arg(long, value_name = "ADDRESS")]
    pub dns: Vec<String>,
    /// Search domain to put into /etc/resolv.conf
    #[arg(long, value_name = "DOMAIN")]
    pub dns_search: Vec<String>,
    /// Option to put into /etc/resolv.conf
    #[arg(long, visible_alias = "dns-opt", value_name = "OPTION")]
    pub dns_option: Vec<String>,
    /// Note a port the container listens on
    #[arg(long, value_name = "PORT[/PROTOCOL]")]
    pub expose: Vec<String>,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    #[command(flatten)]
    pub group: LimitOptions,
    /// Control group: enabled, no-conmon and split, which are the same, or disabled for that of the caller
    #[arg(long, value_name = "MODE")]
    pub cgroups: Option<String>,
    /// Resource limit
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub ulimit: Vec<String>,
    /// Kernel parameter of a namespace of the container
    #[arg(long, value_name = "NAME=VALUE")]
    pub sysctl: Vec<String>,
    /// How soon the kernel kills the container when memory runs out, from -1000 to 1000
    #[arg(long, value_name = "NUMBER")]
    pub oom_score_adj: Option<i32>,
}

/// How a caller is connected to a container.
#[derive(Args, Clone, Debug, Default)]
pub struct Connection {
    /// Keys that detach from the container, such as ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS")]
    pub detach_keys: Option<String>,
    /// Pass signals on to the container
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    pub sig_proxy: Boolean,
}

/// A truth value as Go reads it, for flags that are true unless one says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boolean(pub bool);

impl std::str::FromStr for Boolean {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bool(text).map(Self).ok_or("expected true or false")
    }
}

/// Whether a flag is given that is false unless one says otherwise.
pub fn is_on(flag: Option<Boolean>) -> bool {
    flag.is_some_and(|flag| flag.0)
}

/// The spellings that Go's strconv.ParseBool knows.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Which containers a command is about.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    pub containers: Vec<String>,
    /// All containers
    #[arg(short, long)]
    pub all: bool,
    /// The container made last
    #[arg(short, long)]
    pub latest: bool,
    /// Containers whose identifiers are in a file
    #[arg(long, value_name = "FILE")]
    pub cidfile: Vec<OsString>,
}

impl Selection {
    /// The same together with filters.
    pub fn wanted<'a>(&'a self, filters: &'a [String]) -> Wanted<'a> {
        Wanted {
            names: &self.containers,
            all: self.all,
            latest: self.latest,
            cidfiles: &self.cidfile,
            filters,
            ignores: false,
        }
    }
}
