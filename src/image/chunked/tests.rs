//! Blobs that we write are read again, whole and in parts; tables that lie give errors.

use std::fs;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use proptest::prelude::*;

use super::present::Here;
use super::table::{File, Files, Tables};
use super::*;
use crate::base::digest::Digest;
use crate::image::layer::testing::{Fields, Tar, pax_record};
use crate::oci::image::Descriptor;

/// Bytes that hardly compress.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A tar with files of these names and contents, and what else there is.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Tar::new().directory("etc/");
    for (name, content) in files {
        tar = tar.file(name, content);
    }
    tar.symlink("link", "etc/one")
        .hard_link("etc/hard", files[0].0)
        .end()
}

struct Written {
    blob: Vec<u8>,
    layer: Descriptor,
}

fn written(tar: &[u8]) -> Option<Written> {
    let mut blob = Vec::new();
    let annotations = write(tar, &mut blob, 3).unwrap();
    let plain = zstd::stream::decode_all(&blob[..]).unwrap();
    assert_eq!(plain, tar);
    let mut layer = Descriptor::new("", Digest::of(&blob), blob.len() as u64);
    layer.annotations = annotations?;
    Some(Written { blob, layer })
}

impl Written {
    fn tables(&self) -> Tables {
        let places = Places::of(&self.layer).expect("our own annotations");
        let both = places.both();
        let bytes = &self.blob[both.start as usize..both.end as usize];
        Tables::read(&places, bytes, self.layer.size).expect("our own tables")
    }

    /// The tar, with the files that `layer` has, and how many bytes of the blob it took.
    fn assembled(&self, tables: Tables, layer: Option<OwnedFd>) -> io::Result<(Vec<u8>, usize)> {
        let mut trees = Trees::new(layer);
        let mut here = trees.find(&tables.files);
        trees.find_moved(&tables.files, &mut here, std::iter::empty(), u64::MAX);
        let ranges = tables.missing(&here);
        let bytes: Vec<u8> = ranges
            .iter()
            .flat_map(|range| &self.blob[range.start as usize..range.end as usize])
            .copied()
            .collect();
        let length = bytes.len();
        let wire = Box::new(io::Cursor::new(bytes));
        let mut tar = Vec::new();
        Assembled::new(tables, trees, here, ranges, wire)?.read_to_end(&mut tar)?;
        Ok((tar, length))
    }
}

#[test]
fn a_blob_gives_its_tar_again() {
    let (large, small) = (noise(300_000, 1), noise(100, 2));
    let tar = tar(&[("etc/one", &large), ("etc/empty", b""), ("two", &small)]);
    let written = written(&tar).unwrap();
    let (again, length) = written.assembled(written.tables(), None).unwrap();
    assert!(again == tar);
    assert!(length > 300_000);
}

#[test]
fn what_is_here_is_not_fetched() {
    let (large, other) = (noise(500_000, 1), noise(400_000, 2));
    let layer = tempfile::tempdir().unwrap();
    fs::create_dir_all(layer.path().join("tree/etc")).unwrap();
    fs::write(layer.path().join("tree/etc/one"), &large).unwrap();
    // Of the same size, but another; and one that a link would lead to.
    fs::write(layer.path().join("tree/two"), noise(400_000, 5)).unwrap();
    std::os::unix::fs::symlink("etc", layer.path().join("tree/link")).unwrap();
    let tar = tar(&[
        ("./etc/one", &large),
        ("two", &other),
        ("link/one", &large),
        ("three/../etc/one", &noise(10, 9)),
    ]);
    let written = written(&tar).unwrap();
    let directory = OwnedFd::from(fs::File::open(layer.path()).unwrap());
    let (again, length) = written.assembled(written.tables(), Some(directory)).unwrap();
    assert!(again == tar);
    assert!((900_000..920_000).contains(&length), "{length}");
}

/// Several layers at a time look into dozens of others, and 1024 descriptors are what a process usually may have.
#[test]
fn looking_into_many_layers_takes_few_descriptors() {
    let parent = tempfile::tempdir().unwrap();
    let (mut files, mut layers) = (Files::new(), Vec::new());
    for number in 0..30 {
        let name = format!("d{number}/file");
        let file = File {
            size: 3,
            digest: Digest::of(b"new"),
            frames: 0..1,
        };
        files.insert(name.clone(), file);
        for layer in 0..4 {
            let path = parent.path().join(format!("{layer}/tree")).join(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "old").unwrap();
        }
    }
    for layer in 0..4 {
        layers.push(OwnedFd::from(
            fs::File::open(parent.path().join(layer.to_string())).unwrap(),
        ));
    }
    let mut trees = Trees::new(layers);
    assert!(trees.find(&files).is_empty());
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open
        .filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(parent.path())));
    let open = open.count();
    assert!((4..=8).contains(&open), "{open}");
}

#[test]
fn many_gaps_become_few_ranges() {
    let files: Files = (0..1000u64)
        .map(|number| {
            let begin = number * 200_000 + number % 7;
            let file = File {
                size: 1,
                digest: Digest::of(b""),
                frames: begin..begin + 1000,
            };
            (number.to_string(), file)
        })
        .collect();
    let pieces = table::Pieces::new(zstd::stream::encode_all(&b""[..], 1).unwrap()).unwrap();
    let tables = Tables { files, pieces };
    let ranges = tables.missing(&Here::new());
    assert!(!ranges.is_empty() && ranges.len() <= 65, "{}", ranges.len());
    let covered = |file: &File| {
        ranges
            .iter()
            .any(|range| range.start <= file.frames.start && file.frames.end <= range.end)
    };
    assert!(tables.files.values().all(covered));
    assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
}

#[test]
fn what_programs_read_in_different_ways_has_no_tables() {
    let extended = |kind: u8, key: &[u8], value: &[u8]| {
        let record = pax_record(key, value);
        let header = Fields::new(kind, "x").size(record.len() as u64);
        Tar::new().entry(header, &record).file("file", b"content").end()
    };
    let twice = Tar::new().file("file", b"one").file("file", b"two").end();
    for (tar, why) in [
        (extended(b'g', b"comment", b"x"), "global"),
        (extended(b'x', b"atime", b"1.5"), "access"),
        (
            extended(b'x', b"SCHILY.xattr.trusted.x", b"1"),
            "dropped attribute",
        ),
        (extended(b'x', b"path", b"\xff"), "name"),
        (extended(b'x', b"mtime", b"-5"), "time"),
        (twice, "twice"),
    ] {
        assert!(written(&tar).is_none(), "{why}");
    }
    let fine = extended(b'x', b"SCHILY.xattr.user.x", b"1");
    assert!(written(&fine).is_some());
}

#[test]
fn places_outside_the_blob_are_none() {
    let tar = tar(&[("etc/one", b"content")]);
    let whole = written(&tar).unwrap().layer;
    assert!(Places::of(&whole).is_some());
    for (key, value) in [
        (table::TABLE_PLACE, "0:10:10:1"),
        (table::TABLE_PLACE, "10:99999999:10:1"),
        (table::TABLE_PLACE, "10:18446744073709551615:10:1"),
        (table::TABLE_PLACE, "10:10:10:2"),
        (table::TABLE_PLACE, "10:10"),
        (table::SPLIT_PLACE, "x"),
        (table::TABLE_DIGEST, "sha256:../../etc"),
    ] {
        let mut layer = whole.clone();
        layer.annotations.insert(key.to_owned(), value.to_owned());
        assert_eq!(Places::of(&layer), None, "{key} {value}");
    }
}

#[test]
fn tables_that_disagree_are_errors() {
    let tar = tar(&[("etc/one", &noise(1000, 1)), ("two", &noise(1000, 2))]);
    let written = written(&tar).unwrap();
    let change = |change: &dyn Fn(&mut Files)| {
        let mut tables = written.tables();
        change(&mut tables.files);
        written.assembled(tables, None)
    };
    assert!(change(&|_| ()).is_ok());
    assert!(
        change(&|files| files.retain(|name, _| name != "two")).is_err(),
        "missing"
    );
    assert!(
        change(&|files| files.get_mut("two").unwrap().size += 1).is_err(),
        "size"
    );
    // In another order than the tar has them.
    let swapped = change(&|files| {
        let (one, two) = (files["etc/one"].clone(), files["two"].clone());
        files.get_mut("etc/one").unwrap().frames = two.frames;
        files.get_mut("two").unwrap().frames = one.frames;
    });
    assert!(swapped.is_err(), "order");
    let short = change(&|files| files.get_mut("etc/one").unwrap().frames.end -= 200);
    assert!(short.is_err(), "short");
}

proptest! {
    #[test]
    fn broken_tables_neither_panic_nor_give_more_than_they_may(
        place in 0usize..2000, value in any::<u8>(), length in 0usize..2000,
    ) {
        let tar = tar(&[("etc/one", &noise(5000, 1)), ("two", &noise(100, 2))]);
        let written = written(&tar).unwrap();
        let places = Places::of(&written.layer).unwrap();
        let both = places.both();
        let mut bytes = written.blob[both.start as usize..both.end as usize].to_vec();
        let at = place % bytes.len();
        bytes[at] ^= value;
        let begin = (places.table.start - both.start) as usize;
        let table = &bytes[begin..begin + (places.table.end - places.table.start) as usize];
        let places = Places { digest: Digest::of(table), ..places };
        if let Ok(tables) = Tables::read(&places, &bytes, written.layer.size) {
            let _ = written.assembled(tables, None);
        }
        bytes.truncate(length);
        let _ = table::Pieces::new(bytes).map(|mut pieces| while let Ok(Some(_)) = pieces.next() {});
    }
}
