//! containers.conf (containers.conf(5)): what holds for containers and commands where the command line says nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::options::{Boolean, ContainerOptions};
use super::registry::TransferOptions;
use crate::base::units;

/// What all files together say.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The files that say something, in their order.
    pub files: Vec<PathBuf>,
    pub containers: Containers,
    pub engine: Engine,
    /// Keys that are set to something and mean nothing here.
    pub ignored: BTreeSet<String>,
    merged: Table,
    /// Lists that further files add to.
    growing: BTreeSet<String>,
}

/// Defaults of `run` and `create`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Containers {
    pub annotations: List,
    pub cgroup_conf: List,
    pub cgroupns: Option<String>,
    pub cgroups: Option<String>,
    pub container_name_as_hostname: bool,
    pub default_capabilities: Option<List>,
    pub default_sysctls: List,
    pub default_ulimits: List,
    pub dns_options: List,
    pub dns_searches: List,
    pub dns_servers: List,
    pub env: List,
    pub env_host: Option<bool>,
    pub http_proxy: Option<bool>,
    pub init: Option<bool>,
    pub ipcns: Option<String>,
    pub log_driver: Option<String>,
    pub log_size_max: Option<i64>,
    pub mounts: List,
    pub netns: Option<String>,
    pub no_hosts: Option<bool>,
    pub oom_score_adj: Option<i32>,
    pub pidns: Option<String>,
    pub pids_limit: Option<i64>,
    pub privileged: Option<bool>,
    pub read_only: Option<bool>,
    pub seccomp_profile: Option<String>,
    pub shm_size: Option<String>,
    pub tz: Option<String>,
    pub umask: Option<String>,
    pub userns: Option<String>,
    pub utsns: Option<String>,
    pub volumes: List,
}

/// What concerns the commands themselves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Engine {
    pub detach_keys: Option<String>,
    pub events_logfile_max_size: Option<Size>,
    pub events_logfile_path: Option<String>,
    pub events_logger: Option<String>,
    pub image_volume_mode: Option<String>,
    pub pull_policy: Option<String>,
    pub retry: Option<u32>,
    pub retry_delay: Option<String>,
    pub stop_timeout: Option<u32>,
}

/// A size in bytes, or with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of bytes for events_logfile_max_size"
)]
pub enum Size {
    Number(u64),
    Text(String),
}

impl Engine {
    /// How long the file of events may be, where it has a place of its own: a megabyte, as with Podman. 0: as long as it
    /// gets.
    pub fn events_limit(&self) -> anyhow::Result<u64> {
        let limit = match &self.events_logfile_max_size {
            None => Some(1_000_000),
            Some(Size::Number(bytes)) => Some(*bytes),
            Some(Size::Text(text)) => units::parse_decimal_size(text),
        };
        limit.context("invalid events_logfile_max_size in containers.conf: a number of bytes is wanted")
    }
}

/// The keys that count, by their sections.
const HONOURED: [(&str, &[&str]); 2] = [
    (
        "containers",
        &[
            "annotations",
            "cgroup_conf",
            "cgroupns",
            "cgroups",
            "container_name_as_hostname",
            "default_capabilities",
            "default_sysctls",
            "default_ulimits",
            "dns_options",
            "dns_searches",
            "dns_servers",
            "env",
            "env_host",
            "http_proxy",
            "init",
            "ipcns",
            "log_driver",
            "log_size_max",
            "mounts",
            "netns",
            "no_hosts",
            "oom_score_adj",
            "pidns",
            "pids_limit",
            "privileged",
            "read_only",
            "seccomp_profile",
            "shm_size",
            "tz",
            "umask",
            "userns",
            "utsns",
            "volumes",
        ],
    ),
    (
        "engine",
        &[
            "detach_keys",
            "events_logfile_max_size",
            "events_logfile_path",
            "events_logger",
            "image_volume_mode",
            "pull_policy",
            "retry",
            "retry_delay",
            "stop_timeout",
        ],
    ),
];

/// A list of words. `{append = true}` among them, which says that they are added to those of earlier files, is no word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "expected words, or {append = true}")]
enum Item {
    Word(String),
    Attributes { append: bool },
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        let words = items.into_iter().filter_map(|item| match item {
            Item::Word(word) => Some(word),
            Item::Attributes { .. } => None,
        });
        Ok(Self(words.collect()))
    }
}

/// The sections that are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Sections {
    containers: Containers,
    engine: Engine,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: line {line}: {problem}", file.display())]
pub struct SettingsError {
    file: PathBuf,
    line: usize,
    problem: String,
}

impl Settings {
    /// Reads one more file, which counts more than those before it.
    pub fn add(&mut self, file: &Path, text: &str) -> Result<(), SettingsError> {
        self.files.push(file.to_owned());
        let file = File {
            path: file,
            text,
            said: said(text),
        };
        // What distributions install says little or nothing, and every command reads it.
        if file
            .said
            .lines()
            .all(|line| line.starts_with('[') && line.ends_with(']'))
        {
            return file.parse::<Table>().map(drop);
        }
        let sections: Sections = file.parse()?;
        let is_first = self.merged.is_empty();
        merge(&mut self.merged, file.parse()?, "", &mut self.growing);
        let sections = match is_first {
            true => sections,
            false => Sections::deserialize(Value::Table(self.merged.clone()))
                .map_err(|error| file.error(1, error.message()))?,
        };
        (self.containers, self.engine) = (sections.containers, sections.engine);
        self.ignored = ignored(&self.merged);
        Ok(())
    }
}

impl Settings {
    /// Says what the options do not say, as far as options can say it.
    pub fn fill(&self, options: &mut ContainerOptions) {
        let (containers, engine) = (&self.containers, &self.engine);
        let first = |options: &mut Vec<String>, defaults: &List| {
            options.splice(0..0, defaults.0.iter().cloned());
        };
        let or = |option: &mut Option<String>, default: &Option<String>| {
            if option.is_none() {
                option.clone_from(default);
            }
        };
        let switch = |option: &mut Option<Boolean>, default: Option<bool>| {
            *option = option.or(default.map(Boolean));
        };
        let (identity, limits) = (&mut options.identity, &mut options.limits);
        first(&mut identity.annotation, &containers.annotations);
        switch(&mut identity.init, containers.init);
        identity.stop_timeout = identity.stop_timeout.or(engine.stop_timeout.map(Into::into));
        or(&mut identity.log_driver, &containers.log_driver);
        let driver = identity.log_driver.as_deref().unwrap_or("json-file");
        let is_file = matches!(driver, "json-file" | "k8s-file");
        let has_size = identity
            .log_opt
            .iter()
            .any(|option| option.starts_with("max-size"));
        if let (Some(size), true, false) = (
            containers.log_size_max.filter(|size| *size > 0),
            is_file,
            has_size,
        ) {
            identity.log_opt.push(format!("max-size={size}"));
        }
        or(&mut options.image.pull, &engine.pull_policy);
        or(&mut options.image.image_volume, &engine.image_volume_mode);
        self.fill_transfer(&mut options.image.transfer);
        let process = &mut options.process;
        switch(&mut process.env_host, containers.env_host);
        switch(&mut process.http_proxy, containers.http_proxy);
        or(&mut process.umask, &containers.umask);
        or(&mut process.tz, &containers.tz);
        switch(&mut options.files.read_only, containers.read_only);
        or(&mut options.files.shm_size, &containers.shm_size);
        let security = &mut options.security;
        switch(&mut security.privileged, containers.privileged);
        or(&mut security.userns, &containers.userns);
        or(&mut security.pid, &containers.pidns);
        or(&mut security.ipc, &containers.ipcns);
        or(&mut security.uts, &containers.utsns);
        or(&mut security.cgroupns, &containers.cgroupns);
        let has_profile = security
            .security_opt
            .iter()
            .any(|option| option.starts_with("seccomp"));
        match containers.seccomp_profile.as_deref() {
            Some(profile) if !profile.is_empty() && !has_profile => {
                security.security_opt.push(format!("seccomp={profile}"));
            }
            _ => {}
        }
        let network = &mut options.network;
        if let (Some(mode @ ("none" | "host")), []) =
            (containers.netns.as_deref(), network.network.as_slice())
        {
            network.network.push(mode.to_owned());
        }
        if network.add_host.is_empty() {
            switch(&mut network.no_hosts, containers.no_hosts);
        }
        for (option, default) in [
            (&mut network.dns, &containers.dns_servers),
            (&mut network.dns_search, &containers.dns_searches),
            (&mut network.dns_option, &containers.dns_options),
        ] {
            if option.is_empty() {
                option.clone_from(&default.0);
            }
        }
        first(&mut limits.ulimit, &containers.default_ulimits);
        or(&mut limits.cgroups, &containers.cgroups);
        if limits.cgroups.as_deref() != Some("disabled") {
            limits.group.pids_limit = limits.group.pids_limit.or(containers.pids_limit);
            first(&mut limits.group.cgroup_conf, &containers.cgroup_conf);
        }
        limits.oom_score_adj = limits.oom_score_adj.or(containers.oom_score_adj);
    }

    /// The same options with what they do not say.
    pub fn filled(&self, transfer: &TransferOptions) -> TransferOptions {
        let mut transfer = transfer.clone();
        self.fill_transfer(&mut transfer);
        transfer
    }

    /// The same for what fetches and pushes.
    pub fn fill_transfer(&self, transfer: &mut TransferOptions) {
        transfer.retry = transfer.retry.or(self.engine.retry);
        if transfer.retry_delay.is_none() {
            transfer.retry_delay.clone_from(&self.engine.retry_delay);
        }
    }
}

/// One file.
struct File<'a> {
    path: &'a Path,
    /// As it was read.
    text: &'a str,
    /// What of it is parsed.
    said: Cow<'a, str>,
}

impl File<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        toml::from_str(&self.said).map_err(|error| {
            // The line that the user sees is that of the file as it was read.
            let error = toml::from_str::<T>(self.text).err().unwrap_or(error);
            let at = error.span().map_or(0, |span| span.start);
            let before = self.text.get(..at).unwrap_or(self.text);
            self.error(before.matches('\n').count() + 1, error.message())
        })
    }

    fn error(&self, line: usize, problem: &str) -> SettingsError {
        SettingsError {
            file: self.path.to_owned(),
            line,
            problem: problem.replace('\n', " "),
        }
    }
}

/// A file's text without empty lines and comments that fill a line, which make up most of such files and take long to
/// parse.
fn said(text: &str) -> Cow<'_, str> {
    let mut said = String::new();
    for line in text.lines().map(str::trim_ascii) {
        if !line.is_empty() && !line.starts_with('#') {
            said.push_str(line);
            said.push('\n');
        }
    }
    // Within a string of several lines they are none; it begins in a line that is said.
    if said.contains("\"\"\"") || said.contains("'''") {
        return text.into();
    }
    said.into()
}

/// Puts what a later file says over what stands there. A list that is said to grow does so until a file says otherwise.
fn merge(into: &mut Table, from: Table, prefix: &str, growing: &mut BTreeSet<String>) {
    for (key, value) in from {
        let name = format!("{prefix}{key}");
        let value = match value {
            Value::Array(items) => {
                let (attributes, words): (Vec<_>, Vec<_>) = items.into_iter().partition(Value::is_table);
                let mut said = attributes
                    .iter()
                    .filter_map(|table| table.get("append")?.as_bool());
                match said.next_back() {
                    Some(true) => drop(growing.insert(name.clone())),
                    Some(false) => drop(growing.remove(&name)),
                    None => {}
                }
                let old = into.get_mut(&key).and_then(Value::as_array_mut);
                let mut all = match old {
                    Some(old) if growing.contains(&name) => std::mem::take(old),
                    _ => Vec::new(),
                };
                all.extend(words);
                Value::Array(all)
            }
            other => other,
        };
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new, &format!("{name}."), growing),
            (None, Value::Table(new)) => {
                let mut inner = Table::new();
                merge(&mut inner, new, &format!("{name}."), growing);
                into.insert(key, Value::Table(inner));
            }
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// The keys that are set to something and are not honoured.
fn ignored(merged: &Table) -> BTreeSet<String> {
    let mut ignored = BTreeSet::new();
    for (section, content) in merged {
        let known = HONOURED.iter().find(|(name, _)| name == section);
        let Some(content) = content.as_table() else {
            ignored.insert(section.clone());
            continue;
        };
        for (key, value) in content {
            let is_empty = match value {
                Value::Table(inner) => inner.is_empty(),
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            let is_honoured = match key.as_str() {
                // Of the networks there are these.
                "netns" => matches!(value.as_str(), Some("none" | "host")),
                key => known.is_some_and(|(_, keys)| keys.contains(&key)),
            };
            if !is_empty && !is_honoured {
                ignored.insert(format!("{section}.{key}"));
            }
        }
    }
    ignored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Settings, SettingsError> {
        let mut settings = Settings::default();
        for text in texts {
            settings.add(Path::new("/f"), text)?;
        }
        Ok(settings)
    }

    #[test]
    fn later_files_count_more() {
        let first = "[containers]\ninit = true\nshm_size = \"1m\"\nenv = [\"A=1\"]\n[engine]\nretry = 1\n";
        let settings = read(&[first, "[containers]\nshm_size = \"2m\"\n[network]\n"]).unwrap();
        assert_eq!(settings.containers.init, Some(true));
        assert_eq!(settings.containers.shm_size.as_deref(), Some("2m"));
        assert_eq!(settings.containers.env.0, ["A=1"]);
        assert_eq!(settings.engine.retry, Some(1));
        assert!(settings.ignored.is_empty());
    }

    #[test]
    fn lists_are_replaced_or_grow() {
        let add = |words: &str| format!("[containers]\nenv = [{words}]\n");
        for (files, expected) in [
            (&["'A=1'", "'B=2'"][..], &["B=2"][..]),
            (&["'A=1'", "'B=2', {append=true}"], &["A=1", "B=2"]),
            // Once said it holds for the files that follow.
            (&["'A=1', {append=true}", "'B=2'"], &["A=1", "B=2"]),
            (&["'A=1', {append=true}", "'B=2', {append=false}"], &["B=2"]),
            (&["'A=1'", "'B=2', {append=true}", "{append=false}"], &[]),
        ] {
            let texts: Vec<String> = files.iter().map(|words| add(words)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            assert_eq!(read(&texts).unwrap().containers.env.0, expected, "{files:?}");
        }
    }

    #[test]
    fn what_is_ignored_is_known() {
        let text = "[containers]\ninit = true\napparmor_profile = \"x\"\nlog_tag = \"\"\n\
                    [engine]\nnum_locks = 3\n[engine.runtimes]\ncrun = [\"/c\"]\n[network]\ndefault_subnet = \"10.0.0.0/8\"\n\
                    [machine]\ncpus = 2\n";
        let settings = read(&[text]).unwrap();
        assert_eq!(
            settings.ignored.iter().map(String::as_str).collect::<Vec<_>>(),
            [
                "containers.apparmor_profile",
                "engine.num_locks",
                "engine.runtimes",
                "machine.cpus",
                "network.default_subnet"
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        for (text, line) in [
            ("[containers\n", 1),
            ("# x\n\n[containers]\n  # init\ninit = 1\n", 5),
            ("[containers]\nenv = \"A=1\"\n", 2),
            ("[containers]\nenv = [\"A=1\", {appended = true}]\n", 2),
            ("[engine]\nretry = -1\n", 2),
            ("[]\n", 1),
        ] {
            let error = read(&[text]).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
        }
    }

    /// Each of them is read: with a value of a kind that none has, the file is refused.
    #[test]
    fn keys_that_count_are_read() {
        for (section, keys) in HONOURED {
            for key in keys {
                let error = read(&[&format!("[{section}]\n{key} = 1979-05-27\n")]);
                assert!(error.is_err(), "{section}.{key}");
            }
        }
    }

    #[test]
    fn comments_in_strings_of_several_lines_stay() {
        let settings = read(&["[containers]\nshm_size = '''\n# 1\n'''\n"]).unwrap();
        assert_eq!(settings.containers.shm_size.as_deref(), Some("# 1\n"));
    }
}
