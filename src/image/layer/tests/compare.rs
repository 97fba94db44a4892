//! What differs between chains of layers.

use super::*;

fn view(places: &[Place]) -> View {
    let files: Vec<File> = places.iter().map(Place::open).collect();
    let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    View::of_layers(&fds).unwrap()
}

fn places(tars: &[Tar]) -> Vec<Place> {
    tars.iter().map(|tar| unpacked(&tar.clone().end()).0).collect()
}

fn told(from: &View, to: &View) -> Vec<String> {
    let changes = compare(from, to, &|_| true).unwrap();
    changes
        .iter()
        .map(|change| {
            let letter = match change.kind {
                Kind::Changed => 'C',
                Kind::Added => 'A',
                Kind::Deleted => 'D',
            };
            format!("{letter} {}", change.path.escape_ascii())
        })
        .collect()
}

/// What the uppermost of the layers changes.
fn uppermost(tars: &[Tar]) -> Vec<String> {
    let places = places(tars);
    told(&view(&places[..places.len() - 1]), &view(&places))
}

fn lower() -> Tar {
    Tar::new()
        .directory("etc")
        .file("etc/a", b"a")
        .file("etc/b", b"b")
        .symlink("etc/link", "a")
        .directory("dir/sub")
        .file("dir/sub/c", b"c")
        .directory("op/x")
        .file("op/x/y", b"y")
        .file("gone/g", b"g")
        .entry(Fields::new(b'5', "tmp").mode(0o1777), b"")
        .file("kind", b"k")
}

#[test]
fn files_come_change_and_go() {
    let upper = Tar::new()
        .file("etc/b", b"new")
        .file("etc/.wh.a", b"")
        .file("etc/.wh.never", b"")
        .file("op/.wh..wh..opq", b"")
        .file("op/z", b"z")
        .file(".wh.gone", b"")
        .file(b"new/e/\xff\n", b"q")
        .hard_link("new/hard", b"new/e/\xff\n")
        .file("new-er", b"")
        .directory("kind")
        .file("kind/in", b"");
    assert_eq!(
        uppermost(&[lower(), upper]),
        [
            "C /etc",
            "D /etc/a",
            "C /etc/b",
            "D /gone",
            "C /kind",
            "A /kind/in",
            "A /new",
            "A /new/e",
            "A /new/e/\\xff\\n",
            "A /new/hard",
            "A /new-er",
            "C /op",
            "D /op/x",
            "A /op/z",
        ]
    );
    assert_eq!(
        uppermost(&[Tar::new().file("a/b", b"")]),
        ["A /a", "A /a/b"],
        "the only layer"
    );
}

#[test]
fn what_looks_the_same_is_the_same() {
    // The same again, an implied directory, a whiteout for nothing: no change.
    let same = Tar::new()
        .file("etc/a", b"a")
        .symlink("etc/link", "a")
        .file("tmp/.wh.none", b"");
    assert_eq!(uppermost(&[lower(), same]), [""; 0]);
    // The same size and time.
    let content = Tar::new().file("etc/a", b"A").symlink("etc/link", "b");
    assert_eq!(
        uppermost(&[lower(), content]),
        ["C /etc", "C /etc/a", "C /etc/link"]
    );
    let attributes = Tar::new()
        .entry(Fields::new(b'5', "tmp").mode(0o755), b"")
        .entry(Fields::new(b'0', "etc/a").mode(0o600).size(1), b"a")
        .pax(&[("SCHILY.xattr.user.key", b"value")])
        .file("etc/b", b"b");
    assert_eq!(
        uppermost(&[lower(), attributes]),
        ["C /etc", "C /etc/a", "C /etc/b", "C /tmp"]
    );
}

#[test]
fn hard_links_into_lower_layers_are_the_files_they_lead_to() {
    let links = Tar::new()
        .hard_link("dir/more", "etc/a")
        .hard_link("etc/b", "etc/a");
    let linked = [lower(), links];
    assert_eq!(
        uppermost(&linked),
        ["C /dir", "A /dir/more", "C /etc", "C /etc/b"]
    );
    // The same layer over another: what its link leads to is another file.
    let other = Tar::new()
        .file("etc/a", b"other")
        .file("dir/sub/c", b"c")
        .directory("etc");
    let (one, two) = (places(&linked), places(&[other, linked[1].clone()]));
    let told = told(&view(&one), &view(&two));
    for change in ["C /etc/a", "C /etc/b", "C /dir/more", "D /etc/link"] {
        assert!(told.contains(&change.to_owned()), "{change} in {told:?}");
    }
    assert!(!told.contains(&"C /dir/sub/c".to_owned()), "{told:?}");
}

#[test]
fn implied_directories_are_what_they_were_below() {
    let upper = Tar::new().file("tmp/new", b"");
    let chain = [lower(), Tar::new().file("tmp/other", b""), upper];
    assert_eq!(uppermost(&chain), ["C /tmp", "A /tmp/new"]);
    let places = places(&chain);
    assert_eq!(
        told(&view(&places), &view(&places[..1])),
        ["C /tmp", "D /tmp/new", "D /tmp/other"]
    );
}

#[test]
fn an_opaque_root_hides_all_below() {
    let upper = Tar::new().file(".wh..wh..opq", b"").file("only", b"");
    assert_eq!(
        uppermost(&[Tar::new().file("a/b", b""), upper]),
        ["D /a", "A /only"]
    );
}

#[test]
fn a_tree_that_is_no_layer_covers_layers() {
    let places = places(&[lower()]);
    let upper = tempfile::tempdir().unwrap();
    fs::create_dir(upper.path().join("dir")).unwrap();
    fs::write(upper.path().join("dir/new"), "").unwrap();
    let mut covered = view(&places);
    covered.cover(File::open(upper.path()).unwrap().into()).unwrap();
    let told = told(&view(&places), &covered);
    assert!(told.contains(&"A /dir/new".to_owned()), "{told:?}");
    let untold = |path: &[u8]| path != b"/dir/new";
    let changes = compare(&view(&places), &covered, &untold).unwrap();
    assert!(changes.iter().all(|change| change.path != b"/dir/new"));
}

/// Nobody's path may make us walk for ever, or fall.
#[test]
fn paths_longer_than_the_kernel_resolves_are_refused() {
    let upper = tempfile::tempdir().unwrap();
    let name = "d".repeat(200);
    let mut current: std::os::fd::OwnedFd = File::open(upper.path()).unwrap().into();
    for _ in 0..30 {
        let mode = rustix::fs::Mode::RWXU;
        current = crate::store::staging::make_directory(current.as_fd(), &name, mode).unwrap();
    }
    let mut covered = view(&[]);
    covered.cover(File::open(upper.path()).unwrap().into()).unwrap();
    let error = compare(&view(&[]), &covered, &|_| true).unwrap_err().to_string();
    assert!(error.contains("File name too long"), "{error}");
    crate::store::staging::empty(File::open(upper.path()).unwrap().as_fd()).unwrap();
}
