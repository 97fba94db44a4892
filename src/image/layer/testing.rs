//! Makes tars for the tests, well formed or not.

use super::header::BLOCK;

/// One record of an extended header.
pub fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + length.to_string().len() {
        length = body + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// Fields of a header, by default those of an empty file.
#[derive(Clone)]
pub struct Fields {
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub typeflag: u8,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub size: u64,
    pub mtime: u64,
    pub device: (u32, u32),
    pub magic: &'static [u8; 8],
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            name: Vec::new(),
            link: Vec::new(),
            typeflag: b'0',
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: 1,
            device: (0, 0),
            magic: b"ustar\x0000",
        }
    }
}

impl Fields {
    pub fn new(typeflag: u8, name: impl AsRef<[u8]>) -> Self {
        let mode = if typeflag == b'5' { 0o755 } else { 0o644 };
        Self {
            name: name.as_ref().to_vec(),
            typeflag,
            mode,
            ..Self::default()
        }
    }

    pub fn link(mut self, link: impl AsRef<[u8]>) -> Self {
        self.link = link.as_ref().to_vec();
        self
    }

    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    pub fn size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    pub fn device(mut self, major: u32, minor: u32) -> Self {
        self.device = (major, minor);
        self
    }

    /// The header; names longer than 100 bytes are cut.
    pub fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name[..self.name.len().min(100)]);
        put(100, format!("{:07o}", self.mode).as_bytes());
        put(108, format!("{:07o}", self.uid).as_bytes());
        put(116, format!("{:07o}", self.gid).as_bytes());
        put(124, format!("{:011o}", self.size).as_bytes());
        put(136, format!("{:011o}", self.mtime).as_bytes());
        put(156, &[self.typeflag]);
        put(157, &self.link[..self.link.len().min(100)]);
        put(257, self.magic);
        if self.magic[0] != 0 {
            put(329, format!("{:07o}", self.device.0).as_bytes());
            put(337, format!("{:07o}", self.device.1).as_bytes());
        }
        sum(&mut block);
        block
    }
}

/// Writes the checksum of a header.
pub fn sum(block: &mut [u8; BLOCK]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A tar in the making.
#[derive(Default, Clone)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    /// Any bytes.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A header and, with its padding, content that it may or may not describe.
    pub fn entry(self, fields: Fields, content: &[u8]) -> Self {
        let padding = content.len().next_multiple_of(BLOCK) - content.len();
        self.raw(&fields.block()).raw(content).raw(&vec![0; padding])
    }

    pub fn file(self, name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        self.entry(Fields::new(b'0', name).size(content.len() as u64), content)
    }

    pub fn directory(self, name: impl AsRef<[u8]>) -> Self {
        self.entry(Fields::new(b'5', name), b"")
    }

    pub fn symlink(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Fields::new(b'2', name).link(target), b"")
    }

    pub fn hard_link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Fields::new(b'1', name).link(target), b"")
    }

    /// An extended header for the entry that follows.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let data: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| pax_record(key.as_bytes(), value))
            .collect();
        self.entry(Fields::new(b'x', "pax").size(data.len() as u64), &data)
    }

    /// A GNU long name (`L`) or link (`K`) for the entry that follows.
    pub fn long(self, typeflag: u8, name: impl AsRef<[u8]>) -> Self {
        let data = [name.as_ref(), b"\0"].concat();
        self.entry(
            Fields::new(typeflag, "././@LongLink").size(data.len() as u64),
            &data,
        )
    }

    /// The archive with its end.
    pub fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}
