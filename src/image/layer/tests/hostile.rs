//! Archives made to hurt. Whatever they hold, nothing outside of the layer's tree is touched: [`Place`] looks after
//! each of them.

use super::super::testing::{pax_record, sum};
use super::*;

/// Unpacks, successfully or not, within the layer.
fn try_unpack(tar: &[u8]) -> Place {
    let place = Place::new();
    let _ = place.unpack(tar);
    place
}

/// CVE-2025-11395, CVE-2021-29136, CVE-2019-1002101.
#[test]
fn names_that_leave_the_tree() {
    for (name, reason) in [
        (&b"../x"[..], ".."),
        (b"..", ".."),
        (b"a/../../x", ".."),
        (b"a/..", ".."),
        (b"/..", ".."),
        (b"", "empty name"),
    ] {
        for typeflag in [b'0', b'1', b'2', b'3', b'5', b'6'] {
            let error = refusal(&Tar::new().entry(Fields::new(typeflag, name).link("t"), b"").end());
            assert!(error.contains(reason), "{}: {error}", name.escape_ascii());
        }
    }
    let error = refusal(&Tar::new().pax(&[("path", b"a\0b")]).file("x", b"").end());
    assert!(error.contains("path"), "{error}");
    let error = refusal(&Tar::new().long(b'L', [b'x'; 5000]).file("x", b"").end());
    assert!(error.contains("longer than 255"), "{error}");
    let error = refusal(&Tar::new().pax(&[("path", &[b'x'; 1 << 19])]).file("x", b"").end());
    assert!(error.contains("longer than 255"), "{error}");
    let error = refusal(&Tar::new().pax(&[("path", &[b'x'; 1 << 20])]).file("x", b"").end());
    assert!(error.contains("extended header is longer"), "{error}");
    let error = refusal(&Tar::new().long(b'L', [b'x'; 1 << 20]).file("x", b"").end());
    assert!(error.contains("extended header is longer"), "{error}");
    let error = refusal(
        &Tar::new()
            .pax(&[("path", "d/".repeat(100_000).as_bytes())])
            .directory("x")
            .end(),
    );
    assert!(error.contains("deeper"), "{error}");
    // Backslashes are no separators, and an absolute name is one in the tree.
    let (place, _) = unpacked(&Tar::new().file("..\\x", b"").file("/etc/x", b"").end());
    assert_eq!(
        place.list(),
        [r"..\\x 644 1 []", "/ 755", "etc/ 755", "etc/x 644 1 []"]
    );
}

#[test]
fn the_root_is_a_directory() {
    for name in [".", "./", "/", "//."] {
        for typeflag in [b'1', b'2', b'3', b'6'] {
            let error = refusal(
                &Tar::new()
                    .entry(Fields::new(typeflag, name).link("x").device(1, 3), b"")
                    .end(),
            );
            assert!(error.contains("\"/\" is not a directory"), "{error}");
        }
    }
    refusal(&Tar::new().file(".", b"x").end());
}

#[test]
fn links_are_not_written_through() {
    let place = Place::new();
    let canary = place.canary();
    let canary = canary.to_str().unwrap();
    for target in [canary, "../K", "../../K", "../../../../../../../../../../../../"] {
        let tar = Tar::new()
            .symlink("a", target)
            .file("a/secret", b"overwritten")
            .entry(Fields::new(b'5', "a/").mode(0o777), b"")
            .entry(Fields::new(b'5', "a").mode(0o777), b"")
            .file("a/f", b"")
            .file("a/.wh.secret", b"")
            .file("a/.wh..wh..opq", b"")
            .end();
        try_unpack(&tar);
    }
    // In the very directory with this canary.
    let tar = Tar::new()
        .symlink("a", canary)
        .file("a/secret", b"overwritten")
        .symlink("b", "../../K")
        .file("b/secret", b"overwritten")
        .entry(Fields::new(b'5', "b").mode(0o777), b"")
        .symlink("c", canary)
        .file("c/.wh.secret", b"")
        .end();
    place.unpack(&tar).unwrap();
    // A link over a link, and a chain that is too long.
    let mut tar = Tar::new().symlink("l0", "../../K");
    for number in 0..50 {
        tar = tar.symlink(format!("l{}", number + 1), format!("l{number}"));
    }
    let error = refusal(&tar.clone().file("l50/f", b"").end());
    assert!(error.contains("more than 40 links"), "{error}");
    try_unpack(&tar.file("l30/f", b"").symlink("l0", "/").file("l20/f", b"").end());
    let error = refusal(&Tar::new().symlink("x", "x").file("x/f", b"").end());
    assert!(error.contains("links"), "{error}");
}

/// RUSTSEC-2018-0002, RUSTSEC-2021-0080, RUSTSEC-2026-0113, CVE-2021-32760.
#[test]
fn modes_and_times_go_through_no_link() {
    let place = Place::new();
    let canary = place.canary();
    let secret = canary.join("secret");
    let tar = Tar::new()
        .symlink("d", canary.to_str().unwrap())
        .entry(Fields::new(b'5', "d").mode(0o777), b"")
        .entry(Fields::new(b'5', "d").mode(0o777), b"")
        .symlink("f", secret.to_str().unwrap())
        .entry(Fields::new(b'0', "f").mode(0o4777).size(1), b"x")
        .symlink("p", secret.to_str().unwrap())
        .entry(Fields::new(b'6', "p").mode(0o777), b"")
        .end();
    place.unpack(&tar).unwrap();
    assert_eq!(place.list(), ["/ 755", "d/ 777", "f 4777 1 [x]", "p 10000 777 0"]);
}

#[test]
fn hard_links_stay_in_the_layer() {
    for target in ["../../K/secret", "..", "a/../../K/secret"] {
        let error = refusal(&Tar::new().hard_link("h", target).end());
        assert!(error.contains(".."), "{error}");
    }
    let place = Place::new();
    let secret = place.canary().join("secret");
    let record = place
        .unpack(
            &Tar::new()
                .hard_link("h", secret.to_str().unwrap())
                .hard_link("p", "/etc/passwd")
                .end(),
        )
        .unwrap();
    // An absolute target is one below the root, which this layer does not have.
    assert_eq!(record.links_into_lower.len(), 2);
    assert_eq!(place.list(), ["/ 755"]);
    assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1);
    let through = Tar::new().symlink("s", place.canary().to_str().unwrap());
    let error = refusal(&through.clone().hard_link("h", "s/secret").end());
    assert!(error.contains("through a symbolic link"), "{error}");
    let (linked, _) = unpacked(&through.hard_link("h", "s").end());
    assert!(linked.list()[1].starts_with("h -> "), "{:?}", linked.list());
    for (tar, reason) in [
        (Tar::new().hard_link("h", "h"), "to itself"),
        (Tar::new().file("h", b"x").hard_link("h", "./h"), "to itself"),
        (
            Tar::new().directory("d").file("d/f", b"").hard_link("d", "d/f"),
            "to itself",
        ),
        (Tar::new().directory("d").hard_link("d/f", "d"), "to itself"),
        (Tar::new().directory("d").hard_link("f", "d"), "to a directory"),
        (Tar::new().hard_link("f", "/"), "to a directory"),
        (Tar::new().hard_link("f", ""), "without a target"),
        (Tar::new().hard_link("f", ".wh.x"), "no content"),
        (Tar::new().hard_link("f", "x/.wh..wh..opq"), "no content"),
        (
            Tar::new().file("x", b"").hard_link("f", "x/y"),
            "another kind of file",
        ),
        (Tar::new().file("x", b"").file("x/y", b""), "another kind of file"),
        (Tar::new().symlink("f", ""), "without a target"),
    ] {
        let error = refusal(&tar.end());
        assert!(error.contains(reason), "{error}");
    }
    // A target that comes later is one of a lower layer.
    let (_, record) = unpacked(&Tar::new().hard_link("h", "later").file("later", b"x").end());
    assert_eq!(record.links_into_lower.len(), 1);
}

/// CVE-2025-62518, RUSTSEC-2026-0112.
#[test]
fn sizes_that_readers_see_differently() {
    let inner = Tar::new().file("smuggled", b"x").end();
    // Size 0 in the header, the true one in the extended header: the content is content.
    let tar = Tar::new()
        .pax(&[("size", inner.len().to_string().as_bytes())])
        .entry(Fields::new(b'0', "outer"), &inner)
        .file("after", b"")
        .end();
    let (place, _) = unpacked(&tar);
    assert_eq!(
        place.list(),
        [
            "/ 755".to_owned(),
            "after 644 1 []".into(),
            format!("outer 644 1 [{} bytes]", inner.len())
        ]
    );
    // And the reverse.
    let tar = Tar::new()
        .pax(&[("size", b"0")])
        .raw(&Fields::new(b'0', "outer").size(inner.len() as u64).block())
        .raw(&inner);
    let (place, _) = unpacked(&tar.0);
    assert_eq!(place.list(), ["/ 755", "outer 644 1 []", "smuggled 644 1 [x]"]);
    // Sizes where no content is.
    for typeflag in [b'2', b'3', b'4', b'5', b'6'] {
        let tar = Tar::new()
            .entry(
                Fields::new(typeflag, "d").link("x").device(1, 1).size(512),
                &[b'x'; 512],
            )
            .end();
        let error = refusal(&tar);
        assert!(error.contains("with a size"), "{error}");
        refusal(
            &Tar::new()
                .pax(&[("size", b"512")])
                .entry(Fields::new(typeflag, "d").link("x"), b"")
                .end(),
        );
    }
    refusal(
        &Tar::new()
            .file("f", b"")
            .pax(&[("size", b"512")])
            .hard_link("h", "f")
            .end(),
    );
    let (_, record) = unpacked(
        &Tar::new()
            .file("f", b"x")
            .entry(Fields::new(b'1', "h").link("f").size(1), b"")
            .end(),
    );
    assert_eq!(record.entries, 2);
    // A file named as a directory.
    let error = refusal(&Tar::new().file("d/", b"x").end());
    assert!(error.contains("ends in a slash"), "{error}");
    refusal(&Tar::new().entry(Fields::new(0, "d/").size(1), b"x").end());
    // Numbers out of range.
    let mut negative = Fields::new(b'0', "f").block();
    negative[124..136].fill(0xff);
    sum(&mut negative);
    let mut huge = Fields::new(b'0', "f").block();
    huge[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    sum(&mut huge);
    let mut overflow = huge;
    overflow[127] = 1;
    sum(&mut overflow);
    for block in [negative, huge, overflow] {
        refusal(&Tar::new().raw(&block).end());
    }
    for size in ["-1", "99999999999999999999", "0x10", "1 ", ""] {
        let tar = Tar::new()
            .pax(&[("size", size.as_bytes())])
            .raw(&Fields::new(b'0', "f").size(7).block());
        refusal(&tar.0);
    }
}

#[test]
fn extended_headers_out_of_form() {
    let x = |data: &[u8]| Tar::new().entry(Fields::new(b'x', "pax").size(data.len() as u64), data);
    for data in [
        &b"6 a=b"[..],
        b"7 a=b\n",
        b"9 path=/\n ",
        b"\0\0\0",
        b"6 a=b\n\0\0",
        b"20 path=x\n",
    ] {
        let error = refusal(&x(data).file("f", b"").end());
        assert!(error.contains("malformed record"), "{error}");
    }
    // The last of two records of a key counts, as for everybody.
    let (place, _) = unpacked(
        &Tar::new()
            .pax(&[("path", b"a"), ("path", b"b")])
            .file("f", b"")
            .end(),
    );
    assert_eq!(place.list(), ["/ 755", "b 644 1 []"]);
    // But two headers for one entry are read in more than one way.
    let two = Tar::new()
        .pax(&[("path", b"a")])
        .pax(&[("uid", b"1")])
        .file("f", b"")
        .end();
    assert!(refusal(&two).contains("two extended headers"));
    let two = Tar::new().long(b'L', "a").long(b'L', "b").file("f", b"").end();
    assert!(refusal(&two).contains("two extended headers"));
    let both = Tar::new()
        .long(b'L', "a")
        .pax(&[("path", b"b")])
        .file("f", b"")
        .end();
    assert!(refusal(&both).contains("two extended headers"));
    let dangling = Tar::new().file("f", b"").pax(&[("path", b"a")]).end();
    assert!(refusal(&dangling).contains("without an entry"));
    for key in ["path", "size", "linkpath", "GNU.sparse.name"] {
        let data = pax_record(key.as_bytes(), b"1");
        let global = Tar::new()
            .entry(Fields::new(b'g', "g").size(data.len() as u64), &data)
            .file("f", b"")
            .end();
        assert!(refusal(&global).contains("belongs to one entry"));
    }
}

#[test]
fn ends_in_the_middle() {
    let whole = Tar::new().pax(&[("path", b"a")]).file("f", &[7; 600]).end();
    let end = whole.len() - 1024;
    for length in 0..end {
        if length % 97 == 0 && length != 0 {
            refusal(&whole[..length]);
        }
    }
    for length in [512, 1024, 1536, 2048, end - 1] {
        refusal(&whole[..length]);
    }
    // Without the blocks of zeros, with one, with more, with anything behind them.
    for tail in [0, 512, 1024, 2048] {
        unpacked(&whole[..(end + tail).min(whole.len())]);
    }
    unpacked(&[&whole[..], &[0; 9000], b"trailing bytes"].concat());
    let lone = Tar::new().file("f", b"").raw(&[0; 512]).file("hidden", b"").end();
    assert!(refusal(&lone).contains("one block of zeros"));
    unpacked(b"");
    refusal(b"hello");
    refusal(&[b'x'; 512]);
    let mut checksum = Fields::new(b'0', "f").block();
    checksum[0] ^= 1;
    assert!(refusal(&Tar::new().raw(&checksum).end()).contains("checksum"));
    for typeflag in [b'D', b'M', b'N', b'V', b'A', b'Z', b'8', 0xff] {
        let error = refusal(&Tar::new().entry(Fields::new(typeflag, "f"), b"").end());
        assert!(error.contains("unknown type"), "{error}");
    }
}

#[test]
fn whiteouts_in_odd_places() {
    for name in [
        ".wh.",
        ".wh..",
        "d/.wh...",
        "d/.wh.",
        ".wh.x/f",
        "d/.wh..wh..opq/f",
        ".wh..wh.",
        "d/.wh..wh.x",
        ".wh..wh..opq/.wh.f",
    ] {
        let error = refusal(&Tar::new().directory("d").file(name, b"").end());
        assert!(error.contains(".wh."), "{name}: {error}");
    }
    for typeflag in [b'2', b'3', b'4', b'5', b'6'] {
        for name in [".wh.x", "d/.wh..wh..opq"] {
            let error = refusal(&Tar::new().entry(Fields::new(typeflag, name).link("y"), b"").end());
            assert!(error.contains("whiteout"), "{error}");
        }
    }
    let device = Tar::new().entry(Fields::new(b'3', "x").device(0, 0), b"").end();
    assert!(refusal(&device).contains("character device 0:0"));
    // Also by a header of the oldest form, which has no place for the numbers.
    let device = Tar::new()
        .entry(
            Fields {
                magic: &[0; 8],
                ..Fields::new(b'3', "x")
            },
            b"",
        )
        .end();
    assert!(refusal(&device).contains("character device 0:0"));
    // Content hidden in a whiteout or in the housekeeping of AUFS goes nowhere.
    let (place, _) = unpacked(
        &Tar::new()
            .file(".wh.x", b"content")
            .file(".wh..wh.plnk/1", b"content")
            .directory(".wh..wh.orph")
            .file(".wh..wh.aufs", b"")
            .end(),
    );
    assert_eq!(place.list(), ["/ 755", "x whiteout"]);
}

#[test]
fn attributes_of_the_overlay_are_dropped() {
    let keys = [
        "user.overlay.opaque",
        "user.overlay.redirect",
        "user.overlay.metacopy",
        "user.overlay.origin",
        "trusted.overlay.opaque",
        "trusted.overlay.redirect",
        "security.ima",
        "system.posix_acl_access",
    ];
    let records: Vec<(String, &[u8])> = keys
        .iter()
        .map(|key| (format!("SCHILY.xattr.{key}"), &b"y"[..]))
        .collect();
    let records: Vec<(&str, &[u8])> = records
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    let coded = [
        ("LIBARCHIVE.xattr.user.overlay.opaque", &b"eQ"[..]),
        ("LIBARCHIVE.xattr.user%2eoverlay.opaque", b"eQ"),
    ];
    let (place, record) = unpacked(
        &Tar::new()
            .pax(&records)
            .directory("d")
            .pax(&coded)
            .directory("e")
            .end(),
    );
    assert_eq!(record.skipped.xattrs, 10);
    for name in ["d", "e"] {
        let mut names = [0; 256];
        let length =
            rustix::fs::flistxattr(File::open(place.tree().join(name)).unwrap(), &mut names[..]).unwrap();
        let listed = names[..length].escape_ascii().to_string();
        assert!(!listed.contains("overlay") && !listed.contains("ima"), "{listed}");
    }
}

#[test]
fn capabilities_of_another_root() {
    let v3 = |root: u32| {
        let mut value = b"\x01\0\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        value.extend(root.to_le_bytes());
        value
    };
    let with = |value: &[u8]| {
        Tar::new()
            .pax(&[("SCHILY.xattr.security.capability", value)])
            .file("f", b"x")
            .end()
    };
    unpacked(&with(&v3(0)));
    for value in [
        &v3(1000)[..],
        b"",
        b"\x01\0\0\x02",
        &v3(0)[..20],
        b"\x01\0\0\x07\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        assert!(refusal(&with(value)).contains("capabilities"));
    }
}

#[test]
fn floods_are_bounded() {
    let records: Vec<(String, &[u8])> = (0..2000)
        .map(|n| (format!("SCHILY.xattr.user.{n}"), &b"v"[..]))
        .collect();
    let records: Vec<(&str, &[u8])> = records
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    assert!(refusal(&Tar::new().pax(&records).file("f", b"").end()).contains("extended attributes"));
    let value = vec![b'v'; 70_000];
    let long = Tar::new()
        .pax(&[("SCHILY.xattr.user.long", &value)])
        .file("f", b"")
        .end();
    assert!(refusal(&long).contains("longer than 65536"));
    // A file of 8 EiB of holes.
    let sparse = Tar::new()
        .pax(&[
            ("GNU.sparse.size", b"9223372036854775807"),
            ("GNU.sparse.map", b""),
        ])
        .file("f", b"")
        .end();
    assert!(refusal(&sparse).contains("sparse file is longer"));
    for map in ["0,4,2,4", "5,1,0,1", "0,9", "0,18446744073709551615,1,1"] {
        let tar = Tar::new()
            .pax(&[("GNU.sparse.size", b"8"), ("GNU.sparse.map", map.as_bytes())])
            .file("f", b"12345678");
        refusal(&tar.end());
    }
    // The limits of the caller.
    let place = Place::new();
    let tar = Tar::new().file("a/b/c", b"").file("d", &[0; 4096]).end();
    let options = |max_entries, max_bytes| UnpackOptions {
        owners: Owners::Single,
        max_bytes,
        borrows: false,
        max_entries,
    };
    let error = super::super::unpack(&tar[..], place.open().as_fd(), &options(3, 1 << 20)).unwrap_err();
    assert!(error.to_string().contains("more than 3 entries"), "{error}");
    let place = Place::new();
    let error = super::super::unpack(&tar[..], place.open().as_fd(), &options(10, 4096)).unwrap_err();
    assert!(error.to_string().contains("longer than 4096 bytes"), "{error}");
    // A stream without end.
    let place = Place::new();
    let header = Fields::new(b'0', "f").size(1 << 32).block();
    let endless = std::io::Read::chain(&header[..], std::io::repeat(0));
    let error = super::super::unpack(endless, place.open().as_fd(), &options(10, 1 << 20)).unwrap_err();
    assert!(error.to_string().contains("longer than 1048576 bytes"), "{error}");
}

#[test]
fn a_deep_tree_is_made_and_removed() {
    let deep = "d/".repeat(1000);
    let tar = Tar::new()
        .pax(&[("path", format!("{deep}f").as_bytes())])
        .file("x", b"lost")
        .pax(&[("path", format!("{deep}g").as_bytes())])
        .file("x", b"lost too")
        .file("d", b"a file in its place")
        .end();
    let (place, _) = unpacked(&tar);
    assert_eq!(place.list(), ["/ 755", "d 644 1 [a file in its place]"]);
}

#[test]
fn names_are_shown_without_harm() {
    let error = refusal(&Tar::new().file("../\x1b[2J\n\u{202e}", b"").end());
    assert!(
        error
            .chars()
            .all(|character| !character.is_control() && character != '\u{202e}'),
        "{error:?}"
    );
}
