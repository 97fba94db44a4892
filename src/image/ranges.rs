//! Ranges of a blob of which an earlier process may have fetched some bytes. What comes is kept for the next: each
//! block as 8 bytes that say where in the blob it begins, 8 that say how long it is (both little endian), and its bytes.
//!
//! Nothing here is checked: what is made of the bytes has a digest.

use std::io::{self, Read};
use std::ops::Range;

use super::arrival::Kept;
use crate::store::downloads::Download;

/// Bytes before each block.
const HEAD: usize = 16;

/// The blocks that there are.
pub struct Blocks<'s> {
    download: Download<'s>,
    /// Bytes of the blob and where they are in the file, in the order of the blob.
    known: Vec<(Range<u64>, u64)>,
    /// Of the blob, in bytes.
    size: u64,
}

impl<'s> Blocks<'s> {
    /// Reads which blocks there are of a blob of `size` bytes. A block that was not finished is cut off.
    pub fn read(mut download: Download<'s>, size: u64) -> io::Result<Self> {
        let mut known: Vec<(Range<u64>, u64)> = Vec::new();
        let mut at = 0;
        let mut head = [0; HEAD];
        while known.len() < most(size) && download.read_at(&mut head, at)? == HEAD {
            let number = |place: usize| {
                let bytes = head[place..place + 8].try_into();
                u64::from_le_bytes(bytes.expect("eight bytes"))
            };
            let (begin, length) = (number(0), number(8));
            let content = at + HEAD as u64;
            let end = begin.checked_add(length).filter(|end| *end <= size && length > 0);
            let next = content
                .checked_add(length)
                .filter(|next| *next <= download.length());
            let (Some(end), Some(next)) = (end, next) else {
                break;
            };
            known.push((begin..end, content));
            at = next;
        }
        download.truncate(at)?;
        known.sort_unstable_by_key(|(range, _)| range.start);
        Ok(Self {
            download,
            known,
            size,
        })
    }

    /// `ranges` one after the other, which are in order, cut into what there is and what is to come.
    pub fn segments(&self, ranges: &[Range<u64>]) -> Vec<Segment> {
        segments(&self.known, ranges)
    }
}

/// How many blocks are kept of a blob of `size` bytes: a registry that sends bytes one by one makes no more.
fn most(size: u64) -> usize {
    usize::try_from(size / (4 << 10))
        .unwrap_or(usize::MAX)
        .saturating_add(64)
}

/// Some bytes of the blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub range: Range<u64>,
    /// Where they are in the file.
    at: Option<u64>,
}

impl Segment {
    pub fn to_come(range: Range<u64>) -> Self {
        Self { range, at: None }
    }

    pub fn is_to_come(&self) -> bool {
        self.at.is_none()
    }
}

fn segments(known: &[(Range<u64>, u64)], ranges: &[Range<u64>]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut blocks = known.iter().peekable();
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            // Those that end before this are of no use any more.
            while blocks.next_if(|(block, _)| block.end <= at).is_some() {}
            let Some((block, place)) = blocks.peek() else {
                segments.push(Segment::to_come(at..range.end));
                break;
            };
            let end = if block.start <= at {
                let end = block.end.min(range.end);
                segments.push(Segment {
                    range: at..end,
                    at: Some(place + (at - block.start)),
                });
                end
            } else {
                let end = block.start.min(range.end);
                segments.push(Segment::to_come(at..end));
                end
            };
            at = end;
        }
    }
    segments
}

/// Reads segments one after the other, and keeps what comes.
pub struct Resumed<'s, 'k, R> {
    segments: std::vec::IntoIter<Segment>,
    now: Segment,
    blocks: Option<Blocks<'s>>,
    /// How many blocks more are kept; none where the disk was full.
    room: usize,
    /// Where ours begin in the file.
    begin: u64,
    /// What is to come of all segments.
    rest: R,
    kept: &'k Kept<'s>,
    block: Vec<u8>,
}

impl<'s, 'k, R: Read> Resumed<'s, 'k, R> {
    pub fn new(segments: Vec<Segment>, blocks: Option<Blocks<'s>>, rest: R, kept: &'k Kept<'s>) -> Self {
        Self {
            segments: segments.into_iter(),
            now: Segment::to_come(0..0),
            room: blocks
                .as_ref()
                .map_or(0, |blocks| most(blocks.size).saturating_sub(blocks.known.len())),
            begin: blocks.as_ref().map_or(0, |blocks| blocks.download.length()),
            blocks,
            rest,
            kept,
            block: Vec::new(),
        }
    }

    /// Keeps the bytes that come at the place `begin` of the blob. Where that fails they are only not kept.
    fn keep(&mut self, begin: u64, bytes: &[u8]) {
        let Some(blocks) = self.blocks.as_mut().filter(|_| self.room > 0) else {
            return;
        };
        self.block.clear();
        self.block.extend_from_slice(&begin.to_le_bytes());
        self.block.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.block.extend_from_slice(bytes);
        self.room -= 1;
        if blocks.download.append(&self.block).is_err() {
            self.room = 0;
            // What unpacks wants the room; what was there before is being read.
            let _ = blocks.download.truncate(self.begin);
        }
    }
}

impl<R: Read> Read for Resumed<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.now.range.is_empty() {
            match self.segments.next() {
                Some(next) => self.now = next,
                None => return Ok(0),
            }
        }
        let left = self.now.range.end - self.now.range.start;
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..room];
        let length = match (self.now.at.as_mut(), &self.blocks) {
            (Some(at), Some(blocks)) => {
                let length = blocks.download.read_at(buffer, *at)?;
                *at += length as u64;
                length
            }
            _ => {
                let length = self.rest.read(buffer)?;
                self.keep(self.now.range.start, &buffer[..length]);
                length
            }
        };
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.now.range.start += length as u64;
        Ok(length)
    }
}

impl<R> Drop for Resumed<'_, '_, R> {
    fn drop(&mut self) {
        if let Some(blocks) = self.blocks.take() {
            self.kept.keep(blocks.download);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::digest::Digest;
    use crate::store::Store;

    #[test]
    fn what_had_come_is_not_read_again() {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        let blob: Vec<u8> = (0..200).collect();
        let ranges = [10..60u64, 100..180];
        let digest = Digest::of(b"blob");
        let expected: Vec<u8> = [&blob[10..60], &blob[100..180]].concat();
        // The first process gets 70 bytes, the second, which wants other ranges, some of the others.
        let read = |ranges: &[Range<u64>], limit: u64| {
            let blocks = Blocks::read(store.download(&digest).unwrap().unwrap(), 200).unwrap();
            let segments = blocks.segments(ranges);
            let coming = segments.iter().filter(|segment| segment.is_to_come());
            let coming: Vec<Range<u64>> = coming.map(|segment| segment.range.clone()).collect();
            let bytes: Vec<u8> = coming
                .iter()
                .flat_map(|range| &blob[range.start as usize..range.end as usize])
                .copied()
                .collect();
            let kept = Kept::default();
            let mut all = Vec::new();
            let resumed = Resumed::new(segments, Some(blocks), io::Cursor::new(bytes), &kept);
            resumed.take(limit).read_to_end(&mut all).unwrap();
            (all, coming)
        };
        let (first, coming) = read(&ranges, 70);
        assert_eq!(
            (first.as_slice(), coming.as_slice()),
            (&expected[..70], &ranges[..])
        );
        let (second, coming) = read(&[20..30, 110..130], 30);
        assert_eq!(second, [&blob[20..30], &blob[110..130]].concat());
        assert_eq!(coming, std::slice::from_ref(&(120..130)));
        // The last block is half there.
        let mut download = store.download(&digest).unwrap().unwrap();
        download
            .append(&[180u64.to_le_bytes(), 9u64.to_le_bytes()].concat())
            .unwrap();
        drop(download);
        let (third, coming) = read(&ranges, 1000);
        assert_eq!(third, expected);
        assert_eq!(coming, std::slice::from_ref(&(130..180)));
        let (fourth, coming) = read(&ranges, 1000);
        assert_eq!((fourth, coming), (expected, Vec::new()));
    }

    proptest! {
        #[test]
        fn segments_are_the_ranges(
            blocks in proptest::collection::vec((0u64..1000, 1u64..100), 0..20),
            ranges in proptest::collection::vec((1u64..100, 1u64..100), 0..10),
        ) {
            let mut known: Vec<(Range<u64>, u64)> =
                blocks.iter().map(|(begin, length)| (*begin..begin + length, begin + 5000)).collect();
            known.sort_unstable_by_key(|(range, _)| range.start);
            let mut at = 0;
            let ranges: Vec<Range<u64>> = ranges.iter().map(|(gap, length)| {
                at += gap + length;
                at - length..at
            }).collect();
            let found = segments(&known, &ranges);
            let flat = |ranges: &mut dyn Iterator<Item = Range<u64>>| ranges.flatten().collect::<Vec<u64>>();
            let all = flat(&mut found.iter().map(|segment| segment.range.clone()));
            prop_assert_eq!(all, flat(&mut ranges.iter().cloned()));
            for segment in &found {
                prop_assert!(segment.at.is_none_or(|at| at == segment.range.start + 5000));
                prop_assert!(!segment.range.is_empty());
            }
        }
    }
}
