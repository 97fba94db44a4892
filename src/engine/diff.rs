//! `diff`: what an image has otherwise than another, and what a container has changed in the files of its image.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use super::spec::INIT_PROGRAM;
use super::{Engine, EngineError, Result, errno, io};
use crate::image::layer::{Change, View, compare};
use crate::store::container::{Container, Root};
use crate::store::images::Image;
use crate::store::locks::Locked;
use crate::store::{Kind, Store};

/// What has files to compare.
pub enum Subject {
    Image(Box<Image>),
    Container(Box<Container>),
}

/// What is made in every container at its start, as a place to mount on. Docker and Podman do not tell of it either.
const PLACES: [&[u8]; 11] = [
    b"/dev",
    b"/etc/hostname",
    b"/etc/hosts",
    b"/etc/resolv.conf",
    b"/proc",
    b"/run",
    b"/run/.containerenv",
    INIT_PROGRAM.as_bytes(),
    b"/run/secrets",
    b"/sys",
    b"/.dockerenv",
];

impl Engine {
    /// What `subject` has otherwise than `base`. Without one it is what `subject` was made of: the layers of an image
    /// but the uppermost, or the image of a container.
    pub fn diff(&self, subject: &Subject, base: Option<&Subject>) -> Result<Vec<Change>> {
        let store = &self.store;
        // Held until all is read; what a container needs is kept by its record.
        let _held = [Some(subject), base]
            .into_iter()
            .flatten()
            .map(|subject| subject.hold(store))
            .collect::<Result<Vec<_>>>()?;
        let (from, to) = match (base, subject) {
            (None, _) => (subject.origin(store)?, subject.view(store)?),
            (Some(base), _) => (base.view(store)?, subject.view(store)?),
        };
        let has_container = [Some(subject), base]
            .into_iter()
            .any(|subject| matches!(subject, Some(Subject::Container(_))));
        let is_told = |path: &[u8]| !(has_container && PLACES.contains(&path));
        compare(&from, &to, &is_told).map_err(|error| EngineError::Refused(error.to_string()))
    }
}

impl Subject {
    fn hold(&self, store: &Store) -> Result<Option<Locked>> {
        match self {
            Self::Image(image) => {
                let id = image.id.hex();
                let held = store.hold(Kind::Images, &id)?;
                let gone = || EngineError::Refused(format!("image {id} was removed meanwhile"));
                held.ok_or_else(gone).map(Some)
            }
            Self::Container(_) => Ok(None),
        }
    }

    fn view(&self, store: &Store) -> Result<View> {
        match self {
            // What stands for layers that are lent to us has no content, and they themselves have no modes: files whose
            // modes alone differ are not told.
            Self::Image(image) => layers(store, &names(image)),
            Self::Container(container) => {
                let mut view = self.origin(store)?;
                let upper = store.path_of(Kind::Containers, &container.id).join("upper");
                cover(&mut view, &upper)?;
                Ok(view)
            }
        }
    }

    /// What it was made of.
    fn origin(&self, store: &Store) -> Result<View> {
        match self {
            Self::Image(image) => {
                let mut names = names(image);
                names.pop();
                layers(store, &names)
            }
            Self::Container(container) => match &container.root {
                Root::Image { .. } => {
                    // Uppermost first, and what a fix-up tree says is in the records.
                    let names = container.root.layers().filter(|name| !name.ends_with(".fix"));
                    let mut names: Vec<String> = names.map(str::to_owned).collect();
                    names.reverse();
                    layers(store, &names)
                }
                Root::Directory { path, overlay: true } => {
                    let mut view = layers(store, &[])?;
                    cover(&mut view, path.as_path())?;
                    Ok(view)
                }
                Root::Directory { overlay: false, .. } => Err(EngineError::Refused(format!(
                    "container {} works in a directory of its user's, and nobody knows what was in it before",
                    container.name
                ))),
            },
        }
    }
}

/// The directories of an image's layers, bottom first.
fn names(image: &Image) -> Vec<String> {
    image.layers.iter().map(|layer| layer.diff_id.hex()).collect()
}

fn layers(store: &Store, names: &[String]) -> Result<View> {
    let open = |name: &String| store.layer(name);
    let directories: Vec<OwnedFd> = names.iter().map(open).collect::<std::result::Result<_, _>>()?;
    let borrowed: Vec<_> = directories.iter().map(AsFd::as_fd).collect();
    View::of_layers(&borrowed).map_err(io("cannot read the layers"))
}

fn cover(view: &mut View, tree: &std::path::Path) -> Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let what = || format!("cannot read {}", tree.display());
    let opened = rustix::fs::open(tree, flags, Mode::empty()).map_err(errno(what()))?;
    view.cover(opened).map_err(io(what()))
}
