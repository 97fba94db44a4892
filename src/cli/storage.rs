//! storage.conf (containers-storage.conf(5)), which is about Podman's stores. Ours lies elsewhere and stays there; what the
//! file says of further stores for reading counts for us, and `info` tells what does not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

/// The key that counts.
const ADDITIONAL: &str = "additionalimagestores";

/// What all files together say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storage {
    /// The files, in their order.
    pub files: Vec<PathBuf>,
    /// Stores whose images are used as well.
    pub additional: Vec<PathBuf>,
    /// Keys that are set and mean nothing here.
    pub ignored: BTreeSet<String>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: line {line}: {problem}", file.display())]
pub struct StorageError {
    file: PathBuf,
    line: usize,
    problem: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    storage: toml::Table,
}

/// The only part whose places in the file are told.
#[derive(Deserialize, Default)]
struct Known {
    #[serde(default)]
    storage: KnownStorage,
}

#[derive(Deserialize, Default)]
struct KnownStorage {
    #[serde(default)]
    options: KnownOptions,
}

#[derive(Deserialize, Default)]
struct KnownOptions {
    additionalimagestores: Option<Vec<Spanned<PathBuf>>>,
}

impl Storage {
    /// Reads one more file, which counts more than those before it; only for the stores that it names. Every command does
    /// that, and most files name none.
    pub fn add_stores(&mut self, file: &Path, text: &str) -> Result<(), StorageError> {
        let mut lines = text.lines().map(str::trim_start);
        if !lines.any(|line| !line.starts_with('#') && line.contains(ADDITIONAL)) {
            return Ok(());
        }
        let known: Known = parse(file, text)?;
        if let Some(stores) = known.storage.options.additionalimagestores {
            for store in &stores {
                if !store.get_ref().is_absolute() {
                    let problem = format!("{:?} is no absolute path", store.get_ref());
                    return Err(StorageError::new(file, text, store.span().start, problem));
                }
            }
            self.additional = stores.into_iter().map(Spanned::into_inner).collect();
        }
        Ok(())
    }

    /// Reads one more file, which counts more than those before it.
    pub fn add(&mut self, file: &Path, text: &str) -> Result<(), StorageError> {
        self.add_stores(file, text)?;
        let whole: File = parse(file, text)?;
        note(&whole.storage, "", &mut self.ignored);
        self.files.push(file.to_owned());
        Ok(())
    }
}

impl StorageError {
    /// For what stands at this byte of the text.
    fn new(file: &Path, text: &str, at: usize, problem: String) -> Self {
        Self {
            file: file.to_owned(),
            line: text.get(..at).unwrap_or(text).matches('\n').count() + 1,
            problem,
        }
    }
}

fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, StorageError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        StorageError::new(file, text, at, error.message().replace('\n', " "))
    })
}

/// Notes the keys that are set to something and are not honoured.
fn note(table: &toml::Table, prefix: &str, ignored: &mut BTreeSet<String>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        let is_empty = match value {
            toml::Value::Table(inner) => {
                let prefix = match name.as_str() {
                    "options" => String::new(),
                    _ => format!("{name}."),
                };
                note(inner, &prefix, ignored);
                true
            }
            toml::Value::String(text) => text.is_empty(),
            toml::Value::Array(items) => items.is_empty(),
            _ => false,
        };
        // Ours is an overlay store as well.
        let is_honoured = name == ADDITIONAL || name == "driver" && value.as_str() == Some("overlay");
        if !is_empty && !is_honoured {
            ignored.insert(name);
        }
    }
}

/// What `--storage-driver` and `--storage-opt` come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub additional: Vec<PathBuf>,
    /// What whoever gave them should know.
    pub notices: Vec<String>,
}

/// Podman's drivers for which a script may ask; the first two are what we are.
const DRIVERS: [&str; 5] = ["overlay", "overlay2", "vfs", "btrfs", "zfs"];
/// Options of its drivers that change how its files are made or mounted, and no result that we promise.
const WITHOUT_EFFECT: &str = "mount_program mountopt ignore_chown_errors skip_mount_home inodes force_mask use_composefs sync \
                              min_space fsname metacopy override_kernel_check disable-volatile pull_options";
/// Options that bound what a container may write.
const BOUNDS: &str = "size quota";

/// Reads `--storage-driver` and each `--storage-opt`, whose key may begin with the name of a driver.
pub fn options(driver: Option<&str>, given: &[String]) -> anyhow::Result<Options> {
    let mut options = Options::default();
    if let Some(driver) = driver {
        if !DRIVERS.contains(&driver) {
            bail!(
                "invalid --storage-driver {driver:?}: there are {}",
                DRIVERS.join(", ")
            );
        }
        if !driver.starts_with("overlay") {
            let notice = format!("--storage-driver {driver} is not used: the store is like overlay");
            options.notices.push(notice);
        }
    }
    // As Podman: an empty one takes back what storage.conf has, of which there is nothing here.
    for text in given.iter().filter(|text| !text.is_empty()) {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("invalid --storage-opt {text:?}: it is written KEY=VALUE"))?;
        let name = match key.split_once('.') {
            Some((driver, name)) if DRIVERS.contains(&driver) => name,
            _ => key,
        };
        let is_of = |names: &str| names.split_whitespace().any(|known| known == name);
        match name {
            "imagestore" | "additionalimagestore" => {
                for store in value.split(',').filter(|store| !store.is_empty()) {
                    if !Path::new(store).is_absolute() {
                        bail!("--storage-opt {text}: {store:?} is no absolute path");
                    }
                    options.additional.push(store.into());
                }
            }
            _ if is_of(WITHOUT_EFFECT) => {}
            _ if is_of(BOUNDS) => {
                let notice =
                    format!("--storage-opt {text} is not used: what containers write is not bounded");
                options.notices.push(notice);
            }
            _ => bail!("unknown --storage-opt {key:?}"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Storage, StorageError> {
        let mut storage = Storage::default();
        for text in texts {
            storage.add(Path::new("/f"), text)?;
        }
        Ok(storage)
    }

    #[test]
    fn later_files_count_more_and_what_is_ignored_is_known() {
        let first = "[storage]\ndriver = \"overlay\"\ngraphroot = \"/g\"\nrunroot = \"\"\n\
                     [storage.options]\nadditionalimagestores = [\"/a\", \"/b\"]\nsize = \"\"\n\
                     [storage.options.overlay]\nmountopt = \"nodev\"\n";
        let storage = read(&[first]).unwrap();
        assert_eq!(storage.additional, [Path::new("/a"), Path::new("/b")]);
        assert_eq!(
            storage.ignored.iter().map(String::as_str).collect::<Vec<_>>(),
            ["graphroot", "overlay.mountopt"]
        );
        let storage = read(&[first, "[storage.options]\nadditionalimagestores = []\n"]).unwrap();
        assert!(storage.additional.is_empty());
        let storage = read(&[first, "[storage]\ndriver = \"vfs\"\n"]).unwrap();
        assert_eq!((storage.additional.len(), storage.ignored.len()), (2, 3));
    }

    #[test]
    fn files_that_name_no_stores_are_not_read_for_them() {
        for (text, count) in [
            ("broken", 0),
            ("[storage]\n# additionalimagestores = [\n\"/a\"", 0),
            ("[storage.options]\n  additionalimagestores = [\"/a\"]", 1),
            ("storage = { options = { additionalimagestores = [\"/a\"] } }", 1),
            ("storage.options.additionalimagestores = [\"/a\"]", 1),
        ] {
            let mut storage = Storage::default();
            storage.add_stores(Path::new("/f"), text).unwrap();
            assert_eq!(storage.additional.len(), count, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        for (text, line) in [
            ("[storage\n", 1),
            (
                "[storage]\n[storage.options]\nadditionalimagestores = \"/a\"\n",
                3,
            ),
            (
                "[storage.options]\nadditionalimagestores = [\n \"/a\",\n \"b\",\n]\n",
                4,
            ),
            ("storage = 1\n", 1),
        ] {
            let error = read(&[text]).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
        }
    }

    #[test]
    fn options_of_the_command_line_are_taken_as_scripts_give_them() {
        let read = |driver: Option<&str>, given: &[&str]| {
            let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
            options(driver, &given).map_err(|error| error.to_string())
        };
        let words = [
            "overlay.mount_program=/usr/bin/fuse-overlayfs",
            "overlay.mountopt=nodev,metacopy=on",
            "ignore_chown_errors=true",
            "additionalimagestore=/a,/c",
            "overlay.imagestore=/b",
        ];
        let found = read(Some("overlay"), &words).unwrap();
        assert_eq!(
            found.additional,
            [Path::new("/a"), Path::new("/c"), Path::new("/b")]
        );
        assert!(found.notices.is_empty());
        let found = read(Some("vfs"), &["overlay.size=10G"]).unwrap();
        assert_eq!(found.notices.len(), 2, "{found:?}");
        for (driver, word, part) in [
            (Some("floppy"), "size=1", "--storage-driver"),
            (None, "size", "KEY=VALUE"),
            (None, "overlay.colour=red", "overlay.colour"),
            (None, "floppy.size=1", "floppy.size"),
            (None, "additionalimagestore=a", "absolute"),
        ] {
            let error = read(driver, &[word]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
