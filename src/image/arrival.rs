//! The way of an image's blobs to this machine: what of them is on disk, what is made of other layers' files, what
//! comes over which connections.

use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::chunked::{Assembled, Places, Tables, Trees};
use super::publish::Stream;
use super::pull::{Event, Progress, Tell};
use super::ranges::{Blocks, Resumed, Segment};
use super::registry::{BROKEN_OFF, PART, Part, Sources, Wide};
use crate::base::digest::Digest;
use crate::oci::image::Descriptor;
use crate::store::downloads::Download;
use crate::store::images::Image;
use crate::store::locks::{Hold, Locked};
use crate::store::{Kind, Store};

/// Most parts of one blob.
const PARTS: u64 = 4096;
/// Blobs from this size on come over several connections, in bytes.
const WIDE_FROM: u64 = 4 * PART;
/// How often a layer tells how far it is.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Blobs from this size on are kept while they arrive, in bytes: less is sooner fetched again.
pub const KEPT_FROM: u64 = 4 << 20;
/// How many times as much as would be fetched is read here to find what was only moved.
const SEARCHED_TIMES: u64 = 4;
/// Most layers in which files of another are looked for by their paths.
const NEIGHBOURS: usize = 64;

/// What was taken from disk for blobs that arrive, or have arrived.
#[derive(Default)]
pub struct Kept<'s> {
    downloads: Mutex<Vec<Download<'s>>>,
    /// Something was read that an earlier process fetched, or that another layer has.
    was_used: AtomicBool,
    /// The registry failed, so what is on disk is not to blame.
    broken: AtomicBool,
    /// Parts were asked for, and wholes came.
    lacks_parts: AtomicBool,
}

impl<'s> Kept<'s> {
    pub fn take(&self) -> Vec<Download<'s>> {
        std::mem::take(&mut *self.downloads.lock().expect("no thread panics with the lock"))
    }

    /// Keeps what there is of a blob until the end.
    pub fn keep(&self, download: Download<'s>) {
        let mut downloads = self.downloads.lock().expect("no thread panics with the lock");
        downloads.push(download);
    }

    /// Whether the registry failed, and not what it sent.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Whether a failure may be the fault of what was on disk, or of how we asked.
    pub fn is_to_blame(&self) -> bool {
        (self.was_used.load(Ordering::Relaxed) || self.lacks_parts()) && !self.is_broken()
    }

    /// Whether blobs have to be asked for as a whole.
    pub fn lacks_parts(&self) -> bool {
        self.lacks_parts.load(Ordering::Relaxed)
    }

    /// Remembers why nothing more came.
    fn failed(&self, error: &io::Error) {
        let what = match error.kind() {
            BROKEN_OFF => return,
            io::ErrorKind::Unsupported => &self.lacks_parts,
            _ => &self.broken,
        };
        what.store(true, Ordering::Relaxed);
    }
}

/// How the blobs of one image are fetched.
pub struct Arrival<'s, 'scope, 'env> {
    pub store: &'s Store,
    pub sources: &'scope Sources<'scope>,
    pub tell: &'scope Tell<'scope>,
    /// Of the threads that fetch parts of large blobs.
    pub scope: &'scope Scope<'scope, 'env>,
    /// For one blob.
    pub connections: usize,
    /// The image's name without tag and digest.
    pub repository: &'scope str,
    /// Nothing of what is on disk is used.
    pub is_anew: bool,
    /// Layers that may have files of those that are fetched, the first of them held.
    pub neighbours: OnceLock<(Vec<Locked>, Vec<Digest>)>,
    pub kept: &'scope Kept<'s>,
}

impl<'s: 'scope, 'scope> Arrival<'s, 'scope, '_> {
    pub fn open(&self, blob: &Descriptor) -> Result<Stream<'scope>> {
        let (digest, size) = (blob.digest, blob.size);
        let mut download = if size >= KEPT_FROM {
            self.store.download(&digest)?
        } else {
            None
        };
        // More than the whole cannot be its beginning.
        if let Some(download) = download.as_mut().filter(|download| download.length() > size) {
            download.clear()?;
        }
        let begin = download.as_ref().map_or(0, Download::length);
        if begin == 0
            && let Some(tar) = self.assemble(blob)
        {
            download.map_or(Ok(()), Download::remove)?;
            return Ok(Stream::Tar(tar));
        }
        if begin > 0 {
            self.kept.was_used.store(true, Ordering::Relaxed);
        }
        let parts = parts(blob, begin, self.connections);
        let arriving = Arriving {
            told: Told::new(self.tell, digest, size),
            kept: self.kept,
            size,
            at: 0,
            begin,
            download,
            rest: Wide::new(self.scope, self.sources, parts, self.connections),
        };
        Ok(Stream::Blob(Box::new(arriving), size))
    }

    /// The tar of a layer that comes as zstd:chunked, if enough of its files are here. Whatever keeps us from it, the
    /// whole blob is fetched then.
    fn assemble(&self, blob: &Descriptor) -> Option<Box<dyn Read + Send + 'scope>> {
        if self.is_anew || blob.size < KEPT_FROM {
            return None;
        }
        let places = Places::of(blob)?;
        let (neighbours, others) = self.neighbours.get_or_init(|| self.neighbours());
        if neighbours.is_empty() {
            return None;
        }
        let part = |range: Range<u64>| Part {
            digest: blob.digest,
            size: blob.size,
            begin: range.start,
            end: range.end,
        };
        let mut source = self.sources.part(part(places.both()));
        let mut bytes = vec![0; usize::try_from(places.both().end - places.both().start).ok()?];
        let (first, rest) = bytes.split_at_mut(1);
        source.read_exact(first).ok()?;
        if source.is_whole() {
            return None;
        }
        source.read_exact(rest).ok()?;
        let tables = Tables::read(&places, &bytes, blob.size).ok()?;
        drop(bytes);
        let directories = neighbours
            .iter()
            .filter_map(|layer| layer.as_fd().try_clone_to_owned().ok());
        let mut trees = Trees::new(directories);
        let mut here = trees.find(&tables.files);
        let length = |ranges: &[Range<u64>]| -> u64 {
            let lengths = ranges.iter().map(|range| range.end - range.start);
            lengths.sum()
        };
        // Reading some times as much as would be fetched is as fast.
        let budget = length(&tables.missing(&here)).saturating_mul(SEARCHED_TIMES);
        trees.find_moved(&tables.files, &mut here, self.others(others), budget);
        let ranges = tables.missing(&here);
        let blocks = (length(&ranges) >= KEPT_FROM)
            .then(|| self.blocks(blob))
            .flatten();
        let segments = match &blocks {
            Some(blocks) => blocks.segments(&ranges),
            None => ranges.iter().cloned().map(Segment::to_come).collect(),
        };
        let to_come = segments.iter().filter(|segment| segment.is_to_come());
        let to_come: Vec<Range<u64>> = to_come.map(|segment| segment.range.clone()).collect();
        let fetched = length(&to_come);
        // The whole can be kept and checked by its digest; that is worth some bytes.
        if fetched > blob.size - blob.size / 8 {
            return None;
        }
        self.kept.was_used.store(true, Ordering::Relaxed);
        let mut told = Told::new(self.tell, blob.digest, blob.size);
        let coming: Box<dyn Read + Send> = if to_come.is_empty() {
            Box::new(io::empty())
        } else {
            let parts = to_come.into_iter().map(part).collect();
            let connections = self.connections.max(1);
            Box::new(Wire {
                wide: Wide::new(self.scope, self.sources, parts, connections),
                kept: self.kept,
                told: Told::new(self.tell, blob.digest, blob.size),
                at: blob.size - fetched,
            })
        };
        let wire = Box::new(Resumed::new(segments, blocks, coming, self.kept));
        told.tell(blob.size - fetched);
        let tar = Assembled::new(tables, trees, here, ranges, wire).ok()?;
        Some(Box::new(Whole { tar, told }))
    }

    /// What an earlier process fetched of a layer in parts.
    fn blocks(&self, blob: &Descriptor) -> Option<Blocks<'s>> {
        let download = self.store.download(&in_parts(&blob.digest)).ok()??;
        Blocks::read(download, blob.size).ok()
    }

    /// The layers of images of the same name, then those of others, the newest images first.
    fn neighbours(&self) -> (Vec<Locked>, Vec<Digest>) {
        let Ok((mut images, _)) = self.store.images() else {
            return (Vec::new(), Vec::new());
        };
        let is_same = |image: &Image| {
            let names = image.repo_digests.iter();
            names
                .filter_map(|name| name.split_once('@'))
                .any(|(name, _)| name == self.repository)
        };
        images.sort_by_cached_key(|image| (!is_same(image), std::cmp::Reverse(image.stored.clone())));
        let mut seen = std::collections::HashSet::new();
        let ids = images.iter().flat_map(|image| image.layers.iter().rev());
        let mut ids: Vec<Digest> = ids
            .map(|layer| layer.diff_id)
            .filter(|id| seen.insert(*id))
            .collect();
        let others = ids.split_off(ids.len().min(NEIGHBOURS));
        (self.others(&ids).collect(), others)
    }

    /// Layers that are held as they are asked for.
    fn others<'i>(&self, ids: &'i [Digest]) -> impl Iterator<Item = Locked> + use<'i, 's> {
        let store = self.store;
        ids.iter()
            .filter_map(|id| store.try_lock(Kind::Layers, &id.hex(), Hold::Shared).ok()?)
    }
}

/// The name under which parts of a blob are kept: what is under its own is its beginning.
pub fn in_parts(blob: &Digest) -> Digest {
    Digest::of(format!("parts of {blob}").as_bytes())
}

/// Tells how far a layer is, a few times a second.
struct Told<'scope> {
    tell: &'scope Tell<'scope>,
    digest: Digest,
    size: u64,
    last: Option<Instant>,
}

impl<'scope> Told<'scope> {
    fn new(tell: &'scope Tell<'scope>, digest: Digest, size: u64) -> Self {
        Self {
            tell,
            digest,
            size,
            last: None,
        }
    }

    fn tell(&mut self, received: u64) {
        if self.last.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.last = Some(Instant::now());
            (self.tell)(Event::Layer(
                &self.digest,
                Progress::Received(received, self.size),
            ));
        }
    }

    fn complete(&self) {
        (self.tell)(Event::Layer(&self.digest, Progress::Complete));
    }
}

/// The bytes of a blob that are fetched for an assembled tar.
struct Wire<'s, 'scope, 'env> {
    wide: Wide<'scope, 'env>,
    kept: &'scope Kept<'s>,
    told: Told<'scope>,
    at: u64,
}

impl Read for Wire<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.wide.read(buffer);
        let length = read.inspect_err(|error| self.kept.failed(error))?;
        self.at += length as u64;
        self.told.tell(self.at);
        Ok(length)
    }
}

/// An assembled tar, whose end is told.
struct Whole<'scope> {
    tar: Assembled<'scope>,
    told: Told<'scope>,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.tar.read(buffer)?;
        if length == 0 && !buffer.is_empty() {
            self.told.complete();
        }
        Ok(length)
    }
}

/// A blob from its byte `begin` on, in the parts in which it is asked for.
fn parts(blob: &Descriptor, begin: u64, connections: usize) -> Vec<Part> {
    let left = blob.size - begin;
    let length = if connections > 1 && left >= WIDE_FROM {
        PART.max(left / PARTS)
    } else {
        blob.size
    };
    let mut parts = Vec::new();
    let mut at = begin;
    while parts.is_empty() || at < blob.size {
        let end = blob.size.min(at.saturating_add(length));
        parts.push(Part {
            digest: blob.digest,
            size: blob.size,
            begin: at,
            end,
        });
        at = end;
    }
    parts
}

/// A blob: what is on disk of it, then what comes from the registry, which is kept.
struct Arriving<'s, 'scope, 'env> {
    told: Told<'scope>,
    kept: &'scope Kept<'s>,
    size: u64,
    at: u64,
    /// So much was there.
    begin: u64,
    download: Option<Download<'s>>,
    rest: Wide<'scope, 'env>,
}

impl Read for Arriving<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(download) = self.download.as_ref().filter(|_| self.at < self.begin) {
            let room = buffer
                .len()
                .min(usize::try_from(self.begin - self.at).unwrap_or(usize::MAX));
            let length = download.read_at(&mut buffer[..room], self.at)?;
            if length == 0 && room > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.at += length as u64;
            return Ok(length);
        }
        let length = self
            .rest
            .read(buffer)
            .inspect_err(|error| self.kept.failed(error))?;
        self.at += length as u64;
        if let Some(mut download) = self.download.take() {
            // A disk that is full, say, keeps us from resuming, not from pulling.
            match download.append(&buffer[..length]) {
                Ok(()) => self.download = Some(download),
                Err(_) => download.remove().map_err(io::Error::other)?,
            }
        }
        if self.at == self.size && length > 0 {
            self.told.complete();
        } else {
            self.told.tell(self.at);
        }
        Ok(length)
    }
}

impl Drop for Arriving<'_, '_, '_> {
    fn drop(&mut self) {
        if let Some(download) = self.download.take() {
            self.kept.keep(download);
        }
    }
}
