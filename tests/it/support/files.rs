//! Trees of files, as far as whoever runs the tests may look into them.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file, or a directory with everything below it, by name; links are not followed. What only other users may look into
/// is left out.
pub fn tree(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if fs::symlink_metadata(path).is_ok_and(|status| status.is_dir()) {
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return found,
            entries => entries.expect("a directory that stays"),
        };
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a directory that stays").path())
            .collect();
        paths.sort();
        found.extend(paths.iter().flat_map(|path| tree(path)));
    }
    found
}

/// Bytes that they take on the disk, as `du` counts.
pub fn usage(path: &Path) -> u64 {
    let blocks = |path: &PathBuf| match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => 0,
        status => status.expect("a file that stays").blocks(),
    };
    tree(path).iter().map(blocks).sum::<u64>() * 512
}
