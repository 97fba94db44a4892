//! Files of the host that no container may read or change, and the check that none did.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::image::hex;
use super::run::{Outcome, contains};
use super::sandbox::Sandbox;

/// A directory with a secret in it.
pub struct Canary {
    directory: PathBuf,
    token: String,
    before: BTreeMap<PathBuf, Facts>,
}

/// What must stay as it was: mode, owner, size, time of change, and the hash of content or link target.
type Facts = (u32, u32, u32, u64, i64, String);

impl Canary {
    pub fn new(sandbox: &Sandbox) -> Self {
        let directory = sandbox.path("canary");
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the kernel gives random bytes");
        let token = format!("canary-{}", hex(&random));
        fs::create_dir_all(directory.join("dir/below")).expect("make the canary");
        fs::write(directory.join("secret"), &token).expect("write the canary");
        fs::set_permissions(directory.join("secret"), fs::Permissions::from_mode(0o600))
            .expect("our own file");
        fs::write(directory.join("dir/file"), "unchanged").expect("write the canary");
        std::os::unix::fs::symlink("file", directory.join("dir/link")).expect("write the canary");
        let mut before = BTreeMap::new();
        facts(&directory, &mut before);
        Self {
            directory,
            token,
            before,
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn secret(&self) -> PathBuf {
        self.directory.join("secret")
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Nothing changed, and the token is in none of the outputs.
    #[track_caller]
    pub fn check(&self, outcomes: &[&Outcome]) {
        let mut after = BTreeMap::new();
        facts(&self.directory, &mut after);
        assert_eq!(self.before, after, "the canary was changed");
        for outcome in outcomes {
            let found = [&outcome.stdout, &outcome.stderr]
                .iter()
                .any(|bytes| contains(bytes, self.token.as_bytes()));
            assert!(!found, "the canary's secret came out of {outcome}");
        }
    }

    /// The token is in no file below the directory: a container's root, an image's layers.
    #[track_caller]
    pub fn check_absent_below(&self, directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let kind = entry.file_type().expect("listed just now");
            if kind.is_dir() {
                self.check_absent_below(&entry.path());
            } else if kind.is_file() {
                let holds = fs::read(entry.path()).is_ok_and(|bytes| contains(&bytes, self.token.as_bytes()));
                assert!(!holds, "the canary's secret is in {}", entry.path().display());
            }
        }
    }
}

fn facts(path: &Path, found: &mut BTreeMap<PathBuf, Facts>) {
    let meta = fs::symlink_metadata(path).expect("the canary is there");
    let content = if meta.is_dir() {
        String::new()
    } else if meta.is_symlink() {
        hex(fs::read_link(path).expect("a link").as_os_str().as_bytes())
    } else {
        hex(&fs::read(path).expect("the canary is readable"))
    };
    found.insert(
        path.to_path_buf(),
        (
            meta.mode(),
            meta.uid(),
            meta.gid(),
            meta.size(),
            meta.ctime_nsec(),
            content,
        ),
    );
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("the canary is readable").flatten() {
            facts(&entry.path(), found);
        }
    }
}
