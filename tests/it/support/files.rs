//! Trees of files, as far as whoever runs the tests may look into them, and programs that tests make.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Makes a program of the text. Another process writes it: a descriptor of ours, open for writing, could live on in what other
/// tests start at that moment, and the program could not be executed (execve(2), ETXTBSY).
pub fn write_program(path: &Path, text: &str) {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}
