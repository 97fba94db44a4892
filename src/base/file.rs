//! Replacing files whole: a reader sees the old content or the new, never half of it.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags};

/// Whether the new content must survive a loss of power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Synced before the rename, and the directory after it.
    Synced,
    /// Left to the kernel: what vanishes with its owner anyway, such as a `--rm` container.
    Transient,
}

/// Replaces the file `name` below `directory` (made with mode 0600) by one that holds `content`.
pub fn replace(directory: impl AsFd, name: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory = directory.as_fd();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut temporary = name.as_os_str().to_owned();
    temporary.push(format!(".new-{}-{number}", std::process::id()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
    let mut file = std::fs::File::from(fd);
    let written = file
        .write_all(content)
        .and_then(|()| match durability {
            Durability::Synced => file.sync_data(),
            Durability::Transient => Ok(()),
        })
        .and_then(|()| Ok(rustix::fs::renameat(directory, &temporary, directory, name)?));
    if let Err(error) = written {
        let _ = rustix::fs::unlinkat(directory, &temporary, AtFlags::empty());
        return Err(error);
    }
    if durability == Durability::Synced {
        // An O_PATH descriptor cannot be synced, so the directory is opened again.
        let readable = rustix::fs::openat(
            directory,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        rustix::fs::fsync(readable)?;
    }
    Ok(())
}

/// The whole of the file `name` below `directory`, refused when it is longer than `limit` bytes
/// or not a regular file.
pub fn read_bounded(directory: impl AsFd, name: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = std::fs::File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    let mut content = Vec::with_capacity(metadata.len().min(limit) as usize + 1);
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("longer than {limit} bytes"),
        ));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &tempfile::TempDir) -> std::fs::File {
        std::fs::File::open(directory.path()).unwrap()
    }

    #[test]
    fn replaces_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        for (content, durability) in [("one", Durability::Synced), ("two", Durability::Transient)] {
            replace(
                open(&directory),
                Path::new("file"),
                content.as_bytes(),
                durability,
            )
            .unwrap();
            assert_eq!(
                std::fs::read_to_string(directory.path().join("file")).unwrap(),
                content
            );
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn reading_is_bounded_and_follows_nothing() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", directory.path().join("link")).unwrap();
        rustix::fs::mkfifoat(open(&directory), "fifo", Mode::RUSR).unwrap();
        assert_eq!(
            read_bounded(open(&directory), Path::new("file"), 5).unwrap(),
            b"12345"
        );
        assert!(read_bounded(open(&directory), Path::new("file"), 4).is_err());
        assert!(read_bounded(open(&directory), Path::new("link"), 9).is_err());
        assert!(read_bounded(open(&directory), Path::new("fifo"), 9).is_err());
    }
}
