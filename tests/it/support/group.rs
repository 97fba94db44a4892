//! Control groups of version 2: where the test lives, and a group of its own below.

use std::fs;
use std::path::{Path, PathBuf};

use super::Invocation;
use super::requires::met;

/// A control group of a test's own, in which its commands run and beside which they make those of containers.
pub struct Group(PathBuf);

impl Group {
    /// Root can make one anywhere, a user where he was given the tree.
    pub fn new() -> Result<Self, String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        let mount = mounts
            .lines()
            .filter(|line| line.contains(" - cgroup2 "))
            .find_map(|line| line.split(' ').nth(4))
            .ok_or("no version 2 cgroup tree is mounted")?;
        let own = fs::read_to_string("/proc/self/cgroup").expect("proc is mounted");
        let own = own
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))
            .unwrap_or_default();
        let name = format!(
            "coracle-test-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let group = Self(Path::new(mount).join(own).join(name));
        fs::create_dir(&group.0)
            .and_then(|()| fs::create_dir(group.0.join("own")))
            .map_err(|error| format!("{} cannot be made: {error}", group.0.display()))?;
        Ok(group)
    }

    /// None where there can be no group; that what it is for was not looked at is counted as a skip.
    pub fn if_possible() -> Option<Self> {
        met("cgroup").then(|| Self::new().expect("one was made just now"))
    }

    /// Lets a program run in it; without a group, where it would.
    pub fn enter(group: &Option<Self>, invocation: Invocation) -> Invocation {
        let Some(group) = group else { return invocation };
        let place = group.0.join("own/cgroup.procs");
        invocation.with(|command| {
            use std::os::unix::process::CommandExt;
            // SAFETY: one write, of constant text; the path was made before.
            unsafe { command.pre_exec(move || fs::write(&place, "0")) };
        })
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The groups that others have made in it.
    pub fn others(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("our own group").flatten();
        entries
            .filter(|entry| entry.path().is_dir() && entry.file_name() != "own")
            .map(|entry| entry.path().display().to_string())
            .collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0.join("own"));
        let _ = fs::remove_dir(&self.0);
    }
}
