//! The image `hello` that comes with this program: this program itself as `/hello`, which greets and tells what it
//! sees of its container ([`super::greeting`]) when it is started under that name.
//!
//! The image is made when it is first asked for and is from then on one like all others.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tar::EntryType;

use super::import::publish_single;
use super::layer::UnpackOptions;
use super::platform;
use super::publish::Published;
use super::reference::Reference;
use crate::base::time;
use crate::oci::config::{ContainerConfig, History, ImageConfig};
use crate::store::Store;

/// Its name. Short names find it, but after every image that a user has called `hello`.
pub const HELLO: &str = "localhost/coracle/hello:latest";

/// The name of the program in the image, by which it knows what it is to do.
pub const PROGRAM: &str = "hello";

/// Whether a name that no image of the store has means the one that comes with this program.
pub fn is_hello(text: &str) -> bool {
    let Ok(reference) = text.parse::<Reference>() else {
        return false;
    };
    let Ok(hello) = HELLO.parse::<Reference>() else {
        return false;
    };
    reference.is_end_of(&hello) || reference.or_latest() == hello
}

/// Brings the image into the store; `program` is this program's own file.
pub fn hello(store: &Store, program: &Path, unpack: &UnpackOptions) -> Result<Published> {
    let described = || program.display().to_string();
    let file = File::open(program).with_context(described)?;
    if needs_loader(&file).with_context(described)? {
        bail!(
            "{} is not a static program, so it cannot run in the image {PROGRAM}: use a static build (make)",
            described()
        );
    }
    let metadata = file.metadata()?;
    let config = ImageConfig {
        created: Some(time::rfc3339(metadata.modified()?)),
        config: ContainerConfig {
            cmd: Some(vec![format!("/{PROGRAM}")]),
            env: vec!["PATH=/".into()],
            working_dir: "/".into(),
            ..ContainerConfig::default()
        },
        ..ImageConfig::default()
    };
    let history = History {
        created_by: Some("coracle".into()),
        comment: Some("comes with coracle".into()),
        ..History::default()
    };
    let tar = layer(&file, metadata.len())?;
    let name = HELLO.parse().expect("a name of ours is well formed");
    publish_single(store, tar, config, &platform::host(), history, Some(name), unpack)
}

/// The layer: places to mount on, and the program.
fn layer(program: &File, size: u64) -> Result<impl Read + Send> {
    let mut before = Vec::new();
    for (name, mode) in [
        ("dev/", 0o755),
        ("etc/", 0o755),
        ("proc/", 0o555),
        ("sys/", 0o555),
        ("tmp/", 0o1777),
    ] {
        before.extend_from_slice(header(name, EntryType::Directory, mode, 0)?.as_bytes());
    }
    before.extend_from_slice(header(PROGRAM, EntryType::Regular, 0o755, size)?.as_bytes());
    // The padding of the last member, and the two blocks that end an archive.
    let after = vec![0; (size.next_multiple_of(512) - size) as usize + 1024];
    Ok(io::Cursor::new(before)
        .chain(program.take(size))
        .chain(io::Cursor::new(after)))
}

fn header(name: &str, kind: EntryType, mode: u32, size: u64) -> Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Whether an ELF program names a loader (PT_INTERP, elf(5)), which an image without libraries does not have.
fn needs_loader(program: &File) -> Result<bool> {
    const PT_INTERP: u32 = 3;
    let mut head = [0; 64];
    program.read_exact_at(&mut head, 0)?;
    if head[..4] != *b"\x7fELF" {
        bail!("it is not an ELF program");
    }
    let wide = head[4] == 2;
    // All that we run on is little-endian, as this program itself is.
    let number = |at: usize, length: usize| {
        let bytes = head[at..at + length].iter().rev();
        bytes.fold(0u64, |value, byte| value << 8 | u64::from(*byte))
    };
    let (offset, entry, count) = match wide {
        true => (number(32, 8), number(54, 2), number(56, 2)),
        false => (number(28, 4), number(42, 2), number(44, 2)),
    };
    for index in 0..count {
        let mut kind = [0; 4];
        program.read_exact_at(&mut kind, offset + index * entry)?;
        if u32::from_le_bytes(kind) == PT_INTERP {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::find::find;
    use crate::image::testing::{image, store};

    /// A static program that every test machine has: the shortest one that is a valid ELF head.
    fn static_program(directory: &Path) -> std::path::PathBuf {
        let mut program = vec![0; 300];
        program[..5].copy_from_slice(b"\x7fELF\x02");
        let path = directory.join("program");
        std::fs::write(&path, program).unwrap();
        path
    }

    #[test]
    fn hello_is_an_image_like_others() {
        let (parent, store) = store();
        let program = static_program(parent.path());
        let published = hello(&store, &program, &UnpackOptions::default()).unwrap();
        assert_eq!(
            hello(&store, &program, &UnpackOptions::default()).unwrap(),
            published
        );
        for name in ["hello", "hello:latest", "coracle/hello", HELLO] {
            let found = find(&store, name).unwrap();
            assert_eq!(found.image.id, published.id, "{name}");
        }
        let found = find(&store, "hello").unwrap().image;
        assert_eq!(found.config.cmd, Some(vec!["/hello".into()]));
        let file = store.path().join(&found.lowers()[0]).join("hello");
        assert_eq!(std::fs::read(file).unwrap(), std::fs::read(program).unwrap());
    }

    #[test]
    fn it_gives_way_to_images_of_the_user() {
        let (parent, store) = store();
        hello(&store, &static_program(parent.path()), &UnpackOptions::default()).unwrap();
        for name in [
            "quay.io/project/hello:latest",
            "docker.io/library/hello:latest",
            "localhost/hello:latest",
        ] {
            let own = image(&store, &name.len().to_string()[..1], &[name]);
            assert_eq!(find(&store, "hello").unwrap().image.id, own.id, "{name}");
            store.remove_tag(name, &own.id.hex()).unwrap();
        }
    }

    #[test]
    fn names_that_mean_it() {
        for (text, expected) in [
            ("hello", true),
            ("hello:latest", true),
            ("coracle/hello", true),
            (HELLO, true),
            ("localhost/coracle/hello", true),
            ("hello:1", false),
            ("localhost/hello", false),
            ("docker.io/hello", false),
            ("hello-world", false),
            ("", false),
        ] {
            assert_eq!(is_hello(text), expected, "{text}");
        }
    }

    #[test]
    fn a_dynamic_program_is_refused() {
        let (parent, store) = store();
        // The tests themselves are linked dynamically, or else are static.
        let own = std::env::current_exe().unwrap();
        if needs_loader(&File::open(&own).unwrap()).unwrap() {
            let error = hello(&store, &own, &UnpackOptions::default()).unwrap_err();
            assert!(error.to_string().contains("static"), "{error}");
        }
        let text = parent.path().join("text");
        std::fs::write(&text, [b'x'; 100]).unwrap();
        assert!(hello(&store, &text, &UnpackOptions::default()).is_err());
    }
}
