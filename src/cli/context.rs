//! What every command is told about its surroundings, read once.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::configuration::{self, Extent};
use super::events::Backend;
use super::lenders::{self, Lenders};
use super::report::{self, debug};
use super::settings::Settings;
use super::{Global, storage};
use crate::base::journal::SOCKET;
use crate::base::timing;
use crate::engine::Engine;
use crate::image::layer::UnpackOptions;
use crate::image::share;
use crate::runtime::rootless::{self, Ids};
use crate::store::Store;
use crate::store::images::Image;
use crate::store::layer::Owners;
use crate::store::recording::Recording;
use crate::store::remote::remote;

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context {
    /// The command line, for `inspect`.
    pub command_line: Vec<OsString>,
    root: Option<OsString>,
    run_root: Option<OsString>,
    events: Option<Backend>,
    /// Stores that the command line names besides those of storage.conf.
    lenders: Vec<PathBuf>,
    /// What containers.conf is added to.
    modules: Vec<PathBuf>,
    settings: OnceCell<Settings>,
    shared: OnceCell<Arc<Vec<Store>>>,
}

impl Context {
    pub fn new(command_line: Vec<OsString>, global: &Global) -> anyhow::Result<Self> {
        let storage = storage::options(global.storage_driver.as_deref(), &global.storage_opt)?;
        storage.notices.iter().for_each(|notice| report::info(notice));
        Ok(Self {
            command_line,
            lenders: storage.additional,
            root: global.root.clone(),
            run_root: global.runroot.clone(),
            events: global.events_backend,
            modules: global.module.iter().map(PathBuf::from).collect(),
            settings: OnceCell::new(),
            shared: OnceCell::new(),
        })
    }

    /// What containers.conf says, read when it is first asked for.
    pub fn settings(&self) -> anyhow::Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = timing::within("configuration", || configuration::settings(&self.modules))?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// The keys that detach: those that are given, else those of containers.conf.
    pub fn detach_keys<'a>(&'a self, given: Option<&'a str>) -> anyhow::Result<Option<&'a str>> {
        match given {
            Some(keys) => Ok(Some(keys)),
            None => Ok(self.settings()?.engine.detach_keys.as_deref()),
        }
    }

    /// Where it is recorded what happens: `--events-backend`, else what containers.conf says, as far as we have it.
    pub fn events(&self) -> anyhow::Result<Backend> {
        match self.events {
            Some(backend) => Ok(backend),
            None => {
                let logger = self.settings()?.engine.events_logger.as_deref();
                Ok(logger.and_then(|logger| logger.parse().ok()).unwrap_or_default())
            }
        }
    }

    /// The same with its place: a journal that is not there is an error where it was asked for on the command line, and
    /// else no reason to record nothing.
    pub fn recording(&self) -> anyhow::Result<Recording> {
        let backend = match self.events()? {
            Backend::Journald if !Path::new(SOCKET).exists() => match self.events {
                Some(_) => bail!("no journal is at {SOCKET}: use --events-backend file"),
                None => Backend::File,
            },
            backend => backend,
        };
        match backend {
            Backend::None => return Ok(Recording::Nothing),
            Backend::Journald => return Ok(Recording::Journal),
            Backend::File => {}
        }
        let engine = &self.settings()?.engine;
        let path = engine
            .events_logfile_path
            .as_deref()
            .filter(|path| !path.is_empty());
        Ok(match path {
            None => Recording::Log,
            Some(path) => Recording::File {
                path: absolute(path.as_ref(), "events_logfile_path")?,
                limit: engine.events_limit()?,
            },
        })
    }

    /// Where the store is: `--root`, else `$XDG_DATA_HOME/coracle`, or `/var/lib/coracle` for the superuser. Where that
    /// is on another machine, `/var/tmp/coracle-UID` on this one.
    pub fn store_path(&self) -> anyhow::Result<PathBuf> {
        if let Some(root) = &self.root {
            return absolute(root, "--root");
        }
        let usual = usual_store()?;
        Ok(match remote(&usual) {
            Some(_) => local_store(),
            None => usual,
        })
    }

    /// Where what may vanish lives: `--runroot`, else `$XDG_RUNTIME_DIR/coracle`, or `/run/coracle` for the superuser.
    pub fn run_path(&self) -> anyhow::Result<PathBuf> {
        if let Some(root) = &self.run_root {
            return absolute(root, "--runroot");
        }
        let user = user();
        if user == 0 {
            return Ok("/run/coracle".into());
        }
        Ok(match variable("XDG_RUNTIME_DIR") {
            Some(directory) => PathBuf::from(directory).join("coracle"),
            None => PathBuf::from(format!("/tmp/coracle-run-{user}")),
        })
    }

    /// The store with those that others share with us, for commands that only look at images; none where nothing was ever
    /// stored or shared.
    pub fn look(&self) -> anyhow::Result<Option<Store>> {
        timing::phase("store");
        let path = self.store_path()?;
        let shared = self.shared(&path)?;
        let store = match shared.is_empty() {
            true => Store::open_existing(&path)?,
            // There is something to see though nothing was ever stored.
            false => Some(Store::open(&path)?),
        };
        timing::phase("command");
        Ok(store.map(|mut store| {
            store.shared = shared;
            store
        }))
    }

    /// The store alone, for commands that only look and need no images.
    pub fn look_alone(&self) -> anyhow::Result<Option<Store>> {
        timing::phase("store");
        let store = Store::open_existing(&self.store_path()?)?;
        timing::phase("command");
        Ok(store)
    }

    /// The engine with the stores that others share with us, for commands that act on images. An ordinary user is in its
    /// user namespace from then on.
    pub fn act(&self) -> anyhow::Result<Engine> {
        // In the user namespace their owners are not known any more.
        let shared = self.shared(&self.store_path()?)?;
        let mut engine = self.act_alone()?;
        engine.store.shared = shared;
        Ok(engine)
    }

    /// The stores that others share with the user of the store at `own`.
    pub fn lenders(&self, own: &Path, extent: Extent) -> anyhow::Result<Lenders> {
        lenders::open(own, &self.lenders, extent)
    }

    /// Adds the stores that others share with us to the superuser's, who knows their owners wherever it is.
    pub fn add_shared(&self, store: &mut Store) -> anyhow::Result<()> {
        store.shared = self.shared(store.path())?;
        Ok(())
    }

    /// The stores that others share with us, opened once.
    fn shared(&self, own: &Path) -> anyhow::Result<Arc<Vec<Store>>> {
        if let Some(shared) = self.shared.get() {
            return Ok(Arc::clone(shared));
        }
        let opened = self.lenders(own, Extent::Stores)?.stores;
        Ok(Arc::clone(self.shared.get_or_init(|| Arc::new(opened))))
    }

    /// The engine, for commands that act and need no images. An ordinary user is in its user namespace from then on.
    pub fn act_alone(&self) -> anyhow::Result<Engine> {
        let path = self.store_path()?;
        // Inside `unshare` we are in the namespace of one store already.
        let is_inside =
            unshared().is_some() && variable(UNSHARED_STORE).is_some_and(|own| path == Path::new(&own));
        if path == local_store() && !path.exists() {
            let usual = usual_store()?;
            let kind = remote(&usual).unwrap_or("another file system");
            report::say(&format!(
                "{} is on {kind}, so images and containers of this machine are kept in {}",
                usual.display(),
                path.display()
            ));
        }
        timing::phase("store");
        let mut engine = match is_inside {
            true => Engine::inherit(&path)?,
            false => Engine::open(&path)?,
        };
        engine.store.recording = self.recording()?;
        debug(|| {
            let ids = match engine.ids() {
                Ids::All => "all ids of the host",
                Ids::Ranges => "the user's own and subordinate ids",
                Ids::Single => "one id: no range of subordinate ids, or no newuidmap",
            };
            format!("store {}, with {ids}", path.display())
        });
        // Jobs and units end with their last process, so nothing of theirs stays for the next command's sake.
        engine.lingers = variable("CI").is_none() && variable("INVOCATION_ID").is_none();
        timing::phase("command");
        Ok(engine)
    }

    /// The engine, for commands that mount for their caller: `command` works in the caller's mount namespace, in which an
    /// ordinary user may mount nothing.
    pub fn act_on_mounts(&self, command: &str) -> anyhow::Result<Engine> {
        if !rootless::is_privileged() {
            bail!(
                "cannot run command \"coracle {command}\" in rootless mode, must execute `coracle unshare` first"
            );
        }
        self.act()
    }

    /// The environment of the caller.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }
}

/// Where the store is unless the command line says otherwise.
fn usual_store() -> anyhow::Result<PathBuf> {
    if user() == 0 {
        return Ok("/var/lib/coracle".into());
    }
    match variable("XDG_DATA_HOME") {
        Some(data) => Ok(PathBuf::from(data).join("coracle")),
        None => Ok(home()?.join(".local/share/coracle")),
    }
}

/// Where it is instead when that is on another machine.
fn local_store() -> PathBuf {
    PathBuf::from(format!("/var/tmp/coracle-{}", user()))
}

/// The variable by which commands inside `unshare` know whose store is meant: there everybody is the superuser.
pub const UNSHARED: &str = "CORACLE_ROOTLESS_UID";

/// The variable with the store whose namespace that is.
pub const UNSHARED_STORE: &str = "CORACLE_ROOTLESS_STORE";

/// The variable with the stores of others that were believed outside.
pub const UNSHARED_LENDERS: &str = "CORACLE_ROOTLESS_LENDERS";

/// The user whose namespace `unshare` has put us in.
pub fn unshared() -> Option<u32> {
    let user = variable(UNSHARED)?.to_str()?.parse().ok()?;
    let is_inside = rustix::process::getuid().is_root() && rootless::mapped() != Ids::All;
    is_inside.then_some(user)
}

/// The user as the host knows him.
pub fn user() -> u32 {
    unshared().unwrap_or_else(|| rustix::process::getuid().as_raw())
}

/// How layers are unpacked for the users that there are.
pub fn unpack_options(engine: &Engine) -> UnpackOptions {
    let owners = match engine.ids() {
        Ids::Single => Owners::Single,
        Ids::All | Ids::Ranges => Owners::AsWritten,
    };
    UnpackOptions {
        owners,
        borrows: !engine.store.shared.is_empty() && engine.mounts_lent_content(),
        ..UnpackOptions::default()
    }
}

/// Sees to it that an image can be used which a store shares with us.
pub fn adopt(engine: &Engine, image: Image) -> anyhow::Result<Image> {
    if share::is_usable(&image) {
        return Ok(image);
    }
    let options = unpack_options(engine);
    if !options.borrows && !engine.store.shared.is_empty() {
        report::say("this kernel or file system cannot mount the content of shared images, so it is copied");
    }
    share::adopt(&engine.store, &options, image)
}

/// An environment variable that is set to something.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The home directory: `$HOME`, else what /etc/passwd says.
pub fn home() -> anyhow::Result<PathBuf> {
    if let Some(home) = variable("HOME") {
        return Ok(home.into());
    }
    let user = user().to_string();
    let accounts =
        std::fs::read_to_string("/etc/passwd").context("HOME is not set, and /etc/passwd cannot be read")?;
    let found = accounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&user.as_str()))
            .then(|| fields.get(5).copied())
            .flatten()
    });
    match found {
        Some(home) if !home.is_empty() => Ok(home.into()),
        _ => bail!("HOME is not set, and user {user} is not in /etc/passwd"),
    }
}

/// `path` below the current directory, when it is relative.
fn absolute(path: &OsStr, what: &str) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("invalid {what} {path:?}"))
}
