//! Options and surroundings of all commands that speak with a registry.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use clap::{Arg, Args};

use super::configuration::{self, config_home};
use super::context::{home, user, variable};
use super::progress::{Display, Progress as How, Stage};
use super::report;
use super::settings::Settings as Containers;
use super::values::time::duration;
use crate::base::digest::Digest;
use crate::image::find::{FindError, Found, find};
use crate::image::layer::UnpackOptions;
use crate::image::policy::{Demand, Origin, Policy};
use crate::image::pull::{self, Event, Progress, Pulled, Wish};
use crate::image::reference::Reference;
use crate::image::registry::{
    AuthFiles, Client, Credentials, Endpoint, Proxies, Registries, RegistryError, Settings, Source,
};
use crate::image::signature::registries_d::RegistriesD;
use crate::oci::image::Platform;
use crate::store::{Store, events};

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
    /// Tries after what failed when performing pull (default 3)
    #[arg(long, value_name = "NUMBER")]
    pub retry: Option<u32>,
    /// Wait after pull failures (default "1s"), doubled each time
    #[arg(long, value_name = "DURATION")]
    pub retry_delay: Option<String>,
    /// File with the signature policy for what is fetched, instead of policy.json
    #[arg(long, value_name = "FILE")]
    pub signature_policy: Option<PathBuf>,
}

/// What a command of this name does with a registry.
pub fn act(command: &str) -> &'static str {
    match command {
        "push" => "push",
        _ => "pull",
    }
}

/// `--retry` and `--retry-delay` with the help that Podman's have: what the command does, and the defaults, which
/// containers.conf may set.
pub fn explained(argument: Arg, act: &str, settings: Option<&Containers>) -> Arg {
    let engine = settings.map(|settings| &settings.engine);
    match argument.get_id().as_str() {
        "retry" => {
            let default = engine.and_then(|engine| engine.retry).unwrap_or(RETRIES);
            argument.help(format!(
                "Tries after what failed when performing {act} (default {default})"
            ))
        }
        "retry_delay" => {
            let default = engine
                .and_then(|engine| engine.retry_delay.as_deref())
                .unwrap_or("1s");
            argument.help(format!(
                "Wait after {act} failures (default {default:?}), doubled each time"
            ))
        }
        _ => argument,
    }
}

/// How often something is tried again where nothing else is said.
const RETRIES: u32 = 3;
/// The same at a mirror.
const MIRROR_RETRIES: u32 = 1;

impl RegistryOptions {
    /// Where credentials may be: the file that is named, else those in the order in which Podman and then Docker look, and
    /// the programs that the configuration names.
    pub fn auth_files(&self, registries: &Registries) -> AuthFiles {
        let named = self.authfile.clone();
        let named = named
            .or_else(|| CONFIG.get().cloned())
            .or_else(|| variable("REGISTRY_AUTH_FILE").map(PathBuf::from))
            .or_else(|| variable("DOCKER_CONFIG").map(|directory| config_in(&directory)));
        let paths = named.map_or_else(auth_paths, |path| vec![path]);
        AuthFiles {
            paths,
            helpers: registries.helpers.clone(),
        }
    }

    /// A file that is named has to be there; one that the environment names does not.
    pub fn check_authfile(&self) -> anyhow::Result<()> {
        match &self.authfile {
            Some(path) if !path.exists() => bail!(
                "credential file is not accessible: faccessat {}: no such file or directory",
                path.display()
            ),
            _ => Ok(()),
        }
    }

    /// The same options for a mirror: what is about the registry itself is not said of it, but that certificates count.
    fn for_mirror(&self) -> Self {
        Self {
            authfile: self.authfile.clone(),
            cert_dir: None,
            tls_verify: self.tls_verify.filter(|verify| *verify),
        }
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
            proxies: proxies(),
            certificates,
            tls_verify: self.tls_verify,
            credentials: None,
            retries: RETRIES,
            insists: false,
            retry_delay: None,
            tell: Some(report::warn),
            warn: Some(report::keep_warning),
        })
    }
}

impl TransferOptions {
    /// A client for the repository of a reference itself, with the credentials that there are for it: what is pushed goes
    /// to no mirror and nowhere else. Called before the user namespace is entered, where helper programs would not know
    /// their user.
    pub fn client(&self, reference: &Reference) -> anyhow::Result<Client> {
        let registries = configuration::registries()?;
        Ok(Client::new(reference, self.own_settings(reference, &registries)?))
    }

    /// A client for what concerns a registry as a whole.
    pub fn registry_client(&self, domain: &str, registries: &Registries) -> anyhow::Result<Client> {
        // What is configured for a registry is found by the name of a repository in it.
        let reference: Reference = format!("{domain}/search").parse()?;
        let settings = self.own_settings(&reference, registries)?;
        Ok(Client::for_registry(domain, "", settings))
    }

    /// The surroundings for a registry by its own name, wherever its images are fetched from.
    fn own_settings(&self, reference: &Reference, registries: &Registries) -> anyhow::Result<Settings> {
        let own = registries.endpoints(reference)?.pop();
        let own = Endpoint {
            reference: reference.clone(),
            insecure: own.is_some_and(|own| own.insecure),
            is_mirror: false,
        };
        self.settings(&own, registries)
    }

    /// The way to one place.
    fn source(
        &self,
        endpoint: Endpoint,
        registries: &Registries,
        signed: &RegistriesD,
    ) -> anyhow::Result<Source> {
        let settings = self.settings(&endpoint, registries)?;
        Ok(Source {
            client: Client::new(&endpoint.reference, settings),
            attachments: signed.attachments(&endpoint.reference),
            reference: endpoint.reference,
        })
    }

    fn settings(&self, endpoint: &Endpoint, registries: &Registries) -> anyhow::Result<Settings> {
        let options = match endpoint.is_mirror {
            true => self.registry.for_mirror(),
            false => self.registry.clone(),
        };
        let mut settings = options.settings(endpoint.reference.domain())?;
        if endpoint.insecure {
            settings.tls_verify.get_or_insert(false);
        }
        self.registry.check_authfile()?;
        settings.credentials = match &self.creds {
            Some(text) if !endpoint.is_mirror => {
                Some(Credentials::parse(text).context("invalid --creds: it is written USER:PASSWORD")?)
            }
            _ => options.auth_files(registries).find(&endpoint.reference)?,
        };
        settings.retries = self.retry.unwrap_or(RETRIES);
        settings.insists = self.retry.is_some();
        // There is another place to ask.
        if endpoint.is_mirror {
            settings.retries = settings.retries.min(MIRROR_RETRIES);
        }
        settings.retry_delay = match &self.retry_delay {
            // In Go's words, which scripts look for.
            Some(text) => Some(duration(text).with_context(|| format!("time: invalid duration {text:?}"))?),
            None => None,
        };
        Ok(settings)
    }
}

/// An image that a name may mean, with the places from which it may come, the registry itself last.
pub struct Candidate {
    pub reference: Reference,
    pub sources: Vec<Source>,
    /// The signatures that it must have.
    pub demand: Demand,
}

impl Candidate {
    /// The registry itself.
    pub fn own(&self) -> anyhow::Result<&Source> {
        self.sources.last().context("an image has a registry")
    }

    /// The same repository with another tag, which the configuration may forbid.
    pub fn retag(&mut self, tag: &str, remote: &Remote<'_>) -> anyhow::Result<()> {
        self.reference = self.reference.with_tag(tag)?;
        (self.demand, _) = remote.permit(&self.reference)?;
        let signed = remote.signed(&self.demand)?;
        for source in &mut self.sources {
            source.reference = source.reference.with_tag(tag)?;
            source.attachments = signed.attachments(&source.reference);
        }
        Ok(())
    }
}

/// The first image that is here already.
pub fn find_first<'a>(
    store: &Store,
    mut names: impl Iterator<Item = &'a Reference>,
) -> Result<Option<Found>, FindError> {
    let found = names.find_map(|name| match find(store, &name.to_string()) {
        Err(FindError::Missing(_)) => None,
        result => Some(result),
    });
    found.transpose()
}

/// What decides about images that are to be fetched.
pub struct Remote<'a> {
    transfer: &'a TransferOptions,
    registries: Rc<Registries>,
    policy: Rc<Policy>,
    /// Read where signatures are asked for.
    signed: OnceCell<RegistriesD>,
}

impl<'a> Remote<'a> {
    /// Reads the files of configuration.
    pub fn new(transfer: &'a TransferOptions) -> anyhow::Result<Self> {
        Ok(Self {
            transfer,
            registries: configuration::registries()?.into(),
            policy: configuration::policy(transfer.signature_policy.as_deref())?.into(),
            signed: OnceCell::new(),
        })
    }

    /// The same files with other options, which name the same policy.
    pub fn with<'b>(&self, transfer: &'b TransferOptions) -> Remote<'b> {
        Remote {
            transfer,
            registries: Rc::clone(&self.registries),
            policy: Rc::clone(&self.policy),
            signed: self.signed.clone(),
        }
    }

    /// A client for the registry that the name says.
    pub fn own_client(&self, reference: &Reference) -> anyhow::Result<Client> {
        let settings = self.transfer.own_settings(reference, &self.registries)?;
        Ok(Client::new(reference, settings))
    }

    /// The images that a name may mean.
    pub fn names(&self, reference: &Reference) -> anyhow::Result<Vec<Reference>> {
        Ok(self.registries.resolve(reference)?)
    }

    /// The same images with the ways to them, as far as the policy lets them in. Called before the user namespace is
    /// entered: helper programs for credentials would not know their user there.
    pub fn candidates(&self, reference: &Reference) -> anyhow::Result<Vec<Candidate>> {
        let names = self.names(reference)?.into_iter();
        names.map(|name| self.candidate(name)).collect()
    }

    /// The places of an image that may come in, and the signatures that it must have.
    fn permit(&self, reference: &Reference) -> anyhow::Result<(Demand, Vec<Endpoint>)> {
        let demand = self
            .policy
            .check(Origin::Registry(reference), &reference.to_string())?;
        Ok((demand, self.registries.endpoints(reference)?))
    }

    /// Who keeps signatures, where any are asked for.
    fn signed(&self, demand: &Demand) -> anyhow::Result<Cow<'_, RegistriesD>> {
        if demand.is_empty() {
            return Ok(Cow::Owned(RegistriesD::default()));
        }
        if let Some(signed) = self.signed.get() {
            return Ok(Cow::Borrowed(signed));
        }
        let signed = configuration::registries_d()?;
        Ok(Cow::Borrowed(self.signed.get_or_init(|| signed)))
    }

    fn candidate(&self, reference: Reference) -> anyhow::Result<Candidate> {
        let (demand, endpoints) = self.permit(&reference)?;
        let signed = self.signed(&demand)?;
        let sources = endpoints
            .into_iter()
            .map(|endpoint| self.transfer.source(endpoint, &self.registries, &signed));
        Ok(Candidate {
            sources: sources.collect::<anyhow::Result<_>>()?,
            demand,
            reference,
        })
    }
}

/// Does something with the candidates of a short name until one registry has it. Only one that says that it has no such
/// image leads to the next: who keeps us from a registry does not choose another for us.
pub fn first_of<'c, T>(
    candidates: &'c [Candidate],
    mut act: impl FnMut(&'c Candidate) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut missing = Vec::new();
    for candidate in candidates {
        match act(candidate) {
            Err(error) if candidates.len() > 1 && is_missing(&error) => {
                missing.push(report::sentence(&error))
            }
            result => return result,
        }
    }
    bail!("{}", missing.join("; "))
}

fn is_missing(error: &anyhow::Error) -> bool {
    // Registries deny what is not there to whom they do not know.
    matches!(
        error.downcast_ref(),
        Some(RegistryError::Missing { .. } | RegistryError::Denied { .. })
    )
}

/// Pulls the first of the candidates for a name that there is; gives what it is called as well.
pub fn pull_first<'c>(
    store: &Store,
    unpack: &UnpackOptions,
    candidates: &'c [Candidate],
    written: &Reference,
    platform: &Platform,
    progress: How,
    quiet: bool,
) -> anyhow::Result<(&'c Reference, Pulled)> {
    let pulled = first_of(candidates, |candidate| {
        let display = Display::new(progress, quiet);
        tell_resolved(written, &candidate.reference, &display);
        let wish = Wish {
            reference: &candidate.reference,
            platform,
            unpack: unpack.clone(),
            demand: &candidate.demand,
        };
        let pulled = pull_and_tell(store, &candidate.sources, &wish, &display)?;
        Ok((&candidate.reference, pulled))
    });
    record_pull(
        store,
        &written.as_written(),
        pulled.as_ref().map(|(_, pulled)| pulled.id),
    );
    pulled
}

/// Records that an image was pulled, or why not, by what was typed.
pub fn record_pull(store: &Store, written: &str, pulled: Result<Digest, &anyhow::Error>) {
    store.tell([match pulled {
        Ok(id) => events::Event::image("pull", &id.hex(), written),
        Err(error) => {
            events::Event::image("pull-error", "", written).with("error", format_args!("{error:#}"))
        }
    }]);
}

/// Tells what a short name was taken for, where that is not what it means without configuration.
fn tell_resolved(written: &Reference, candidate: &Reference, display: &Display) {
    if let Some(short) = written.short()
        && written.name() != candidate.name()
    {
        display.say(&format!("Resolved {short:?} to {candidate} (registries.conf)"));
    }
}

/// Pulls an image and tells what Docker tells.
fn pull_and_tell(
    store: &Store,
    sources: &[Source],
    wish: &Wish<'_>,
    display: &Display,
) -> anyhow::Result<Pulled> {
    let reference = wish.reference;
    let tag = match (reference.tag(), reference.digest()) {
        (Some(tag), _) => tag.to_owned(),
        (None, Some(digest)) => digest.to_string(),
        (None, None) => "latest".to_owned(),
    };
    let tell = |event: Event<'_>| match event {
        Event::Found => display.say(&format!("{tag}: Pulling from {}", reference.path())),
        Event::Failed { host, reason } => {
            display.warn(&format!("the mirror {host} is passed over: {reason}"));
        }
        Event::Waiting => display.say("another process pulls the same image: waiting for it"),
        Event::Layer(digest, progress) => {
            let (status, stage) = match progress {
                Progress::Exists => ("Already exists", Stage::Done),
                Progress::Begun => ("Pulling fs layer", Stage::Waiting),
                Progress::Received(at, size) => ("Downloading", Stage::Moving(at, size)),
                Progress::Complete => ("Download complete", Stage::Done),
            };
            display.layer(digest, status, stage);
        }
    };
    let pulled =
        pull::pull(store, sources, wish, &tell).with_context(|| format!("cannot pull {reference}"))?;
    // Before a container of it runs, perhaps for long.
    report::tell_warnings();
    display.say(&format!("Digest: {}", pulled.digest));
    let familiar = reference.familiar();
    display.say(&match pulled.is_new {
        true => format!("Status: Downloaded newer image for {familiar}"),
        false => format!("Status: Image is up to date for {familiar}"),
    });
    Ok(pulled)
}

fn auth_paths() -> Vec<PathBuf> {
    let mut paths = vec![own_auth_file()];
    paths.extend(config_home().map(|config| config.join("containers/auth.json")));
    paths.extend(docker_config());
    paths
}

/// The file that `login` writes: it vanishes with the session.
fn own_auth_file() -> PathBuf {
    match variable("XDG_RUNTIME_DIR") {
        Some(directory) => PathBuf::from(directory).join("containers/auth.json"),
        None => PathBuf::from(format!("/run/containers/{}/auth.json", user())),
    }
}

/// The file that `--config` means.
static CONFIG: OnceLock<PathBuf> = OnceLock::new();

/// Takes `--config`: credentials are in Docker's file in this directory, and nowhere else.
pub fn use_config(directory: &OsStr) {
    let _ = CONFIG.set(config_in(directory));
}

fn config_in(directory: &OsStr) -> PathBuf {
    Path::new(directory).join("config.json")
}

/// Docker's own file.
pub fn docker_config() -> Option<PathBuf> {
    match CONFIG.get() {
        Some(path) => Some(path.clone()),
        None => match variable("DOCKER_CONFIG") {
            Some(directory) => Some(config_in(&directory)),
            None => Some(home().ok()?.join(".docker/config.json")),
        },
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
