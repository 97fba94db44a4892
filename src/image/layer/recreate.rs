//! Writes a layer's tar again, byte for byte.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;

use super::name::Escaped;
use super::parents::{self, Parents};
use super::split::{Part, SplitReader};
use super::{TREE, read_record};
use crate::base::digest::{Digest, Hashing};

/// Why a tar could not be written again.
#[derive(Debug, thiserror::Error)]
pub enum RecreateError {
    #[error("cannot write the tar: {0}")]
    Output(#[source] io::Error),
    #[error("cannot read {what} of the layer: {source}")]
    Layer { what: &'static str, source: io::Error },
    #[error("layer {diff_id} was changed: {name}: {reason}")]
    Changed {
        diff_id: Digest,
        name: Escaped,
        reason: String,
    },
    #[error("layer {diff_id} was changed: its tar now has the digest {found}")]
    Digest { diff_id: Digest, found: Digest },
}

/// Writes the tar of the layer in the directory `layer` to `out`, and fails at its end if it is not the one that was
/// unpacked. Gives back its length.
pub fn write_tar(layer: BorrowedFd<'_>, out: &mut dyn Write) -> Result<u64, RecreateError> {
    let failed = |what| move |source| RecreateError::Layer { what, source };
    let diff_id = read_record(layer).map_err(failed("the record"))?.diff_id;
    let mut split = SplitReader::open(layer).map_err(failed("the split"))?;
    let mut tree = Parents::new(parents::open_directory(layer, TREE).map_err(failed("the tree"))?);
    let mut out = Hashing::new(out);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let number = match split.part().map_err(failed("the split"))? {
            None => break,
            Some(Part::Raw(bytes)) => {
                out.write_all(bytes).map_err(RecreateError::Output)?;
                continue;
            }
            Some(Part::File { path, size }) => {
                let changed = |reason: String| RecreateError::Changed {
                    diff_id,
                    name: Escaped::new(path),
                    reason,
                };
                let file = open_file(&mut tree, path).map_err(|error| changed(error.to_string()))?;
                let length = file.metadata().map_err(|error| changed(error.to_string()))?.len();
                if length != size {
                    return Err(changed(format!("{length} bytes long instead of {size}")));
                }
                copy(file, size, &mut out, &mut buffer).map_err(|error| match error {
                    Copy::Output(error) => RecreateError::Output(error),
                    Copy::Input(error) => changed(error.to_string()),
                })?;
                continue;
            }
            Some(Part::Displaced { number, size }) => (number, size),
        };
        let content = split.displaced(number.0).map_err(failed("the split"))?;
        copy(content, number.1, &mut out, &mut buffer).map_err(|error| match error {
            Copy::Output(error) => RecreateError::Output(error),
            Copy::Input(error) => failed("the split")(error),
        })?;
    }
    let (_, found, length) = out.finish();
    if found != diff_id {
        return Err(RecreateError::Digest { diff_id, found });
    }
    Ok(length)
}

/// The tar of a layer, to be read: a thread writes it into a pipe, and has ended when this is dropped.
pub struct Recreated {
    pipe: Option<File>,
    writer: Option<JoinHandle<Result<u64, RecreateError>>>,
}

impl Recreated {
    /// Begins with the layer in the directory `layer`.
    pub fn new(layer: BorrowedFd<'_>) -> io::Result<Self> {
        let layer = layer.try_clone_to_owned()?;
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let writer = std::thread::Builder::new()
            .name("recreate".to_owned())
            .spawn(move || write_tar(layer.as_fd(), &mut File::from(writer)))?;
        Ok(Self {
            pipe: Some(reader.into()),
            writer: Some(writer),
        })
    }
}

impl Read for Recreated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(pipe) = &mut self.pipe else { return Ok(0) };
        let length = pipe.read(buffer)?;
        if length > 0 || buffer.is_empty() {
            return Ok(length);
        }
        // The end, or the writer has failed.
        self.pipe = None;
        let ended = self.writer.take().map(JoinHandle::join);
        match ended.map(|ended| ended.expect("panics abort the process")) {
            Some(Err(error)) => Err(io::Error::other(error)),
            _ => Ok(0),
        }
    }
}

impl Drop for Recreated {
    fn drop(&mut self) {
        // A writer whose pipe nobody reads fails.
        self.pipe = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Checks that the layer in the directory `layer` still gives the tar it was unpacked from.
pub fn verify(layer: BorrowedFd<'_>) -> Result<(), RecreateError> {
    write_tar(layer, &mut io::sink()).map(|_| ())
}

pub fn open_file(tree: &mut Parents, path: &[u8]) -> io::Result<File> {
    let (directory, base) = tree.place(path)?;
    // Whatever took the file's place must neither be followed nor block us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(directory.as_fd(), base, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

enum Copy {
    Input(io::Error),
    Output(io::Error),
}

fn copy(mut from: impl Read, size: u64, to: &mut impl Write, buffer: &mut [u8]) -> Result<(), Copy> {
    let mut remaining = size;
    while remaining > 0 {
        let part = remaining.min(buffer.len() as u64) as usize;
        match from.read(&mut buffer[..part]) {
            Ok(0) => return Err(Copy::Input(io::ErrorKind::UnexpectedEof.into())),
            Ok(length) => {
                to.write_all(&buffer[..length]).map_err(Copy::Output)?;
                remaining -= length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Copy::Input(error)),
        }
    }
    Ok(())
}
