//! The places from which one image may come: mirrors, and the registry itself at the end. Whoever fails is not asked
//! again, and the next one takes over, in the middle of a blob if need be.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use super::blob::Blob;
use super::client::Client;
use crate::base::digest::Digest;
use crate::image::reference::Reference;

/// A place, with what the image is called there.
#[derive(Debug)]
pub struct Source {
    pub reference: Reference,
    pub client: Client,
}

/// Who is told of a place that failed where there is another: its host and the reason.
pub type Tell<'a> = dyn Fn(&str, &str) + Sync + 'a;

/// The places in the order in which they are tried. Several threads may ask at once.
pub struct Sources<'a> {
    places: &'a [Source],
    /// The one that is asked now.
    at: AtomicUsize,
    tell: &'a Tell<'a>,
}

impl<'a> Sources<'a> {
    /// There is at least one place.
    pub fn new(places: &'a [Source], tell: &'a Tell<'a>) -> Self {
        Self {
            places,
            at: AtomicUsize::new(0),
            tell,
        }
    }

    /// What the first place gives that can.
    pub fn ask<T>(&self, mut act: impl FnMut(&'a Source) -> Result<T>) -> Result<T> {
        loop {
            let at = self.at.load(Ordering::Relaxed);
            match act(&self.places[at]) {
                Err(error) if self.pass(at, &format!("{error:#}")) => {}
                result => return result,
            }
        }
    }

    /// A blob from its byte `at` on.
    pub fn blob(&'a self, digest: Digest, size: u64, at: u64) -> SourceBlob<'a> {
        let place = self.at.load(Ordering::Relaxed);
        SourceBlob {
            sources: self,
            place,
            blob: Blob::new(&self.places[place].client, digest, size, at),
            digest,
            size,
            at,
        }
    }

    /// Goes on from a place that failed, if there is another.
    fn pass(&self, place: usize, reason: &dyn Display) -> bool {
        let next = place + 1;
        if next >= self.places.len() {
            return false;
        }
        // Of several threads that find a place failing, one tells.
        let passed = self
            .at
            .compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed);
        if passed.is_ok() {
            (self.tell)(self.places[place].client.domain(), &reason.to_string());
        }
        true
    }
}

/// A blob that may come from several places, one after the other.
pub struct SourceBlob<'a> {
    sources: &'a Sources<'a>,
    place: usize,
    blob: Blob<'a>,
    digest: Digest,
    size: u64,
    at: u64,
}

impl Read for SourceBlob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.blob.read(buffer) {
                Ok(length) => {
                    self.at += length as u64;
                    return Ok(length);
                }
                Err(error) if self.sources.pass(self.place, &error) => {
                    self.place = self.sources.at.load(Ordering::Relaxed);
                    let client = &self.sources.places[self.place].client;
                    self.blob = Blob::new(client, self.digest, self.size, self.at);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
