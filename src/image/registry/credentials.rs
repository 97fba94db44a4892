//! Who we are to a registry: containers-auth.json(5), Docker's config.json, and the helper programs that both name.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::HUB_SERVER;
use super::config::AUTH_FILES;
use crate::base::file::{self, Durability};
use crate::image::reference::{HUB, HUB_OLD, Reference};

/// Most bytes of a file of credentials, or of a helper's answer.
const LIMIT: u64 = 8 << 20;
/// The key under which Docker keeps what is for Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// The user name by which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// What proves who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    Password {
        user: String,
        password: String,
    },
    /// An identity token, from which tokens are made (OAuth refresh token).
    Identity(String),
}

/// Secrets are not printed.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => write!(formatter, "Password({user:?}, …)"),
            Self::Identity(_) => formatter.write_str("Identity(…)"),
        }
    }
}

impl Credentials {
    /// `user:password`, as `--creds` has it.
    pub fn parse(text: &str) -> Option<Self> {
        let (user, password) = text.split_once(':')?;
        (!user.is_empty()).then(|| Self::Password {
            user: user.into(),
            password: password.into(),
        })
    }
}

/// Where credentials may be.
#[derive(Debug, Clone, Default)]
pub struct AuthFiles {
    /// The first one first. The first is the one that is written.
    pub paths: Vec<PathBuf>,
    /// Programs for all registries as registries.conf names them, where [`AUTH_FILES`] stands for the files; none: the
    /// files alone. The first is the one that is told new ones.
    pub helpers: Vec<String>,
}

/// A file of credentials. What we do not know stays as it is.
#[derive(Debug, Default)]
struct AuthFile(Map<String, Value>);

impl AuthFile {
    fn read(path: &Path) -> Result<Self> {
        let bytes = match file::read_trusted(path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Vec::new()
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let read = serde_json::from_slice(&bytes).map(Self);
        // The parser's own words could quote the file.
        read.map_err(|error| {
            anyhow::anyhow!(
                "{} is not JSON: line {}, column {}",
                path.display(),
                error.line(),
                error.column()
            )
        })
    }

    fn map(&self, key: &str) -> Option<&Map<String, Value>> {
        self.0.get(key)?.as_object()
    }

    /// The helper program for a registry: its own, or the one for all. That one may be missing here: it is often in a
    /// file that came from another machine.
    fn helper(&self, registry: &str) -> Option<Helper<'_>> {
        let own = self.map("credHelpers").and_then(|helpers| {
            let mut keys = keys_of(registry).into_iter();
            keys.find_map(|key| helpers.get(key)?.as_str())
        });
        let all = || self.0.get("credsStore")?.as_str();
        let name = own.or_else(all).filter(|name| !name.is_empty())?;
        Some(Helper {
            name,
            may_be_missing: own.is_none(),
        })
    }

    /// The entry for the longest beginning of `registry/repository`.
    fn entry(&self, registry: &str, repository: &str) -> Option<&Value> {
        let auths = self.map("auths")?;
        let full = format!("{registry}/{repository}");
        let mut scope = full.as_str();
        while let Some((shorter, _)) = scope.rsplit_once('/') {
            if let Some(entry) = auths.get(scope) {
                return Some(entry);
            }
            scope = shorter;
        }
        let host = keys_of(registry).into_iter().find_map(|key| auths.get(key));
        // Older files name registries by whole URLs.
        host.or_else(|| {
            let mut entries = auths.iter();
            entries.find_map(|(key, entry)| (url_host(key)? == registry).then_some(entry))
        })
    }
}

/// The names under which a registry may stand in a file.
fn keys_of(registry: &str) -> Vec<&str> {
    match registry {
        HUB => vec![HUB, HUB_KEY, HUB_OLD, HUB_SERVER],
        other => vec![other],
    }
}

fn url_host(key: &str) -> Option<&str> {
    let rest = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))?;
    rest.split('/').next()
}

fn decode(entry: &Value) -> Result<Option<Credentials>> {
    let text = |key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(token) = text("identitytoken") {
        return Ok(Some(Credentials::Identity(token.to_owned())));
    }
    if let Some(auth) = text("auth") {
        let decoded = BASE64
            .decode(auth)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(found) = decoded
            .as_deref()
            .map(|text| text.trim_end_matches('\0'))
            .and_then(Credentials::parse)
        else {
            bail!("its entry is not user:password in base64");
        };
        return Ok(Some(found));
    }
    Ok(text("username")
        .zip(text("password"))
        .map(|(user, password)| Credentials::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        }))
}

impl AuthFiles {
    /// What is kept for a repository, from the first file that has something.
    pub fn find(&self, reference: &Reference) -> Result<Option<Credentials>> {
        self.find_for(reference.domain(), reference.path())
    }

    /// What is kept for a registry, or more exactly for a repository in it.
    pub fn find_for(&self, registry: &str, repository: &str) -> Result<Option<Credentials>> {
        for keeper in self.keepers() {
            let found = match keeper {
                Some(helper) => ask_helper(helper, registry).with_context(|| registry.to_owned())?,
                None => self.find_in_files(registry, repository)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Who keeps credentials, in order; `None` is the files.
    fn keepers(&self) -> impl Iterator<Item = Option<Helper<'_>>> {
        let files = self.helpers.is_empty().then_some(None);
        let named = self.helpers.iter().map(|name| {
            (name != AUTH_FILES).then_some(Helper {
                name,
                may_be_missing: true,
            })
        });
        named.chain(files)
    }

    fn find_in_files(&self, registry: &str, repository: &str) -> Result<Option<Credentials>> {
        for path in &self.paths {
            let file = AuthFile::read(path)?;
            let described = || format!("{}: {registry}", path.display());
            if let Some(helper) = file.helper(registry)
                && let Some(found) = ask_helper(helper, registry).with_context(described)?
            {
                return Ok(Some(found));
            }
            if let Some(entry) = file.entry(registry, repository)
                && let Some(found) = decode(entry).with_context(described)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Keeps a password in the first file, or with the helper that it or the configuration names. Gives the path if it
    /// is now readable there by whoever can read the file.
    pub fn keep(&self, key: &str, user: &str, password: &str) -> Result<Option<PathBuf>> {
        let path = self.first()?;
        let file = AuthFile::read(path)?;
        let named = self.keepers().next().flatten();
        if let Some(helper) = named.or_else(|| file.helper(key)) {
            let given = json!({"ServerURL": helper_key(key), "Username": user, "Secret": password});
            run_helper(helper, "store", given.to_string().as_bytes())?;
            return Ok(None);
        }
        change(path, |root| {
            let auths = root.entry("auths").or_insert_with(|| Value::Object(Map::new()));
            let auths = auths.as_object_mut().context("\"auths\" in it is no object")?;
            auths.insert(
                key.to_owned(),
                json!({"auth": BASE64.encode(format!("{user}:{password}"))}),
            );
            Ok(())
        })?;
        Ok(Some(path.clone()))
    }

    fn first(&self) -> Result<&PathBuf> {
        self.paths.first().context("there is no file for credentials")
    }

    /// Forgets what the first file, or a helper, has under `key`. `false`: nothing.
    pub fn forget(&self, key: &str) -> Result<bool> {
        let path = self.first()?;
        let file = AuthFile::read(path)?;
        let mut found = false;
        for helper in self.keepers().flatten().chain(file.helper(key)) {
            if ask_helper(helper, key)?.is_some() {
                run_helper(helper, "erase", helper_key(key).as_bytes())?;
                found = true;
            }
        }
        let stored = file.map("auths").is_some_and(|auths| auths.contains_key(key));
        if stored {
            change(path, |root| {
                if let Some(auths) = root.get_mut("auths").and_then(Value::as_object_mut) {
                    auths.shift_remove(key);
                }
                Ok(())
            })?;
        }
        Ok(found || stored)
    }

    /// Forgets everything in the first file and with the helpers.
    pub fn forget_all(&self) -> Result<()> {
        let path = self.first()?;
        let file = AuthFile::read(path)?;
        let keys: Vec<String> = file
            .map("auths")
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect();
        for key in keys {
            self.forget(&key)?;
        }
        let of_registries = file.map("credHelpers").into_iter().flatten();
        let of_registries = of_registries.filter_map(|(key, name)| Some((Some(key), name.as_str()?)));
        let of_all = file.0.get("credsStore").and_then(Value::as_str);
        let named = of_registries
            .chain(of_all.map(|name| (None, name)))
            .filter(|(_, name)| !name.is_empty())
            .map(|(key, name)| {
                let helper = Helper {
                    name,
                    may_be_missing: true,
                };
                (key, helper)
            });
        for (only, helper) in named.chain(self.keepers().flatten().map(|helper| (None, helper))) {
            forget_listed(helper, only.map(String::as_str))?;
        }
        Ok(())
    }

    /// A file other than the first that has something under `key`.
    pub fn also_in(&self, key: &str) -> Result<Option<&Path>> {
        for path in self.paths.iter().skip(1) {
            if AuthFile::read(path)?
                .map("auths")
                .is_some_and(|auths| auths.contains_key(key))
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// Changes a file of credentials under a lock that all our processes take; it is replaced whole and readable for its
/// owner alone. Where the name is a link, what it leads to is replaced.
fn change(path: &Path, edit: impl FnOnce(&mut Map<String, Value>) -> Result<()>) -> Result<()> {
    let real = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(_) => path.to_owned(),
    };
    let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
        bail!("{} is no file for credentials", path.display());
    };
    let write = || -> Result<()> {
        std::fs::create_dir_all(parent)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(parent, flags, Mode::empty())?;
        rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive)?;
        let mut file = AuthFile::read(&real)?;
        edit(&mut file.0)?;
        let mut text = serde_json::to_vec_pretty(&file.0)?;
        text.push(b'\n');
        Ok(file::replace(
            &directory,
            Path::new(name),
            &text,
            Durability::Synced,
        )?)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn helper_key(registry: &str) -> &str {
    if registry == HUB { HUB_KEY } else { registry }
}

/// A program `docker-credential-<name>`.
#[derive(Clone, Copy)]
struct Helper<'a> {
    name: &'a str,
    may_be_missing: bool,
}

/// What a helper has for a registry (docker-credential-helpers, "get").
fn ask_helper(helper: Helper<'_>, registry: &str) -> Result<Option<Credentials>> {
    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        username: String,
        #[serde(default)]
        secret: String,
    }
    let Some(output) = run_helper(helper, "get", helper_key(registry).as_bytes())? else {
        return Ok(None);
    };
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| anyhow::anyhow!("docker-credential-{} did not answer in JSON", helper.name))?;
    Ok(match (answer.username.as_str(), answer.secret) {
        (_, secret) if secret.is_empty() => None,
        (TOKEN_USER, secret) => Some(Credentials::Identity(secret)),
        (user, password) => Some(Credentials::Password {
            user: user.to_owned(),
            password,
        }),
    })
}

/// Forgets everything that a helper lists, or only what it has for one registry.
fn forget_listed(helper: Helper<'_>, only: Option<&str>) -> Result<()> {
    let Some(output) = run_helper(helper, "list", b"")? else {
        return Ok(());
    };
    let listed: Map<String, Value> = serde_json::from_slice(&output)
        .map_err(|_| anyhow::anyhow!("docker-credential-{} did not list in JSON", helper.name))?;
    for key in listed.keys() {
        if only.is_none_or(|only| helper_key(only) == key || only == key) {
            run_helper(helper, "erase", key.as_bytes())?;
        }
    }
    Ok(())
}

/// Runs a helper. `None`: it has nothing of that name.
fn run_helper(helper: Helper<'_>, action: &str, input: &[u8]) -> Result<Option<Vec<u8>>> {
    if helper.name.contains('/') {
        bail!("{:?} is not the name of a credential helper", helper.name);
    }
    let program = format!("docker-credential-{}", helper.name);
    let run = || -> io::Result<(Vec<u8>, bool)> {
        let mut child = Command::new(&program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // It is short, so that the pipe takes it whole; a helper that reads nothing is judged by its status.
        let _ = child.stdin.take().expect("piped").write_all(input);
        let mut output = Vec::new();
        child
            .stdout
            .take()
            .expect("piped")
            .take(LIMIT)
            .read_to_end(&mut output)?;
        Ok((output, child.wait()?.success()))
    };
    let (output, is_success) = match run() {
        Err(error)
            if error.kind() == ErrorKind::NotFound
                && helper.may_be_missing
                && matches!(action, "get" | "list") =>
        {
            return Ok(None);
        }
        result => result.with_context(|| format!("cannot run {program}"))?,
    };
    if is_success {
        return Ok(Some(output));
    }
    let said = String::from_utf8_lossy(&output);
    if said.contains("credentials not found") {
        return Ok(None);
    }
    let said: String = said
        .chars()
        .filter(|character| !character.is_control())
        .take(300)
        .collect();
    bail!("{program} {action} failed: {said}")
}

/// Whether a file lies on a disk, where what is in it outlives the session.
pub fn is_on_disk(path: &Path) -> bool {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    const RAMFS_MAGIC: i64 = 0x8584_58f6;
    debug_assert!(!path.as_os_str().as_bytes().is_empty());
    rustix::fs::statfs(path).is_ok_and(|found| !matches!(found.f_type, TMPFS_MAGIC | RAMFS_MAGIC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn files(content: &str) -> (tempfile::TempDir, AuthFiles) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("auth.json");
        std::fs::write(&path, content).unwrap();
        (directory, at(path))
    }

    fn at(path: PathBuf) -> AuthFiles {
        AuthFiles {
            paths: vec![path],
            helpers: Vec::new(),
        }
    }

    fn password(user: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Password {
            user: user.into(),
            password: password.into(),
        })
    }

    fn auth(text: &str) -> String {
        BASE64.encode(text)
    }

    #[test]
    fn the_most_exact_entry_counts() {
        let (_directory, files) = files(&format!(
            r#"{{"auths":{{
                "reg.example":{{"auth":"{}"}},
                "reg.example/team":{{"auth":"{}"}},
                "reg.example/team/app":{{"identitytoken":"t0k"}},
                "https://old.example/v1/":{{"auth":"{}"}},
                "https://index.docker.io/v1/":{{"username":"hub","password":"p"}},
                "localhost:5000":{{"auth":""}}
            }}}}"#,
            auth("a:1"),
            auth("b:2:3"),
            auth("c:4\0"),
        ));
        let find = |registry: &str, repository: &str| files.find_for(registry, repository).unwrap();
        assert_eq!(find("reg.example", "other/app"), password("a", "1"));
        assert_eq!(find("reg.example", "team/x"), password("b", "2:3"));
        assert_eq!(
            find("reg.example", "team/app"),
            Some(Credentials::Identity("t0k".into()))
        );
        assert_eq!(find("reg.example", "teams/app"), password("a", "1"));
        assert_eq!(find("old.example", "x"), password("c", "4"));
        assert_eq!(find("docker.io", "library/alpine"), password("hub", "p"));
        assert_eq!(find("localhost:5000", "x"), None);
        assert_eq!(find("reg.example:443", "x"), None);
    }

    #[test]
    fn broken_files_are_named_and_not_quoted() {
        let (_directory, broken) = files(r#"{"auths": secret}"#);
        let error = format!("{:#}", broken.find_for("reg.example", "x").unwrap_err());
        assert!(
            error.contains("auth.json is not JSON: line 1") && !error.contains("secret"),
            "{error}"
        );
        let (_directory, broken) = files(r#"{"auths":{"reg.example":{"auth":"c2VjcmV0"}}}"#);
        let error = format!("{:#}", broken.find_for("reg.example", "x").unwrap_err());
        assert!(
            error.contains("reg.example") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn keeping_and_forgetting_leave_the_rest_as_it_was() {
        let (directory, files) = files(r#"{"auths":{"one":{"auth":"eA=="}},"HttpHeaders":{"a":"b"}}"#);
        files.keep("two", "me", "pass:word").unwrap();
        assert_eq!(files.find_for("two", "x").unwrap(), password("me", "pass:word"));
        assert!(files.forget("one").unwrap());
        assert!(!files.forget("one").unwrap());
        let path = directory.path().join("auth.json");
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(value["HttpHeaders"]["a"], "b");
        assert_eq!(value["auths"].as_object().unwrap().len(), 1);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_link_to_the_file_stays_one() {
        let (directory, _) = files("{}");
        let link = directory.path().join("link.json");
        std::os::unix::fs::symlink("auth.json", &link).unwrap();
        at(link.clone()).keep("one", "me", "x").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        let text = std::fs::read_to_string(directory.path().join("auth.json")).unwrap();
        assert!(text.contains("\"one\""));
    }

    #[test]
    fn a_file_that_is_not_there_holds_nothing_and_can_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let files = at(directory.path().join("a/b/auth.json"));
        assert_eq!(files.find_for("one", "x").unwrap(), None);
        files.keep("one", "me", "x").unwrap();
        assert_eq!(files.find_for("one", "x").unwrap(), password("me", "x"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = Credentials::Password {
            user: "me".into(),
            password: "hunter2".into(),
        };
        assert!(!format!("{secret:?} {:?}", Credentials::Identity("hunter2".into())).contains("hunter2"));
    }
}
