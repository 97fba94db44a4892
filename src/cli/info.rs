//! `info`: what the host and the store are like.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::configuration::Extent;
use super::context::{Context, variable};
use super::format;
use super::output::print;
use super::report::Outcome;
use super::version::{C_LIBRARY, VERSION};
use crate::base::units::size;
use crate::engine::list;
use crate::engine::state::Condition;
use crate::image::platform;
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
        facts.plain()
    })?;
    print(&text)?;
    Ok(0)
}

/// What there is to tell.
struct Facts {
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
    distribution: String,
    memory: u64,
    processors: usize,
    /// Stores of others whose images count, and how many there are.
    shared: Vec<(String, usize)>,
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
        let lenders = context.lenders(&context.store_path()?, Extent::Whole)?;
        let configuration = lenders.configured.files.first();
        let mut shared = Vec::new();
        for store in &lenders.stores {
            shared.push((
                store.path().display().to_string(),
                store.names(Kind::Images)?.len(),
            ));
        }
        Ok(Self {
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
            distribution: distribution(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()),
            memory: memory(&std::fs::read_to_string("/proc/meminfo").unwrap_or_default()),
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

    /// Podman's tree, and Docker's fields beside it.
    fn document(&self) -> Value {
        let platform = platform::host();
        json!({
            "host": {
                "arch": platform.architecture,
                "cgroupVersion": self.cgroup,
                "cgroupManager": "cgroupfs",
                "cpus": self.processors,
                "distribution": {"distribution": self.distribution},
                "hostname": self.host_name,
                "kernel": self.kernel,
                "memTotal": self.memory,
                "os": platform.os,
                "ociRuntime": {"name": "coracle", "version": VERSION},
                "security": {"rootless": self.rootless, "seccompEnabled": true, "selinuxEnabled": false, "apparmorEnabled": false},
                "logDriver": "json-file",
                "ignored": self.unused,
            },
            "store": {
                "configFile": self.configuration.clone().unwrap_or_default(),
                "graphDriverName": "overlay",
                "graphOptions": {"overlay.imagestore": self.shared.iter().map(|(path, _)| path).collect::<Vec<_>>()},
                "ignored": self.ignored,
                "graphRoot": self.root,
                "runRoot": self.run_root,
                "volumePath": format!("{}/volumes", self.root),
                "containerStore": {"number": self.containers, "running": self.running, "paused": self.paused,
                                   "stopped": self.stopped()},
                "imageStore": {"number": self.images},
            },
            "version": {"Version": VERSION, "APIVersion": VERSION, "OsArch": platform::display(&platform),
                        "CLibrary": C_LIBRARY},
            "ID": "",
            "Name": self.host_name,
            "ServerVersion": VERSION,
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
            "OperatingSystem": self.distribution,
            "OSType": platform.os,
            "Architecture": platform.architecture,
            "NCPU": self.processors,
            "MemTotal": self.memory,
            "SecurityOptions": if self.rootless { vec!["name=seccomp", "name=rootless"] } else { vec!["name=seccomp"] },
        })
    }

    fn stopped(&self) -> usize {
        self.containers - self.running - self.paused
    }

    fn plain(&self) -> String {
        let mode = if self.rootless { "rootless" } else { "root" };
        let shared = self
            .shared
            .iter()
            .map(|(path, count)| format!("Shared:       {path} ({count} images)\n"));
        let ignored = self.ignored.iter().map(|what| format!("Not used:     {what}\n"));
        let mut more: String = shared.chain(ignored).collect();
        if !self.unused.is_empty() {
            more += &format!("Not used:     of containers.conf: {}\n", self.unused.join(", "));
        }
        format!(
            "Version:      {VERSION} ({C_LIBRARY})\n\
             Mode:         {mode}\n\
             Store:        {}\n\
             Run:          {}\n\
             Containers:   {} ({} running)\n\
             Images:       {}\n\
             Volumes:      {}\n\
             Storage:      overlay\n\
             Cgroups:      {}\n\
             Kernel:       {}\n\
             System:       {}\n\
             Processors:   {}\n\
             Memory:       {}\n\
             Host name:    {}\n{more}",
            self.root,
            self.run_root,
            self.containers,
            self.running,
            self.images,
            self.volumes,
            self.cgroup,
            self.kernel,
            self.distribution,
            self.processors,
            size(self.memory),
            self.host_name,
        )
    }
}

/// The name of the distribution (os-release(5)).
fn distribution(os_release: &str) -> String {
    let line = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.map(|name| name.trim_matches(['"', '\'']).to_owned())
        .unwrap_or_else(|| "Linux".into())
}

/// Bytes of memory (proc_meminfo(5)).
fn memory(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_host() {
        assert_eq!(distribution("ID=x\nPRETTY_NAME=\"Some OS 1\"\n"), "Some OS 1");
        assert_eq!(distribution(""), "Linux");
        assert_eq!(memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), 2 << 20);
        assert_eq!(memory("nonsense"), 0);
    }
}
