//! Files of configuration that other tools read too, found where they look for them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::context::{home, user, variable};
use super::settings::Settings;
use super::storage::Storage;
use crate::base::file::read_trusted;
use crate::image::policy::Policy;
use crate::image::registry::Registries;
use crate::image::signature::registries_d::RegistriesD;

/// Most bytes of a file.
const LIMIT: u64 = 4 << 20;
const SYSTEM: &str = "/etc/containers";

/// What registries.conf and its companions say (containers-registries.conf(5) and containers-registries.conf.d(5)).
/// Where the user has a file of its own, those of the machine do not count.
pub fn registries() -> anyhow::Result<Registries> {
    let mut registries = Registries::default();
    let user = config_home().map(|config| config.join("containers"));
    let mut directories = vec![PathBuf::from(SYSTEM).join("registries.conf.d")];
    let own = user.as_ref().map(|user| user.join("registries.conf"));
    if let Some(named) = variable("CONTAINERS_REGISTRIES_CONF") {
        add_named(&mut registries, named.into())?;
    } else if let Some(own) = own
        && add(&mut registries, &own)?
    {
        directories.clear();
    } else {
        add(&mut registries, &Path::new(SYSTEM).join("registries.conf"))?;
    }
    directories.extend(user.map(|user| user.join("registries.conf.d")));
    for directory in directories {
        for path in files(&directory, "conf")? {
            add(&mut registries, &path)?;
        }
    }
    if let Some(named) = variable("CONTAINERS_REGISTRIES_CONF_OVERRIDE") {
        add_named(&mut registries, named.into())?;
    }
    // What Podman learned by asking.
    if let Some(cache) = cache_home() {
        add(&mut registries, &cache.join("containers/short-name-aliases.conf"))?;
    }
    Ok(registries)
}

/// What containers.conf and its companions say: that of the distribution, of the machine, of the user, each with the files
/// beside it, then the modules that were asked for. One that is named instead counts alone, but for modules.
pub fn settings(modules: &[PathBuf]) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    let user = config_home().map(|config| config.join("containers"));
    let places = [
        Some(PathBuf::from("/usr/share/containers")),
        Some(PathBuf::from(SYSTEM)),
        user,
    ];
    let places: Vec<PathBuf> = places.into_iter().flatten().collect();
    if let Some(named) = variable("CONTAINERS_CONF") {
        add_named_settings(&mut settings, named.as_ref())?;
    } else {
        for place in &places {
            add_settings(&mut settings, &place.join("containers.conf"))?;
            for path in files(&place.join("containers.conf.d"), "conf")? {
                add_settings(&mut settings, &path)?;
            }
        }
    }
    for module in modules {
        add_module(&mut settings, module, &places)?;
    }
    if let Some(named) = variable("CONTAINERS_CONF_OVERRIDE") {
        add_named_settings(&mut settings, named.as_ref())?;
    }
    Ok(settings)
}

/// A module, by its path or by its name in one of the directories for them, the user's before the machine's.
fn add_module(settings: &mut Settings, module: &Path, places: &[PathBuf]) -> anyhow::Result<()> {
    if module.is_absolute() {
        return add_named_settings(settings, module);
    }
    for place in places.iter().rev() {
        if add_settings(settings, &place.join("containers.conf.modules").join(module))? {
            return Ok(());
        }
    }
    let module = module.display();
    let directories: Vec<String> = places
        .iter()
        .rev()
        .map(|place| place.display().to_string())
        .collect();
    let directories = directories.join(", ");
    Err(anyhow!(
        "--module={module}: there is no such file in containers.conf.modules of {directories}"
    ))
}

/// A file whose name was given must be there. That there is none at all is said so as well.
fn add_named_settings(settings: &mut Settings, path: &Path) -> anyhow::Result<()> {
    match path == Path::new("/dev/null") || add_settings(settings, path)? {
        true => Ok(()),
        false => Err(missing(path)),
    }
}

/// `false`: there is no such file.
fn add_settings(settings: &mut Settings, path: &Path) -> anyhow::Result<bool> {
    let Some(text) = read_text(path)? else {
        return Ok(false);
    };
    settings.add(path, &text)?;
    Ok(true)
}

/// What is wanted of storage.conf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Which stores are used as well.
    Stores,
    /// And what of the file does not count.
    Whole,
}

/// What storage.conf and its companions say. One file counts, the user's before the machine's before the
/// distribution's, and after it the files of the directories beside them, by name: of two that have the same name the one
/// in the later directory.
pub fn storage(extent: Extent) -> anyhow::Result<Storage> {
    let mut storage = Storage::default();
    let places = [
        Some(PathBuf::from("/usr/share/containers")),
        Some(PathBuf::from(SYSTEM)),
        config_home().map(|config| config.join("containers")),
    ];
    if let Some(named) = variable("CONTAINERS_STORAGE_CONF") {
        let path = PathBuf::from(named);
        return match add_storage(&mut storage, &path, extent)? {
            true => Ok(storage),
            false => Err(missing(&path)),
        };
    }
    let places: Vec<PathBuf> = places.into_iter().flatten().collect();
    for place in places.iter().rev() {
        if add_storage(&mut storage, &place.join("storage.conf"), extent)? {
            break;
        }
    }
    let whose = match user() == 0 {
        true => "storage.rootful.conf.d",
        false => "storage.rootless.conf.d",
    };
    let mut drop_ins = BTreeMap::new();
    for place in &places {
        for directory in ["storage.conf.d", whose] {
            for path in files(&place.join(directory), "conf")? {
                drop_ins.insert(path.file_name().map(ToOwned::to_owned), path);
            }
        }
    }
    for path in drop_ins.values() {
        add_storage(&mut storage, path, extent)?;
    }
    Ok(storage)
}

/// `false`: there is no such file.
fn add_storage(storage: &mut Storage, path: &Path, extent: Extent) -> anyhow::Result<bool> {
    let Some(text) = read_text(path)? else {
        return Ok(false);
    };
    match extent {
        Extent::Stores => storage.add_stores(path, &text)?,
        Extent::Whole => storage.add(path, &text)?,
    }
    Ok(true)
}

/// What policy.json says; where there is none everything may come in.
pub fn policy(named: Option<&Path>) -> anyhow::Result<Policy> {
    match policy_file(named)? {
        Some((path, bytes)) => Ok(Policy::parse(&path, &bytes)?),
        None => Ok(Policy::default()),
    }
}

/// The policy.json that counts, and what stands in it: the one that is named, else the user's, else the machine's.
pub fn policy_file(named: Option<&Path>) -> anyhow::Result<Option<(PathBuf, Vec<u8>)>> {
    if let Some(path) = named {
        let bytes = read(path)?.ok_or_else(|| missing(path))?;
        return Ok(Some((path.to_owned(), bytes)));
    }
    for path in policy_paths() {
        if let Some(bytes) = read(&path)? {
            return Ok(Some((path, bytes)));
        }
    }
    Ok(None)
}

/// Where policy.json may be, the one that counts first.
pub fn policy_paths() -> Vec<PathBuf> {
    let user = config_home().map(|config| config.join("containers/policy.json"));
    let machine = Path::new(SYSTEM).join("policy.json");
    user.into_iter().chain([machine]).collect()
}

/// What the files of registries.d say. Where the user has the directory, that of the machine does not count.
pub fn registries_d() -> anyhow::Result<RegistriesD> {
    let user = config_home().map(|config| config.join("containers/registries.d"));
    let machine = Path::new(SYSTEM).join("registries.d");
    let directory = user.filter(|user| user.exists()).unwrap_or(machine);
    let mut all = RegistriesD::default();
    for path in files(&directory, "yaml")? {
        let Some(text) = read_text(&path)? else { continue };
        all.add(&path, &text)?;
    }
    Ok(all)
}

/// A file whose name was given must be there.
fn add_named(registries: &mut Registries, path: PathBuf) -> anyhow::Result<()> {
    match add(registries, &path)? {
        true => Ok(()),
        false => Err(missing(&path)),
    }
}

/// `false`: there is no such file.
fn add(registries: &mut Registries, path: &Path) -> anyhow::Result<bool> {
    let Some(text) = read_text(path)? else {
        return Ok(false);
    };
    registries.add(path, &text)?;
    Ok(true)
}

fn missing(path: &Path) -> anyhow::Error {
    anyhow!("{}: there is no such file", path.display())
}

fn read_text(path: &Path) -> anyhow::Result<Option<String>> {
    let text = read(path)?.map(String::from_utf8).transpose();
    text.map_err(|_| anyhow!("{} is not UTF-8", path.display()))
}

/// `None`: there is no such file.
pub fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match read_trusted(path, LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The files of a directory whose names have this ending, by name.
fn files(directory: &Path, wanted: &str) -> anyhow::Result<Vec<PathBuf>> {
    let described = || format!("cannot read {}", directory.display());
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(described),
    };
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(described)?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == wanted) && !path.is_dir());
    paths.sort();
    Ok(paths)
}

/// `$XDG_CONFIG_HOME`, else `~/.config`.
pub fn config_home() -> Option<PathBuf> {
    match variable("XDG_CONFIG_HOME") {
        Some(directory) => Some(directory.into()),
        None => Some(home().ok()?.join(".config")),
    }
}

/// Where what can be found out again lies: for the superuser that of the machine.
fn cache_home() -> Option<PathBuf> {
    if user() == 0 {
        return Some("/var/cache".into());
    }
    match variable("XDG_CACHE_HOME") {
        Some(directory) => Some(directory.into()),
        None => Some(home().ok()?.join(".cache")),
    }
}
