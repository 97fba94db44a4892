//! Rows of `ps`.

use serde_json::{Value, json};

use super::moment::{Clock, seconds};
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::Columns;
use crate::store::container::{Container, Mount, MountSource, Network, Root, State};
use crate::store::health::{Condition, Report};

/// What `ps` shows by itself.
pub const COLUMNS: Columns = Columns {
    name: "ps",
    template: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
    headings: &[
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("ImageID", "IMAGE ID"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("Created", "CREATED"),
        ("CreatedHuman", "CREATED"),
        ("RunningFor", "CREATED"),
        ("Ports", "PORTS"),
        ("ExposedPorts", "EXPOSED PORTS"),
        ("State", "STATE"),
        ("Status", "STATUS"),
        ("Size", "SIZE"),
        ("Names", "NAMES"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Networks", "NETWORKS"),
        ("Platform", "PLATFORM"),
        ("Pid", "PID"),
    ],
};

/// The same with `--size`.
pub const COLUMNS_WITH_SIZE: Columns = Columns {
    template: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}",
    ..COLUMNS
};

/// What it shows with `--namespace`.
pub const COLUMNS_OF_NAMESPACES: Columns = Columns {
    template: "{{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}",
    ..COLUMNS
};

/// A container in a list.
pub struct Listed<'a> {
    pub container: &'a Container,
    pub state: &'a State,
    /// `created`, `initialized`, `running`, `stopping`, `paused`, `restarting`, `exited`.
    pub word: &'a str,
    /// Bytes of its own files and of all its files, where they were asked for.
    pub sizes: Option<(u64, u64)>,
    /// What its health checks have found.
    pub health: Option<&'a Report>,
}

impl Listed<'_> {
    /// Whether it runs, frozen or not.
    pub fn is_running(&self) -> bool {
        matches!(self.word, "running" | "paused" | "stopping")
    }

    /// Whether it has processes, of which the first may still wait for its payload.
    pub fn has_processes(&self) -> bool {
        self.is_running() || self.word == "initialized"
    }

    /// The words of its command line.
    pub fn command(&self) -> Vec<String> {
        let config = &self.container.config;
        config
            .entrypoint
            .iter()
            .chain(&config.command)
            .map(|word| word.lossy().into_owned())
            .collect()
    }

    /// The name of its image, or the directory of its root.
    pub fn image(&self) -> String {
        match &self.container.root {
            Root::Image { name, .. } => name.clone(),
            Root::Directory { path, .. } => path.lossy().into_owned(),
        }
    }

    pub fn image_id(&self) -> &str {
        match &self.container.root {
            Root::Image { id, .. } => id,
            Root::Directory { .. } => "",
        }
    }

    /// `Up 3 hours`, `Exited (0) 2 days ago`.
    pub fn status(&self, clock: &Clock) -> String {
        let started = self.state.started.as_deref().unwrap_or(NEVER);
        match self.word {
            "running" => format!("Up {}{}", clock.since(started), self.health_text()),
            "stopping" => "Stopping".into(),
            "paused" => format!("Up {} (Paused)", clock.since(started)),
            "restarting" => {
                let finished = self.state.finished.as_deref().unwrap_or(started);
                format!("Restarting ({}) {}", self.state.exit_code, clock.ago(finished))
            }
            "exited" => {
                let finished = self.state.finished.as_deref().unwrap_or(started);
                format!("Exited ({}) {}", self.state.exit_code, clock.ago(finished))
            }
            "initialized" => "Initialized".into(),
            _ => "Created".into(),
        }
    }

    /// What follows the time that it has been up, as in Docker.
    fn health_text(&self) -> &'static str {
        match self.health.map(|report| report.condition) {
            None | Some(Condition::Stopped) => "",
            Some(Condition::Starting) => " (health: starting)",
            Some(Condition::Healthy) => " (healthy)",
            Some(Condition::Unhealthy) => " (unhealthy)",
        }
    }

    fn size_text(&self) -> String {
        match self.sizes {
            Some((own, all)) => format!("{} (virtual {})", size(own), size(all)),
            None => "0B".into(),
        }
    }

    /// What the usual columns show of the row that templates see.
    pub fn usual_row(&self, clock: &Clock, whole: bool) -> Value {
        let Container {
            id,
            name,
            created,
            config,
            ..
        } = self.container;
        json!({
            "ID": if whole { id } else { short(id) },
            "Image": self.image(),
            "Command": self.command_text(whole),
            "RunningFor": clock.ago(created),
            "Status": self.status(clock),
            "Ports": config.exposed_ports.join(", "),
            "Names": name,
            "Size": self.size_text(),
        })
    }

    fn command_text(&self, whole: bool) -> String {
        let command = self.command().join(" ");
        if whole { command } else { cut(command) }
    }

    /// The row that templates see. Lists are written as text, as Docker does.
    pub fn row(&self, clock: &Clock, whole: bool) -> Value {
        let Container {
            id,
            name,
            created,
            config,
            ..
        } = self.container;
        let labels: Vec<String> = config
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let mounts: Vec<String> = config
            .mounts
            .iter()
            .map(|mount| mount_name(mount, whole))
            .collect();
        let volumes = config
            .mounts
            .iter()
            .filter(|mount| matches!(mount.source, MountSource::Volume { .. }))
            .count();
        json!({
            "ID": if whole { id } else { short(id) },
            "Id": id,
            "Image": self.image(),
            "ImageID": if whole { self.image_id() } else { short(self.image_id()) },
            "Command": self.command_text(whole),
            "CreatedAt": clock.go_text(created),
            "Created": seconds(created),
            "CreatedHuman": clock.ago(created),
            "RunningFor": clock.ago(created),
            "Ports": config.exposed_ports.join(", "),
            "ExposedPorts": config.exposed_ports.join(", "),
            "State": self.word,
            "Status": self.status(clock),
            "Size": self.size_text(),
            "Names": name,
            "Labels": labels.join(","),
            "Label": config.labels,
            "Mounts": mounts.join(","),
            "LocalVolumes": volumes.to_string(),
            "Networks": network(config.network),
            "Platform": null,
            "Pid": self.pid(),
            "Pod": "",
            "PodName": "",
            "ExitCode": self.state.exit_code,
            "Exited": self.word == "exited",
            "ExitedAt": seconds(self.state.finished.as_deref().unwrap_or(NEVER)),
            "StartedAt": seconds(self.state.started.as_deref().unwrap_or(NEVER)),
            "Restarts": self.state.restarts,
            "AutoRemove": config.remove,
            "CIDFile": config.cidfile.as_ref().map(|file| file.lossy().into_owned()).unwrap_or_default(),
            "IsInfra": false,
            "CGROUPNS": self.namespace("cgroup"),
            "IPC": self.namespace("ipc"),
            "MNT": self.namespace("mnt"),
            "NET": self.namespace("net"),
            "PIDNS": self.namespace("pid"),
            "USERNS": self.namespace("user"),
            "UTS": self.namespace("uts"),
        })
    }

    fn pid(&self) -> i32 {
        if self.has_processes() { self.state.pid } else { 0 }
    }

    /// The inode number of a namespace, where it can be seen.
    fn namespace(&self, kind: &str) -> String {
        if !self.has_processes() {
            return String::new();
        }
        let link = std::fs::read_link(format!("/proc/{}/ns/{kind}", self.state.pid));
        let text = link
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default();
        text.split(['[', ']']).nth(1).unwrap_or_default().to_owned()
    }

    /// What `ps --format json` writes: Podman's document, with the fields that only Docker has beside.
    pub fn document(&self, clock: &Clock) -> Value {
        let Container {
            id,
            name,
            created,
            config,
            ..
        } = self.container;
        let mounts: Vec<_> = config.mounts.iter().map(|mount| mount.target.lossy()).collect();
        json!({
            "AutoRemove": config.remove,
            "Command": self.command(),
            "CreatedAt": clock.ago(created),
            "CIDFile": config.cidfile.as_ref().map(|file| file.lossy().into_owned()).unwrap_or_default(),
            "Exited": self.word == "exited",
            "ExitedAt": seconds(self.state.finished.as_deref().unwrap_or(NEVER)),
            "ExitCode": self.state.exit_code,
            "ExposedPorts": config.exposed_ports,
            "ID": short(id),
            "Id": id,
            "Image": self.image(),
            "ImageID": self.image_id(),
            "IsInfra": false,
            "Labels": config.labels,
            "Mounts": mounts,
            "Names": [name],
            "Namespaces": {},
            "Networks": [network(config.network)],
            "Pid": self.pid(),
            "Pod": "",
            "PodName": "",
            "Ports": null,
            "Restarts": self.state.restarts,
            "RunningFor": clock.ago(created),
            "Size": self.sizes.map(|(own, all)| json!({"rootFsSize": all, "rwSize": own})),
            "StartedAt": seconds(self.state.started.as_deref().unwrap_or(NEVER)),
            "State": self.word,
            "Status": self.status(clock),
            "Created": seconds(created),
        })
    }
}

/// The name of a network.
pub fn network(network: Network) -> &'static str {
    match network {
        Network::None => "none",
        Network::Host => "host",
    }
}

/// A mount by the name of its volume or the path of its source.
fn mount_name(mount: &Mount, whole: bool) -> String {
    let name = match &mount.source {
        MountSource::Bind { path, .. } => path.lossy().into_owned(),
        MountSource::Volume { name, .. } => name.clone(),
        MountSource::Tmpfs => mount.target.lossy().into_owned(),
    };
    if whole { name } else { ellipsis(&name, 15) }
}

/// A command line as Podman shortens it.
fn cut(command: String) -> String {
    const LENGTH: usize = 17;
    match command.char_indices().nth(LENGTH) {
        Some((end, _)) => command[..end].to_owned() + "...",
        None => command,
    }
}

/// `text` in at most `length` characters, the last one being an ellipsis if it was longer.
pub fn ellipsis(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length - 1).chain(['…']).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::cli::format::{ListFormat, list};

    /// A container such as tests of views need.
    pub fn container() -> Container {
        serde_json::from_value(json!({
            "version": 1,
            "id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "name": "web",
            "created": "2026-11-22T08:00:00Z",
            "root": {"image": {
                "id": "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
                "name": "docker.io/library/busybox:latest", "digest": "sha256:abc", "lowers": ["layers/b/tree", "layers/a/tree"],
            }},
            "config": {
                "entrypoint": ["sh", "-c"], "command": ["while true; do sleep 1; done"], "env": ["A=b"],
                "labels": {"x": "1", "a.b": "2"}, "exposed_ports": ["80/tcp"], "stop_signal": 15, "stop_timeout": 10,
                "working_directory": "/", "hostname": "box",
                "mounts": [
                    {"source": {"bind": {"path": "/a/long/path/of/the/host", "recursive": true}}, "target": "/b", "read_only": true},
                    {"source": {"volume": {"name": "data", "anonymous": false, "copy": true}}, "target": "/data"},
                    {"source": "tmpfs", "target": "/t", "options": ["size=1048576", "noexec"]},
                ],
                "resources": {"memory": 67_108_864, "nano_cpus": 500_000_000},
                "ulimits": [{"name": "nofile", "soft": 1, "hard": null}],
            },
        }))
        .unwrap()
    }

    pub fn exited() -> State {
        State {
            started: Some("2026-11-22T08:00:01Z".into()),
            finished: Some("2026-11-22T09:00:00Z".into()),
            exit_code: 3,
            ..State::created()
        }
    }

    #[test]
    fn table() {
        let clock = Clock::at("2026-11-22T10:00:00Z");
        let (container, state) = (container(), exited());
        let listed = Listed {
            container: &container,
            state: &state,
            word: "exited",
            sizes: Some((1000, 2_000_000)),
            health: None,
        };
        let rows = [listed.row(&clock, false)];
        let render = |format| {
            let format = ListFormat {
                format,
                no_heading: false,
            };
            list(&COLUMNS, format, &rows, || listed.document(&clock)).unwrap()
        };
        let heading = "CONTAINER ID   IMAGE                              COMMAND                CREATED       \
                       STATUS                         PORTS     NAMES\n";
        let line = "0123456789ab   docker.io/library/busybox:latest   sh -c while true;...   2 hours ago   \
                    Exited (3) About an hour ago   80/tcp    web\n";
        assert_eq!(render(None), format!("{heading}{line}"));
        for (format, expected) in [
            (
                "{{.Label \"x\"}}|{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}",
                "1|a.b=2,x=1|/a/long/path/o…,data,/t|1\n",
            ),
            (
                "{{.State}} {{.Exited}} {{.Size}} {{.Networks}}",
                "exited true 1kB (virtual 2MB) none\n",
            ),
            ("{{.CreatedAt}}", "2026-11-22 08:00:00 +0000 UTC\n"),
        ] {
            assert_eq!(render(Some(format)), expected);
        }
    }

    #[test]
    fn statuses() {
        let clock = Clock::at("2026-11-22T10:00:00Z");
        let (container, state) = (container(), exited());
        for (word, status) in [
            ("running", "Up 2 hours"),
            ("paused", "Up 2 hours (Paused)"),
            ("created", "Created"),
            ("restarting", "Restarting (3) About an hour ago"),
            ("exited", "Exited (3) About an hour ago"),
        ] {
            assert_eq!(
                Listed {
                    container: &container,
                    state: &state,
                    word,
                    sizes: None,
                    health: None,
                }
                .status(&clock),
                status
            );
        }
    }
}
