//! Records of containers as far as lists show them.
//!
//! Most containers of a long list have ended, and of those a list needs a fifth of the record: what is read here is as much
//! work as a list of thousands takes. Whatever runs, or is in motion, is looked at as a whole.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use serde::Deserialize;

use super::container::{Config, Container, Mount, Network, Root, State, Status, VERSION};
use super::life::RestartPolicy;
use super::{Kind, Result, Store};
use crate::base::bytes::ByteString;

/// Longer records are not for us.
const LIMIT: usize = 64 << 10;

#[derive(Deserialize)]
struct ContainerPart {
    id: String,
    name: String,
    created: String,
    root: RootPart,
    config: ConfigPart,
    first: Option<StatePart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RootPart {
    Image { id: String, name: String },
    Directory { path: ByteString, overlay: bool },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ConfigPart {
    entrypoint: Vec<ByteString>,
    command: Vec<ByteString>,
    labels: BTreeMap<String, String>,
    exposed_ports: Vec<String>,
    mounts: Vec<Mount>,
    network: Network,
    remove: bool,
    restart: RestartPolicy,
    health: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct StatePart {
    status: Status,
    started: Option<String>,
    finished: Option<String>,
    #[serde(default)]
    exit_code: i32,
    #[serde(default)]
    restarts: u32,
    #[serde(default)]
    stopped: bool,
}

impl ContainerPart {
    /// A record with that in it and nothing else.
    fn whole(self) -> Container {
        let config = self.config;
        Container {
            version: VERSION,
            id: self.id,
            name: self.name,
            created: self.created,
            root: match self.root {
                RootPart::Image { id, name } => Root::Image {
                    id,
                    name,
                    digest: None,
                    lowers: Vec::new(),
                    data: Vec::new(),
                },
                RootPart::Directory { path, overlay } => Root::Directory { path, overlay },
            },
            config: Config {
                entrypoint: config.entrypoint,
                command: config.command,
                labels: config.labels,
                exposed_ports: config.exposed_ports,
                mounts: config.mounts,
                network: config.network,
                remove: config.remove,
                restart: config.restart,
                ..Config::default()
            },
            first: None,
            create_command: Vec::new(),
            extra: serde_json::Map::new(),
        }
    }
}

impl StatePart {
    fn whole(self) -> State {
        State {
            status: self.status,
            started: self.started,
            finished: self.finished,
            exit_code: self.exit_code,
            restarts: self.restarts,
            stopped: self.stopped,
            ..State::created()
        }
    }
}

/// Reads summaries of one store.
pub struct Summaries {
    directory: OwnedFd,
    buffer: Vec<u8>,
}

impl Summaries {
    pub fn open(store: &Store) -> Result<Self> {
        Ok(Self {
            directory: store.directory(Kind::Containers)?,
            buffer: vec![0; LIMIT],
        })
    }

    /// What lists show of a container that was never started or has ended. None: it has to be looked at as a whole, or is
    /// gone.
    pub fn read(&mut self, id: &str) -> Option<(Container, State)> {
        let mut container: ContainerPart =
            serde_json::from_slice(self.file(id, "container.json").ok()?).ok()?;
        let state: StatePart = match self.file(id, "state.json") {
            Ok(content) => serde_json::from_slice(content).ok()?,
            Err(Errno::NOENT) => container.first.take()?,
            Err(_) => return None,
        };
        let has_health = container.config.health.is_some();
        let rests = matches!(state.status, Status::Created | Status::Exited);
        (rests && !has_health && container.id == id).then(|| (container.whole(), state.whole()))
    }

    fn file(&mut self, id: &str, name: &str) -> rustix::io::Result<&[u8]> {
        let path = format!("{id}/{name}");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let file = rustix::fs::openat2(&self.directory, path.as_str(), flags, Mode::empty(), resolve)?;
        let length = rustix::io::read(&file, self.buffer.as_mut_slice())?;
        if length == self.buffer.len() {
            return Err(Errno::FBIG);
        }
        Ok(&self.buffer[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(store: &Store, id: &str, file: &str, record: serde_json::Value) {
        let directory = store.path_of(Kind::Containers, id);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(file), record.to_string()).unwrap();
    }

    #[test]
    fn only_what_rests_is_summed_up() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let id = "a".repeat(64);
        let record = |config: serde_json::Value| {
            let root = json!({"image": {"id": "b", "name": "c", "digest": null, "lowers": ["d"]}});
            let first = json!({"version": 1, "status": "starting"});
            json!({"version": 1, "id": id, "name": "one", "created": "2026", "root": root, "config": config, "first": first})
        };
        let config = json!({"command": ["x"], "labels": {"k": "v"}, "network": "host", "env": ["A=b"], "restart": "always"});
        write(&store, &id, "container.json", record(config));
        let mut summaries = Summaries::open(&store).unwrap();
        assert!(summaries.read(&id).is_none(), "it is being started");
        write(
            &store,
            &id,
            "state.json",
            json!({"version": 1, "status": "exited", "exit_code": 3, "finished": "2027"}),
        );
        let (container, state) = summaries.read(&id).unwrap();
        assert_eq!(
            (container.name.as_str(), container.config.network),
            ("one", Network::Host)
        );
        assert_eq!(container.config.restart, RestartPolicy::Always);
        assert_eq!(container.config.labels["k"], "v");
        assert_eq!((state.exit_code, state.finished.as_deref()), (3, Some("2027")));
        write(
            &store,
            &id,
            "state.json",
            json!({"version": 1, "status": "running", "pid": 1}),
        );
        assert!(summaries.read(&id).is_none(), "it runs");
        write(
            &store,
            &id,
            "state.json",
            json!({"version": 1, "status": "exited"}),
        );
        write(
            &store,
            &id,
            "container.json",
            record(json!({"health": {"test": []}})),
        );
        assert!(
            summaries.read(&id).is_none(),
            "its health is in a record of its own"
        );
        assert!(summaries.read(&"b".repeat(64)).is_none(), "it is not there");
    }
}
