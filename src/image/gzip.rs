//! Gzip on all processors: the stream is cut into blocks that are compressed side by side, each with what lies before
//! it as its dictionary, and joined to one member (RFC 1952). The bytes depend on the data and the level alone, not on
//! how many processors there are.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes of a block.
const BLOCK: usize = 512 << 10;
/// How far back a match may reach (RFC 1951).
const WINDOW: usize = 32 << 10;
/// No name, no time, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A block on its way to whoever compresses it.
struct Job {
    dictionary: Vec<u8>,
    data: Vec<u8>,
    is_last: bool,
    done: SyncSender<io::Result<Vec<u8>>>,
}

/// Compresses into `W`. [`Writer::finish`] ends the stream.
pub struct Writer<W: Write> {
    output: W,
    block: Vec<u8>,
    dictionary: Vec<u8>,
    crc: Crc,
    jobs: SyncSender<Job>,
    /// In their order.
    pending: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    /// Most blocks on their way.
    ahead: usize,
}

impl<W: Write> Writer<W> {
    /// With `threads` threads, which end with it.
    pub fn new(mut output: W, level: u32, threads: usize) -> io::Result<Self> {
        output.write_all(&HEADER)?;
        let ahead = threads * 2;
        let (jobs, queue) = sync_channel(ahead);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name("gzip".to_owned())
                .spawn(move || work(&queue, level))?;
        }
        Ok(Self {
            output,
            block: Vec::with_capacity(BLOCK),
            dictionary: Vec::new(),
            crc: Crc::new(),
            jobs,
            pending: VecDeque::new(),
            ahead,
        })
    }

    /// Writes the end of the stream and gives back where it went.
    pub fn finish(mut self) -> io::Result<W> {
        self.send(true)?;
        while !self.pending.is_empty() {
            self.receive()?;
        }
        self.output.write_all(&self.crc.sum().to_le_bytes())?;
        self.output.write_all(&self.crc.amount().to_le_bytes())?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn send(&mut self, is_last: bool) -> io::Result<()> {
        while self.pending.len() >= self.ahead {
            self.receive()?;
        }
        let data = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let tail = data[data.len().saturating_sub(WINDOW)..].to_vec();
        let dictionary = std::mem::replace(&mut self.dictionary, tail);
        let (done, result) = sync_channel(1);
        let job = Job {
            dictionary,
            data,
            is_last,
            done,
        };
        self.jobs.send(job).map_err(|_| gone())?;
        self.pending.push_back(result);
        Ok(())
    }

    /// Writes the oldest block, once it is compressed.
    fn receive(&mut self) -> io::Result<()> {
        let Some(oldest) = self.pending.pop_front() else {
            return Ok(());
        };
        let compressed = oldest.recv().map_err(|_| gone())??;
        self.output.write_all(&compressed)
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that compresses has ended")
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        // Sent when more comes, so that the last block is known as such.
        if self.block.len() == BLOCK {
            self.send(false)?;
        }
        let length = buffer.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&buffer[..length]);
        self.crc.update(&buffer[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn work(queue: &Mutex<Receiver<Job>>, level: u32) {
    loop {
        let next = queue.lock().expect("no thread panics with the lock").recv();
        let Ok(job) = next else { return };
        // Whoever has given up waits for nothing.
        let _ = job.done.send(compress(&job, level));
    }
}

/// One block as raw deflate. All but the last end at a byte boundary without ending the stream.
fn compress(job: &Job, level: u32) -> io::Result<Vec<u8>> {
    let mut compressor = Compress::new(Compression::new(level), false);
    if !job.dictionary.is_empty() {
        compressor
            .set_dictionary(&job.dictionary)
            .map_err(io::Error::other)?;
    }
    let mut output = Vec::with_capacity(job.data.len() / 2 + 1024);
    let flush = if job.is_last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    loop {
        let taken = compressor.total_in() as usize;
        let status = compressor
            .compress_vec(&job.data[taken..], &mut output, flush)
            .map_err(io::Error::other)?;
        let is_whole = match status {
            Status::StreamEnd => true,
            // A flush is complete when it leaves room behind.
            _ => {
                !job.is_last
                    && compressor.total_in() as usize == job.data.len()
                    && output.len() < output.capacity()
            }
        };
        if is_whole {
            return Ok(output);
        }
        output.reserve(64 << 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn data(length: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        // Half words that come again, half noise.
        (0..length)
            .map(|at| {
                if at / 1000 % 2 == 0 {
                    b"the same words "[at % 15]
                } else {
                    next()
                }
            })
            .collect()
    }

    fn compressed(data: &[u8], level: u32, threads: usize) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), level, threads).unwrap();
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_comes_back_from_any_length() {
        for length in [
            0,
            1,
            1000,
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            3 * BLOCK,
            3 * BLOCK + 12_345,
        ] {
            let data = data(length);
            for level in [1, 3, 9] {
                let mut back = Vec::new();
                let bytes = compressed(&data, level, 2);
                GzDecoder::new(bytes.as_slice()).read_to_end(&mut back).unwrap();
                assert!(back == data, "{length} bytes at level {level}");
            }
        }
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_threads() {
        let data = data(5 * BLOCK + 17);
        assert!(compressed(&data, 3, 1) == compressed(&data, 3, 4));
        assert!(compressed(&data, 3, 2).len() < data.len());
    }

    #[test]
    fn a_writer_that_is_dropped_ends_its_threads() {
        let mut writer = Writer::new(Vec::new(), 3, 2).unwrap();
        writer.write_all(&data(2 * BLOCK)).unwrap();
        drop(writer);
    }

    #[test]
    fn an_output_that_fails_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
                if buffer.len() > HEADER.len() {
                    Err(io::ErrorKind::StorageFull.into())
                } else {
                    Ok(buffer.len())
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = Writer::new(Full, 3, 2).unwrap();
        let written = writer
            .write_all(&data(20 * BLOCK))
            .and_then(|()| writer.finish().map(drop));
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
