//! Archives as real programs write them.

use std::process::Command;

use super::*;

/// A directory with something of everything.
fn fill(directory: &Path) {
    fs::create_dir_all(directory.join("a/b")).unwrap();
    fs::write(directory.join("a/file"), "content").unwrap();
    fs::write(directory.join("a/b").join("long".repeat(50)), "x").unwrap();
    fs::hard_link(directory.join("a/file"), directory.join("hard")).unwrap();
    std::os::unix::fs::symlink("../".repeat(40) + "target", directory.join("a/link")).unwrap();
    fs::set_permissions(directory.join("a/file"), fs::Permissions::from_mode(0o4711)).unwrap();
    let sparse = File::create(directory.join("sparse")).unwrap();
    sparse.set_len(1 << 22).unwrap();
    for block in 0..40u64 {
        std::os::unix::fs::FileExt::write_all_at(&sparse, b"data", block * 65536).unwrap();
    }
    rustix::fs::mkfifoat(File::open(directory).unwrap(), "pipe", rustix::fs::Mode::RUSR).unwrap();
}

#[test]
fn gnu_tar_in_all_its_formats() {
    if Command::new("tar").arg("--version").output().is_err() {
        return skipped("there is no tar program");
    }
    let source = tempfile::tempdir().unwrap();
    fill(source.path());
    let expected = describe(source.path());
    for options in [
        &["--format=gnu"][..],
        &["--format=pax"],
        &["--format=gnu", "--sparse"],
        &["--format=pax", "--sparse", "--sparse-version=0.0"],
        &["--format=pax", "--sparse", "--sparse-version=0.1"],
        &["--format=pax", "--sparse", "--sparse-version=1.0"],
        &["--format=ustar", "--exclude=link", "--exclude=longlong*"],
        &[
            "--format=v7",
            "--exclude=link",
            "--exclude=longlong*",
            "--exclude=pipe",
        ],
        &["--format=gnu", "--blocking-factor=1"],
    ] {
        let output = Command::new("tar")
            .args(options)
            .arg("-C")
            .arg(source.path())
            .args(["-c", "."])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let (place, record) = unpacked(&output.stdout);
        assert_eq!(record.entries, output_entries(&output.stdout), "{options:?}");
        let excluded = |line: &&String| {
            let ustar = options[0].ends_with("ustar") || options[0].ends_with("v7");
            !(ustar && (line.starts_with("a/link") || line.contains("longlong")))
                && !(options[0].ends_with("v7") && line.starts_with("pipe"))
        };
        let expected: Vec<&String> = expected.iter().filter(excluded).collect();
        assert_eq!(place.list().iter().collect::<Vec<_>>(), expected, "{options:?}");
        if options.contains(&"--sparse") {
            let blocks = fs::metadata(place.tree().join("sparse")).unwrap().blocks();
            assert!(blocks * 512 < 1 << 21, "{options:?}: {blocks} blocks");
        }
    }
}

/// What GNU tar itself lists.
fn output_entries(tar: &[u8]) -> u64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), tar).unwrap();
    let output = Command::new("tar").arg("-tf").arg(file.path()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().count() as u64
}
