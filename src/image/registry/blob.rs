//! The bytes of a blob, read on after every break of the connection from where it broke.

use std::io::{self, ErrorKind, Read};
use std::thread;
use std::time::{Duration, Instant};

use ureq::BodyReader;

use super::client::Client;
use crate::base::digest::Digest;

/// Fewer bytes than these in so long a time count as a broken connection, though some come.
const TRICKLE: u64 = 6_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A blob on its way. Exactly as many bytes come as its descriptor says; whether they are the right ones is seen by
/// their digest.
pub struct Blob<'a> {
    client: &'a Client,
    digest: Digest,
    size: u64,
    at: u64,
    body: Option<BodyReader<'static>>,
    /// Breaks in a row without a byte between them.
    failures: u32,
    /// How long was waited for bytes since the pace was looked at, and how far the blob was then.
    waited: (Duration, u64),
}

impl<'a> Blob<'a> {
    /// The blob from its byte `at` on; nothing is asked for until the first read.
    pub fn new(client: &'a Client, digest: Digest, size: u64, at: u64) -> Self {
        Self {
            client,
            digest,
            size,
            at,
            body: None,
            failures: 0,
            waited: (Duration::ZERO, at),
        }
    }

    fn read_once(&mut self, buffer: &mut [u8]) -> anyhow::Result<usize> {
        if self.body.is_none() {
            let (body, begin) = self.client.blob_from(&self.digest, self.at, self.size)?;
            let mut body = body
                .into_with_config()
                .limit(self.size.saturating_add(1))
                .reader();
            // What was read before comes again where a registry knows no ranges.
            skip(&mut body, self.at - begin)?;
            self.body = Some(body);
            self.waited = (Duration::ZERO, self.at);
        }
        let (waited, at) = self.waited;
        if waited > PATIENCE {
            if self.at - at < TRICKLE {
                anyhow::bail!("it sends too slowly: {} bytes in a minute", self.at - at);
            }
            self.waited = (Duration::ZERO, self.at);
        }
        let body = self.body.as_mut().expect("opened above");
        let room = buffer
            .len()
            .min(usize::try_from(self.size - self.at).unwrap_or(usize::MAX));
        let begin = Instant::now();
        let read = body.read(&mut buffer[..room]);
        self.waited.0 += begin.elapsed();
        match read? {
            0 => anyhow::bail!("the connection ended after {} of {} bytes", self.at, self.size),
            length => Ok(length),
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
        if self.at == self.size || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.read_once(buffer) {
                Ok(length) => {
                    self.at += length as u64;
                    self.failures = 0;
                    return Ok(length);
                }
                Err(error) => {
                    // The client has tried a request that fails again by itself; what breaks here is a body.
                    let broke = self.body.take().is_some() || error.is::<io::Error>();
                    self.failures += 1;
                    match self.client.wait_before(self.failures) {
                        // The first break after some bytes may be a server's or a proxy's limit for one connection.
                        Some(_) if broke && self.failures == 1 => {}
                        Some(wait) if broke => thread::sleep(wait),
                        _ => return Err(io::Error::other(format!("blob {}: {error:#}", self.digest))),
                    }
                }
            }
        }
    }
}
