//! What an ordinary tar becomes.

use super::*;

#[test]
fn every_kind_of_entry() {
    let tar = Tar::new()
        .entry(Fields::new(b'5', "./").mode(0o700), b"")
        .directory("./d/")
        .entry(Fields::new(b'0', "d/set").mode(0o4755).size(3), b"abc")
        .entry(Fields::new(0, "old").size(1), b"o")
        .entry(Fields::new(b'7', "contiguous").size(1), b"c")
        .entry(Fields::new(0, "olddir/"), b"")
        .file("d/empty", b"")
        .symlink("d/link", "/etc/../x")
        .entry(Fields::new(b'1', "hard").mode(0o4755).link("./d/set"), b"")
        .hard_link("hardlink", "/d/link")
        .entry(Fields::new(b'6', "pipe").mode(0o620), b"")
        .file(b"\xff\xfe \n", b"1")
        .file("/abs/olute", b"2")
        .end();
    let (place, record) = unpacked(&tar);
    assert_eq!(
        place.list(),
        [
            "/ 700",
            r"\xff\xfe \n 644 1 [1]",
            "abs/ 755",
            "abs/olute 644 1 [2]",
            "contiguous 644 1 [c]",
            "d/ 755",
            "d/empty 644 1 []",
            "d/link -> /etc/../x",
            "d/set 4755 2 [abc]",
            "hard 4755 2 [abc]",
            "hardlink -> /etc/../x",
            "old 644 1 [o]",
            "olddir/ 644",
            "pipe 10000 620 0",
        ]
    );
    assert_eq!(record.implied, [PathBytes::from(&b"abs"[..])]);
    assert_eq!(record.root.unwrap().mode, 0o700);
    assert_eq!((record.entries, record.content), (14, 7));
    assert_eq!(record.skipped, Default::default());
}

use crate::store::layer::PathBytes;

#[test]
fn times_are_exact_to_the_nanosecond() {
    let tar = Tar::new()
        .pax(&[("mtime", b"1000000000.123456789")])
        .directory("d")
        .pax(&[("mtime", b"-1.5")])
        .file("d/f", b"x")
        .pax(&[("mtime", b"17.000000001")])
        .symlink("d/l", "f")
        .pax(&[("mtime", b"18.000000001")])
        .entry(Fields::new(b'6', "d/p"), b"")
        .file("i/f", b"")
        .end();
    let (place, _) = unpacked(&tar);
    let time = |name: &str| {
        let metadata = fs::symlink_metadata(place.tree().join(name)).unwrap();
        (metadata.mtime(), metadata.mtime_nsec())
    };
    assert_eq!(time("d"), (1_000_000_000, 123_456_789));
    assert_eq!(time("d/f"), (-2, 500_000_000));
    assert_eq!(time("d/l"), (17, 1));
    assert_eq!(time("d/p"), (18, 1));
    assert_eq!(time("i/f"), (1, 0));
    assert_eq!(time("i"), (0, 0), "an implied directory is reproducible");
    assert_eq!(time(""), (0, 0));
}

#[test]
fn owners_are_as_written_or_single() {
    if !is_root() {
        return skipped("owners can only be given by root");
    }
    let tar = Tar::new()
        .entry(Fields::new(b'5', "d").owner(1, 2), b"")
        .entry(Fields::new(b'0', "d/f").owner(3, 4).mode(0o6755), b"")
        .entry(Fields::new(b'2', "d/l").owner(5, 6).link("f"), b"")
        .entry(Fields::new(b'6', "d/p").owner(7, 8), b"")
        .file("d/r", b"")
        .pax(&[("uid", b"1000000"), ("gid", b"1000001")])
        .file("d/big", b"")
        .end();
    let owner = |place: &Place, name: &str| {
        let metadata = fs::symlink_metadata(place.tree().join(name)).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
    };
    let (place, _) = unpacked(&tar);
    assert_eq!(owner(&place, "d"), (1, 2, 0o755));
    assert_eq!(owner(&place, "d/f"), (3, 4, 0o6755));
    assert_eq!(owner(&place, "d/l"), (5, 6, 0o777));
    assert_eq!(owner(&place, "d/p"), (7, 8, 0o644));
    assert_eq!(owner(&place, "d/r"), (0, 0, 0o644));
    assert_eq!(owner(&place, "d/big"), (1_000_000, 1_000_001, 0o644));
    let single = Place::new();
    let options = UnpackOptions {
        owners: Owners::Single,
        ..UnpackOptions::default()
    };
    super::super::unpack(&tar[..], single.open().as_fd(), &options).unwrap();
    assert_eq!(owner(&single, "d/f"), (0, 0, 0o6755));
    assert!(single.tar().unwrap() == tar);
}

#[test]
fn the_last_entry_of_a_file_describes_it() {
    let tar = Tar::new()
        .entry(Fields::new(b'0', "f").mode(0o4755).owner(5, 6).size(1), b"x")
        .entry(Fields::new(b'1', "h").mode(0o2711).link("f"), b"")
        .symlink("s", "/K/secret")
        .pax(&[("mtime", b"99.5")])
        .entry(Fields::new(b'1', "t").mode(0o600).owner(7, 8).link("s"), b"")
        .end();
    let place = Place::new();
    let options = UnpackOptions {
        owners: Owners::Single,
        ..UnpackOptions::default()
    };
    super::super::unpack(&tar[..], place.open().as_fd(), &options).unwrap();
    assert_eq!(
        place.list(),
        [
            "/ 755",
            "f 2711 2 [x]",
            "h 2711 2 [x]",
            "s -> /K/secret",
            "t -> /K/secret"
        ]
    );
    assert_eq!(fs::symlink_metadata(place.tree().join("s")).unwrap().mtime(), 99);
    if !is_root() {
        return skipped("owners can only be given by root");
    }
    let (place, _) = unpacked(&tar);
    let metadata = fs::metadata(place.tree().join("f")).unwrap();
    assert_eq!(
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777),
        (0, 0, 0o2711)
    );
    let link = fs::symlink_metadata(place.tree().join("s")).unwrap();
    assert_eq!((link.uid(), link.gid()), (7, 8));
}

#[test]
fn extended_attributes_of_the_allow_list() {
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let tar = Tar::new()
        .pax(&[("SCHILY.xattr.user.d", b"1")])
        .directory("d")
        .pax(&[
            ("SCHILY.xattr.user.f", b"\0\xff"),
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.user.overlay.redirect", b"/.."),
            ("SCHILY.xattr.security.selinux", b"x"),
        ])
        .file("d/f", b"content")
        .pax(&[("SCHILY.xattr.security.capability", capability)])
        .directory("c")
        .end();
    let (place, record) = unpacked(&tar);
    let get = |name: &str, key: &str| {
        let mut value = [0; 64];
        let file = File::open(place.tree().join(name)).unwrap();
        rustix::fs::fgetxattr(file, key, &mut value[..]).map(|length| value[..length].to_vec())
    };
    let user = get("d", "user.d");
    if user == Err(rustix::io::Errno::OPNOTSUPP) {
        return skipped("the file system has no user attributes");
    }
    assert_eq!(user.unwrap(), b"1");
    assert_eq!(get("d/f", "user.f").unwrap(), b"\0\xff");
    for key in ["user.overlay.redirect", "trusted.overlay.opaque"] {
        assert!(get("d/f", key).is_err(), "{key}");
    }
    // Three outside of the list, and the capabilities of a directory.
    if is_root() {
        assert_eq!(get("d/f", "security.capability").unwrap(), capability);
        assert_eq!(record.skipped.xattrs, 4);
    } else {
        assert_eq!(record.skipped.xattrs, 5);
    }
}

#[test]
fn later_entries_replace_earlier_ones() {
    let tar = Tar::new()
        .file("f", b"first")
        .hard_link("h", "f")
        .file("f", b"second")
        .directory("d")
        .file("d/a", b"lost with its directory")
        .file("d/sub/b", b"and deeper")
        .file("d", b"now a file")
        .symlink("s", "d")
        .file("s", b"was a link")
        .file("g", b"was a file")
        .directory("g")
        .directory("e")
        .entry(Fields::new(b'5', "e").mode(0o711), b"")
        .file("e/kept", b"x")
        .entry(Fields::new(b'5', "e").mode(0o700), b"")
        .symlink("l", "e")
        .entry(Fields::new(b'5', "l").mode(0o701), b"")
        .end();
    let (place, record) = unpacked(&tar);
    assert_eq!(
        place.list(),
        [
            "/ 755",
            "d 644 1 [now a file]",
            "e/ 700",
            "e/kept 644 1 [x]",
            "f 644 1 [second]",
            "g/ 755",
            "h 644 1 [first]",
            "l/ 701",
            "s 644 1 [was a link]",
        ]
    );
    assert!(record.implied.is_empty());
}

#[test]
fn a_path_through_a_link_stays_in_the_layer() {
    let place = Place::new();
    let outside = place.canary();
    let tar = Tar::new()
        .symlink("abs", outside.to_str().unwrap())
        .file("abs/secret", b"1")
        .symlink("up", "../../../../K")
        .file("up/secret", b"2")
        .directory("usr/lib")
        .symlink("lib", "usr/lib")
        .file("lib/x", b"3")
        .hard_link("y", "usr/lib/x")
        .end();
    place.unpack(&tar).unwrap();
    let list = place.list();
    let inner = outside.strip_prefix("/").unwrap().to_str().unwrap();
    for line in [
        format!("{inner}/secret 644 1 [1]"),
        "K/secret 644 1 [2]".to_owned(),
        "usr/lib/x 644 2 [3]".to_owned(),
        "lib -> usr/lib".to_owned(),
    ] {
        assert!(list.contains(&line), "{line} is not in {list:#?}");
    }
    assert!(place.tar().unwrap() == tar);
}

#[test]
fn whiteouts_hide_what_is_below_and_nothing_beside() {
    let tar = Tar::new()
        .file(".wh.gone", b"")
        .file("a/.wh.b", b"")
        .file("a/new", b"n")
        // Content of the same layer stays, whichever comes first.
        .file("kept", b"k")
        .file(".wh.kept", b"")
        .file(".wh.early", b"")
        .file("early", b"e")
        // A directory made anew hides the old one.
        .file(".wh.dir", b"")
        .directory("dir")
        .file("dir/f", b"f")
        .directory("other")
        .file(".wh.other", b"")
        // Below a hidden directory there is nothing left to hide.
        .file("tree/.wh.x", b"")
        .file(".wh.tree", b"")
        .directory("opaque")
        .file("opaque/.wh..wh..opq", b"")
        .file("opaque/.wh.x", b"")
        .file("implied/.wh..wh..opq", b"")
        // Through a link, and below what another layer holds.
        .symlink("link", "behind")
        .file("link/.wh..wh..opq", b"")
        .file("link/in/.wh.x", b"")
        .symlink("link2", "behind2")
        .file("link2/.wh.x", b"")
        .hard_link("lower", "elsewhere")
        .file("lower/.wh..wh..opq", b"")
        .file("lower/.wh.x", b"")
        .file(".wh.lower", b"")
        .file("kept/.wh.x", b"")
        .file("kept/.wh..wh..opq", b"")
        .end();
    let (place, record) = unpacked(&tar);
    assert_eq!(
        place.list(),
        [
            "/ 755",
            "a/ 755",
            "a/b whiteout",
            "a/new 644 1 [n]",
            "behind/ 755 opaque",
            "behind2/ 755",
            "behind2/x whiteout",
            "dir/ 755 opaque",
            "dir/f 644 1 [f]",
            "early 644 1 [e]",
            "gone whiteout",
            "implied/ 755 opaque",
            "kept 644 1 [k]",
            "link -> behind",
            "link2 -> behind2",
            "opaque/ 755 opaque",
            "other/ 755 opaque",
            "tree whiteout",
        ]
    );
    let implied: Vec<String> = record.implied.iter().map(PathBytes::to_string).collect();
    assert_eq!(implied, ["a", "behind", "behind2", "implied"]);
    assert!(!record.hides_lower);
    let (_, record) = unpacked(&Tar::new().file(".wh..wh..opq", b"").end());
    assert!(record.hides_lower);
}

#[test]
fn links_into_a_lower_layer_are_recorded() {
    let tar = Tar::new()
        .hard_link("usr/bin/two", "usr/bin/one")
        .hard_link("three", "usr/bin/two")
        .hard_link("replaced", "usr/bin/one")
        .file("replaced", b"r")
        .hard_link("parent", "usr/bin/one")
        .file("parent/child", b"c")
        .directory("dir")
        .file("dir/f", b"f")
        .hard_link("dir", "usr/bin/one")
        .end();
    let (place, record) = unpacked(&tar);
    let link = |path: &str, target: &str| crate::store::layer::LowerLink {
        path: path.as_bytes().into(),
        target: target.as_bytes().into(),
    };
    assert_eq!(
        record.links_into_lower,
        [
            link("dir", "usr/bin/one"),
            link("three", "usr/bin/one"),
            link("usr/bin/two", "usr/bin/one")
        ]
    );
    assert_eq!(
        place.list(),
        [
            "/ 755",
            "parent/ 755",
            "parent/child 644 1 [c]",
            "replaced 644 1 [r]",
            "usr/ 755",
            "usr/bin/ 755"
        ]
    );
}

#[test]
fn devices_are_made_where_that_is_allowed() {
    let tar = Tar::new()
        .entry(Fields::new(b'3', "null").mode(0o666).device(1, 3), b"")
        .entry(Fields::new(b'4', "disk").mode(0o640).device(8, 1), b"")
        .entry(Fields::new(b'1', "same").mode(0o666).link("null"), b"")
        .end();
    let (place, record) = unpacked(&tar);
    if record.skipped.devices == 0 {
        assert_eq!(
            place.list(),
            [
                "/ 755",
                "disk 60000 640 2049",
                "null 20000 666 259",
                "same 20000 666 259"
            ]
        );
    } else {
        assert_eq!(record.skipped.devices, 3);
        assert_eq!(place.list(), ["/ 755"]);
        assert!(record.links_into_lower.is_empty());
    }
}

#[test]
fn names_of_gnu_pax_and_ustar() {
    let long = "n".repeat(200);
    let deep = format!("{}/{long}", "d".repeat(120));
    let mut prefixed = Fields::new(b'0', "base").block();
    prefixed[345..351].copy_from_slice(b"pre/fi");
    super::super::testing::sum(&mut prefixed);
    let mut gnu = Fields {
        magic: b"ustar  \0",
        ..Fields::new(b'0', "gnu")
    }
    .block();
    gnu[345..348].copy_from_slice(b"123");
    super::super::testing::sum(&mut gnu);
    let tar = Tar::new()
        .long(b'L', &deep)
        .file("short", b"1")
        .long(b'K', &long)
        .symlink("link", "short")
        .pax(&[("path", b"pax\xff"), ("linkpath", b"target")])
        .symlink("x", "y")
        .raw(&prefixed)
        .raw(&gnu)
        .entry(
            Fields {
                magic: &[0; 8],
                ..Fields::new(b'0', "v7")
            },
            b"",
        )
        .end();
    let (place, _) = unpacked(&tar);
    let names: Vec<String> = place
        .list()
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let dir = format!("{}/", "d".repeat(120));
    assert_eq!(
        names,
        [
            "/",
            &dir,
            &deep,
            "gnu",
            "link",
            r"pax\xff",
            "pre/",
            "pre/fi/",
            "pre/fi/base",
            "v7"
        ]
    );
    assert_eq!(
        fs::read_link(place.tree().join("link"))
            .unwrap()
            .to_str()
            .unwrap(),
        long
    );
}

#[test]
fn global_headers_hold_for_all_that_follow() {
    let global = super::super::testing::pax_record(b"mtime", b"55.5");
    let tar = Tar::new()
        .file("before", b"")
        .entry(Fields::new(b'g', "g").size(global.len() as u64), &global)
        .file("after", b"")
        .pax(&[("mtime", b"66")])
        .file("own", b"")
        .end();
    let (place, _) = unpacked(&tar);
    let time = |name: &str| fs::metadata(place.tree().join(name)).unwrap().mtime();
    assert_eq!([time("before"), time("after"), time("own")], [1, 55, 66]);
}

#[test]
fn sparse_files_stay_sparse() {
    const SIZE: u64 = 2 << 20;
    let data = |byte: u8| vec![byte; 4096];
    let content = [data(1), data(2)].concat();
    let map = format!("0,4096,{},4096", SIZE - 8192);
    // Version 0.1.
    let tar = Tar::new()
        .pax(&[
            ("GNU.sparse.size", SIZE.to_string().as_bytes()),
            ("GNU.sparse.numblocks", b"2"),
            ("GNU.sparse.map", map.as_bytes()),
            ("GNU.sparse.name", b"one"),
        ])
        .file("GNUSparseFile.0/one", &content);
    // Version 0.0.
    let tar = tar
        .pax(&[
            ("GNU.sparse.size", SIZE.to_string().as_bytes()),
            ("GNU.sparse.numblocks", b"2"),
            ("GNU.sparse.offset", b"0"),
            ("GNU.sparse.numbytes", b"4096"),
            ("GNU.sparse.offset", (SIZE - 8192).to_string().as_bytes()),
            ("GNU.sparse.numbytes", b"4096"),
        ])
        .file("zero", &content);
    // Version 1.0, its map in front of the content.
    let mut map = format!("2\n0\n4096\n{}\n4096\n", SIZE - 8192).into_bytes();
    map.resize(512, 0);
    let tar = tar
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", SIZE.to_string().as_bytes()),
            ("GNU.sparse.name", b"new"),
        ])
        .file("x", &[map, content.clone()].concat());
    // Old GNU, with a second header of segments.
    let mut old = Fields {
        magic: b"ustar  \0",
        ..Fields::new(b'S', "old").size(8192)
    }
    .block();
    old[386..398].copy_from_slice(b"00000000000\0");
    old[398..410].copy_from_slice(b"00000010000\0");
    old[482] = 1;
    old[483..494].copy_from_slice(format!("{SIZE:011o}").as_bytes());
    super::super::testing::sum(&mut old);
    let mut extension = [0; 512];
    extension[..11].copy_from_slice(format!("{:011o}", SIZE - 8192).as_bytes());
    extension[12..23].copy_from_slice(b"00000010000");
    let tar = tar.raw(&old).raw(&extension).raw(&content).end();
    let (place, record) = unpacked(&tar);
    for name in ["one", "zero", "new", "old"] {
        let metadata = fs::metadata(place.tree().join(name)).unwrap();
        assert_eq!(metadata.len(), SIZE, "{name}");
        assert!(metadata.blocks() * 512 < SIZE / 2, "{name} has no holes");
        let content = fs::read(place.tree().join(name)).unwrap();
        assert!(content[..4096] == data(1), "{name}");
        let end = SIZE as usize - 8192;
        assert!(content[end..end + 4096] == data(2), "{name}");
        assert!(
            content[4096..end]
                .iter()
                .chain(&content[end + 4096..])
                .all(|&byte| byte == 0),
            "{name}"
        );
    }
    assert_eq!(record.content, 4 * 8192);
}

/// Runs itself in a user namespace where only root is mapped.
#[test]
fn an_unmapped_owner_is_named_with_the_cure() {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    if map.split_whitespace().nth(2) != Some("1") {
        let output = std::process::Command::new("unshare")
            .args(["--user", "--map-root-user"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "image::layer::tests::unpacked::an_unmapped_owner_is_named_with_the_cure",
            ])
            .output();
        match output {
            Ok(output) if output.stderr.starts_with(b"unshare:") => skipped("no user namespace can be made"),
            Err(_) => skipped("there is no unshare program"),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && text.contains("1 passed"), "{text}");
            }
        }
        return;
    }
    let file = |uid, gid| {
        Tar::new()
            .entry(Fields::new(b'0', "etc/shadow").owner(uid, gid), b"")
            .end()
    };
    for (tar, id) in [(file(4242, 0), "uid 4242"), (file(0, 42), "gid 42")] {
        let text = Place::new().unpack(&tar).unwrap_err().to_string();
        let cure = format!("/etc/sub{}", &id[..3]);
        assert!(
            text.contains("\"etc/shadow\"") && text.contains(id) && text.contains(&cure),
            "{text}"
        );
        let place = Place::new();
        let options = UnpackOptions {
            owners: Owners::Single,
            ..UnpackOptions::default()
        };
        super::super::unpack(&tar[..], place.open().as_fd(), &options).unwrap();
        assert!(place.tar().unwrap() == tar);
    }
    let device = Tar::new()
        .entry(Fields::new(b'4', "disk").device(8, 0), b"")
        .hard_link("same", "disk")
        .end();
    let (place, record) = unpacked(&device);
    assert_eq!((record.skipped.devices, place.list().len()), (2, 1));
}
