//! The places from which one image may come: mirrors, and the registry itself at the end. Whoever fails is not asked
//! again, and the next one takes over, in the middle of a blob if need be.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;

use super::blob::{Blob, Part};
use super::client::Client;
use super::stop::BROKEN_OFF;
use crate::image::reference::Reference;

/// A place, with what the image is called there.
#[derive(Debug)]
pub struct Source {
    pub reference: Reference,
    pub client: Client,
    /// Whether signatures are looked for there.
    pub attachments: bool,
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

    /// Some bytes of a blob.
    pub fn part(&'a self, part: Part) -> SourcePart<'a> {
        let place = self.at.load(Ordering::Relaxed);
        SourcePart {
            sources: self,
            place,
            blob: Blob::new(&self.places[place].client, part),
            part,
        }
    }

    /// Ends what is being fetched from any place, and lets nothing new be asked for.
    pub fn break_off(&self) {
        self.places.iter().for_each(|place| place.client.break_off());
    }

    /// Lets all places be asked again.
    pub fn go_on(&self) {
        self.places.iter().for_each(|place| place.client.go_on());
    }

    /// The one that is asked now.
    pub fn place(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }

    /// Goes on from a place that failed, if there is another.
    pub fn pass(&self, place: usize, reason: &dyn Display) -> bool {
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

/// A part of a blob that may come from several places, one after the other.
pub struct SourcePart<'a> {
    sources: &'a Sources<'a>,
    place: usize,
    blob: Blob<'a>,
    /// What is still to come.
    part: Part,
}

impl SourcePart<'_> {
    /// Whether whole blobs come where parts are asked for; known after the first read.
    pub fn is_whole(&self) -> bool {
        self.blob.is_whole()
    }

    /// Reads on to the byte `end`.
    pub fn extend(&mut self, end: u64) {
        self.part.end = end;
        self.blob.extend(end);
    }
}

impl Read for SourcePart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.blob.read(buffer) {
                Ok(length) => {
                    self.part.begin += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() != BROKEN_OFF && self.sources.pass(self.place, &error) => {
                    self.place = self.sources.at.load(Ordering::Relaxed);
                    self.blob = Blob::new(&self.sources.places[self.place].client, self.part);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
