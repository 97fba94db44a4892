//! Tar in and tar out: whatever a tar holds, the same bytes come out again, or an error.

use super::*;
use proptest::prelude::*;

/// One step in the making of a tar: entries over few names, so that they replace one another.
#[derive(Debug, Clone)]
enum Step {
    File(u8, u8, Vec<u8>),
    Directory(u8, u8),
    Symlink(u8, u8, u8),
    HardLink(u8, u8, u8),
    Whiteout(u8, u8),
    Opaque(u8),
    Fifo(u8, u8),
    Sparse(u8, u8),
    Pax(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4u8;
    prop_oneof![
        4 => (n.clone(), n.clone(), proptest::collection::vec(any::<u8>(), 0..1500)).prop_map(|(d, f, c)| Step::File(d, f, c)),
        2 => (n.clone(), n.clone()).prop_map(|(d, f)| Step::Directory(d, f)),
        1 => (n.clone(), n.clone(), n.clone()).prop_map(|(d, f, t)| Step::Symlink(d, f, t)),
        2 => (n.clone(), n.clone(), n.clone()).prop_map(|(d, f, t)| Step::HardLink(d, f, t)),
        1 => (n.clone(), n.clone()).prop_map(|(d, f)| Step::Whiteout(d, f)),
        1 => n.clone().prop_map(Step::Opaque),
        1 => (n.clone(), n.clone()).prop_map(|(d, f)| Step::Fifo(d, f)),
        1 => (n.clone(), n).prop_map(|(d, f)| Step::Sparse(d, f)),
        1 => proptest::collection::vec(1..255u8, 1..50).prop_map(Step::Pax),
    ]
}

fn path(directory: u8, file: u8) -> String {
    match (directory, file) {
        (0, file) => format!("f{file}"),
        (directory, 0) => format!("f{directory}"),
        (directory, file) => format!("f{directory}/f{file}"),
    }
}

fn tar(steps: &[Step]) -> Vec<u8> {
    steps
        .iter()
        .fold(Tar::new(), |tar, step| match step {
            Step::File(d, f, content) => tar.file(path(*d, *f), content),
            Step::Directory(d, f) => tar.directory(path(*d, *f)),
            Step::Symlink(d, f, target) => tar.symlink(path(*d, *f), format!("f{target}")),
            Step::HardLink(d, f, target) => tar.hard_link(path(*d, *f), path(*target, *f)),
            Step::Whiteout(d, f) => tar.file(format!("f{d}/.wh.f{f}"), b""),
            Step::Opaque(d) => tar.file(format!("f{d}/.wh..wh..opq"), b""),
            Step::Fifo(d, f) => tar.entry(Fields::new(b'6', path(*d, *f)), b""),
            Step::Sparse(d, f) => tar
                .pax(&[("GNU.sparse.size", b"100000"), ("GNU.sparse.map", b"5,3")])
                .file(path(*d, *f), b"abc"),
            Step::Pax(value) => tar
                .pax(&[("comment", value), ("SCHILY.xattr.user.x", value)])
                .file("pax", value),
        })
        .end()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(steps in proptest::collection::vec(step(), 0..30)) {
        let tar = tar(&steps);
        let place = Place::new();
        // A path through a file, or a link to itself, may be refused; what is taken must come out.
        if place.unpack(&tar).is_ok() {
            prop_assert!(place.tar().unwrap() == tar);
        }
    }

    #[test]
    fn broken_archives_do_no_harm(
        steps in proptest::collection::vec(step(), 1..10),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        resum: bool,
    ) {
        let mut tar = tar(&steps);
        for (index, byte) in flips {
            let at = index.index(tar.len());
            tar[at] = byte;
            // Most flips end at the checksum; some shall get further.
            if resum {
                let block = at / 512 * 512;
                super::super::testing::sum((&mut tar[block..block + 512]).try_into().unwrap());
            }
        }
        let place = Place::new();
        if place.unpack(&tar).is_ok() {
            prop_assert!(place.tar().unwrap() == tar);
        }
    }
}

#[test]
fn a_changed_layer_is_noticed() {
    let tar = Tar::new().file("a", b"content").file("b", b"more").end();
    type Change = fn(&Path);
    let changes: [(Change, &str); 5] = [
        (|tree| fs::write(tree.join("a"), "CONTENT").unwrap(), "digest"),
        (
            |tree| fs::write(tree.join("a"), "longer content").unwrap(),
            "\"a\": 14 bytes long instead of 7",
        ),
        (
            |tree| fs::remove_file(tree.join("b")).unwrap(),
            "\"b\": No such file",
        ),
        (
            |tree| {
                fs::remove_file(tree.join("b")).unwrap();
                std::os::unix::fs::symlink("a", tree.join("b")).unwrap();
            },
            "\"b\": Too many levels",
        ),
        (
            |tree| {
                fs::remove_file(tree.join("b")).unwrap();
                rustix::fs::mkfifoat(File::open(tree).unwrap(), "b", rustix::fs::Mode::RUSR).unwrap();
            },
            "\"b\": not a regular file",
        ),
    ];
    for (change, expected) in changes {
        let (place, record) = unpacked(&tar);
        change(&place.tree());
        let error = verify(place.open().as_fd()).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains(&record.diff_id.to_string()),
            "{error}"
        );
    }
}
