//! What goes in comes out the same.

use super::*;
use crate::image::compression::{Compression, encoder};

#[test]
fn every_shape_is_the_same_image() {
    let sample = Sample::usual();
    let docker = sample.docker(&["localhost/x:1"]);
    let zstd = |content: &[u8]| zstd::encode_all(content, 1).unwrap();
    let shapes: Vec<(&str, Vec<u8>)> = vec![
        ("docker", docker.clone()),
        ("docker in gzip", gzip(&docker)),
        ("docker in zstd", zstd(&docker)),
        ("oci", tar_of(&sample.layout("x:1", "", &<[u8]>::to_vec))),
        ("oci of gzip", tar_of(&sample.layout("x:1", "+gzip", &gzip))),
        (
            "oci of zstd in gzip",
            gzip(&tar_of(&sample.layout("x:1", "+zstd", &zstd))),
        ),
    ];
    for (shape, archive) in shapes {
        for piped in [false, true] {
            let fixture = Fixture::new();
            let loaded = match piped {
                true => fixture.load_piped(archive.clone()),
                false => fixture.load(&fixture.write("archive", &archive)),
            };
            let loaded = loaded.unwrap_or_else(|error| panic!("{shape}, piped {piped}: {error:#}"));
            assert_eq!(loaded.len(), 1);
            assert_eq!(loaded[0].id, sample.id());
            assert_eq!(loaded[0].names[0].reference.to_string(), "localhost/x:1");
            let image = find(&fixture.store, "x:1").unwrap().image;
            assert_eq!(image.layers.len(), 2);
            assert_eq!(image.config.cmd, Some(vec!["/bin/true".to_owned()]));
            assert_eq!(image.layers[0].archive_size, sample.layers[0].len() as u64);
            let tree = fixture
                .store
                .path()
                .join(&image.lowers()[image.lowers().len() - 1]);
            assert_eq!(std::fs::read(tree.join("etc/motd")).unwrap(), b"hello");
            fixture.assert_no_leftovers();
            fixture.store.sweep_unreachable().unwrap();
            assert_eq!(
                fixture.store.names(Kind::Layers).unwrap().len(),
                image.lowers().len()
            );
        }
    }
}

#[test]
fn saved_and_loaded_again_in_every_format() {
    let sample = Sample::usual();
    let first = Fixture::new();
    first
        .load(&first.write("archive", &sample.docker(&["x", "localhost/y:2"])))
        .unwrap();
    for format in [
        Format::DockerArchive,
        Format::OciArchive,
        Format::OciDirectory,
        Format::DockerDirectory,
    ] {
        let name = format!("{format:?}");
        let path = first.save(&["x"], format, &name);
        let second = Fixture::new();
        let loaded = second
            .load(&path)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(loaded[0].id, sample.id(), "{name}");
        let names: Vec<_> = loaded[0]
            .names
            .iter()
            .map(|named| named.reference.to_string())
            .collect();
        let expected: &[&str] = match format {
            Format::DockerDirectory => &[],
            _ => &["docker.io/library/x:latest"],
        };
        assert_eq!(names, expected, "{name}");
        if !format.is_directory() {
            let bytes = std::fs::read(&path).unwrap();
            let again = second.save(&["x"], format, &name);
            assert!(
                bytes == std::fs::read(again).unwrap(),
                "{name}: saving what was saved changed it"
            );
            // Layers known by their names are not read again from a stream.
            assert_eq!(second.load_piped(bytes).unwrap()[0].id, sample.id());
        }
        second.assert_no_leftovers();
    }
}

#[test]
fn several_images_share_layers_in_one_archive() {
    let (one, two) = (Sample::usual(), Sample::new(&[Sample::usual().layers[0].clone()]));
    let fixture = Fixture::new();
    fixture
        .load(&fixture.write("one", &one.docker(&["one"])))
        .unwrap();
    fixture
        .load(&fixture.write("two", &two.docker(&["two"])))
        .unwrap();
    assert_eq!(
        fixture
            .store
            .names(Kind::Layers)
            .unwrap()
            .iter()
            .filter(|name| name.len() == 64)
            .count(),
        2
    );
    for format in [Format::DockerArchive, Format::OciArchive, Format::OciDirectory] {
        let path = fixture.save(&["one", "two", "one"], format, "both");
        let other = Fixture::new();
        let loaded = other.load(&path).unwrap();
        let ids: Vec<_> = loaded.iter().map(|image| image.id).collect();
        assert_eq!(ids, [one.id(), two.id()], "{format:?}");
        let _ = std::fs::remove_file(path);
    }
    let items = [fixture.item("one"), fixture.item("two")];
    assert!(
        save_directory(
            &fixture.store,
            &items,
            Format::DockerDirectory,
            &fixture.path("d")
        )
        .is_err()
    );
}

#[test]
fn an_oci_directory_takes_more_images() {
    let (one, two) = (Sample::usual(), Sample::new(&[tar(&[("other", b"")])]));
    let fixture = Fixture::new();
    fixture
        .load(&fixture.write("one", &one.docker(&["one"])))
        .unwrap();
    fixture
        .load(&fixture.write("two", &two.docker(&["two"])))
        .unwrap();
    fixture.save(&["one"], Format::OciDirectory, "layout");
    fixture.save(&["two"], Format::OciDirectory, "layout");
    let path = fixture.save(&["one"], Format::OciDirectory, "layout");
    assert_eq!(Fixture::new().load(&path).unwrap().len(), 2);
}

#[test]
fn a_manifest_that_came_uncompressed_goes_out_as_it_came() {
    let sample = Sample::usual();
    let members = sample.layout("x", "", &<[u8]>::to_vec);
    let fixture = Fixture::new();
    fixture
        .load(&fixture.write("archive", &tar_of(&members)))
        .unwrap();
    let path = fixture.save(&["x"], Format::OciDirectory, "layout");
    let (name, content) = &members[3];
    assert_eq!(&std::fs::read(path.join(name)).unwrap(), content);
}

#[test]
fn names_move_and_what_they_left_is_told() {
    let (one, two) = (Sample::usual(), Sample::new(&[tar(&[("other", b"")])]));
    let fixture = Fixture::new();
    let first = fixture.load(&fixture.write("one", &one.docker(&["x"]))).unwrap();
    assert_eq!(first[0].names[0].replaced, None);
    let again = fixture.load(&fixture.path("one")).unwrap();
    assert_eq!(again[0].names[0].replaced, None);
    let second = fixture.load(&fixture.write("two", &two.docker(&["x"]))).unwrap();
    assert_eq!(second[0].names[0].replaced, Some(one.id()));
    assert_eq!(find(&fixture.store, "x").unwrap().image.id, two.id());
}

/// CVE-2021-20291.
#[test]
fn the_same_layer_many_times() {
    let layer = tar(&[("x", b"y")]);
    let sample = Sample::new(&vec![layer.clone(); 200]);
    for piped in [false, true] {
        let fixture = Fixture::new();
        let archive = tar_of(&sample.layout("x", "", &<[u8]>::to_vec)[199..]);
        let loaded = match piped {
            true => fixture.load_piped(archive),
            false => fixture.load(&fixture.write("archive", &archive)),
        };
        assert_eq!(loaded.unwrap()[0].id, sample.id());
        let image = find(&fixture.store, "x").unwrap().image;
        assert_eq!((image.layers.len(), image.lowers().len()), (200, 1));
        let path = fixture.save(&["x"], Format::DockerArchive, "saved");
        assert_eq!(Fixture::new().load(&path).unwrap()[0].id, sample.id());
    }
}

#[test]
fn links_between_members_stay_inside() {
    let sample = Sample::new(&[tar(&[("x", b"y")]), tar(&[("x", b"y")])]);
    let list = br#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar","b/layer.tar"]}]"#;
    let archive = |link: &str| {
        tar(&[
            ("a/layer.tar", &sample.layers[0]),
            (link, b""),
            ("c.json", &sample.config),
            ("manifest.json", list),
        ])
    };
    for piped in [false, true] {
        for (link, works) in [
            ("b/layer.tar -> ../a/layer.tar", true),
            ("b/layer.tar -> ../../a/layer.tar", false),
            ("b/layer.tar -> /etc/hostname", false),
            ("b/layer.tar -> layer.tar", false),
        ] {
            let fixture = Fixture::new();
            let loaded = match piped {
                true => fixture.load_piped(archive(link)),
                false => fixture.load(&fixture.write("archive", &archive(link))),
            };
            assert_eq!(loaded.is_ok(), works, "{link}");
            if !works {
                fixture.assert_empty();
            }
        }
    }
}

#[test]
fn two_processes_worth_of_loads_at_once() {
    let sample = Sample::usual();
    let fixture = Fixture::new();
    let path = fixture.write("archive", &sample.docker(&["x"]));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (fixture, path) = (&fixture, &path);
            let archive = sample.docker(&["x"]);
            scope.spawn(move || match number % 2 {
                0 => fixture.load(path).unwrap(),
                _ => fixture.load_piped(archive).unwrap(),
            });
        }
    });
    fixture.assert_no_leftovers();
    assert_eq!(fixture.store.names(Kind::Images).unwrap().len(), 1);
}

#[test]
fn outer_compressions() {
    let sample = Sample::usual();
    for kind in [Compression::Gzip, Compression::Zstd] {
        let mut writer = encoder(kind, 1, Vec::new()).unwrap();
        writer.write_all(&sample.docker(&["x"])).unwrap();
        let fixture = Fixture::new();
        fixture.load_piped(writer.finish().unwrap()).unwrap();
    }
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&sample.docker(&["x"])).unwrap();
    Fixture::new().load_piped(bzip2.finish().unwrap()).unwrap();
}

#[test]
fn layers_that_need_it_get_a_fix_up_tree() {
    // The upper layer goes through a directory of other attributes, and links into the lower layer.
    let mut lower = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o700);
    header.set_size(0);
    lower.append_data(&mut header, "private/", &b""[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    lower.append_data(&mut header, "private/file", &b"x"[..]).unwrap();
    let mut upper = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    upper
        .append_link(&mut header, "private/link", "private/file")
        .unwrap();
    let sample = Sample::new(&[lower.into_inner().unwrap(), upper.into_inner().unwrap()]);
    let fixture = Fixture::new();
    let path = fixture.write("archive", &sample.docker(&["x"]));
    for _ in 0..2 {
        fixture.load(&path).unwrap();
        let image = find(&fixture.store, "x").unwrap().image;
        assert_eq!(image.lowers().len(), 3);
        let top = fixture.store.path().join(&image.lowers()[0]);
        assert!(top.ends_with(format!("layers/{}/tree", image.fix_up.as_ref().unwrap())));
        assert_eq!(std::fs::read(top.join("private/link")).unwrap(), b"x");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(top.join("private")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o7777, 0o700);
        assert_eq!(fixture.store.sweep_unreachable().unwrap(), Default::default());
    }
    fixture.assert_no_leftovers();
}
