//! Tests of artifacts in the store.

use super::*;
use crate::image::testing::store;

fn files(directory: &Path, names: &[&str]) -> Vec<PathBuf> {
    let write = |name: &&str| {
        let path = directory.join(name);
        std::fs::write(&path, format!("content of {name}")).unwrap();
        path
    };
    names.iter().map(write).collect()
}

fn add(store: &Store, text: &str, files: &[PathBuf], options: &AddOptions) -> Result<Digest> {
    super::add(store, &name(text).unwrap(), files, options)
}

const NAME: &str = "reg.example/team/a:1";

#[test]
fn added_found_appended_replaced() {
    let (parent, store) = store();
    let paths = files(parent.path(), &["one", "two", "three"]);
    let options = AddOptions::default();
    let digest = add(&store, NAME, &paths[..2], &options).unwrap();
    let again = add(&store, NAME, &paths[..2], &options).unwrap_err();
    assert!(matches!(again.downcast_ref(), Some(ArtifactError::Exists(_))));
    for text in [NAME, &digest.hex()[..8], &digest.to_string()] {
        assert_eq!(find(&store, text).unwrap().digest, digest);
    }
    for text in [
        "reg.example/team/a:2",
        "team/a",
        "",
        "sha256:",
        "ffffffff",
        "../x",
    ] {
        assert!(
            matches!(find(&store, text), Err(ArtifactError::Missing(_))),
            "{text}"
        );
    }
    let append = AddOptions {
        append: true,
        ..AddOptions::default()
    };
    assert!(add(&store, NAME, &paths[..1], &append).is_err());
    let missing = add(&store, "reg.example/none:1", &paths, &append).unwrap_err();
    assert!(matches!(missing.downcast_ref(), Some(ArtifactError::Missing(_))));
    add(&store, NAME, &paths[2..], &append).unwrap();
    let described = Described::of(&store, find(&store, NAME).unwrap()).unwrap();
    let titles: Vec<_> = described
        .manifest
        .layers
        .iter()
        .map(|layer| &layer.annotations[TITLE])
        .collect();
    assert_eq!(titles, ["one", "two", "three"]);
    assert_eq!(described.size(), 14 + 14 + 16);
    check(&store, &described.artifact, true).unwrap();
    let replace = AddOptions {
        replace: true,
        file_type: Some("x/y".into()),
        artifact_type: Some("a/b".into()),
        ..AddOptions::default()
    };
    add(&store, NAME, &paths[..1], &replace).unwrap();
    let described = Described::of(&store, find(&store, NAME).unwrap()).unwrap();
    assert_eq!(described.document["artifactType"], "a/b");
    assert_eq!(described.document["layers"][0]["mediaType"], "x/y");
    assert_eq!(described.document["config"]["data"], "e30=");
    assert!(add(&store, "reg.example/b:1", &[parent.path().into()], &options).is_err());
    assert!(store.names(crate::store::Kind::Staging).unwrap().is_empty());
}

#[test]
fn appending_at_once_loses_nothing() {
    let (parent, store) = store();
    let names: Vec<String> = (0..9).map(|number| format!("file{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let paths = files(parent.path(), &names);
    add(&store, NAME, &paths[..1], &AddOptions::default()).unwrap();
    let append = AddOptions {
        append: true,
        ..AddOptions::default()
    };
    std::thread::scope(|scope| {
        for path in &paths[1..] {
            let (store, append) = (&store, &append);
            scope.spawn(move || add(store, NAME, std::slice::from_ref(path), append).unwrap());
        }
    });
    let described = Described::of(&store, find(&store, NAME).unwrap()).unwrap();
    assert_eq!(described.manifest.layers.len(), 9);
    check(&store, &described.artifact, true).unwrap();
}

/// A record that was read before the lock says nothing of what the lock holds.
#[test]
fn what_was_replaced_meanwhile_is_sound() {
    let (parent, store) = store();
    let paths = files(parent.path(), &["one", "two"]);
    add(&store, NAME, &paths[..1], &AddOptions::default()).unwrap();
    let before = find(&store, NAME).unwrap();
    let replace = AddOptions {
        replace: true,
        ..AddOptions::default()
    };
    let now = add(&store, NAME, &paths[1..], &replace).unwrap();
    check(&store, &before, true).unwrap();
    // Nor does what was wrong before.
    let place = artifact_directory(NAME);
    assert!(!discard_unsound(&store, &place, true).unwrap());
    assert_eq!(
        Described::of(&store, before.clone()).unwrap().artifact.digest,
        now
    );
    let target = parent.path().join("target");
    extract(&store, &before, None, &target).unwrap();
    assert_eq!(std::fs::read_to_string(target).unwrap(), "content of two");
}

/// Titles are chosen by strangers.
#[test]
fn titles_do_not_leave_the_directory() {
    let (parent, store) = store();
    let target = parent.path().join("target");
    std::fs::create_dir(&target).unwrap();
    let path = files(parent.path(), &["file"]);
    let long = "x".repeat(256);
    for (number, title) in ["../out", "/tmp/out", "a/b", ".", "..", "a\0b", &long]
        .into_iter()
        .enumerate()
    {
        let options = AddOptions {
            annotations: BTreeMap::from([(TITLE.to_owned(), title.to_owned())]),
            ..AddOptions::default()
        };
        let name = format!("reg.example/hostile:{number}");
        add(&store, &name, &path, &options).unwrap();
        let artifact = find(&store, &name).unwrap();
        let error = extract(&store, &artifact, None, &target).unwrap_err();
        assert!(error.to_string().contains("is not the name of a file"), "{error}");
        // By its digest, or to a name of one's own, it can be had.
        let digest = Digest::of(b"content of file");
        extract(&store, &artifact, Some(&Which::Digest(digest)), &target).unwrap();
        extract(&store, &artifact, None, &target.join("own")).unwrap();
    }
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 2);
    std::os::unix::fs::symlink(parent.path().join("victim"), target.join("file")).unwrap();
    add(&store, NAME, &path, &AddOptions::default()).unwrap();
    let artifact = find(&store, NAME).unwrap();
    assert!(extract(&store, &artifact, None, &target).is_err());
    assert!(!parent.path().join("victim").exists());
}

#[test]
fn what_is_spoilt_is_not_given_out() {
    let (parent, store) = store();
    let path = files(parent.path(), &["file"]);
    add(&store, NAME, &path, &AddOptions::default()).unwrap();
    let artifact = find(&store, NAME).unwrap();
    let blob = Digest::of(b"content of file").hex();
    let place = store.path_of(crate::store::Kind::Artifacts, "reg.example%2Fteam%2Fa%3A1");
    std::fs::write(place.join(blob), "CONTENT OF FILE").unwrap();
    check(&store, &artifact, false).unwrap();
    assert!(check(&store, &artifact, true).is_err());
    assert!(!discard_unsound(&store, &artifact_directory(NAME), false).unwrap());
    let target = parent.path().join("target");
    assert!(extract(&store, &artifact, None, &target).is_err());
    assert!(!target.exists());
    assert!(discard_unsound(&store, &artifact_directory(NAME), true).unwrap());
    assert!(store.artifact(NAME).unwrap().is_none());
}

#[test]
fn names() {
    for (text, expected) in [
        ("quay.io/a/b", Some("quay.io/a/b:latest")),
        ("docker://localhost:5000/b:1", Some("localhost:5000/b:1")),
        ("a:1", None),
        ("", None),
    ] {
        assert_eq!(name(text).ok().map(|name| name.to_string()).as_deref(), expected);
    }
    let digest = Digest::of(b"x");
    assert!(name(&format!("quay.io/a@{digest}")).is_ok());
    assert!(name(&format!("quay.io/a:1@{digest}")).is_err());
}
