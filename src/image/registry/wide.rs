//! Several parts of one blob at a time: one connection alone is often slower than the line.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex};
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
/// error of the kind `Unsupported`. A part that fails ends the reading as soon as what came before it would have to be
/// waited for.
pub struct Wide<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sources: &'scope Sources<'scope>,
    /// In the order in which they are read; none of several is empty.
    parts: Vec<Part>,
    /// The only part, which is read without a thread between.
    only: Option<SourcePart<'scope>>,
    /// What is still to be read of the part at hand, and its place in the list.
    left: u64,
    at: usize,
    connections: usize,
    lanes: Vec<Lane>,
}

/// What has come by a thread that fetches every so many parts.
struct Lane {
    full: Receiver<Vec<u8>>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    read: usize,
    shared: Arc<Shared>,
}

/// What the threads of one blob tell.
struct Shared {
    /// The first part came as the whole.
    is_whole: AtomicBool,
    /// Of the first thread that failed.
    failure: Mutex<Option<(io::ErrorKind, String)>>,
    /// To all lanes: an empty block wakes whoever waits for one.
    full: Vec<SyncSender<Vec<u8>>>,
}

impl<'scope, 'env> Wide<'scope, 'env> {
    /// There is at least one part; up to `connections` threads of `scope` fetch several.
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
            only: (parts.len() == 1).then(|| sources.part(first)),
            left: first.end - first.begin,
            at: 0,
            connections,
            lanes: Vec::new(),
            parts,
        }
    }

    /// Fetches the first part, and the others with it once it has begun to come as one.
    fn open_lanes(&mut self) -> io::Result<()> {
        let count = self.connections.clamp(1, self.parts.len());
        let channels = (0..count).map(|_| sync_channel(PART as usize / BLOCK));
        let (full, receivers): (Vec<_>, Vec<_>) = channels.unzip();
        let shared = Arc::new(Shared {
            is_whole: AtomicBool::new(false),
            failure: Mutex::default(),
            full,
        });
        for (number, full) in receivers.into_iter().enumerate() {
            let (empty, empty_receiver) = channel();
            let fetching = Fetching {
                sources: self.sources,
                parts: self.parts.iter().skip(number).step_by(count).copied().collect(),
                number,
                whole: (number == 0).then(|| self.end_of_all()).flatten(),
                shared: Arc::clone(&shared),
                empty: empty_receiver,
            };
            std::thread::Builder::new()
                .name("pull-part".to_owned())
                .spawn_scoped(self.scope, move || fetching.run())?;
            let mut lane = Lane {
                full,
                empty,
                block: Vec::new(),
                read: 0,
                shared: Arc::clone(&shared),
            };
            if number == 0 {
                lane.fill()?;
            }
            self.lanes.push(lane);
            if shared.is_whole.load(Ordering::Relaxed) {
                self.left += self.parts[self.parts.len() - 1].end - self.parts[0].end;
                self.parts.truncate(1);
                break;
            }
        }
        Ok(())
    }

    /// Where the parts end, if there is nothing between them: one answer can serve for all.
    fn end_of_all(&self) -> Option<u64> {
        let is_gapless = self.parts.windows(2).all(|pair| pair[0].end == pair[1].begin);
        self.parts.last().filter(|_| is_gapless).map(|last| last.end)
    }
}

/// The whole would have to be asked for instead.
fn no_parts() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the registry sends no parts of blobs")
}

/// A thread's work: parts until they are all there, one fails, or nobody wants them any more.
struct Fetching<'scope> {
    sources: &'scope Sources<'scope>,
    parts: Vec<Part>,
    number: usize,
    /// Where the first part may go on to, if it comes as the whole.
    whole: Option<u64>,
    shared: Arc<Shared>,
    empty: Receiver<Vec<u8>>,
}

impl Fetching<'_> {
    fn run(self) {
        for (place, part) in self.parts.iter().enumerate() {
            match self.fetch(*part, place == 0) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.shared.fail(error),
            }
        }
    }

    /// Fetches a part; whether the next is wanted.
    fn fetch(&self, part: Part, is_first: bool) -> io::Result<bool> {
        let mut source = self.sources.part(part);
        let mut left = part.end - part.begin;
        let mut goes_on = false;
        while left > 0 {
            let mut block = self.empty.try_recv().unwrap_or_default();
            block.clear();
            block.reserve_exact(BLOCK);
            let read = (&mut source).take(BLOCK as u64).read_to_end(&mut block);
            if source.is_whole() && !goes_on {
                // Each part would have everything before it sent again. Later the other lanes are there.
                let is_begin = is_first && left == part.end - part.begin;
                let end = self.whole.filter(|_| is_begin).ok_or_else(no_parts)?;
                source.extend(end);
                left += end - part.end;
                goes_on = true;
                self.shared.is_whole.store(true, Ordering::Relaxed);
            }
            left -= block.len() as u64;
            let is_end = block.is_empty();
            // What came before a failure is of use.
            if !is_end && self.shared.full[self.number].send(block).is_err() {
                return Ok(false);
            }
            if read? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(!goes_on)
    }
}

impl Shared {
    fn failed(&self) -> io::Result<()> {
        let failure = self.failure.lock().expect("no thread panics with the lock");
        match &*failure {
            Some((kind, reason)) => Err(io::Error::new(*kind, reason.clone())),
            None => Ok(()),
        }
    }

    fn fail(&self, error: io::Error) {
        let mut failure = self.failure.lock().expect("no thread panics with the lock");
        failure.get_or_insert((error.kind(), error.to_string()));
        drop(failure);
        // A lane that is full is not waited for; whoever reads it looks for failures before it waits.
        for full in &self.full {
            let _ = full.try_send(Vec::new());
        }
    }
}

impl Lane {
    /// Waits for the next block, unless a part failed.
    fn fill(&mut self) -> io::Result<()> {
        while self.read == self.block.len() {
            let next = match self.full.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.shared.failed()?;
                    self.full.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?
                }
                next => next.map_err(|_| io::ErrorKind::UnexpectedEof)?,
            };
            let used = std::mem::replace(&mut self.block, next);
            self.read = 0;
            // A lane that has ended wants none back.
            let _ = self.empty.send(used);
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
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
        if self.only.is_none() && self.lanes.is_empty() {
            self.open_lanes()?;
        }
        if self.left == 0 {
            let Some(next) = self.parts.get(self.at + 1) else {
                return Ok(0);
            };
            self.left = next.end - next.begin;
            self.at += 1;
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let length = match &mut self.only {
            Some(only) => only.read(&mut buffer[..room])?,
            None => {
                let lane = self.at % self.lanes.len();
                self.lanes[lane].read(&mut buffer[..room])?
            }
        };
        self.left -= length as u64;
        Ok(length)
    }
}
