//! `export`: the files of a container as an archive.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::monitor::prepare::keep_lent;
use super::{Engine, EngineError, Result, errno};
use crate::image::layer::pack;
use crate::runtime::{overlay, rootfs};
use crate::store::Kind;
use crate::store::container::{Container, Root};
use crate::sys::process::{self, Namespaces};

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Engine {
    /// Writes the files of a container, as its image and it itself have made them; what is mounted in it is not among
    /// them. It may run meanwhile. This process has a mount namespace of its own from then on.
    pub fn export(&self, container: &Container, output: &mut dyn Write) -> Result<()> {
        let id = &container.id;
        let directory = self.store.object(Kind::Containers, id)?;
        // What stores of others lend stays until the archive is written.
        let _lent = keep_lent(container)?;
        // As long as it is mounted: without its undermost directory nothing of an overlay is listed.
        let empty = self.store.stage(None)?;
        let root = self.open_root(container, empty.name())?;
        pack(root.as_fd(), output)
            .map_err(|error| EngineError::Refused(format!("cannot export: {error}")))?;
        // Directories that are removed meanwhile just look empty.
        if !self.store.is_current(Kind::Containers, id, directory.as_fd()) {
            return Err(EngineError::Refused(format!(
                "container {} was removed while it was exported",
                container.name
            )));
        }
        Ok(())
    }

    /// The root directory of a container, where nothing can be written and nothing is mounted. `empty` is a directory in
    /// staging.
    fn open_root(&self, container: &Container, empty: &str) -> Result<OwnedFd> {
        let failed = || errno(format!("files of container {}", container.name));
        let upper = format!("{}/{}/upper", Kind::Containers.path(), container.id);
        let (lowers, data): (Vec<String>, &[String]) = match &container.root {
            Root::Image { lowers, data, .. } => (lowers.clone(), data),
            Root::Directory { path, overlay: true } => {
                let path = path.as_path().to_str().map(str::to_owned);
                (vec![path.ok_or(Errno::ILSEQ).map_err(failed())?], &[])
            }
            Root::Directory { path, overlay: false } => {
                return rustix::fs::open(path.as_path(), DIRECTORY, Mode::empty()).map_err(failed());
            }
        };
        let lowers: Vec<String> = std::iter::once(upper).chain(lowers).collect();
        let empty = format!("{}/{empty}", Kind::Staging.path());
        process::unshare(Namespaces::MOUNT).map_err(errno("cannot make a mount namespace"))?;
        rootfs::isolate().map_err(errno("cannot make mounts private"))?;
        // Relative, as the kernel takes short paths alone, and from where the new namespace has the store: overlayfs takes
        // no directory of another.
        let here = rustix::fs::open(".", DIRECTORY, Mode::empty()).map_err(errno("."))?;
        rustix::process::chdir(self.store.path()).map_err(failed())?;
        let mounted = overlay::mount_read_only(&lowers, data, &empty);
        rustix::process::fchdir(&here).map_err(errno("."))?;
        mounted.map_err(failed())
    }
}
