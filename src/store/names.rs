//! Names of containers: exclusive symbolic links to identifiers.
//!
//! A name is taken before its container is published and given back after it is gone, so it is stale when it leads
//! to a container that is neither published nor being made by a living process. A container that is renamed has both
//! names for a while; the one that its record bears counts, and the other is stale unless somebody holds the container.
//! Stale names are judged and replaced under a bucket lock.

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::container::Container;
use super::locks::Hold;
use super::{Kind, Result, Store, StoreError, VERSION_FILE};

/// Whether `name` may name an object: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, as Docker and Podman have it, and at most
/// 255 bytes, which is what a directory entry can hold.
pub fn is_valid(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

impl Store {
    /// Gives `name` to the container `id`, which the caller holds.
    pub fn take_name(&self, name: &str, id: &str) -> Result<()> {
        let path = format!("{}/{name}", Kind::Names.path());
        let link = || match rustix::fs::symlinkat(id, &self.root, path.as_str()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(self.io(&path, error.into())),
        };
        if link()? {
            return Ok(());
        }
        let _bucket = self.lock_bucket(name)?;
        if let Some(holder) = self.name(name)? {
            // Left by a renaming of the same container that was killed.
            if holder == id {
                return Ok(());
            }
            if self.is_used(name, &holder)? {
                return Err(StoreError::NameInUse {
                    name: name.into(),
                    id: holder,
                });
            }
            self.unlink_name(name)?;
        }
        if link()? {
            return Ok(());
        }
        // Somebody was quicker without needing the bucket lock.
        let id = self.name(name)?.unwrap_or_default();
        Err(StoreError::NameInUse {
            name: name.into(),
            id,
        })
    }

    /// Takes `name` back from `id`. `false`: it belongs to another or to nobody by now.
    pub fn release_name(&self, name: &str, id: &str) -> Result<bool> {
        let _bucket = self.lock_bucket(name)?;
        match self.name(name)? {
            Some(holder) if holder == id => self.unlink_name(name).map(|()| true),
            _ => Ok(false),
        }
    }

    /// The identifier that `name` stands for.
    pub fn name(&self, name: &str) -> Result<Option<String>> {
        if !is_valid(name) {
            return Ok(None);
        }
        let path = format!("{}/{name}", Kind::Names.path());
        match rustix::fs::readlinkat(&self.root, path.as_str(), Vec::new()) {
            Ok(target) => Ok(target.into_string().ok()),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    /// The container that bears `name`: the link leads to it, and it is called so.
    pub fn bearer(&self, name: &str) -> Result<Option<String>> {
        let Some(id) = self.name(name)? else {
            return Ok(None);
        };
        Ok(self.bears(&id, name).then_some(id))
    }

    /// Whether a published container is called `name`. One whose record cannot be read may be, and is told of by whoever
    /// needs the record.
    fn bears(&self, id: &str, name: &str) -> bool {
        match self.container(id) {
            Ok(container) => container.name == name,
            Err(_) => self.object(Kind::Containers, id).is_ok(),
        }
    }

    /// Whether `name`, which leads to the container `id`, is not stale.
    pub fn is_used(&self, name: &str, id: &str) -> Result<bool> {
        if !self.is_kept(id)? {
            return Ok(false);
        }
        if self.bears(id, name) {
            return Ok(true);
        }
        // Who makes or renames it holds it. One that was renamed or made meanwhile is seen by a second look.
        let held = self.try_lock(Kind::Containers, id, Hold::Exclusive)?;
        Ok(if held.is_some() {
            self.bears(id, name)
        } else {
            self.is_kept(id)?
        })
    }

    /// Takes every name but the one that its record bears back from a container that the caller holds.
    pub fn release_others(&self, container: &Container) -> Result<()> {
        for name in self.names(Kind::Names)? {
            if name != container.name && self.name(&name)?.as_ref() == Some(&container.id) {
                self.release_name(&name, &container.id)?;
            }
        }
        Ok(())
    }

    /// Removes names whose containers are gone or have another one.
    pub fn sweep_names(&self) -> Result<()> {
        for name in self.names(Kind::Names)? {
            let Some(id) = self.name(&name)? else { continue };
            if !self.is_used(&name, &id)? {
                let _bucket = self.lock_bucket(&name)?;
                if self.name(&name)?.as_ref() == Some(&id) && !self.is_used(&name, &id)? {
                    self.unlink_name(&name)?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a container is being made, started, renamed or removed, so that the next command finds what is left of
    /// it when whoever does that dies.
    pub fn mark_active(&self, id: &str) -> Result<()> {
        let path = format!("{}/{id}", Kind::Active.path());
        // One more name of a file that is there costs less than a file. Links of one file are limited in number.
        let linked = match rustix::fs::linkat(
            &self.root,
            VERSION_FILE,
            &self.root,
            path.as_str(),
            AtFlags::empty(),
        ) {
            Err(Errno::MLINK | Errno::PERM | Errno::OPNOTSUPP) => {
                rustix::fs::symlinkat(id, &self.root, path.as_str())
            }
            result => result,
        };
        match linked {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    /// Notes that nothing of that kind is going on, or that the end of what was started has been recorded.
    pub fn clear_active(&self, id: &str) -> Result<()> {
        let path = format!("{}/{id}", Kind::Active.path());
        match rustix::fs::unlinkat(&self.root, path.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    fn unlink_name(&self, name: &str) -> Result<()> {
        let path = format!("{}/{name}", Kind::Names.path());
        match rustix::fs::unlinkat(&self.root, path.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    /// Whether the container is published, or being made by a process that lives.
    pub fn is_kept(&self, id: &str) -> Result<bool> {
        let is_there = |kind: Kind| {
            let path = format!("{}/{id}", kind.path());
            rustix::fs::statat(&self.root, path.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
        };
        if !crate::base::id::is_prefix(id) {
            return Ok(false);
        }
        // Staging first: a container that is published between the two looks is seen by the second.
        let is_staged = is_there(Kind::Staging);
        if is_there(Kind::Containers) {
            return Ok(true);
        }
        if is_staged && self.try_lock(Kind::Staging, id, Hold::Exclusive)?.is_none() {
            // Held by its maker, or published or swept since: look once more.
            return Ok(is_there(Kind::Staging) || is_there(Kind::Containers));
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        (parent, store)
    }

    #[test]
    fn valid_names() {
        for name in ["a", "A1_b.c-d", "0"] {
            assert!(is_valid(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "-a",
            "_a",
            "a b",
            "é",
            "a\n",
            &"a".repeat(256),
        ] {
            assert!(!is_valid(name), "{name}");
        }
    }

    #[test]
    fn a_name_has_one_holder() {
        let (_parent, store) = store();
        let one = store.stage(None).unwrap();
        store.take_name("x", one.name()).unwrap();
        let two = store.stage(None).unwrap();
        assert!(matches!(
            store.take_name("x", two.name()),
            Err(StoreError::NameInUse { .. })
        ));
        store.release_name("x", two.name()).unwrap();
        assert_eq!(store.name("x").unwrap().as_deref(), Some(one.name()));
        store.release_name("x", one.name()).unwrap();
        store.take_name("x", two.name()).unwrap();
    }

    #[test]
    fn a_dead_holder_loses_the_name() {
        let (_parent, store) = store();
        let dead = "a".repeat(64);
        std::os::unix::fs::symlink(&dead, store.path_of(Kind::Names, "x")).unwrap();
        std::fs::create_dir(store.path_of(Kind::Staging, &dead)).unwrap();
        let new = store.stage(None).unwrap();
        store.take_name("x", new.name()).unwrap();
        assert_eq!(store.name("x").unwrap().as_deref(), Some(new.name()));
        let id = new.name().to_owned();
        new.publish(Kind::Containers, &id).unwrap();
        store.sweep_names().unwrap();
        assert!(store.name("x").unwrap().is_some());
        store.discard(Kind::Containers, &id).unwrap();
        store.sweep_names().unwrap();
        assert!(store.name("x").unwrap().is_none());
    }

    #[test]
    fn one_of_many_threads_gets_the_name() {
        let (_parent, store) = store();
        let winners = std::sync::atomic::AtomicU32::new(0);
        let staged: Vec<_> = (0..16).map(|_| store.stage(None).unwrap()).collect();
        std::thread::scope(|scope| {
            for staging in &staged {
                scope.spawn(|| {
                    if store.take_name("x", staging.name()).is_ok() {
                        winners.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
    }
}
