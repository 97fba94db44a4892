//! From what was typed to what a container is: options, image and surroundings meet here, and nowhere else.

mod files;
mod security;
mod systemd;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::options::{Boolean, ContainerOptions, Identity, NetworkOptions, Process, is_on};
use super::settings::Containers;
use super::values::environment::{self, Change, Host};
use super::values::{self, health, limits, mounts, restart, signal};
use crate::base::bytes::ByteString;
use crate::base::units;
use crate::oci::config::ContainerConfig as ImageConfig;
use crate::store::container::{Config, Log, LogDetails, LogFile, Network, Notifier, Notify, Sharing};

/// What `stop` sends when neither the image nor the command line says, and how long it waits.
const STOP_SIGNAL: i32 = 15;
const STOP_TIMEOUT: u64 = 10;
/// The size of /dev/shm when none is given.
const SHM_SIZE: u64 = 64 << 20;

/// Everything beside the options themselves that a container's configuration depends on.
pub struct Inputs<'a> {
    /// The command and its arguments, after the image.
    pub command: &'a [OsString],
    /// What the image says; nothing for a root file system of its own.
    pub image: &'a ImageConfig,
    pub environment: &'a Host,
    /// What containers.conf says and options cannot.
    pub settings: &'a Containers,
    pub directory: &'a Path,
    /// Reads a file named by an option.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// Makes up the name of an anonymous volume.
    pub anonymous: &'a mut dyn FnMut() -> String,
}

/// A container's configuration, and what has to be done before it can be made.
#[derive(Debug)]
pub struct Resolved {
    pub config: Config,
    /// Directories of the host that `--volume` names: made where they are missing.
    pub directories: Vec<PathBuf>,
}

/// What the options mean.
pub fn resolve(options: &ContainerOptions, inputs: &mut Inputs<'_>) -> Result<Resolved> {
    let mut config = Config::default();
    command(options, inputs, &mut config);
    identity(&options.identity, inputs, &mut config)?;
    systemd::systemd(options, inputs, &mut config)?;
    config.health = health::resolve(&options.health, inputs.image)?.map(Box::new);
    if options.identity.sdnotify.as_deref() == Some("healthy") && config.health.is_none() {
        bail!("--sdnotify=healthy does not go without a health check");
    }
    process(&options.process, inputs, &mut config)?;
    let directories = files::files(options, inputs, &mut config)?;
    security::security_options(&options.security, inputs, &mut config)?;
    files::init_program(options, inputs, &mut config)?;
    network(&options.network, inputs, &mut config)?;
    default_sysctls(inputs.settings, &mut config)?;
    resources(options, &mut config)?;
    if config.log.is_passed() && config.terminal {
        bail!("--tty does not go with --log-driver=passthrough: the container has its caller's streams");
    }
    Ok(Resolved { config, directories })
}

/// An error about the value of an option.
fn of<V: Display + ?Sized>(option: &str, value: &V) -> String {
    format!("invalid {option} {value:?}", value = value.to_string())
}

fn shown(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

/// Entrypoint and command. An entrypoint of one's own does not go with the image's command.
fn command(options: &ContainerOptions, inputs: &Inputs<'_>, config: &mut Config) {
    let words = |list: &Option<Vec<String>>| -> Vec<ByteString> {
        list.iter().flatten().map(|word| word.as_str().into()).collect()
    };
    let given: Vec<ByteString> = inputs
        .command
        .iter()
        .map(|word| word.as_os_str().into())
        .collect();
    match &options.process.entrypoint {
        Some(entrypoint) => {
            config.entrypoint = entrypoint_words(entrypoint);
            config.command = given;
        }
        None => {
            config.entrypoint = words(&inputs.image.entrypoint);
            config.command = if given.is_empty() {
                words(&inputs.image.cmd)
            } else {
                given
            };
        }
    }
}

/// A JSON list of words, or one word; the empty word is none.
fn entrypoint_words(entrypoint: &OsStr) -> Vec<ByteString> {
    if entrypoint.is_empty() {
        return Vec::new();
    }
    match serde_json::from_slice::<Vec<String>>(entrypoint.as_bytes()) {
        Ok(words) => words.into_iter().map(ByteString::from).collect(),
        Err(_) => vec![entrypoint.into()],
    }
}

fn identity(options: &Identity, inputs: &Inputs<'_>, config: &mut Config) -> Result<()> {
    config.labels = inputs.image.labels.clone();
    for file in &options.label_file {
        let content =
            (inputs.read)(Path::new(file)).with_context(|| format!("cannot read label file {file:?}"))?;
        let lines = environment::lines(&content).with_context(|| format!("label file {file:?}"))?;
        for (key, value) in lines {
            let text =
                |bytes: Vec<u8>| String::from_utf8(bytes).with_context(|| format!("label file {file:?}"));
            config.labels.insert(text(key)?, text(value.unwrap_or_default())?);
        }
    }
    for label in &options.label {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        if key.is_empty() {
            bail!("{}: the key is missing", of("--label", label));
        }
        config.labels.insert(key.into(), value.into());
    }
    for annotation in &options.annotation {
        let (key, value) = values::pair(annotation).with_context(|| of("--annotation", annotation))?;
        config.annotations.insert(key, value);
    }
    if let Some(policy) = &options.restart {
        config.restart = restart::parse(policy).with_context(|| of("--restart", policy))?;
        if options.rm && !config.restart.is_no() {
            bail!(
                "--rm does not go with --restart={policy}: a container either vanishes with its end or starts again"
            );
        }
    }
    config.stop_signal = match (&options.stop_signal, &inputs.image.stop_signal) {
        (Some(given), _) => signal::parse(given).with_context(|| of("--stop-signal", given))?,
        (None, Some(given)) if !given.is_empty() => {
            signal::parse(given).with_context(|| of("stop signal of the image", given))?
        }
        _ => STOP_SIGNAL,
    };
    config.stop_timeout = match options.stop_timeout {
        None => STOP_TIMEOUT,
        // A negative number waits for ever.
        Some(seconds) => u64::try_from(seconds).unwrap_or(u64::MAX),
    };
    config.init = is_on(options.init);
    config.remove = options.rm;
    config.cidfile = options
        .cidfile
        .as_deref()
        .map(|file| absolute(inputs.directory, file));
    config.pidfile = options
        .pidfile
        .as_deref()
        .map(|file| absolute(inputs.directory, file));
    config.timeout = options.timeout.filter(|seconds| *seconds > 0);
    let file = |file: &Option<OsString>| file.as_deref().map(|file| absolute(inputs.directory, file));
    config.exit_report = file(&options.exit_report);
    config.monitor_pidfile = file(&options.conmon_pidfile);
    config.notify = notify(options, inputs)?;
    config.log = log(options, inputs.directory)?;
    Ok(())
}

/// Who tells the caller's service manager, where there is one.
fn notify(options: &Identity, inputs: &Inputs<'_>) -> Result<Option<Notify>> {
    let by = match options.sdnotify.as_deref().unwrap_or("container") {
        "container" => Notifier::Container,
        "conmon" => Notifier::Monitor,
        "healthy" => Notifier::Health,
        "ignore" => return Ok(None),
        other => bail!(
            "{}: there are container, conmon, healthy and ignore",
            of("--sdnotify", other)
        ),
    };
    let mut variables = inputs.environment.iter();
    let socket = variables.find(|(name, _)| name == "NOTIFY_SOCKET");
    Ok(socket
        .filter(|(_, socket)| socket.as_bytes().starts_with(b"/") || socket.as_bytes().starts_with(b"@"))
        .map(|(_, socket)| Notify {
            by,
            socket: socket.as_os_str().into(),
        }))
}

fn absolute(directory: &Path, file: &OsStr) -> ByteString {
    directory.join(file).as_path().into()
}

fn log(options: &Identity, directory: &Path) -> Result<Log> {
    let (mut file, mut tag, mut details) = (LogFile::default(), None, LogDetails::default());
    let words = |list: &str| {
        list.split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    for option in &options.log_opt {
        let context = || of("--log-opt", option);
        match option.split_once('=') {
            Some(("max-size", "-1")) => file.max_size = None,
            Some(("max-size", size)) => {
                file.max_size = Some(units::parse_decimal_size(size).with_context(context)?);
            }
            Some(("max-file", count)) => {
                let count = count.parse().ok().filter(|count| *count > 0);
                file.max_files = count.with_context(context)?;
            }
            Some(("path" | "log-path", path)) if !path.is_empty() => {
                file.path = Some(absolute(directory, OsStr::new(path)));
            }
            Some(("tag", text)) => tag = Some(text.to_owned()),
            Some(("labels", list)) => details.labels = words(list),
            Some(("env", list)) => details.variables = words(list),
            Some(("label", pair)) => {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                details.given.insert(key.to_owned(), value.to_owned());
            }
            // A log keeps no container waiting in either.
            Some(("mode", "blocking" | "non-blocking")) => {}
            _ => bail!(
                "{}: there are path=FILE, max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=KEY,…, env=NAME,…, \
                 label=KEY=VALUE and mode=blocking or non-blocking",
                context()
            ),
        }
    }
    let driver = options.log_driver.as_deref().unwrap_or("json-file");
    if file != LogFile::default() && !matches!(driver, "json-file" | "k8s-file") {
        bail!(
            "--log-opt path, max-size and max-file are for log files, which --log-driver={driver} makes none of"
        );
    }
    if !details.is_empty() && !matches!(driver, "json-file" | "journald") {
        bail!("--log-opt labels, env and label: --log-driver={driver} has no place for them in its lines");
    }
    match driver {
        "json-file" => Ok(Log::JsonFile(LogFile { tag, details, ..file })),
        "k8s-file" => Ok(Log::K8sFile(LogFile { tag, ..file })),
        "journald" => Ok(Log::Journald { tag, details }),
        "passthrough" => Ok(Log::Passthrough),
        "passthrough-tty" => Ok(Log::PassthroughTty),
        "none" => Ok(Log::None),
        // Drivers of Docker's that send elsewhere.
        "awslogs" | "etwlogs" | "fluentd" | "gcplogs" | "gelf" | "local" | "splunk" | "syslog" => bail!(
            "--log-driver={driver} is not supported yet: there are json-file, k8s-file, journald, passthrough, \
             passthrough-tty and none"
        ),
        driver => {
            bail!("running container create option: invalid log driver: invalid argument: {driver:?}")
        }
    }
}

fn process(options: &Process, inputs: &Inputs<'_>, config: &mut Config) -> Result<()> {
    config.interactive = options.interactive;
    config.terminal = options.tty;
    // An empty one is none: it does not make the superuser of the image's user.
    let user = options.user.as_ref().filter(|user| !user.is_empty());
    config.user = user.unwrap_or(&inputs.image.user).clone();
    for group in &options.group_add {
        if group == "keep-groups" {
            bail!("--group-add=keep-groups is not supported yet: name the groups");
        }
        config.groups.push(group.clone());
    }
    let directory = match &options.workdir {
        Some(directory) => directory.as_bytes(),
        None => inputs.image.working_dir.as_bytes(),
    };
    config.working_directory = match directory {
        b"" => "/".into(),
        path if path.starts_with(b"/") => mounts::clean(path).into(),
        _ if options.workdir.is_some() => {
            bail!(
                "{}: expected an absolute path",
                of("--workdir", &String::from_utf8_lossy(directory))
            );
        }
        // Some images say it so, and mean it below the root.
        relative => mounts::clean(&[b"/", relative].concat()).into(),
    };
    config.umask = match &options.umask {
        Some(mask) => Some(limits::umask(mask).with_context(|| of("--umask", mask))?),
        None => None,
    };
    config.timezone = match options.tz.as_deref() {
        None | Some("") => None,
        Some(zone) => {
            let is_below = |part: &str| !matches!(part, "" | "." | "..");
            if !zone.split('/').all(is_below) {
                bail!("{}: expected a time zone such as Europe/Berlin", of("--tz", zone));
            }
            Some(zone.to_owned())
        }
    };
    config.env = variables(options, inputs)?;
    Ok(())
}

/// Of the image, then of the caller if asked for, then of files, then of the command line.
fn variables(options: &Process, inputs: &Inputs<'_>) -> Result<Vec<ByteString>> {
    let mut env: Vec<ByteString> = Vec::new();
    if !options.unsetenv_all {
        environment::apply(&mut env, &proxies(options, inputs.environment));
        for word in &inputs.settings.env.0 {
            let changes = environment::changes(OsStr::new(word), inputs.environment);
            environment::apply(
                &mut env,
                &changes.with_context(|| of("env of containers.conf", word))?,
            );
        }
        let image = inputs.image.env.iter().filter_map(|assignment| {
            let (name, value) = assignment.split_once('=')?;
            Some(Change::Set(name.into(), value.into()))
        });
        environment::apply(&mut env, &image.collect::<Vec<_>>());
    }
    let unset: Vec<Change> = options
        .unsetenv
        .iter()
        .map(|name| Change::Unset(name.as_bytes().into()))
        .collect();
    environment::apply(&mut env, &unset);
    if is_on(options.env_host) {
        let all: Vec<Change> = inputs
            .environment
            .iter()
            .map(|(name, value)| Change::Set(name.as_bytes().into(), value.as_bytes().into()))
            .collect();
        environment::apply(&mut env, &all);
    }
    environment::apply(
        &mut env,
        &asked_variables(&options.env_file, &options.env, inputs.environment, inputs.read)?,
    );
    // Of the variables that there were before each of them.
    for word in &options.env_merge {
        let merged = environment::merged(word, &env).with_context(|| of("--env-merge", &shown(word)))?;
        environment::apply(&mut env, &[merged]);
    }
    Ok(env)
}

/// The caller's variables by which programs find proxies.
fn proxies(options: &Process, host: &Host) -> Vec<Change> {
    const NAMES: [&str; 8] = [
        "http_proxy",
        "https_proxy",
        "ftp_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "NO_PROXY",
    ];
    if !options.http_proxy.unwrap_or(Boolean(true)).0 {
        return Vec::new();
    }
    let is_one = |name: &OsString| NAMES.iter().any(|known| name == known);
    let copies = host.iter().filter(|(name, _)| is_one(name));
    copies
        .map(|(name, value)| Change::Set(name.as_bytes().into(), value.as_bytes().into()))
        .collect()
}

/// What `--env-file` and `--env` change, in this order.
pub fn asked_variables(
    files: &[OsString],
    words: &[OsString],
    host: &Host,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for file in files {
        let content = read(Path::new(file)).with_context(|| format!("cannot read env file {file:?}"))?;
        changes
            .extend(environment::file_changes(&content, host).with_context(|| format!("env file {file:?}"))?);
    }
    for word in words {
        changes.extend(environment::changes(word, host).with_context(|| of("--env", &shown(word)))?);
    }
    Ok(changes)
}

fn network(options: &NetworkOptions, inputs: &Inputs<'_>, config: &mut Config) -> Result<()> {
    config.network = match options.network.as_slice() {
        [] => Network::None,
        [one] if one == "none" => Network::None,
        [one] if one == "host" => Network::Host,
        [other, ..] => bail!(
            "--network={other} is not supported yet: coracle has no container networks yet; there are none and host"
        ),
    };
    if let Some(name) = &options.hostname {
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if name.len() > 64 || !name.split('.').all(part) {
            bail!(
                "{}: expected letters, digits, hyphens and dots, at most 64",
                of("--hostname", name)
            );
        }
        if config.uts == Sharing::Host {
            bail!("--hostname does not go with --uts=host, which is the host's name");
        }
        config.hostname = name.clone();
    }
    config.domainname = options.domainname.clone().unwrap_or_default();
    config.no_hosts = is_on(options.no_hosts);
    for entry in &options.add_host {
        let (name, address) = entry.split_once(['=', ':']).unwrap_or((entry, ""));
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if name.is_empty() || bare.parse::<std::net::IpAddr>().is_err() {
            bail!("{}: expected HOST:ADDRESS", of("--add-host", entry));
        }
        config.extra_hosts.push(format!("{name}:{address}"));
    }
    if config.no_hosts && !options.add_host.is_empty() {
        bail!("--no-hosts and --add-host cannot be set together");
    }
    for address in &options.dns {
        if address.parse::<std::net::IpAddr>().is_err() {
            bail!("{}: expected an address", of("--dns", address));
        }
    }
    config.dns.clone_from(&options.dns);
    for word in options.dns_search.iter().chain(&options.dns_option) {
        if word.is_empty() || word.contains(|c: char| c.is_whitespace() || c.is_control()) {
            bail!("{}: expected one word", of("--dns-search or --dns-option", word));
        }
    }
    config.dns_search.clone_from(&options.dns_search);
    config.dns_options.clone_from(&options.dns_option);
    config.exposed_ports = inputs.image.exposed_ports.0.clone();
    for port in &options.expose {
        for port in
            exposed(port).with_context(|| format!("{}: expected PORT[/PROTOCOL]", of("--expose", port)))?
        {
            if !config.exposed_ports.contains(&port) {
                config.exposed_ports.push(port);
            }
        }
    }
    Ok(())
}

/// `80`, `80/udp`, `8000-8010`.
fn exposed(text: &str) -> Option<Vec<String>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return None;
    }
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then(|| (first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

/// Those of containers.conf whose namespaces are the container's own.
fn default_sysctls(settings: &Containers, config: &mut Config) -> Result<()> {
    for text in &settings.default_sysctls.0 {
        let parsed = limits::sysctl(text);
        let (name, value) = parsed.with_context(|| of("default_sysctls of containers.conf", text))?;
        let is_hosts = match name.starts_with("net.") {
            true => config.network == Network::Host,
            false => config.ipc == Sharing::Host,
        };
        if !is_hosts {
            config.sysctls.insert(name, value);
        }
    }
    Ok(())
}

fn resources(options: &ContainerOptions, config: &mut Config) -> Result<()> {
    let limits = &options.limits;
    config.resources = limits.group.resources()?;
    config.no_group = match limits.cgroups.as_deref() {
        None | Some("" | "enabled" | "no-conmon" | "split") => false,
        Some("disabled") => true,
        Some(mode) => bail!("invalid cgroup mode {mode:?}: invalid argument"),
    };
    for text in &limits.ulimit {
        let limit = limits::ulimit(text).with_context(|| {
            format!("ulimit option {text:?} requires name=SOFT:HARD, failed to be parsed")
        })?;
        config.ulimits.retain(|other| other.name != limit.name);
        config.ulimits.push(limit);
    }
    for text in &limits.sysctl {
        let (name, value) = limits::sysctl(text).with_context(|| of("--sysctl", text))?;
        let of_network = name.starts_with("net.");
        if of_network && config.network == Network::Host || !of_network && config.ipc == Sharing::Host {
            bail!(
                "{}: it is the host's, which the container shares",
                of("--sysctl", text)
            );
        }
        config.sysctls.insert(name, value);
    }
    if let Some(score) = limits.oom_score_adj {
        if !(-1000..=1000).contains(&score) {
            bail!(
                "{}: expected a number from -1000 to 1000",
                of("--oom-score-adj", &score)
            );
        }
        config.oom_score_adj = Some(score);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
