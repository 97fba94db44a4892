//! Maps of sparse files: which parts of a file its payload fills. The rest are holes.

use super::header;
use super::limits;
use super::pax;

/// A part of a file that has content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub offset: u64,
    pub length: u64,
}

/// What is wrong with a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSparse {
    #[error("sparse map is malformed")]
    Form,
    #[error("sparse map has more than {} segments", limits::SPARSE_SEGMENTS)]
    Segments,
    #[error("segments of a sparse file overlap or lie outside of it")]
    Order,
    #[error("sparse map does not fit the size of the content")]
    Size,
    #[error("sparse file is longer than {} bytes", limits::SPARSE_LENGTH)]
    Length,
}

/// Adds the segments of an old GNU header: pairs of numbers of 12 bytes, ended by an empty one.
pub fn read_old(pairs: &[u8], segments: &mut Vec<(u64, u64)>) -> Result<(), BadSparse> {
    for pair in pairs.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        let offset = header::unsigned(&pair[..12]).ok_or(BadSparse::Form)?;
        let length = header::unsigned(&pair[12..]).ok_or(BadSparse::Form)?;
        push(segments, (offset, length))?;
    }
    Ok(())
}

fn push(segments: &mut Vec<(u64, u64)>, segment: (u64, u64)) -> Result<(), BadSparse> {
    if segments.len() == limits::SPARSE_SEGMENTS {
        return Err(BadSparse::Segments);
    }
    segments.push(segment);
    Ok(())
}

/// Reads a map of version 1.0: the number of segments, then offset and length of each, a line each.
#[derive(Default)]
pub struct MapReader {
    expected: Option<u64>,
    line: Vec<u8>,
    offset: Option<u64>,
    segments: Vec<(u64, u64)>,
}

impl MapReader {
    pub fn is_complete(&self) -> bool {
        self.expected == Some(self.segments.len() as u64)
    }

    /// Takes the next block; what follows the last line of the last one is padding.
    pub fn take(&mut self, block: &[u8]) -> Result<(), BadSparse> {
        for &byte in block {
            if self.is_complete() {
                break;
            }
            if byte != b'\n' {
                // 2^64 has 20 digits.
                if self.line.len() == 20 {
                    return Err(BadSparse::Form);
                }
                self.line.push(byte);
                continue;
            }
            let number = pax::decimal(&self.line).ok_or(BadSparse::Form)?;
            self.line.clear();
            match (self.expected, self.offset.take()) {
                (None, _) => self.expected = Some(number),
                (Some(_), None) => self.offset = Some(number),
                (Some(_), Some(offset)) => push(&mut self.segments, (offset, number))?,
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Vec<(u64, u64)> {
        self.segments
    }
}

/// The segments of a file of `length` bytes whose payload has `size`, when they rise, do not overlap and fill it.
pub fn check(pairs: Vec<(u64, u64)>, length: u64, size: u64) -> Result<Vec<Segment>, BadSparse> {
    if length > limits::SPARSE_LENGTH {
        return Err(BadSparse::Length);
    }
    if pairs.len() > limits::SPARSE_SEGMENTS {
        return Err(BadSparse::Segments);
    }
    let mut segments = Vec::with_capacity(pairs.len());
    let (mut end, mut total) = (0u64, 0u64);
    for (offset, part) in pairs {
        let next = offset.checked_add(part).ok_or(BadSparse::Order)?;
        if offset < end || next > length {
            return Err(BadSparse::Order);
        }
        end = next;
        // Cannot overflow: the parts lie apart within `length`.
        total += part;
        if part > 0 {
            segments.push(Segment { offset, length: part });
        }
    }
    if total != size {
        return Err(BadSparse::Size);
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn maps_must_rise_fit_and_fill() {
        let segment = |offset, length| Segment { offset, length };
        assert_eq!(check(vec![(1, 2), (5, 0)], 5, 2), Ok(vec![segment(1, 2)]));
        assert_eq!(check(vec![], 5, 0), Ok(vec![]));
        for (pairs, length, size, expected) in [
            (vec![(0, 3), (2, 1)], 9, 4, BadSparse::Order),
            (vec![(4, 1), (0, 1)], 9, 2, BadSparse::Order),
            (vec![(8, 2)], 9, 2, BadSparse::Order),
            (vec![(u64::MAX, 2)], 9, 2, BadSparse::Order),
            (vec![(0, 2)], 9, 3, BadSparse::Size),
            (vec![(0, 4)], 9, 3, BadSparse::Size),
            (vec![], 1 << 63, 0, BadSparse::Length),
        ] {
            assert_eq!(check(pairs, length, size), Err(expected));
        }
    }

    #[test]
    fn the_map_of_version_one_may_span_blocks() {
        let mut map = MapReader::default();
        map.take(b"2\n1\n2").unwrap();
        assert!(!map.is_complete());
        map.take(b"0\n30\n4\n\0\0").unwrap();
        assert!(map.is_complete());
        assert_eq!(map.finish(), [(1, 20), (30, 4)]);
        for bad in [&b"x\n"[..], b"\n", b"-1\n", b"111111111111111111111\n", b"1\n\0"] {
            let mut map = MapReader::default();
            assert!(
                map.take(bad).is_err() || !map.is_complete(),
                "{}",
                bad.escape_ascii()
            );
        }
    }

    proptest! {
        #[test]
        fn reading_maps_never_panics(block: Vec<u8>, length: u64, size: u64) {
            let mut map = MapReader::default();
            let _ = map.take(&block);
            let mut old = Vec::new();
            let _ = read_old(&block, &mut old);
            let _ = check(old, length, size);
        }
    }
}
