//! Where an image is to come from, as the words before a colon say it (containers-transports(5)).
//!
//! ```text
//! [docker://]NAME    oci:DIR[:REF]    oci-archive:FILE[:REF]    docker-archive:FILE[:REF]    dir:DIR
//! containers-storage:NAME    docker-daemon:NAME
//! REF = a name in the archive, or @INDEX, the place in its list
//! ```

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::archive::export::Place;
use super::archive::plan::{Format, Which};

/// Where an image is to come from.
#[derive(Debug, PartialEq)]
pub enum Transport<'a> {
    /// A registry, or the store: a name as Docker has them.
    Name(&'a OsStr),
    Archive(Archive),
    /// The store of another engine.
    Engine(Engine, &'a str),
}

/// An engine that has images of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `containers-storage:`
    Podman,
    /// `docker-daemon:`
    Docker,
}

impl Engine {
    /// The word before the colon.
    pub fn transport(self) -> &'static str {
        match self {
            Self::Podman => "containers-storage",
            Self::Docker => "docker-daemon",
        }
    }
}

/// An archive, and which of its images is meant.
#[derive(Debug, PartialEq)]
pub struct Archive {
    pub place: Place,
    pub path: PathBuf,
    pub format: Format,
    pub which: Which,
}

impl fmt::Display for Archive {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.place {
            Place::Layout => "oci",
            Place::LayoutArchive => "oci-archive",
            Place::DockerArchive => "docker-archive",
            Place::Directory => "dir",
        };
        write!(f, "{word}:{}", self.path.display())?;
        match &self.which {
            Which::Named(name) => write!(f, ":{name}"),
            Which::Index(index) => write!(f, ":@{index}"),
            Which::Only | Which::All => Ok(()),
        }
    }
}

/// Why a place is not to be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error(
        "the transport {0}: is not supported: there are docker://, oci:, oci-archive:, docker-archive:, dir:, \
         containers-storage: and docker-daemon:"
    )]
    Unsupported(&'static str),
    #[error("{0:?} names nothing")]
    NoPath(String),
    #[error("the name of an image in {0:?} is not UTF-8")]
    Name(String),
    #[error("{0:?} is no place in an archive: it is @ and a number from 0 on")]
    Index(String),
}

/// What other tools read images from and we do not. `docker:` alone is none of them: it begins the name of an image.
const UNSUPPORTED: [&str; 4] = ["sif", "tarball", "ostree", "atomic"];

/// What stands before the name of an image that a registry has.
const REGISTRY: &str = "docker://";

/// The name of an image that only its registry is to be asked for.
pub fn at_registry(text: &str) -> Option<&str> {
    text.strip_prefix(REGISTRY)
}

/// A name, whether it is said of it that a registry has it or not.
pub fn name(text: &str) -> &str {
    at_registry(text).unwrap_or(text)
}

/// Reads what a user gives as an image.
pub fn parse(text: &OsStr) -> Result<Transport<'_>, TransportError> {
    let bytes = text.as_bytes();
    if let Some(name) = bytes.strip_prefix(REGISTRY.as_bytes()) {
        return Ok(Transport::Name(OsStr::from_bytes(name)));
    }
    let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
        return Ok(Transport::Name(text));
    };
    let (word, rest) = (&bytes[..colon], &bytes[colon + 1..]);
    let engine = |engine| match std::str::from_utf8(rest) {
        Ok("") => Err(TransportError::NoPath(text.to_string_lossy().into_owned())),
        Ok(name) => Ok(Transport::Engine(engine, name)),
        Err(_) => Err(TransportError::Name(text.to_string_lossy().into_owned())),
    };
    let (place, format) = match word {
        b"oci" => (Place::Layout, Format::Oci),
        b"oci-archive" => (Place::LayoutArchive, Format::Oci),
        b"docker-archive" => (Place::DockerArchive, Format::Docker),
        b"dir" => (Place::Directory, Format::Directory),
        b"containers-storage" => return engine(Engine::Podman),
        b"docker-daemon" => return engine(Engine::Docker),
        _ => {
            return match UNSUPPORTED.iter().find(|name| name.as_bytes() == word) {
                Some(name) => Err(TransportError::Unsupported(name)),
                None => Ok(Transport::Name(text)),
            };
        }
    };
    // A directory of skopeo's holds one image, and its name may hold colons.
    let end = match format {
        Format::Directory => None,
        Format::Oci | Format::Docker => rest.iter().position(|byte| *byte == b':'),
    };
    let (path, name) = match end {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &[][..]),
    };
    let lossy = || text.to_string_lossy().into_owned();
    if path.is_empty() {
        return Err(TransportError::NoPath(lossy()));
    }
    let name = std::str::from_utf8(name).map_err(|_| TransportError::Name(lossy()))?;
    let which = match name.strip_prefix('@') {
        Some(index) => Which::Index(
            index
                .parse()
                .map_err(|_| TransportError::Index(name.to_owned()))?,
        ),
        None if name.is_empty() => Which::Only,
        None => Which::Named(name.to_owned()),
    };
    Ok(Transport::Archive(Archive {
        place,
        path: OsStr::from_bytes(path).into(),
        format,
        which,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let archive = |place, path: &str, format, which| {
            Ok(Transport::Archive(Archive {
                place,
                path: path.into(),
                format,
                which,
            }))
        };
        let name = |name| Ok(Transport::Name(OsStr::new(name)));
        let cases = [
            ("busybox", name("busybox")),
            ("busybox:1", name("busybox:1")),
            ("docker://busybox:1", name("busybox:1")),
            ("docker:dind", name("docker:dind")),
            ("localhost:5000/oci:x", name("localhost:5000/oci:x")),
            ("oci:dir", archive(Place::Layout, "dir", Format::Oci, Which::Only)),
            (
                "oci:/a/b:",
                archive(Place::Layout, "/a/b", Format::Oci, Which::Only),
            ),
            (
                "oci:a:b/c:d",
                archive(Place::Layout, "a", Format::Oci, Which::Named("b/c:d".into())),
            ),
            (
                "oci-archive:a:@2",
                archive(Place::LayoutArchive, "a", Format::Oci, Which::Index(2)),
            ),
            (
                "docker-archive:a.tar:x:1",
                archive(
                    Place::DockerArchive,
                    "a.tar",
                    Format::Docker,
                    Which::Named("x:1".into()),
                ),
            ),
            (
                "dir:a:b",
                archive(Place::Directory, "a:b", Format::Directory, Which::Only),
            ),
            ("containers-storage:x", Ok(Transport::Engine(Engine::Podman, "x"))),
            ("docker-daemon:x:1", Ok(Transport::Engine(Engine::Docker, "x:1"))),
            ("ostree:x", Err(TransportError::Unsupported("ostree"))),
            ("oci:", Err(TransportError::NoPath("oci:".into()))),
            ("oci:a:@x", Err(TransportError::Index("@x".into()))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(OsStr::new(text)), expected, "{text}");
        }
        let path = OsStr::from_bytes(b"dir:\xff");
        let Ok(Transport::Archive(archive)) = parse(path) else {
            panic!("{path:?}")
        };
        assert_eq!(archive.path.as_os_str().as_bytes(), b"\xff");
    }
}
