//! Compressed streams of images: told by their first bytes, decoded and encoded.
//!
//! A media type says what a registry believes; the first bytes say what it is. Decoders bound their own memory
//! (zstd windows, xz dictionaries); how much they may put out is the business of [`Limited`].

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::MultiGzDecoder;
use zstd::zstd_safe::CParameter;

use super::gzip;
use crate::base::parallel;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// Bytes that one thread compresses at a time. Without it they are four windows, of which some are kept for each thread.
const ZSTD_JOB: u32 = 2 << 20;

/// The largest zstd window accepted, as its binary logarithm: 128 MiB, what `zstd` itself decodes unasked.
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// The most memory an xz stream may ask for, in KiB: its strongest preset needs 65 MiB.
const XZ_MEMORY_KIB: u32 = 128 << 10;

/// Bytes read at once from what is compressed.
const BUFFER: usize = 128 << 10;

impl Compression {
    /// What a stream that starts with `magic` is. Six bytes are enough.
    pub fn detect(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, with which chunked layers may start.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// How `reader` is compressed, and what it holds.
///
/// Only one level is undone: what comes out is not looked at again, so nothing can be nested without end.
pub fn decoder<'a>(reader: impl Read + Send + 'a) -> io::Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let mut reader = BufReader::with_capacity(BUFFER, Ahead::new(reader)?);
    let kind = Compression::detect(reader.fill_buf()?);
    let decoded: Box<dyn Read + Send + 'a> = match kind {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
    };
    Ok((kind, decoded))
}

/// Reads a few bytes ahead, so that the first buffer has the whole magic however small the pieces come.
struct Ahead<R> {
    first: [u8; 8],
    at: usize,
    end: usize,
    inner: R,
}

impl<R: Read> Ahead<R> {
    fn new(mut inner: R) -> io::Result<Self> {
        let (mut first, mut end) = ([0; 8], 0);
        while end < first.len() {
            match inner.read(&mut first[end..]) {
                Ok(0) => break,
                Ok(length) => end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            first,
            at: 0,
            end,
            inner,
        })
    }
}

impl<R: Read> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end {
            return self.inner.read(buffer);
        }
        let length = buffer.len().min(self.end - self.at);
        buffer[..length].copy_from_slice(&self.first[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// An encoder into `writer`. Call [`Encoder::finish`], or the end of the stream is missing.
pub fn encoder<W: Write>(kind: Compression, level: i32, writer: W) -> io::Result<Encoder<W>> {
    Ok(match kind {
        Compression::None => Encoder::None(writer),
        Compression::Gzip => {
            let level = level.clamp(0, 9) as u32;
            Encoder::Gzip(gzip::Writer::new(writer, level, parallel::busy_threads())?)
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(writer, level)?;
            encoder.include_checksum(true)?;
            // What comes out is the same for any number of threads but none.
            encoder.multithread(parallel::busy_threads() as u32)?;
            encoder.set_parameter(CParameter::JobSize(ZSTD_JOB))?;
            Encoder::Zstd(encoder)
        }
        Compression::Xz | Compression::Bzip2 => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{kind} is only read, not written"),
            ));
        }
    })
}

/// A stream being compressed.
pub enum Encoder<W: Write> {
    None(W),
    Gzip(gzip::Writer<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// Writes the end of the stream and gives back where it went.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(mut writer) => writer.flush().map(|()| writer),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(writer) => writer.write(buffer),
            Self::Gzip(encoder) => encoder.write(buffer),
            Self::Zstd(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(writer) => writer.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// What a compressed stream may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Most bytes that may come out.
    pub bytes: u64,
    /// Most bytes that may come out for each that goes in, once `grace` bytes came out.
    pub ratio: u64,
    /// Small ones are let be: a layer of zeros or of one repeated line is no attack.
    pub grace: u64,
}

impl Default for Growth {
    /// 256 GiB, and a thousand to one: gzip cannot pass 1032, and what people ship stays below 100.
    fn default() -> Self {
        Self {
            bytes: 256 << 30,
            ratio: 1000,
            grace: 1 << 30,
        }
    }
}

/// A stream has grown more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bomb {
    #[error("more than {0} bytes come out of the compressed stream")]
    Bytes(u64),
    #[error("more than {0} bytes come out of each compressed byte")]
    Ratio(u64),
}

/// A reader that fails with a [`Bomb`] when more comes out than [`Growth`] allows.
pub struct Limited<R> {
    inner: R,
    growth: Growth,
    taken: std::sync::Arc<std::sync::atomic::AtomicU64>,
    given: u64,
}

/// A reader that counts what is taken from it, for [`Limited`] to compare with.
pub struct Counted<R> {
    inner: R,
    taken: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.taken
            .fetch_add(length as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(length)
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.given += length as u64;
        let taken = self.taken.load(std::sync::atomic::Ordering::Relaxed).max(1);
        let Growth { bytes, ratio, grace } = self.growth;
        let bomb = if self.given > bytes {
            Bomb::Bytes(bytes)
        } else if self.given > grace && self.given / taken > ratio {
            Bomb::Ratio(ratio)
        } else {
            return Ok(length);
        };
        Err(io::Error::new(io::ErrorKind::FileTooLarge, bomb))
    }
}

/// Like [`decoder`], with bounds on what comes out.
pub fn limited_decoder<'a>(
    reader: impl Read + Send + 'a,
    growth: Growth,
) -> io::Result<(Compression, Limited<Box<dyn Read + Send + 'a>>)> {
    let taken = std::sync::Arc::default();
    let counted = Counted {
        inner: reader,
        taken: std::sync::Arc::clone(&taken),
    };
    let (kind, inner) = decoder(counted)?;
    Ok((
        kind,
        Limited {
            inner,
            growth,
            taken,
            given: 0,
        },
    ))
}

/// The same bounds for what was made of a stream of `size` bytes.
pub fn limited<R: Read>(inner: R, growth: Growth, size: u64) -> Limited<R> {
    Limited {
        inner,
        growth,
        taken: std::sync::Arc::new(size.into()),
        given: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compressed(kind: Compression, data: &[u8]) -> Vec<u8> {
        let mut encoder = encoder(kind, 3, Vec::new()).unwrap();
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(data: &[u8]) -> io::Result<(Compression, Vec<u8>)> {
        let (kind, mut reader) = decoder(data)?;
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain)?;
        Ok((kind, plain))
    }

    fn bzip2(data: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// "hello\n" as `xz -9` writes it.
    const XZ: &[u8] = &[
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01, 0x1c,
        0x00, 0x00, 0x00, 0x10, 0xcf, 0x58, 0xcc, 0x01, 0x00, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x00,
        0x00, 0x00, 0xa5, 0x60, 0x97, 0xf1, 0x94, 0xf6, 0xfd, 0xe0, 0x00, 0x01, 0x1e, 0x06, 0xc1, 0x2f, 0xa4,
        0x1d, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ];

    #[test]
    fn every_kind_is_told_and_read() {
        for kind in [Compression::None, Compression::Gzip, Compression::Zstd] {
            assert_eq!(
                decoded(&compressed(kind, b"hello\n")).unwrap(),
                (kind, b"hello\n".to_vec())
            );
        }
        assert_eq!(
            decoded(&bzip2(b"hello\n")).unwrap(),
            (Compression::Bzip2, b"hello\n".to_vec())
        );
        assert_eq!(decoded(XZ).unwrap(), (Compression::Xz, b"hello\n".to_vec()));
        assert_eq!(decoded(b"").unwrap(), (Compression::None, Vec::new()));
        assert_eq!(decoded(b"\x1f").unwrap(), (Compression::None, b"\x1f".to_vec()));
    }

    #[test]
    fn members_and_frames_follow_one_another() {
        for kind in [Compression::Gzip, Compression::Zstd] {
            let both = [compressed(kind, b"one"), compressed(kind, b"two")].concat();
            assert_eq!(decoded(&both).unwrap().1, b"onetwo");
        }
        assert_eq!(
            decoded(&[bzip2(b"one"), bzip2(b"two")].concat()).unwrap().1,
            b"onetwo"
        );
        let skipped = [
            &b"\x50\x2a\x4d\x18\x02\0\0\0xx"[..],
            &compressed(Compression::Zstd, b"two"),
        ]
        .concat();
        assert_eq!(decoded(&skipped).unwrap(), (Compression::Zstd, b"two".to_vec()));
    }

    /// A layer of eStargz is gzip, a member for each file, with its table of contents and where that is behind them.
    #[test]
    fn estargz_is_read_as_gzip() {
        let members = [&b"file one"[..], b"file two", b"stargz.index.json"];
        let mut blob: Vec<u8> = members[..2]
            .iter()
            .flat_map(|member| compressed(Compression::Gzip, member))
            .collect();
        let contents = blob.len();
        blob.extend(compressed(Compression::Gzip, members[2]));
        // The footer is an empty member whose extra field says where the table begins (eStargz, "Footer").
        blob.extend(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0");
        blob.extend(format!("{contents:016x}STARGZ").bytes());
        blob.extend(b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0");
        assert_eq!(decoded(&blob).unwrap(), (Compression::Gzip, members.concat()));
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let data: Vec<u8> = (0..20_000u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        for whole in [
            compressed(Compression::Gzip, &data),
            compressed(Compression::Zstd, &data),
            bzip2(&data),
        ] {
            for cut in [whole.len() / 2, whole.len() - 1] {
                assert!(decoded(&whole[..cut]).is_err());
            }
        }
    }

    #[test]
    fn bombs_go_off_outside() {
        let data = vec![0; 3 << 20];
        let bomb = compressed(Compression::Zstd, &data);
        let read = |growth| {
            let (_, mut reader) = limited_decoder(&bomb[..], growth).unwrap();
            io::copy(&mut reader, &mut io::sink())
        };
        assert_eq!(read(Growth::default()).unwrap(), 3 << 20);
        let error = read(Growth {
            bytes: 1 << 20,
            ..Growth::default()
        })
        .unwrap_err();
        assert_eq!(error.to_string(), Bomb::Bytes(1 << 20).to_string());
        let error = read(Growth {
            grace: 1 << 20,
            ..Growth::default()
        })
        .unwrap_err();
        assert_eq!(error.to_string(), Bomb::Ratio(1000).to_string());
        let plain = compressed(Compression::None, &data);
        let growth = Growth {
            grace: 0,
            ratio: 1,
            ..Growth::default()
        };
        assert!(
            io::copy(
                &mut limited_decoder(&plain[..], growth).unwrap().1,
                &mut io::sink()
            )
            .is_ok()
        );
    }

    #[test]
    fn a_huge_window_is_refused() {
        // A frame header that asks for a window of 2 GiB (exponent 21), then an empty last block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
        assert!(decoded(&frame).is_err());
        let fine = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
        assert_eq!(decoded(&fine).unwrap().1, b"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(data: Vec<u8>, level in 1..9i32) {
            for kind in [Compression::Gzip, Compression::Zstd] {
                let mut encoder = encoder(kind, level, Vec::new()).unwrap();
                encoder.write_all(&data).unwrap();
                let packed = encoder.finish().unwrap();
                prop_assert_eq!(decoded(&packed).unwrap(), (kind, data.clone()));
            }
        }

        #[test]
        fn decoders_never_panic(kind in 0..4usize, data: Vec<u8>) {
            let magic: [&[u8]; 4] =
                [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh9"];
            let _ = decoded(&[magic[kind], &data].concat());
        }
    }
}
