//! Raw tar entries: well-formed by default, wrong in any field when a test asks for it.

/// One entry. Every field is written as it stands; what a sane writer would refuse is not refused here.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub kind: u8,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub mtime: i64,
    pub major: u32,
    pub minor: u32,
    pub data: Vec<u8>,
    /// The size that the header claims, when it is not the length of `data`.
    pub claimed_size: Option<u64>,
    /// The checksum that the header claims, when it is not the true one.
    pub claimed_checksum: Option<u32>,
    /// Records of a pax header written before the entry.
    pub pax: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    pub fn new(kind: u8, name: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            link: Vec::new(),
            kind,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1_700_000_000,
            major: 0,
            minor: 0,
            data: Vec::new(),
            claimed_size: None,
            claimed_checksum: None,
            pax: Vec::new(),
        }
    }

    pub fn file(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self {
            data: data.as_ref().to_vec(),
            ..Self::new(b'0', name)
        }
    }

    pub fn program(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        Self::file(name, data).mode(0o755)
    }

    pub fn directory(name: impl AsRef<[u8]>) -> Self {
        Self::new(b'5', name).mode(0o755)
    }

    pub fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self {
            link: target.as_ref().to_vec(),
            ..Self::new(b'2', name).mode(0o777)
        }
    }

    pub fn hard_link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self {
            link: target.as_ref().to_vec(),
            ..Self::new(b'1', name)
        }
    }

    /// A character (`b'3'`) or block (`b'4'`) device.
    pub fn device(kind: u8, name: impl AsRef<[u8]>, major: u32, minor: u32) -> Self {
        Self {
            major,
            minor,
            ..Self::new(kind, name)
        }
    }

    pub fn fifo(name: impl AsRef<[u8]>) -> Self {
        Self::new(b'6', name)
    }

    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub fn owner(self, uid: u64, gid: u64) -> Self {
        Self { uid, gid, ..self }
    }

    pub fn mtime(self, mtime: i64) -> Self {
        Self { mtime, ..self }
    }

    pub fn pax(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// An extended attribute, as GNU tar and the container tools write it.
    pub fn xattr(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax(format!("SCHILY.xattr.{name}"), value)
    }

    /// Appends the entry's blocks. A name or link too long for the header goes into a pax record.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut records = self.pax.clone();
        for (key, value) in [(&b"path"[..], &self.name), (&b"linkpath"[..], &self.link)] {
            if value.len() > 100 && !records.iter().any(|(known, _)| known == key) {
                records.push((key.to_vec(), value.clone()));
            }
        }
        if !records.is_empty() {
            let mut body = Vec::new();
            for (key, value) in &records {
                body.extend(pax_record(key, value));
            }
            let pax = Self {
                data: body,
                mtime: 0,
                ..Self::new(b'x', "PaxHeaders/entry")
            };
            pax.write_plain(out);
        }
        self.write_plain(out);
    }

    fn write_plain(&self, out: &mut Vec<u8>) {
        let mut header = [0u8; 512];
        put(&mut header[0..100], &self.name);
        number(&mut header[100..108], i128::from(self.mode));
        number(&mut header[108..116], i128::from(self.uid));
        number(&mut header[116..124], i128::from(self.gid));
        let size = self.claimed_size.unwrap_or(self.data.len() as u64);
        number(&mut header[124..136], i128::from(size));
        number(&mut header[136..148], i128::from(self.mtime));
        header[156] = self.kind;
        put(&mut header[157..257], &self.link);
        header[257..265].copy_from_slice(b"ustar\x0000");
        number(&mut header[329..337], i128::from(self.major));
        number(&mut header[337..345], i128::from(self.minor));
        header[148..156].fill(b' ');
        let sum = header.iter().map(|byte| u32::from(*byte)).sum();
        let sum = self.claimed_checksum.unwrap_or(sum);
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(&self.data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
}

/// A whole archive: the entries and the two empty blocks at the end.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        entry.write(&mut out);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Copies as much as the field holds.
fn put(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Octal where it fits, else GNU's base 256.
fn number(field: &mut [u8], value: i128) {
    let digits = field.len() - 1;
    if value >= 0 && value < 1 << (3 * digits) {
        field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
        return;
    }
    let bytes = value.to_be_bytes();
    let length = field.len();
    field.copy_from_slice(&bytes[bytes.len() - length..]);
    field[0] |= 0x80;
}

/// `length key=value\n`, where the length counts its own digits.
fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}
