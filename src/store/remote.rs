//! Directories on file systems of other machines.
//!
//! A store cannot lie there: servers let no user give files to his subordinate ids, overlayfs takes no upper directory
//! from there, and locks on directories hold on one machine alone, so that two machines with one home would sweep what
//! the other is making.

use std::path::Path;

use rustix::io::Errno;

/// The numbers that `statfs(2)` gives, with the names that users know.
const REMOTE: [(u64, &str); 13] = [
    (0x6969, "NFS"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0xaad7_aaea, "PanFS"),
    (0x786f_4256, "vboxsf"),
];

/// The file system of another machine on which `path` lies, or would lie if it was made.
pub fn remote(path: &Path) -> Option<&'static str> {
    let mut ancestors = path.ancestors();
    let found = ancestors.find_map(|path| match rustix::fs::statfs(path) {
        Ok(status) => Some(status.f_type),
        Err(Errno::NOENT) => None,
        // Whatever it is, it will be told of by who opens it.
        Err(_) => Some(0),
    })?;
    name(found as u64)
}

fn name(number: u64) -> Option<&'static str> {
    // Some numbers are signed and of 32 bits.
    let number = number & 0xffff_ffff;
    REMOTE.iter().find(|(of, _)| *of == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_here_is_not_remote() {
        let here = tempfile::tempdir().unwrap();
        assert_eq!(remote(here.path()), None);
        assert_eq!(remote(&here.path().join("not/there/yet")), None);
        assert_eq!(remote(Path::new("/proc/self/status/no")), None);
    }

    /// `tests/vm/suites/nfs.sh` has a real one.
    #[test]
    fn numbers_of_either_sign_are_known() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xff53_4d42), Some("CIFS"));
        assert_eq!(name(0xff53_4d42_u32 as i32 as u64), Some("CIFS"));
        // ext4 and overlay.
        assert_eq!((name(0xef53), name(0x794c_7630)), (None, None));
    }
}
