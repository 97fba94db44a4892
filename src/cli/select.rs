//! Which containers a command is about: by names, `--all`, `--latest`, `--cidfile` and `--filter`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::image::until;
use super::values::filter::Filters;
use super::values::restart;
use super::view::moment::seconds;
use crate::engine::list;
use crate::engine::state::{self, Condition, Found};
use crate::image::find::find as find_image;
use crate::store::container::{MountSource, Network, Root};
use crate::store::life::RestartPolicy;
use crate::store::{Kind, Store};

/// The keys of `--filter`.
pub const FILTERS: &[&str] = &[
    "ancestor",
    "before",
    "command",
    "exited",
    "expose",
    "health",
    "id",
    "label",
    "label!",
    "name",
    "network",
    "pod",
    "publish",
    "restart-policy",
    "should-start-on-boot",
    "since",
    "status",
    "until",
    "volume",
];

/// What was typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    pub names: &'a [String],
    pub all: bool,
    pub latest: bool,
    pub cidfiles: &'a [OsString],
    pub filters: &'a [String],
    /// A file of `--cidfile` need not be there.
    pub ignores: bool,
}

/// A container that was meant, and the word that meant it, which commands print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    pub word: String,
    /// Its id; none if there is no such container, for which the command has its own words.
    pub id: Option<String>,
}

impl Wanted<'_> {
    /// All containers that are meant, in the order in which they were named.
    pub fn resolve(&self, store: &Store) -> Result<Vec<Meant>> {
        let several = !self.filters.is_empty() || self.all || self.latest;
        if several && !self.names.is_empty() && self.filters.is_empty() {
            bail!("--all and --latest go without names of containers");
        }
        let mut meant = Vec::new();
        if several {
            meant.extend(self.listed(store)?);
        } else {
            for word in self.names {
                meant.push(named(store, word)?);
            }
        }
        for file in self.cidfiles {
            if self.ignores && !Path::new(file).exists() {
                continue;
            }
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("reading CIDFile: open {}", Path::new(file).display()))?;
            meant.push(named(store, text.trim())?);
        }
        if meant.is_empty() && !several && self.cidfiles.is_empty() {
            bail!("name at least one container");
        }
        Ok(meant)
    }

    fn listed(&self, store: &Store) -> Result<Vec<Meant>> {
        let (mut found, _damaged) = list::all(store)?;
        let named: Result<Vec<Meant>> = self.names.iter().map(|word| named(store, word)).collect();
        let named = named?;
        // The word by which one was named.
        let word_for = |id: &str| {
            let meant = named.iter().find(|meant| meant.id.as_deref() == Some(id));
            meant.map(|meant| meant.word.clone())
        };
        if !self.filters.is_empty() {
            let filters = ContainerFilters::parse(self.filters, store)?;
            found.retain(|one| {
                (named.is_empty() || word_for(&one.container.id).is_some()) && filters.fit(one)
            });
        }
        if self.latest {
            found.truncate(1);
        }
        let meant = |one: Found| Meant {
            word: word_for(&one.container.id).unwrap_or_else(|| one.container.id.clone()),
            id: Some(one.container.id),
        };
        Ok(found.into_iter().map(meant).collect())
    }
}

/// Keeps those that are in this condition.
pub fn retain(store: &Store, meant: &mut Vec<Meant>, wanted: impl Fn(Condition) -> bool) {
    let fits = |id: &str| {
        let found = state::look(store, id).ok().flatten();
        found.is_some_and(|found| wanted(found.condition))
    };
    meant.retain(|meant| meant.id.as_deref().is_some_and(fits));
}

/// The container that `word` means.
fn named(store: &Store, word: &str) -> Result<Meant> {
    let id = match state::find(store, word) {
        Ok(id) => Some(id),
        Err(crate::engine::EngineError::NoSuchContainer(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Meant {
        word: word.to_owned(),
        id,
    })
}

/// The one container that is meant by a name or `--latest`; the error says if there is none.
pub fn one(store: &Store, word: Option<&str>, latest: bool) -> Result<String> {
    match (word, latest) {
        (Some(word), false) => Ok(state::find(store, word)?),
        (None, true) => match list::all(store)?.0.into_iter().next() {
            Some(found) => Ok(found.container.id),
            None => bail!("there is no container"),
        },
        (None, false) => bail!("name a container"),
        (Some(_), true) => bail!("--latest goes without the name of a container"),
    }
}

/// A word for true or false, as Go reads it.
fn truth(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Filters for containers, with everything looked up that they name.
pub struct ContainerFilters {
    filters: Filters,
    until: Vec<i64>,
    /// Containers made before or after these times.
    before: Vec<String>,
    since: Vec<String>,
    /// Ids of images.
    ancestors: Vec<String>,
}

impl ContainerFilters {
    pub fn parse(words: &[String], store: &Store) -> Result<Self> {
        let filters = Filters::parse(words, FILTERS).context("invalid --filter")?;
        for status in filters.values("status") {
            if !matches!(
                status,
                "created"
                    | "running"
                    | "exited"
                    | "paused"
                    | "restarting"
                    | "removing"
                    | "dead"
                    | "stopped"
                    | "initialized"
                    | "configured"
                    | "unknown"
                    | "stopping"
            ) {
                bail!("invalid --filter status={status}: there are created, running, paused and exited");
            }
        }
        for code in filters.values("exited") {
            code.parse::<i32>()
                .with_context(|| format!("invalid --filter exited={code}"))?;
        }
        for health in filters.values("health") {
            if !matches!(health, "none" | "starting" | "healthy" | "unhealthy") {
                bail!("invalid --filter health={health}: there are none, starting, healthy and unhealthy");
            }
        }
        for policy in filters.values("restart-policy") {
            if restart_policy(policy).is_none() {
                bail!("{policy} invalid restart policy");
            }
        }
        for wanted in filters.values("should-start-on-boot") {
            if truth(wanted).is_none() {
                bail!("invalid --filter should-start-on-boot={wanted}: there are true and false");
            }
        }
        let created = |key: &str| -> Result<Vec<String>> {
            filters
                .values(key)
                .map(|name| Ok(store.container(&state::find(store, name)?)?.created))
                .collect()
        };
        let (before, since) = (created("before")?, created("since")?);
        // An image that is not there has no containers.
        let ancestors = filters
            .values("ancestor")
            .map(|name| {
                find_image(store, name).map_or_else(|_| name.to_owned(), |found| found.image.id.hex())
            })
            .collect();
        let until = until(&filters)?;
        Ok(Self {
            filters,
            until,
            before,
            since,
            ancestors,
        })
    }

    /// Whether containers that do not run are asked for.
    pub fn names_status(&self) -> bool {
        self.filters.values("status").next().is_some() || self.filters.values("exited").next().is_some()
    }

    /// The containers that a filter for names or identifiers leaves, without a look at any record; none where there is no
    /// such filter.
    pub fn ids(&self, store: &Store) -> Result<Option<Vec<String>>> {
        let filters = &self.filters;
        if filters.values("name").next().is_some() {
            let names = store.names(Kind::Names)?.into_iter();
            let fitting = names.filter(|known| filters.matches("name", known));
            let ids: BTreeSet<String> = fitting
                .filter_map(|name| store.name(&name).transpose())
                .collect::<Result<_, _>>()?;
            return Ok(Some(ids.into_iter().collect()));
        }
        if filters.values("id").next().is_some() {
            let mut ids = store.names(Kind::Containers)?;
            ids.retain(|known| filters.matches("id", known));
            return Ok(Some(ids));
        }
        Ok(None)
    }

    pub fn fit(&self, found: &Found) -> bool {
        let Found {
            container,
            state,
            condition,
            health,
        } = found;
        let config = &container.config;
        let word = condition.word();
        let health_word = match config.health {
            Some(_) => health
                .as_ref()
                .map_or("starting", |report| report.condition.word()),
            None => "none",
        };
        let ancestor = match &container.root {
            Root::Image { id, .. } => self
                .ancestors
                .iter()
                .any(|wanted| id.starts_with(wanted.as_str())),
            Root::Directory { .. } => false,
        };
        let is_network = |name: &str| match config.network {
            Network::None => name == "none",
            Network::Host => name == "host",
        };
        let has_volume = |wanted: &str| {
            config.mounts.iter().any(|mount| {
                let source = match &mount.source {
                    MountSource::Volume { name, .. } => name == wanted,
                    MountSource::Bind { path, .. } => path.as_bytes() == wanted.as_bytes(),
                    MountSource::Tmpfs => false,
                };
                source || mount.target.as_bytes() == wanted.as_bytes()
            })
        };
        let command = || {
            let words = config.entrypoint.iter().chain(&config.command);
            words
                .map(|word| word.lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let is_status = |wanted: &str| {
            wanted == word || wanted == "stopped" && word == "exited" || wanted == condition.word_for(state)
        };
        let filters = &self.filters;
        (self.ancestors.is_empty() || ancestor)
            && filters.matches("id", &container.id)
            && filters.matches("name", &container.name)
            && filters.any("status", is_status)
            && filters.any("exited", |code| word == "exited" && code.parse() == Ok(state.exit_code))
            && filters.any("network", is_network)
            && filters.any("volume", has_volume)
            && filters.any("command", |wanted| command().contains(wanted))
            && filters.any("expose", |port| config.exposed_ports.iter().any(|known| known.split('/').next() == port.split('/').next()))
            && filters.labels(|key| config.labels.get(key).map(String::as_str))
            && self.before.iter().all(|limit| container.created < *limit)
            && self.since.iter().all(|limit| container.created > *limit)
            && self.until.iter().all(|limit| seconds(&container.created) < *limit)
            && filters.any("health", |wanted| wanted == health_word)
            && filters.any("restart-policy", |wanted| restart_policy(wanted).is_some_and(|wanted| wanted.word() == config.restart.word()))
            && filters.any("should-start-on-boot", |wanted| truth(wanted) == Some(config.restart.starts_on_boot(state.stopped)))
            // There are no containers with any of these.
            && filters.values("pod").next().is_none()
            && filters.values("publish").next().is_none()
    }
}

/// A restart policy as filters name it: Podman's has another word for none.
fn restart_policy(word: &str) -> Option<RestartPolicy> {
    restart::parse(if word == "none" { "no" } else { word }).ok()
}
