//! Several parts of one blob at a time: one connection alone is often slower than the line.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Scope;

use super::blob::Part;
use super::sources::{SourcePart, Sources};

/// Bytes of the parts that are asked for one by one, and most that a connection is ahead.
pub const PART: u64 = 8 << 20;
/// Bytes that go from thread to thread at once.
const BLOCK: usize = 256 << 10;

/// Parts of a blob, one after the other, while those that follow arrive over other connections.
///
/// The first part tells whether the registry gives parts at all. One that sends the whole instead is read to its end
/// over the one connection, if the parts are the whole. Otherwise, and where a later part does not come as one, it is an
/// error of the kind `Unsupported`.
pub struct Wide<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sources: &'scope Sources<'scope>,
    /// In the order in which they are read; none of several is empty.
    parts: Vec<Part>,
    /// Where the first part comes from.
    first: SourcePart<'scope>,
    /// What is still to be read of the part at hand, and its place in the list.
    left: u64,
    at: usize,
    connections: usize,
    lanes: Vec<Lane>,
}

/// A thread that fetches every so many parts, and what has come by it.
struct Lane {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    read: usize,
}

impl<'scope, 'env> Wide<'scope, 'env> {
    /// There is at least one part; up to `connections` threads of `scope` fetch those behind it.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        sources: &'scope Sources<'scope>,
        parts: Vec<Part>,
        connections: usize,
    ) -> Self {
        let first = parts[0];
        Self {
            scope,
            sources,
            first: sources.part(first),
            left: first.end - first.begin,
            at: 0,
            connections,
            lanes: Vec::new(),
            parts,
        }
    }

    fn read_first(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let length = self.first.read(&mut buffer[..room])?;
        if self.parts.len() > 1 && self.lanes.is_empty() {
            if self.first.is_whole() {
                self.go_on()?;
            } else {
                self.open_lanes()?;
            }
        }
        Ok(length)
    }

    /// The one answer has to serve for all parts.
    fn go_on(&mut self) -> io::Result<()> {
        let is_gapless = self.parts.windows(2).all(|pair| pair[0].end == pair[1].begin);
        if !is_gapless {
            return Err(no_parts());
        }
        let end = self.parts.last().expect("there is one").end;
        self.left += end - self.parts[0].end;
        self.parts.truncate(1);
        self.first.extend(end);
        Ok(())
    }

    fn open_lanes(&mut self) -> io::Result<()> {
        let rest = &self.parts[1..];
        let lanes = self.connections.clamp(1, rest.len());
        for number in 0..lanes {
            let parts: Vec<Part> = rest.iter().skip(number).step_by(lanes).copied().collect();
            let (full_sender, full) = sync_channel(PART as usize / BLOCK);
            let (empty, empty_receiver) = channel();
            let sources = self.sources;
            std::thread::Builder::new()
                .name("pull-part".to_owned())
                .spawn_scoped(self.scope, move || {
                    fetch(sources, &parts, &full_sender, &empty_receiver)
                })?;
            self.lanes.push(Lane {
                full,
                empty,
                block: Vec::new(),
                read: 0,
            });
        }
        Ok(())
    }
}

/// The whole would have to be asked for instead.
fn no_parts() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the registry sends no parts of blobs")
}

/// Fetches parts until they are all there, one fails, or nobody wants them any more.
fn fetch(
    sources: &Sources<'_>,
    parts: &[Part],
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) {
    for part in parts {
        let mut source = sources.part(*part);
        let mut left = part.end - part.begin;
        while left > 0 {
            let mut block = empty.try_recv().unwrap_or_default();
            block.clear();
            block.reserve_exact(BLOCK);
            let message = match (&mut source).take(BLOCK as u64).read_to_end(&mut block) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                // Each part would have everything before it sent again.
                Ok(_) if source.is_whole() => Err(no_parts()),
                Ok(length) => {
                    left -= length as u64;
                    Ok(block)
                }
                Err(error) => Err(error),
            };
            let failed = message.is_err();
            if full.send(message).is_err() || failed {
                return;
            }
        }
    }
}

impl Lane {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.block.len() {
            let next = self.full.recv().map_err(|_| io::ErrorKind::UnexpectedEof)??;
            let used = std::mem::replace(&mut self.block, next);
            self.read = 0;
            // A lane that has ended wants none back.
            let _ = self.empty.send(used);
        }
        let rest = &self.block[self.read..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}

impl Read for Wide<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            let Some(next) = self.parts.get(self.at + 1) else {
                return Ok(0);
            };
            self.left = next.end - next.begin;
            self.at += 1;
        }
        let length = if self.at == 0 {
            self.read_first(buffer)?
        } else {
            let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let lane = (self.at - 1) % self.lanes.len();
            self.lanes[lane].read(&mut buffer[..room])?
        };
        self.left -= length as u64;
        Ok(length)
    }
}
