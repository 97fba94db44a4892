//! Archives that lie. None may leave anything in the store.

use super::*;

/// Every way in refuses the archive, and says `reason`.
fn refused(archive: &[u8], reason: &str) {
    for piped in [false, true] {
        let fixture = Fixture::new();
        let loaded = match piped {
            true => fixture.load_piped(archive.to_vec()),
            false => fixture.load(&fixture.write("archive", archive)),
        };
        let error = format!("{:#}", loaded.expect_err(reason));
        assert!(
            error.contains(reason),
            "piped {piped}: {error:?} does not say {reason:?}"
        );
        fixture.store.sweep().unwrap();
        fixture.assert_empty();
    }
}

/// The docker-archive of the usual sample with one member changed.
fn docker_with(change: impl Fn(&mut Members)) -> Vec<u8> {
    let sample = Sample::usual();
    let list = br#"[{"Config":"c.json","RepoTags":["x"],"Layers":["0.tar","1.tar"]}]"#;
    let mut members = vec![
        ("0.tar".to_owned(), sample.layers[0].clone()),
        ("1.tar".to_owned(), sample.layers[1].clone()),
        ("c.json".to_owned(), sample.config.clone()),
        ("manifest.json".to_owned(), list.to_vec()),
    ];
    change(&mut members);
    tar_of(&members)
}

#[test]
fn layers_that_are_not_what_they_are_said_to_be() {
    refused(
        &docker_with(|members| members.swap_with(0, 1)),
        "as the configuration says",
    );
    refused(
        &docker_with(|members| members[0].1 = tar(&[("evil", b"")])),
        "as the configuration says",
    );
    refused(&docker_with(|members| drop(members.remove(1))), "no 1.tar");
    refused(&docker_with(|members| members[0].1 = b"{}".to_vec()), "");
    refused(&docker_with(|members| members[0].1 = vec![b'x'; 600]), "");
    refused(&docker_with(|members| members[0].1.truncate(700)), "");
}

trait SwapWith {
    /// Swaps contents, not names.
    fn swap_with(&mut self, one: usize, other: usize);
}

impl SwapWith for Members {
    fn swap_with(&mut self, one: usize, other: usize) {
        let content = self[one].1.clone();
        self[one].1 = std::mem::replace(&mut self[other].1, content);
    }
}

#[test]
fn members_that_occur_twice() {
    for member in 0..4 {
        refused(
            &docker_with(|members| {
                let copy = members[member].clone();
                members.push(copy);
            }),
            "more than once",
        );
    }
}

#[test]
fn links_out_of_the_archive() {
    let sample = Sample::usual();
    for (name, list) in [
        ("manifest.json -> /etc/passwd", None),
        ("manifest.json -> ../../../../etc/passwd", None),
        (
            "c.json -> /etc/passwd",
            Some(r#"[{"Config":"c.json","Layers":[]}]"#),
        ),
        (
            "none",
            Some(r#"[{"Config":"../../../../etc/passwd","Layers":[]}]"#),
        ),
        ("none", Some(r#"[{"Config":"/etc/passwd","Layers":[]}]"#)),
    ] {
        let mut members: Vec<(&str, &[u8])> = vec![(name, b"")];
        members.extend(list.map(|list| ("manifest.json", list.as_bytes())));
        refused(&tar(&members), "");
    }
    let list = br#"[{"Config":"c.json","Layers":["../../../../etc/passwd","/etc/passwd"]}]"#;
    refused(&tar(&[("c.json", &sample.config), ("manifest.json", list)]), "");
}

#[test]
fn blobs_of_a_layout_that_lie() {
    let sample = Sample::usual();
    let good = || sample.layout("x", "+gzip", &gzip);
    let changed = |change: &dyn Fn(&mut Members)| {
        let mut members = good();
        change(&mut members);
        tar_of(&members)
    };
    // 0 and 1 are layers, 2 the configuration, 3 the manifest, 4 the index.
    let other = Sample::new(&[tar(&[("evil", b"")])]);
    refused(&changed(&|members| members.swap_with(0, 1)), "");
    refused(&changed(&|members| members[0].1 = gzip(&other.layers[0])), "");
    refused(&changed(&|members| members[0].1.push(0)), "");
    refused(&changed(&|members| members[2].1 = other.config.clone()), "");
    refused(&changed(&|members| members[2].1.push(b' ')), "bytes, not");
    let flip = |members: &mut Members| *members[2].1.last_mut().unwrap() = b' ';
    refused(&changed(&flip), "digest");
    refused(&changed(&|members| members[3].1 = b"{}".to_vec()), "");
    refused(&changed(&|members| drop(members.remove(3))), "archive has no");
    for (from, to, reason) in [
        ("sha256:", "sha512:", "digest"),
        ("sha256:", "sha256:../../", "digest"),
        ("manifest.v1+json", "index.v1+json", "announced"),
        ("manifest.v1+json", "unknown.v1+json", "announced"),
        ("\"schemaVersion\":2", "\"schemaVersion\":1", "schema version 1"),
        ("\"manifests\":", "\"layers\":[],\"manifests\":", "CVE-2021-41190"),
    ] {
        refused(
            &changed(&|members| {
                let index = String::from_utf8(members[4].1.clone()).unwrap();
                members[4].1 = index.replacen(from, to, 1).into_bytes();
            }),
            reason,
        );
    }
}

#[test]
fn a_gzip_layer_whose_digest_is_that_of_the_tar() {
    // The manifest names the uncompressed digest, the blob is the compressed form of it.
    let sample = Sample::new(&[tar(&[("x", b"y")])]);
    let mut members = sample.layout("x", "", &<[u8]>::to_vec);
    members[0].1 = gzip(&sample.layers[0]);
    refused(&tar_of(&members), "as the manifest says");
}

/// CVE-2020-1702.
#[test]
fn long_documents() {
    let long = |start: &str, length: usize| {
        let mut text = start.as_bytes().to_vec();
        text.resize(length, b' ');
        text
    };
    refused(
        &docker_with(|members| members[3].1 = long("[", (4 << 20) + 1)),
        "manifest.json",
    );
    refused(
        &docker_with(|members| members[2].1 = long("{", (8 << 20) + 1)),
        "c.json",
    );
}

#[test]
fn a_name_is_never_taken_half() {
    // The second image is broken, so the first one is not published either.
    let sample = Sample::usual();
    let list = br#"[{"Config":"c.json","RepoTags":["localhost/base:latest"],"Layers":["0.tar","1.tar"]},
                    {"Config":"c.json","RepoTags":["y"],"Layers":["0.tar","0.tar"]}]"#;
    let archive = tar(&[
        ("0.tar", &sample.layers[0]),
        ("1.tar", &sample.layers[1]),
        ("c.json", &sample.config),
        ("manifest.json", list),
    ]);
    let fixture = Fixture::new();
    let base = crate::image::testing::image(&fixture.store, "1", &["localhost/base:latest"]);
    let loaded = fixture.load(&fixture.write("archive", &archive));
    // The same diff id under two members: the first member that holds it counts, so this one is not even a lie.
    match loaded {
        Ok(loaded) => assert_eq!(loaded[0].names[0].replaced, Some(base.id)),
        Err(_) => assert_eq!(find(&fixture.store, "base").unwrap().image.id, base.id),
    }
}

#[test]
fn what_is_no_image_says_what_it_is() {
    refused(b"", "");
    refused(b"hello", "not a tar archive");
    refused(&tar(&[("bin/sh", b"x")]), "import");
    refused(&tar(&[("repositories", b"{}")]), "1.10");
    refused(&tar(&[("manifest.json", b"[]")]), "no image");
    let fixture = Fixture::new();
    assert!(
        fixture
            .load(&fixture.path("none"))
            .unwrap_err()
            .to_string()
            .contains("none")
    );
    assert!(fixture.load(&fixture.path("store")).is_err());
    fixture.assert_empty();
}

#[test]
fn a_stream_that_ends_in_the_middle() {
    let whole = Sample::usual().docker(&["x"]);
    for end in [100, 600, 1500, whole.len() / 2, whole.len() - 1100] {
        let fixture = Fixture::new();
        assert!(fixture.load_piped(whole[..end].to_vec()).is_err(), "{end}");
        assert!(fixture.load_piped(gzip(&whole)[..100].to_vec()).is_err());
        fixture.assert_empty();
    }
}
