//! Walks the entries of an archive that holds an image: names, links and where the contents lie.
//!
//! Only what such archives are made of is understood: no sparse files, and no attributes. The layers inside are read
//! by `image::layer`, which understands it all.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, bail};
use tar::{EntryType, Header, PaxExtensions};

/// The unit of a tar archive.
pub const BLOCK: usize = 512;
/// Longest extended header: it holds two names at most.
const EXTENDED_LIMIT: u64 = 64 << 10;

/// A stream of bytes of which parts can be passed over.
pub trait Input: Read {
    fn skip(&mut self, length: u64) -> io::Result<()>;
}

/// What can be read but once.
pub struct Once<R>(pub R);

impl<R: Read> Read for Once<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Input for Once<R> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        match io::copy(&mut self.0.by_ref().take(length), &mut io::sink())? {
            passed if passed == length => Ok(()),
            _ => Err(cut_short()),
        }
    }
}

/// A file that is read at a place of our own, so that others can read it elsewhere.
pub struct Place<'a> {
    pub file: &'a File,
    pub offset: u64,
    /// Where what may be read ends.
    pub end: u64,
}

impl Read for Place<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let length = self.file.read_at(&mut buffer[..wanted], self.offset)?;
        if length == 0 && wanted > 0 {
            return Err(cut_short());
        }
        self.offset += length as u64;
        Ok(length)
    }
}

impl Input for Place<'_> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        match self.offset.checked_add(length) {
            Some(offset) if offset <= self.end => self.offset = offset,
            _ => return Err(cut_short()),
        }
        Ok(())
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut short")
}

/// One entry; its content follows in the input, padded to whole blocks.
#[derive(Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub kind: EntryType,
    pub size: u64,
}

impl Entry {
    /// Bytes between the end of the content and the next header.
    pub fn padding(&self) -> u64 {
        self.size.next_multiple_of(BLOCK as u64) - self.size
    }
}

/// The next entry, once the content and padding of the one before have been read. `None` at the end.
pub fn next(input: &mut dyn Input) -> Result<Option<Entry>> {
    let (mut name, mut link, mut size) = (None, None, None);
    loop {
        let mut block = [0; BLOCK];
        match read_up_to(input, &mut block)? {
            0 => return Ok(None),
            BLOCK if block.iter().all(|byte| *byte == 0) => return Ok(None),
            BLOCK if is_header(&block) => {}
            _ => bail!(
                "payload does not match any of the supported image formats: this is not a tar archive, or a broken one"
            ),
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        let own_size = header.entry_size().context("broken tar archive")?;
        match header.entry_type() {
            EntryType::XHeader => {
                let content = extended(input, own_size)?;
                for field in PaxExtensions::new(&content) {
                    let field = field.context("broken tar archive")?;
                    match field.key_bytes() {
                        b"path" => name = Some(field.value_bytes().to_vec()),
                        b"linkpath" => link = Some(field.value_bytes().to_vec()),
                        b"size" => {
                            let digits = field.value().context("broken tar archive")?;
                            size = Some(digits.parse::<u64>().context("broken tar archive")?);
                        }
                        key if key.starts_with(b"GNU.sparse.") => bail!("the archive has a sparse member"),
                        _ => {}
                    }
                }
            }
            EntryType::XGlobalHeader => {
                extended(input, own_size)?;
            }
            EntryType::GNULongName => name = Some(until_zero(extended(input, own_size)?)),
            EntryType::GNULongLink => link = Some(until_zero(extended(input, own_size)?)),
            EntryType::GNUSparse => bail!("the archive has a sparse member"),
            kind => {
                let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                let link = link.or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
                let directory = name.ends_with(b"/") && header.as_bytes()[156] == 0;
                let kind = if directory { EntryType::Directory } else { kind };
                // Links carry no content, whatever their headers say (POSIX, pax, ustar header block).
                let no_content = matches!(kind, EntryType::Link | EntryType::Symlink);
                let size = if no_content { 0 } else { size.unwrap_or(own_size) };
                if size.checked_add(BLOCK as u64).is_none() {
                    bail!("broken tar archive: a member of {size} bytes");
                }
                return Ok(Some(Entry {
                    name,
                    link: link.unwrap_or_default(),
                    kind,
                    size,
                }));
            }
        }
    }
}

/// Whether this is the header of an entry: its sum is right.
pub fn is_header(block: &[u8]) -> bool {
    if block.len() != BLOCK {
        return false;
    }
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(index, byte)| u64::from(if (148..156).contains(&index) { b' ' } else { *byte }))
        .sum();
    let stored = block[148..156]
        .iter()
        .filter(|byte| (b'0'..=b'7').contains(*byte));
    stored.fold(0, |sum, byte| sum * 8 + u64::from(byte - b'0')) == sum
}

fn read_up_to(input: &mut dyn Input, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The end of a file without the closing blocks, which some writers leave out.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && filled == 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn extended(input: &mut dyn Input, size: u64) -> Result<Vec<u8>> {
    if size > EXTENDED_LIMIT {
        bail!("broken tar archive: an extended header of {size} bytes");
    }
    let mut content = vec![0; size as usize];
    input
        .read_exact(&mut content)
        .context("the archive is cut short")?;
    input.skip(size.next_multiple_of(BLOCK as u64) - size)?;
    Ok(content)
}

fn until_zero(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(archive: &[u8]) -> Result<Vec<(String, EntryType, u64)>> {
        let mut input = Once(archive);
        let mut found = Vec::new();
        while let Some(entry) = next(&mut input)? {
            input.skip(entry.size + entry.padding())?;
            found.push((
                String::from_utf8_lossy(&entry.name).into_owned(),
                entry.kind,
                entry.size,
            ));
        }
        Ok(found)
    }

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for name in names {
            let mut header = Header::new_gnu();
            header.set_size(5);
            builder.append_data(&mut header, name, &b"hello"[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn entries_of_every_length() {
        let long = "long/".repeat(60) + "name";
        let found = walk(&archive(&["a", &long, "b"])).unwrap();
        let regular = |name: &str| (name.to_owned(), EntryType::Regular, 5);
        assert_eq!(found, [regular("a"), regular(&long), regular("b")]);
        let whole = archive(&["a"]);
        assert_eq!(
            walk(&whole[..1024]).unwrap(),
            [regular("a")],
            "closing blocks left out"
        );
        assert!(walk(&[]).unwrap().is_empty());
    }

    #[test]
    fn pax_names_and_sizes() {
        let mut builder = tar::Builder::new(Vec::new());
        builder
            .append_pax_extensions([("path", &b"other/name"[..]), ("size", b"5")])
            .unwrap();
        let mut header = Header::new_ustar();
        header.set_size(0);
        header.set_path("x").unwrap();
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
        builder.get_mut().extend_from_slice(&[b'h'; 5]);
        builder.get_mut().extend_from_slice(&[0; 507]);
        let found = walk(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(found, [("other/name".to_owned(), EntryType::Regular, 5)]);
    }

    #[test]
    fn broken_archives_are_refused() {
        let whole = archive(&["a"]);
        for end in [1, 511, 513, 1000] {
            assert!(walk(&whole[..end]).is_err(), "{end}");
        }
        let mut bad_sum = whole.clone();
        bad_sum[0] ^= 1;
        assert!(walk(&bad_sum).is_err());
        assert!(walk(&[b'x'; 2000]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..1600), mend: bool) {
            if mend && bytes.len() >= BLOCK {
                let sum: u64 = bytes[..BLOCK].iter().enumerate()
                    .map(|(index, byte)| if (148..156).contains(&index) { 32 } else { u64::from(*byte) }).sum();
                bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
            let _ = walk(&bytes);
        }
    }
}
