//! registries.conf, version 2 (containers-registries.conf(5)): where images are really fetched from, and what short
//! names stand for. Nothing is read here: files come as text, the later ones over the earlier ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::image::reference::Reference;

/// The entry among the credential helpers that stands for the files of credentials.
pub const AUTH_FILES: &str = "containers-auth.json";

/// What all files together say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registries {
    /// Where short names are looked for; none: docker.io.
    search: Vec<String>,
    mode: Mode,
    /// By short name, the repository that it stands for.
    aliases: BTreeMap<String, String>,
    /// By prefix.
    registries: BTreeMap<String, Registry>,
    /// Programs that keep credentials, where none is said: the files alone.
    pub helpers: Vec<String>,
}

/// What happens to a short name that more than one registry may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Enforcing,
    /// There is nobody whom we would ask, so this is as if it were disabled.
    #[default]
    #[serde(alias = "")]
    Permissive,
    Disabled,
}

/// One `[[registry]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Registry {
    /// What the prefix is replaced by; empty: nothing.
    location: String,
    insecure: bool,
    blocked: bool,
    mirrors: Vec<Mirror>,
    /// The file that says so, for errors.
    file: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirror {
    location: String,
    insecure: bool,
    used: Used,
}

/// What a mirror is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Used {
    #[default]
    #[serde(alias = "")]
    All,
    DigestOnly,
    TagOnly,
}

/// A place from which an image may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What the image is called there.
    pub reference: Reference,
    /// Any certificate will do, and plain HTTP too.
    pub insecure: bool,
    pub is_mirror: bool,
}

/// Why a configuration cannot be used, or what it forbids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: line {line}: {problem}", file.display())]
    Broken {
        file: PathBuf,
        line: usize,
        problem: String,
    },
    #[error("{reference} is not to be fetched: {} blocks {prefix}", file.display())]
    Blocked {
        reference: String,
        prefix: String,
        file: PathBuf,
    },
    #[error(
        "{short} may be any of {}: write which one, or give it an alias in registries.conf (short-name-mode is enforcing)",
        candidates.join(", ")
    )]
    Ambiguous { short: String, candidates: Vec<String> },
    #[error("{} leads from {reference} to {found:?}, which is no image's name", file.display())]
    Nowhere {
        reference: String,
        found: String,
        file: PathBuf,
    },
}

/// A file as it is written. What we do not know is for others.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    unqualified_search_registries: Option<Vec<Spanned<String>>>,
    short_name_mode: Option<Mode>,
    credential_helpers: Option<Vec<String>>,
    #[serde(default)]
    aliases: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    registry: Vec<Spanned<RegistryTable>>,
    /// Version 1.
    registries: Option<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RegistryTable {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<MirrorTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct MirrorTable {
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<Used>,
}

impl Registries {
    /// Reads one more file, which counts more than those before it.
    pub fn add(&mut self, file: &Path, text: &str) -> Result<(), ConfigError> {
        let broken = |at: usize, problem: String| ConfigError::Broken {
            file: file.to_owned(),
            line: line_of(text, at),
            problem,
        };
        let read: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            broken(at, error.message().replace('\n', " "))
        })?;
        if let Some(old) = read.registries {
            let problem = "[registries] is version 1 of this format: write unqualified-search-registries and [[registry]]";
            return Err(broken(old.span().start, problem.to_owned()));
        }
        let mut seen = Vec::new();
        for table in read.registry {
            let at = table.span().start;
            let (prefix, registry) =
                registry(table.into_inner(), file).map_err(|problem| broken(at, problem))?;
            if seen.contains(&prefix) {
                return Err(broken(at, format!("a second [[registry]] for {prefix}")));
            }
            seen.push(prefix.clone());
            self.registries.insert(prefix, registry);
        }
        if let Some(search) = read.unqualified_search_registries {
            for registry in &search {
                check_location(registry.get_ref())
                    .map_err(|problem| broken(registry.span().start, problem))?;
            }
            self.search = search
                .into_iter()
                .map(|registry| trimmed(&registry.into_inner()).to_owned())
                .collect();
        }
        for (name, target) in read.aliases {
            let at = target.span().start;
            let target = target.into_inner();
            let is_short = is_repository(&name).is_some_and(|name| name.is_short());
            if !is_short {
                return Err(broken(
                    at,
                    format!("the alias {name:?} is not a short name without a tag"),
                ));
            }
            // An empty alias takes back an earlier file's.
            if target.is_empty() {
                self.aliases.remove(&name);
                continue;
            }
            if is_repository(&target).is_none_or(|target| target.is_short()) {
                let problem =
                    format!("the alias {name:?} leads to {target:?}, which is not a registry's repository");
                return Err(broken(at, problem));
            }
            self.aliases.insert(name, target);
        }
        if let Some(mode) = read.short_name_mode {
            self.mode = mode;
        }
        if let Some(helpers) = read.credential_helpers {
            self.helpers = helpers;
        }
        Ok(())
    }

    /// The images that a reference may mean, in the order in which they are to be tried. Without configuration a short
    /// name means docker.io.
    pub fn resolve(&self, reference: &Reference) -> Result<Vec<Reference>, ConfigError> {
        let Some(short) = reference.short() else {
            return Ok(vec![reference.clone()]);
        };
        if let Some(target) = self.aliases.get(short) {
            return Ok(reference.in_repository(target).into_iter().collect());
        }
        if self.search.is_empty() {
            return Ok(vec![reference.clone()]);
        }
        let candidates: Vec<Reference> = self
            .search
            .iter()
            .filter_map(|registry| reference.in_repository(&format!("{registry}/{short}")).ok())
            .collect();
        if self.mode == Mode::Enforcing && candidates.len() > 1 {
            return Err(ConfigError::Ambiguous {
                short: short.to_owned(),
                candidates: candidates.iter().map(ToString::to_string).collect(),
            });
        }
        Ok(candidates)
    }

    /// Where names without a registry are looked for.
    pub fn search(&self) -> &[String] {
        &self.search
    }

    /// Where an image is to be fetched: from the mirrors in their order, then from the registry itself, which is the last.
    pub fn endpoints(&self, reference: &Reference) -> Result<Vec<Endpoint>, ConfigError> {
        let own = Endpoint {
            reference: reference.clone(),
            insecure: false,
            is_mirror: false,
        };
        let name = reference.to_string();
        let matching = self
            .registries
            .iter()
            .filter_map(|(prefix, registry)| Some((prefix, registry, matched(&name, prefix)?)));
        let Some((prefix, registry, length)) = matching.max_by_key(|(prefix, ..)| prefix.len()) else {
            return Ok(vec![own]);
        };
        if registry.blocked {
            return Err(ConfigError::Blocked {
                reference: name,
                prefix: prefix.clone(),
                file: registry.file.clone(),
            });
        }
        let at = |location: &str| {
            if location.is_empty() {
                return Ok(reference.clone());
            }
            let text = format!("{location}{}", &name[length..]);
            match text.parse::<Reference>() {
                Ok(found) if !found.is_short() => Ok(found),
                _ => Err(ConfigError::Nowhere {
                    reference: name.clone(),
                    found: text,
                    file: registry.file.clone(),
                }),
            }
        };
        let has_digest = reference.digest().is_some();
        let mut endpoints = Vec::new();
        for mirror in &registry.mirrors {
            let is_used = match mirror.used {
                Used::All => true,
                Used::DigestOnly => has_digest,
                Used::TagOnly => !has_digest,
            };
            if is_used {
                endpoints.push(Endpoint {
                    reference: at(&mirror.location)?,
                    insecure: mirror.insecure,
                    is_mirror: true,
                });
            }
        }
        endpoints.push(Endpoint {
            reference: at(&registry.location)?,
            insecure: registry.insecure,
            is_mirror: false,
        });
        Ok(endpoints)
    }
}

/// One `[[registry]]` with its prefix, or what is wrong with it.
fn registry(table: RegistryTable, file: &Path) -> Result<(String, Registry), String> {
    let location = trimmed(&table.location).to_owned();
    let prefix = match trimmed(&table.prefix) {
        "" => location.clone(),
        prefix => prefix.to_owned(),
    };
    if prefix.is_empty() {
        return Err("a [[registry]] has neither prefix nor location".to_owned());
    }
    match prefix.strip_prefix("*.") {
        Some(domain) if domain.contains(['*', '/', ':', '@']) => {
            return Err(format!(
                "the prefix {prefix} may have nothing but a domain after the star"
            ));
        }
        Some(domain) => check_location(&format!("x.{domain}"))?,
        None => check_location(&prefix)?,
    }
    if location.is_empty() && !prefix.starts_with("*.") {
        return Err(format!(
            "the [[registry]] with the prefix {prefix} has no location"
        ));
    }
    if !location.is_empty() {
        check_location(&location)?;
    }
    let mut mirrors = Vec::new();
    for mirror in table.mirror {
        let location = trimmed(&mirror.location).to_owned();
        check_location(&location)?;
        let used = match (table.mirror_by_digest_only, mirror.pull_from_mirror) {
            (true, Some(_)) => {
                return Err(format!(
                    "the mirror {location} cannot have pull-from-mirror where mirror-by-digest-only is set"
                ));
            }
            (true, None) => Used::DigestOnly,
            (false, used) => used.unwrap_or_default(),
        };
        mirrors.push(Mirror {
            location,
            insecure: mirror.insecure,
            used,
        });
    }
    let registry = Registry {
        location,
        insecure: table.insecure,
        blocked: table.blocked,
        mirrors,
        file: file.to_owned(),
    };
    Ok((prefix, registry))
}

fn trimmed(location: &str) -> &str {
    location.trim_end_matches('/')
}

/// `host[:port]`, or more of an image's name.
fn check_location(location: &str) -> Result<(), String> {
    if location.contains("://") {
        return Err(format!(
            "{location:?} has a scheme: write the host without it, and insecure = true for plain HTTP"
        ));
    }
    let is_host = !location.contains('/');
    let probe = if is_host {
        format!("{location}/x")
    } else {
        location.to_owned()
    };
    match probe.parse::<Reference>() {
        Ok(reference) if !reference.is_short() => Ok(()),
        _ => Err(format!(
            "{location:?} is neither a registry's host and port nor a name within it"
        )),
    }
}

/// A repository's name without tag and digest.
fn is_repository(text: &str) -> Option<Reference> {
    let reference: Reference = text.parse().ok()?;
    (reference.tag().is_none() && reference.digest().is_none()).then_some(reference)
}

/// How much of an image's name a prefix covers, if it is its beginning.
fn matched(name: &str, prefix: &str) -> Option<usize> {
    let length = match prefix.strip_prefix('*') {
        // `.example.com`: the end of the host, after at least one label.
        Some(domain) => {
            let host = &name[..name.find('/').unwrap_or(name.len())];
            let host = match host.rsplit_once(':') {
                Some((before, _)) if !host.ends_with(']') => before,
                _ => host,
            };
            (host.len() > domain.len() && host.ends_with(domain)).then_some(host.len())?
        }
        None => name.starts_with(prefix).then_some(prefix.len())?,
    };
    // As in Podman, a host without its port stands for all its ports.
    matches!(name.as_bytes().get(length), None | Some(b'/' | b':' | b'@')).then_some(length)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
