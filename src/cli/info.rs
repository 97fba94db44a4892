//! `info`: what the host and the store are like.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::configuration::Extent;
use super::context::{Context, variable};
use super::events::Backend;
use super::format;
use super::output::print;
use super::report::Outcome;
use super::version::{C_LIBRARY, Called, VERSION};
use super::view::yaml::yaml;
use crate::engine::list;
use crate::engine::state::Condition;
use crate::image::platform;
use crate::runtime::capabilities::CapabilitySet;
use crate::runtime::rootless;
use crate::store::{Kind, Store};

/// Print what the host and the store are like
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Accepted for compatibility
    #[arg(short = 'D', long)]
    debug: bool,
}

pub fn run(args: InfoArgs, context: &Context) -> Outcome {
    let facts = Facts::gather(context)?;
    let text = format::document("info", args.format.as_deref(), &facts.document(), || {
        yaml(&facts.tree())
    })?;
    print(&text)?;
    Ok(0)
}

/// What --log-driver takes.
const LOG_DRIVERS: [&str; 6] = [
    "json-file",
    "k8s-file",
    "journald",
    "passthrough",
    "passthrough-tty",
    "none",
];

/// What there is to tell.
struct Facts {
    called: Called,
    root: String,
    run_root: String,
    /// Containers that run, that are paused, and all, images, volumes.
    running: usize,
    paused: usize,
    containers: usize,
    images: usize,
    volumes: usize,
    rootless: bool,
    kernel: String,
    host_name: String,
    /// ID and VERSION_ID of os-release(5), and the whole name.
    distribution: (String, String),
    system_name: String,
    /// Bytes: all, free, and of swap both.
    memory: u64,
    memory_free: u64,
    swap: (u64, u64),
    uptime: String,
    /// Where events are recorded.
    events: &'static str,
    /// Our own program.
    program: String,
    /// What containers may do if nothing else is asked for.
    capabilities: String,
    /// Of the control group that containers get theirs below, as far as it can be read.
    controllers: Vec<String>,
    /// What the store lies on.
    file_system: String,
    processors: usize,
    /// Stores of others whose images count, or would if they were there.
    shared: Vec<String>,
    /// What storage.conf asks for and we do not do.
    ignored: Vec<String>,
    /// What containers.conf says and we do not do.
    unused: Vec<String>,
    configuration: Option<String>,
    cgroup: &'static str,
}

/// Variables by which Podman's store is chosen.
fn ignored_variables() -> Option<String> {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty() && value != "overlay");
    let names: Vec<&str> = ["STORAGE_DRIVER", "STORAGE_OPTS"]
        .into_iter()
        .filter(set)
        .collect();
    (!names.is_empty()).then(|| format!("of the environment: {}", names.join(", ")))
}

impl Facts {
    fn gather(context: &Context) -> anyhow::Result<Self> {
        let store = context.look()?;
        let (mut running, mut paused, mut containers) = (0, 0, 0);
        if let Some(store) = &store {
            let (found, _damaged) = list::all(store)?;
            containers = found.len();
            let count = |condition| found.iter().filter(|one| one.condition == condition).count();
            (running, paused) = (count(Condition::Running), count(Condition::Paused));
        }
        let count = |kind| -> anyhow::Result<usize> {
            Ok(store
                .as_ref()
                .map(|store: &Store| store.names(kind))
                .transpose()?
                .map_or(0, |names| names.len()))
        };
        let system = rustix::system::uname();
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (os_release, meminfo) = (read("/etc/os-release"), read("/proc/meminfo"));
        let of_release = |key: &str| release(&os_release, key).unwrap_or_default().to_owned();
        let lenders = context.lenders(&context.store_path()?, Extent::Whole)?;
        let configuration = lenders.configured.files.first();
        let shared = lenders.paths().map(|path| path.display().to_string()).collect();
        Ok(Self {
            called: Called::by(&context.command_line),
            root: context.store_path()?.display().to_string(),
            run_root: context.run_path()?.display().to_string(),
            running,
            paused,
            containers,
            images: count(Kind::Images)?,
            volumes: count(Kind::Volumes)?,
            rootless: !rootless::is_privileged(),
            kernel: system.release().to_string_lossy().into_owned(),
            host_name: system.nodename().to_string_lossy().into_owned(),
            distribution: (of_release("ID"), of_release("VERSION_ID")),
            system_name: release(&os_release, "PRETTY_NAME").unwrap_or("Linux").to_owned(),
            memory: memory(&meminfo, "MemTotal"),
            memory_free: memory(&meminfo, "MemFree"),
            swap: (memory(&meminfo, "SwapTotal"), memory(&meminfo, "SwapFree")),
            uptime: uptime(&read("/proc/uptime")),
            events: match context.events()? {
                Backend::File => "file",
                Backend::Journald => "journald",
                Backend::None => "none",
            },
            program: std::env::current_exe()
                .map_or_else(|_| String::new(), |path| path.display().to_string()),
            capabilities: CapabilitySet::DEFAULT
                .iter()
                .map(|one| one.to_string())
                .collect::<Vec<_>>()
                .join(","),
            controllers: read("/sys/fs/cgroup/cgroup.controllers")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            file_system: file_system(&context.store_path()?),
            configuration: configuration.map(|path| path.display().to_string()),
            shared,
            ignored: lenders.ignored().into_iter().chain(ignored_variables()).collect(),
            unused: context.settings()?.ignored.iter().cloned().collect(),
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            cgroup: if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
                "v2"
            } else {
                "v1"
            },
        })
    }

    /// Podman's tree.
    fn tree(&self) -> Value {
        let platform = platform::host();
        json!({
            "host": {
                "arch": platform.architecture,
                "cgroupControllers": self.controllers,
                "cgroupManager": "cgroupfs",
                "cgroupVersion": self.cgroup,
                "cgroupsVersion": self.cgroup,
                "conmon": {"package": "coracle", "path": self.program, "version": format!("coracle version {VERSION}")},
                "cpus": self.processors,
                "databaseBackend": "files",
                "distribution": {"distribution": self.distribution.0, "version": self.distribution.1},
                "eventLogger": self.events,
                "hostname": self.host_name,
                "kernel": self.kernel,
                "linkmode": "static",
                "logDriver": "json-file",
                "ignored": self.unused,
                "memFree": self.memory_free,
                "memTotal": self.memory,
                "networkBackend": "coracle",
                "ociRuntime": {"name": "coracle", "path": self.program, "version": VERSION},
                "os": platform.os,
                "security": {
                    "apparmorEnabled": false,
                    "capabilities": self.capabilities,
                    "rootless": self.rootless,
                    "seccompEnabled": true,
                    "seccompProfilePath": "default",
                    "selinuxEnabled": false,
                },
                "serviceIsRemote": false,
                "swapFree": self.swap.1,
                "swapTotal": self.swap.0,
                "uptime": self.uptime,
            },
            "plugins": {"authorization": null, "log": LOG_DRIVERS, "network": ["host", "none"], "volume": ["local"]},
            "store": {
                "configFile": self.configuration.clone().unwrap_or_default(),
                "containerStore": {"number": self.containers, "paused": self.paused, "running": self.running,
                                   "stopped": self.stopped()},
                "graphDriverName": "overlay",
                "graphOptions": self.graph_options(),
                "graphRoot": self.root,
                "graphStatus": {"Backing Filesystem": self.file_system},
                "ignored": self.ignored,
                "imageStore": {"number": self.images},
                "runRoot": self.run_root,
                "transientStore": false,
                "volumePath": format!("{}/volumes", self.root),
            },
            "version": {"APIVersion": self.called.api_version(), "CLibrary": C_LIBRARY, "Coracle": VERSION,
                        "OsArch": platform::display(&platform), "Version": self.called.version()},
        })
    }

    /// The same with Docker's fields beside it.
    fn document(&self) -> Value {
        let platform = platform::host();
        let docker = json!({
            "ID": "",
            "Name": self.host_name,
            "ServerVersion": self.called.version(),
            "Containers": self.containers,
            "ContainersRunning": self.running,
            "ContainersPaused": self.paused,
            "ContainersStopped": self.stopped(),
            "Images": self.images,
            "Volumes": self.volumes,
            "Driver": "overlay",
            "DockerRootDir": self.root,
            "LoggingDriver": "json-file",
            "CgroupDriver": "cgroupfs",
            "CgroupVersion": self.cgroup.trim_start_matches('v'),
            "KernelVersion": self.kernel,
            "OperatingSystem": self.system_name,
            "OSType": platform.os,
            "Architecture": platform.architecture,
            "NCPU": self.processors,
            "MemTotal": self.memory,
            "SecurityOptions": if self.rootless { vec!["name=seccomp", "name=rootless"] } else { vec!["name=seccomp"] },
        });
        let mut document = self.tree();
        if let (Some(tree), Value::Object(docker)) = (document.as_object_mut(), docker) {
            tree.extend(docker);
        }
        document
    }

    /// As Podman has it: all, and the last alone under the name of the option.
    fn graph_options(&self) -> Value {
        match self.shared.last() {
            Some(last) => json!({"overlay.additionalImageStores": self.shared, "overlay.imagestore": last}),
            None => json!({}),
        }
    }

    fn stopped(&self) -> usize {
        self.containers - self.running - self.paused
    }
}

/// What a directory, or the nearest there is above it, lies on (statfs(2)).
fn file_system(path: &Path) -> String {
    let status = path.ancestors().find_map(|path| rustix::fs::statfs(path).ok());
    let name = match status.map(|status| status.f_type as u32) {
        Some(0xef53) => "extfs",
        Some(0x5846_5342) => "xfs",
        Some(0x9123_683e) => "btrfs",
        Some(0x0102_1994) => "tmpfs",
        Some(0x794c_7630) => "overlayfs",
        Some(0x2fc1_2fc1) => "zfs",
        Some(0xf2f5_2010) => "f2fs",
        _ => "unknown",
    };
    name.into()
}

/// A value of os-release(5).
fn release<'a>(os_release: &'a str, key: &str) -> Option<&'a str> {
    let value = os_release
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches(['"', '\'']))
}

/// Bytes that a line of /proc/meminfo tells (proc_meminfo(5)).
fn memory(meminfo: &str, key: &str) -> u64 {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// How long the machine runs, as Podman tells it: `1h 2m 3.00s (Approximately 0.04 days)` without the estimate.
fn uptime(text: &str) -> String {
    let seconds = text
        .split(['.', ' '])
        .next()
        .and_then(|whole| whole.parse::<u64>().ok())
        .unwrap_or(0);
    format!("{}h {}m {}.00s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_host() {
        let text = "ID=x\nID_LIKE=y\nPRETTY_NAME=\"Some OS 1\"\n";
        assert_eq!(
            (release(text, "ID"), release(text, "PRETTY_NAME")),
            (Some("x"), Some("Some OS 1"))
        );
        assert_eq!(release("", "ID"), None);
        assert_eq!(
            memory("MemTotal:       2048 kB\nMemFree: 1 kB\n", "MemTotal"),
            2 << 20
        );
        assert_eq!(memory("nonsense", "MemTotal"), 0);
        assert_eq!(uptime("3723.50 100.00\n"), "1h 2m 3.00s");
    }
}
