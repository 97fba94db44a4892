//! The bytes of a blob, read on after every break of the connection from where it broke.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use ureq::BodyReader;

use super::client::Client;
use super::stop::{BROKEN_OFF, BrokenOff};
use crate::base::digest::Digest;
use crate::oci::image::Descriptor;

/// Fewer bytes than these in so long a time count as a broken connection, though some come.
const TRICKLE: u64 = 6_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Some bytes of a blob: from `begin` up to `end`, of `size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub digest: Digest,
    pub size: u64,
    pub begin: u64,
    pub end: u64,
}

impl Part {
    pub fn whole(blob: &Descriptor) -> Self {
        Self {
            digest: blob.digest,
            size: blob.size,
            begin: 0,
            end: blob.size,
        }
    }
}

/// A part of a blob on its way. Exactly as many bytes come as were asked for; whether they are the right ones is seen by
/// whoever knows their digest.
pub struct Blob<'a> {
    client: &'a Client,
    /// What is still to come.
    part: Part,
    body: Option<BodyReader<'static>>,
    /// Whether the registry sends the whole blob, whatever part it is asked for; known once it has answered.
    is_whole: bool,
    /// Breaks in a row without a byte between them.
    failures: u32,
    /// How long was waited for bytes since the pace was looked at, and how far the blob was then.
    waited: (Duration, u64),
}

impl<'a> Blob<'a> {
    /// Nothing is asked for until the first read.
    pub fn new(client: &'a Client, part: Part) -> Self {
        Self {
            client,
            part,
            body: None,
            is_whole: false,
            failures: 0,
            waited: (Duration::ZERO, part.begin),
        }
    }

    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads on to `end`, where the registry sends the whole anyway.
    pub fn extend(&mut self, end: u64) {
        self.part.end = end;
    }

    fn read_once(&mut self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        let Part {
            size, begin: at, end, ..
        } = self.part;
        if self.body.is_none() {
            let (body, given) = self.client.part(&self.part)?;
            let mut body = body.into_with_config().limit(size.saturating_add(1)).reader();
            self.is_whole = given == (0..size);
            // What was read before comes again where a registry knows no ranges.
            skip(&mut body, at - given.start)?;
            self.body = Some(body);
            self.waited = (Duration::ZERO, at);
        }
        let (waited, before) = self.waited;
        if waited > PATIENCE {
            if at - before < TRICKLE {
                anyhow::bail!("it sends too slowly: {} bytes in a minute", at - before);
            }
            self.waited = (Duration::ZERO, at);
        }
        let body = self.body.as_mut().expect("opened above");
        let room = buffer.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        let begin = Instant::now();
        let read = body.read(&mut buffer[..room]);
        self.waited.0 += begin.elapsed();
        match read? {
            0 => anyhow::bail!("the connection ended after {at} of {size} bytes"),
            length => Ok(length),
        }
    }

    /// Sees the end of an answer all of whose bytes came, so that its connection serves the next request.
    fn finish(&mut self) {
        let is_all = self.part.end == self.part.size || !self.is_whole;
        if let Some(body) = self.body.as_mut().filter(|_| is_all) {
            // What follows is of no interest, and neither is why it cannot be read.
            let _ = body.read(&mut [0]);
            self.body = None;
        }
    }
}

fn skip(body: &mut impl Read, length: u64) -> io::Result<()> {
    let skipped = io::copy(&mut body.take(length), &mut io::sink())?;
    if skipped < length {
        Err(ErrorKind::UnexpectedEof.into())
    } else {
        Ok(())
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.part.begin == self.part.end || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.read_once(buffer) {
                Ok(length) => {
                    self.part.begin += length as u64;
                    self.failures = 0;
                    if self.part.begin == self.part.end {
                        self.finish();
                    }
                    return Ok(length);
                }
                Err(_) if self.client.is_broken_off() => return Err(io::Error::new(BROKEN_OFF, BrokenOff)),
                Err(error) => {
                    // The client has tried a request that fails again by itself; what breaks here is a body.
                    let broke = self.body.take().is_some() || error.is::<io::Error>();
                    self.failures += 1;
                    match self.client.wait_before(self.failures) {
                        // The first break after some bytes may be a server's or a proxy's limit for one connection.
                        Some(_) if broke && self.failures == 1 => {}
                        Some(wait) if broke => self.client.rest(wait),
                        _ => return Err(io::Error::other(format!("blob {}: {error:#}", self.part.digest))),
                    }
                }
            }
        }
    }
}
