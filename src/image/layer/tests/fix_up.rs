//! Chains of layers, and what the kernel makes of them.

use std::os::fd::OwnedFd;
use std::process::Command;

use super::*;
use rustix::fs::{Mode, OFlags};

struct Chain {
    layers: Vec<Place>,
    fix: tempfile::TempDir,
    needed: Result<bool, FixUpError>,
}

/// Unpacks `tars`, bottom first, and builds their fix-up tree.
fn chain(tars: &[Tar]) -> Chain {
    let layers: Vec<Place> = tars.iter().map(|tar| unpacked(&tar.clone().end()).0).collect();
    let fix = tempfile::tempdir().unwrap();
    let files: Vec<File> = layers.iter().map(Place::open).collect();
    let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    let into: OwnedFd = File::open(fix.path()).unwrap().into();
    let needed = build_fix_up(&fds, into.as_fd());
    Chain { layers, fix, needed }
}

impl Chain {
    fn list(&self) -> Vec<String> {
        assert!(*self.needed.as_ref().unwrap(), "no fix-up tree was needed");
        describe(self.fix.path())
    }

    /// What the kernel shows of the chain, a line each: mode, owner, name and, of a file, its content.
    fn mounted(&self) -> Option<Vec<String>> {
        if !is_root() {
            skipped("only root can mount here");
            return None;
        }
        let trees: Vec<String> = self
            .layers
            .iter()
            .rev()
            .map(|l| l.tree().display().to_string())
            .collect();
        let mut lowers = trees;
        if *self.needed.as_ref().unwrap() {
            lowers.insert(0, self.fix.path().display().to_string());
        } else {
            // A single lower needs another beside it.
            lowers.push(self.fix.path().display().to_string());
        }
        let target = tempfile::tempdir().unwrap();
        let script =
            "mount -t overlay overlay -o \"userxattr,index=off,metacopy=off,lowerdir=$1\" \"$2\" || exit 99
            cd \"$2\" && find . -printf '%m %U:%G %P %y\\n' | sort -k3
            find . -type f -exec sh -c 'echo $1: $(cat $1)' x {} \\; | sort";
        let output = Command::new("unshare")
            .args(["-m", "sh", "-c", script, "x", &lowers.join(":")])
            .arg(target.path())
            .output()
            .unwrap();
        if output.status.code() == Some(99) {
            skipped("no overlay file system here");
            return None;
        }
        let text = String::from_utf8(output.stdout).unwrap();
        // Not a word: a whiteout that shows makes find complain.
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{errors}");
        Some(text.lines().map(str::to_owned).collect())
    }
}

#[test]
fn an_ordinary_chain_needs_nothing() {
    let chain = chain(&[
        Tar::new().directory("a").file("a/f", b"1"),
        Tar::new()
            .entry(Fields::new(b'5', "a").mode(0o700), b"")
            .file("a/g", b"2")
            .file("a/.wh.f", b""),
        // Implied, but just as it is below in all that shows; or nowhere below.
        Tar::new().file("new/h", b"3"),
        Tar::new().file("new/i", b"4"),
    ]);
    assert!(!chain.needed.as_ref().unwrap());
    assert_eq!(describe(chain.fix.path()).len(), 1);
}

#[test]
fn implied_directories_keep_what_they_were() {
    let chain = chain(&[
        Tar::new()
            .entry(Fields::new(b'5', "tmp").mode(0o1777), b"")
            .entry(Fields::new(b'5', "tmp/in").mode(0o711), b"")
            .entry(Fields::new(b'5', "gone").mode(0o711), b"")
            .entry(Fields::new(b'5', "opaque").mode(0o711), b"")
            .entry(Fields::new(b'5', "anew").mode(0o711), b"")
            .entry(Fields::new(b'5', "anew/in").mode(0o711), b"")
            .entry(Fields::new(b'5', "again").mode(0o711), b"")
            .entry(Fields::new(b'5', "away").mode(0o711), b"")
            .file("opaque/old", b"")
            .symlink("link", "tmp"),
        Tar::new()
            .file("tmp/in/f", b"1")
            .file(".wh.gone", b"")
            .file("opaque/.wh..wh..opq", b"")
            .file(".wh.anew", b"")
            .file("anew/f", b"1")
            .file("again/f", b"1")
            .file("away/f", b"1")
            .file("link/f", b"1"),
        Tar::new()
            .file("tmp/g", b"2")
            .file("gone/g", b"2")
            .file("opaque/g", b"2")
            .file("anew/in/f", b"2")
            .entry(Fields::new(b'5', "again").mode(0o700), b"")
            .file(".wh.away", b""),
    ]);
    // What was hidden before it was implied again starts anew; an opaque directory is the old one without its content.
    assert_eq!(chain.list(), ["/ 755", "opaque/ 711", "tmp/ 1777", "tmp/in/ 711"]);
    let Some(mounted) = chain.mounted() else { return };
    for line in [
        "1777 0:0 tmp d",
        "711 0:0 tmp/in d",
        "755 0:0 anew/in d",
        "711 0:0 opaque d",
        "755 0:0 gone d",
        "700 0:0 again d",
        "755 0:0 link d",
    ] {
        assert!(
            mounted.iter().any(|found| found == line),
            "{line} is not in {mounted:#?}"
        );
    }
    for gone in ["away", "old"] {
        assert!(
            !mounted.iter().any(|line| line.contains(gone)),
            "{gone}: {mounted:#?}"
        );
    }
}

#[test]
fn attributes_of_the_root() {
    let with = |mode| Tar::new().entry(Fields::new(b'5', "./").mode(mode), b"");
    let other = |name: &str| Tar::new().file(name, b"");
    let one = chain(&[with(0o700), other("f")]);
    assert_eq!(one.list(), ["/ 700"]);
    if let Some(mounted) = one.mounted() {
        assert!(mounted[0].starts_with("700 0:0"), "{mounted:?}");
    }
    // The uppermost that says something counts.
    assert_eq!(chain(&[with(0o700), with(0o711), other("f")]).list(), ["/ 711"]);
    assert!(!chain(&[with(0o700), with(0o711)]).needed.unwrap());
    assert!(!chain(&[other("f"), other("g")]).needed.unwrap());
    assert!(!chain(&[with(0o755), other("g")]).needed.unwrap());
    assert!(!chain(&[]).needed.unwrap());
}

#[test]
fn hard_links_reach_into_lower_layers() {
    let chain = chain(&[
        Tar::new()
            .entry(Fields::new(b'5', "bin").mode(0o711), b"")
            .file("bin/one", b"1")
            .file("bin/two", b"2")
            .file("x", b"x"),
        Tar::new()
            .hard_link("sbin/uno", "bin/one")
            .hard_link("due", "bin/two")
            .hard_link("gone", "x")
            .hard_link("over", "x"),
        Tar::new()
            .hard_link("bin/due", "due")
            .file(".wh.gone", b"")
            .file("over", b"another")
            .file("bin/.wh.two", b""),
    ]);
    assert_eq!(
        chain.list(),
        [
            "/ 755",
            "bin/ 711",
            "bin/due 644 3 [2]",
            "due 644 3 [2]",
            "sbin/ 755",
            "sbin/uno 644 2 [1]"
        ]
    );
    let bottom = fs::metadata(chain.layers[0].tree().join("bin/one")).unwrap();
    assert_eq!(
        fs::metadata(chain.fix.path().join("sbin/uno")).unwrap().ino(),
        bottom.ino()
    );
    let Some(mounted) = chain.mounted() else { return };
    for line in [
        "./sbin/uno: 1",
        "./bin/one: 1",
        "./due: 2",
        "./bin/due: 2",
        "./over: another",
        "711 0:0 bin d",
    ] {
        assert!(
            mounted.iter().any(|found| found == line),
            "{line} is not in {mounted:#?}"
        );
    }
    for gone in ["gone", "bin/two"] {
        assert!(
            !mounted.iter().any(|line| line.contains(gone)),
            "{gone}: {mounted:#?}"
        );
    }
}

#[test]
fn a_hard_link_to_nothing_is_refused() {
    let lower = Tar::new()
        .directory("d")
        .file("d/f", b"")
        .file("w", b"")
        .symlink("l", "d");
    for (middle, target) in [
        (Tar::new(), "none"),
        (Tar::new(), "d"),
        (Tar::new(), "l/f"),
        (Tar::new(), "w/x"),
        (Tar::new().file(".wh.w", b""), "w"),
        (Tar::new().file("d/.wh..wh..opq", b""), "d/f"),
        (Tar::new().file(".wh.d", b""), "d/f"),
        (Tar::new().file(".wh..wh..opq", b""), "w"),
        (Tar::new().file("d", b""), "d/f"),
    ] {
        let chain = chain(&[lower.clone(), middle, Tar::new().hard_link("h", target)]);
        let error = chain.needed.unwrap_err().to_string();
        assert!(error.contains(&format!("\"h\" to \"{target}\"")), "{error}");
    }
}

#[test]
fn the_kernel_agrees_on_whiteouts_and_links() {
    let chain = chain(&[
        Tar::new()
            .directory("dir")
            .file("dir/old", b"1")
            .symlink("link", "dir")
            .directory("opaque")
            .file("opaque/old", b"1")
            .directory("gone")
            .file("gone/f", b"1")
            .file("f", b"1"),
        Tar::new()
            // A whiteout and a new directory of one name.
            .file(".wh.dir", b"")
            .directory("dir")
            .file("dir/new", b"2")
            // A directory entry over a lower link.
            .directory("link")
            .file("link/new", b"2")
            .directory("opaque")
            .file("opaque/.wh.old", b"")
            .file("opaque/.wh..wh..opq", b"")
            .file("opaque/new", b"2")
            .file(".wh.gone", b"")
            .file("gone/.wh.f", b""),
    ]);
    let Some(mounted) = chain.mounted() else { return };
    let names: Vec<&str> = mounted.iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(
        names,
        [
            "",
            "dir",
            "dir/new",
            "f",
            "link",
            "link/new",
            "opaque",
            "opaque/new"
        ],
        "{mounted:#?}"
    );
}

#[test]
fn an_opaque_root_hides_all_below() {
    let opaque = Tar::new().file(".wh..wh..opq", b"");
    let plain = Tar::new().file("f", b"");
    for (tars, hidden) in [
        (vec![plain.clone(), plain.clone()], 0),
        (vec![opaque.clone()], 0),
        (
            vec![plain.clone(), opaque.clone(), plain.clone(), opaque, plain],
            3,
        ),
    ] {
        let layers: Vec<Place> = tars.into_iter().map(|tar| unpacked(&tar.end()).0).collect();
        let files: Vec<File> = layers.iter().map(Place::open).collect();
        let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        assert_eq!(hidden_layers(&fds).unwrap(), hidden);
    }
}

#[test]
fn layers_that_are_links_themselves_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc", directory.path().join("tree")).unwrap();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let layer = rustix::fs::openat(rustix::fs::CWD, directory.path(), flags, Mode::empty()).unwrap();
    let record = unpacked(&Tar::new().end()).1;
    write_record(layer.as_fd(), &record).unwrap();
    assert!(build_fix_up(&[layer.as_fd()], layer.as_fd()).is_err());
}
