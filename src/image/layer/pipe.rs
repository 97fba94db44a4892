//! Reading ahead: one thread takes the stream (and so decompresses it) and hashes it, while the caller makes files.
//!
//! Making files spends its time in the kernel; inflating and hashing theirs in the processor. The two share a few
//! buffers that go round, and the thread has ended when [`ahead`] returns.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use crate::base::digest::{Digest, Hashing};

/// Bytes of a buffer.
const BUFFER: usize = 256 << 10;
/// Buffers read ahead.
const BUFFERS: usize = 4;

/// The stream's content arrives here.
pub struct Chunks {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

/// Runs `body` on the content of `source`, of which no more than `limit` bytes are taken. Gives back what `body` does,
/// the digest and the length of all that was read.
pub fn ahead<T>(
    source: impl Read + Send,
    limit: u64,
    body: impl FnOnce(Chunks) -> T,
) -> io::Result<(T, Digest, u64)> {
    // The recycled buffers are never more than those in flight, so that channel needs no bound.
    let (full_sender, full) = sync_channel(BUFFERS);
    let (empty, empty_receiver) = channel();
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("unpack-read".to_owned())
            .spawn_scoped(scope, move || read(source, limit, &full_sender, &empty_receiver))?;
        let done = body(Chunks {
            full,
            empty,
            current: Vec::new(),
            at: 0,
        });
        let (digest, length) = reader.join().expect("panics abort the process");
        Ok((done, digest, length))
    })
}

fn read(
    source: impl Read,
    limit: u64,
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) -> (Digest, u64) {
    let mut source = Hashing::new(source);
    loop {
        let mut buffer = empty.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(BUFFER);
        let result = (&mut source).take(BUFFER as u64).read_to_end(&mut buffer);
        let is_end = matches!(result, Ok(0));
        let message = match result {
            Ok(_) if source.count() > limit => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the layer is longer than {limit} bytes"),
            )),
            Ok(_) => Ok(buffer),
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        // A receiver that is gone has failed by itself and wants no more.
        if full.send(message).is_err() || is_end || failed {
            break;
        }
    }
    let (_, digest, length) = source.finish();
    (digest, length)
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.current.len() {
            let next = match self.full.recv() {
                Ok(next) => next?,
                // The sender hangs up after the end or after an error.
                Err(_) => Vec::new(),
            };
            let used = std::mem::replace(&mut self.current, next);
            self.at = 0;
            if used.capacity() > 0 {
                // Nobody takes it when the stream has ended.
                let _ = self.empty.send(used);
            }
        }
        Ok(&self.current[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let slice = self.fill_buf()?;
        let length = slice.len().min(buffer.len());
        buffer[..length].copy_from_slice(&slice[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte, then as many as fit, in turn.
    struct Ragged(Vec<u8>, bool);

    impl Read for Ragged {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            let length = buffer
                .len()
                .min(self.0.len())
                .min(if self.1 { 1 } else { usize::MAX });
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0.drain(..length);
            Ok(length)
        }
    }

    #[test]
    fn everything_arrives_in_order_and_is_hashed() {
        let data: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
        let (seen, digest, length) = ahead(Ragged(data.clone(), false), u64::MAX, |mut chunks| {
            let mut seen = Vec::new();
            chunks.read_to_end(&mut seen).unwrap();
            seen
        })
        .unwrap();
        assert!(seen == data);
        assert_eq!((digest, length), (Digest::of(&data), data.len() as u64));
    }

    #[test]
    fn a_body_that_leaves_early_ends_the_thread() {
        let (first, _, length) = ahead(io::repeat(7), u64::MAX, |mut chunks| {
            let mut first = [0; 3];
            chunks.read_exact(&mut first).unwrap();
            first
        })
        .unwrap();
        assert_eq!(first, [7; 3]);
        assert!(length < 64 << 20);
    }

    #[test]
    fn too_long_a_stream_is_an_error() {
        let read = |limit| {
            let (result, ..) = ahead(&[0; 1000][..], limit, |mut chunks| {
                io::copy(&mut chunks, &mut io::sink())
            })
            .unwrap();
            result
        };
        assert_eq!(read(1000).unwrap(), 1000);
        assert_eq!(read(999).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
