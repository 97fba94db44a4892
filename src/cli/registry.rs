//! Options and surroundings of all commands that speak with a registry.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::{home, variable};
use super::report;
use super::values::time::duration;
use crate::image::pull::{self, Event, Progress, Pulled, Wish};
use crate::image::reference::Reference;
use crate::image::registry::{Access, AuthFiles, Client, Credentials, Proxies, Settings};

/// How a registry is reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Registry")]
pub struct RegistryOptions {
    /// File with credentials
    #[arg(long, value_name = "FILE")]
    pub authfile: Option<PathBuf>,
    /// Directory with certificates for the registry: *.crt, *.cert and *.key
    #[arg(long, value_name = "DIR")]
    pub cert_dir: Option<PathBuf>,
    /// Whether to insist on encryption and a valid certificate
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub tls_verify: Option<bool>,
}

/// Options of commands that carry images over the network.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Registry")]
pub struct TransferOptions {
    #[command(flatten)]
    pub registry: RegistryOptions,
    /// User name and password for the registry
    #[arg(long, value_name = "USER:PASSWORD")]
    pub creds: Option<String>,
    /// How often to try again what fails (3)
    #[arg(long, value_name = "NUMBER")]
    pub retry: Option<u32>,
    /// Wait before the first of these tries; it doubles with each (1s)
    #[arg(long, value_name = "DURATION")]
    pub retry_delay: Option<String>,
}

/// How often something is tried again where nothing else is said.
const RETRIES: u32 = 3;

impl RegistryOptions {
    /// The files that may hold credentials, in the order in which Podman and then Docker look.
    pub fn auth_files(&self) -> anyhow::Result<AuthFiles> {
        if let Some(path) = &self.authfile {
            return Ok(AuthFiles(vec![path.clone()]));
        }
        if let Some(path) = variable("REGISTRY_AUTH_FILE") {
            return Ok(AuthFiles(vec![path.into()]));
        }
        let mut paths = vec![own_auth_file()];
        if let Some(config) = config_home() {
            paths.push(config.join("containers/auth.json"));
        }
        paths.extend(docker_config());
        Ok(AuthFiles(paths))
    }

    /// The surroundings for a registry.
    pub fn settings(&self, domain: &str) -> anyhow::Result<Settings> {
        let mut certificates = Vec::new();
        match &self.cert_dir {
            Some(directory) => certificates.push(directory.clone()),
            None => {
                let places = config_home().map(|config| config.join("containers/certs.d"));
                let places = places
                    .into_iter()
                    .chain(["/etc/containers/certs.d".into(), "/etc/docker/certs.d".into()]);
                certificates.extend(places.map(|place| place.join(domain)));
            }
        }
        Ok(Settings {
            access: Access {
                proxies: proxies(),
                certificates,
                unverified: false,
            },
            tls_verify: self.tls_verify,
            credentials: None,
            retries: RETRIES,
            retry_delay: None,
        })
    }
}

impl TransferOptions {
    /// A client for the repository of a reference, with the credentials that there are for it. Called before the user
    /// namespace is entered, where helper programs would not know their user.
    pub fn client(&self, reference: &Reference) -> anyhow::Result<Client> {
        let mut settings = self.registry.settings(reference.domain())?;
        if let Some(path) = &self.registry.authfile
            && !path.exists()
        {
            bail!("--authfile {}: there is no such file", path.display());
        }
        settings.credentials = match &self.creds {
            Some(text) => {
                Some(Credentials::parse(text).context("invalid --creds: it is written USER:PASSWORD")?)
            }
            None => self.registry.auth_files()?.find(reference)?,
        };
        settings.retries = self.retry.unwrap_or(RETRIES);
        settings.retry_delay = match &self.retry_delay {
            Some(text) => Some(duration(text).with_context(|| format!("invalid --retry-delay {text:?}"))?),
            None => None,
        };
        Ok(Client::new(reference, settings))
    }
}

/// Pulls an image and tells on standard error what Docker tells.
pub fn pull_and_tell(
    store: &crate::store::Store,
    client: &Client,
    wish: &Wish<'_>,
    quiet: bool,
) -> anyhow::Result<Pulled> {
    let reference = wish.reference;
    let say = |text: &str| {
        if !quiet {
            report::say(text);
        }
    };
    let tag = match (reference.tag(), reference.digest()) {
        (Some(tag), _) => tag.to_owned(),
        (None, Some(digest)) => digest.to_string(),
        (None, None) => "latest".to_owned(),
    };
    let tell = |event: Event<'_>| match event {
        Event::Found => say(&format!("{tag}: Pulling from {}", reference.path())),
        Event::Waiting => say("another process pulls the same image: waiting for it"),
        Event::Layer(digest, progress) => {
            let hex = digest.hex();
            let what = match progress {
                Progress::Exists => "Already exists",
                Progress::Begun => "Pulling fs layer",
                Progress::Complete => "Download complete",
            };
            say(&format!("{}: {what}", &hex[..12]));
        }
    };
    let pulled =
        pull::pull(store, client, wish, &tell).with_context(|| format!("cannot pull {reference}"))?;
    say(&format!("Digest: {}", pulled.digest));
    let familiar = reference.familiar();
    say(&match pulled.is_new {
        true => format!("Status: Downloaded newer image for {familiar}"),
        false => format!("Status: Image is up to date for {familiar}"),
    });
    Ok(pulled)
}

/// The file that `login` writes: it vanishes with the session.
fn own_auth_file() -> PathBuf {
    match variable("XDG_RUNTIME_DIR") {
        Some(directory) => PathBuf::from(directory).join("containers/auth.json"),
        None => PathBuf::from(format!(
            "/run/containers/{}/auth.json",
            rustix::process::getuid().as_raw()
        )),
    }
}

/// Docker's own file.
pub fn docker_config() -> Option<PathBuf> {
    match variable("DOCKER_CONFIG") {
        Some(directory) => Some(PathBuf::from(directory).join("config.json")),
        None => Some(home().ok()?.join(".docker/config.json")),
    }
}

fn config_home() -> Option<PathBuf> {
    match variable("XDG_CONFIG_HOME") {
        Some(directory) => Some(directory.into()),
        None => Some(home().ok()?.join(".config")),
    }
}

/// As curl: the lower-case names count, and HTTP_PROXY in capitals too, as no server's request can set it here.
fn proxies() -> Proxies {
    let text = |names: [&str; 2]| {
        let value = names.into_iter().find_map(variable);
        value.and_then(|value| value.into_string().ok())
    };
    Proxies {
        http: text(["http_proxy", "HTTP_PROXY"]),
        https: text(["https_proxy", "HTTPS_PROXY"]),
        all: text(["all_proxy", "ALL_PROXY"]),
        none: text(["no_proxy", "NO_PROXY"]),
    }
}
