//! Tags: names of images. One small file per name, which holds the identifier of the image and the name itself.
//!
//! The file's name is the reference with all but harmless bytes escaped (`docker.io%2Flibrary%2Fx%3Alatest`), or its
//! digest where that would be too long for a directory entry. A tag is changed under the bucket lock of its name, by
//! somebody who holds the image it is to name; one that names an image which is gone counts as not there.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::images::{RECORD, image_path};
use super::locks::Locked;
use super::{Kind, Result, Store};
use crate::base::digest::Digest;
use crate::base::file::{self, Durability};

/// The longest file name, with room for the suffix of the temporary file that replaces it.
const NAME_LIMIT: usize = 200;
/// A reference has at most some 640 bytes.
const CONTENT_LIMIT: u64 = 4096;

/// A name and the image it stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// In normalised form.
    pub reference: String,
    /// The hexadecimal digits of the image id.
    pub image: String,
}

impl Store {
    /// Lets `reference` name `image`, and returns the image that it named before.
    /// The caller holds the image, so that it cannot vanish before its name is there.
    pub fn set_tag(&self, reference: &str, image: &str) -> Result<Option<String>> {
        let name = file_name(reference);
        let _bucket = self.lock_bucket(&name)?;
        let before = self.read_tag(&name)?.map(|tag| tag.image);
        if before.as_deref() != Some(image) {
            self.write_tag(&name, reference, image)?;
        }
        Ok(before)
    }

    fn write_tag(&self, name: &str, reference: &str, image: &str) -> Result<()> {
        let content = format!("{image}\n{reference}\n");
        let directory = self.directory(Kind::Tags)?;
        let (file, content) = (Path::new(name), content.as_bytes());
        let mode = self.file_mode();
        file::publish_by(&directory, file, content, mode)
            .and_then(|is_new| match is_new {
                true => Ok(()),
                false => file::replace_by(&directory, file, content, Durability::Synced, mode),
            })
            .map_err(|error| self.io(&tag_path(name), error))
    }

    /// Lets `reference` name `image` if it names none that is here, else gives the one that it names.
    pub fn set_free_tag(&self, reference: &str, image: &str) -> Result<Option<String>> {
        let name = file_name(reference);
        let _bucket = self.lock_bucket(&name)?;
        if let Some(tag) = self.read_tag(&name)?
            && self.image(&tag.image)?.is_some()
        {
            return Ok(Some(tag.image));
        }
        self.write_tag(&name, reference, image)?;
        Ok(None)
    }

    /// Removes a name, if it still names `image`.
    pub fn remove_tag(&self, reference: &str, image: &str) -> Result<bool> {
        let name = file_name(reference);
        let _bucket = self.lock_bucket(&name)?;
        if self.read_tag(&name)?.is_none_or(|tag| tag.image != image) {
            return Ok(false);
        }
        let path = tag_path(&name);
        match rustix::fs::unlinkat(&self.root, path.as_str(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.io(&path, error.into())),
        }
    }

    /// Takes digests that registries gave an image from its record, which the caller holds exclusively.
    pub fn forget_repo_digests(&self, held: &Locked, id: &str, gone: &[String]) -> Result<()> {
        let Some(mut image) = self.own_image(id)? else {
            return Ok(());
        };
        image.repo_digests.retain(|digest| !gone.contains(digest));
        self.write_record(held.as_fd(), &image_path(id), RECORD, &image, Durability::Synced)
    }

    /// The identifier of the image that `reference`, in normalised form, names in this store.
    pub fn own_tag(&self, reference: &str) -> Result<Option<String>> {
        Ok(self.read_tag(&file_name(reference))?.map(|tag| tag.image))
    }

    /// All names, sorted, those of the stores that are shared with us among them; a name of our own hides theirs.
    pub fn tags(&self) -> Result<Vec<Tag>> {
        let mut tags = self.own_tags()?;
        for shared in self.shared.iter() {
            let known: HashSet<String> = tags.iter().map(|tag| tag.reference.clone()).collect();
            let theirs = shared.own_tags()?.into_iter();
            tags.extend(theirs.filter(|tag| !known.contains(&tag.reference)));
        }
        tags.sort();
        Ok(tags)
    }

    /// All names of this store, sorted.
    pub fn own_tags(&self) -> Result<Vec<Tag>> {
        let mut tags = Vec::new();
        for name in self.names(Kind::Tags)? {
            // Unfinished replacements read like tags, but their file has another name than the tag's.
            tags.extend(
                self.read_tag(&name)?
                    .filter(|tag| file_name(&tag.reference) == name),
            );
        }
        tags.sort();
        Ok(tags)
    }

    /// Files among the tags that name nothing.
    pub fn stray_tags(&self) -> Result<Vec<String>> {
        let mut stray = Vec::new();
        for name in self.names(Kind::Tags)? {
            let tag = self.read_tag(&name);
            let is_tag = matches!(&tag, Ok(Some(tag)) if file_name(&tag.reference) == name);
            // A replacement under way ends with its rename, before its lock does.
            let _bucket = match name.split_once(".new-") {
                Some((replaced, _)) => Some(self.lock_bucket(replaced)?),
                None => None,
            };
            if !is_tag && self.tag_file_is_there(&name) {
                stray.push(name);
            }
        }
        Ok(stray)
    }

    fn tag_file_is_there(&self, name: &str) -> bool {
        rustix::fs::statat(&self.root, tag_path(name), AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// A file that does not hold a tag is none: it cannot name anything.
    fn read_tag(&self, name: &str) -> Result<Option<Tag>> {
        let path = tag_path(name);
        let content = match file::read_bounded(&self.root, Path::new(&path), CONTENT_LIMIT) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(&path, error)),
        };
        let text = String::from_utf8_lossy(&content);
        let mut lines = text.lines();
        Ok(match (lines.next(), lines.next()) {
            (Some(image), Some(reference)) if Digest::from_hex(image).is_ok() => Some(Tag {
                reference: reference.into(),
                image: image.into(),
            }),
            _ => None,
        })
    }
}

fn tag_path(name: &str) -> String {
    format!("{}/{name}", Kind::Tags.path())
}

pub(super) fn file_name(reference: &str) -> String {
    let mut name = String::with_capacity(reference.len() + 8);
    for (index, byte) in reference.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || (byte == b'.' && index > 0) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.len() > NAME_LIMIT {
        // A percent sign that no hexadecimal digit follows: never the beginning of an escaped reference.
        name = format!("%sha256-{}", Digest::of(reference.as_bytes()).hex());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const TWO: &str = "f3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn tags_are_set_moved_and_removed() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let long = format!("localhost/{}:x", "a/".repeat(126) + "a");
        for reference in [
            "docker.io/library/x:latest",
            "[::1]:5000/x:1",
            "../../x",
            "x",
            ".",
            &long,
        ] {
            assert_eq!(store.own_tag(reference).unwrap(), None);
            assert_eq!(store.set_tag(reference, ONE).unwrap(), None);
            assert_eq!(store.set_tag(reference, TWO).unwrap().as_deref(), Some(ONE));
            assert_eq!(store.own_tag(reference).unwrap().as_deref(), Some(TWO));
        }
        assert_eq!(store.tags().unwrap().len(), 6);
        assert_eq!(store.tags().unwrap()[0].reference, ".");
        assert!(!store.remove_tag(&long, ONE).unwrap());
        assert!(store.remove_tag(&long, TWO).unwrap());
        assert!(!store.remove_tag(&long, TWO).unwrap());
        assert_eq!(store.tags().unwrap().len(), 5);
    }

    #[test]
    fn what_is_not_a_tag_is_passed_over() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        store.set_tag("localhost/x:1", ONE).unwrap();
        std::fs::write(store.path_of(Kind::Tags, "junk"), "junk").unwrap();
        let half = store.path_of(Kind::Tags, "localhost%2Fx%3A1.new-1-0");
        std::fs::write(half, format!("{TWO}\nlocalhost/x:1\n")).unwrap();
        assert_eq!(store.tags().unwrap().len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn file_names_are_safe_and_differ(one in ".{0,300}", two in ".{0,300}") {
            let name = file_name(&one);
            proptest::prop_assert!(name.len() <= NAME_LIMIT && !name.contains('/') && !name.starts_with('.'));
            proptest::prop_assert_eq!(one == two, name == file_name(&two));
        }
    }
}
