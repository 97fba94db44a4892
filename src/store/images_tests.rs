use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().unwrap();
    let store = Store::open(&parent.path().join("store")).unwrap();
    (parent, store)
}

fn image(config: &[u8], layers: &[&str]) -> Image {
    Image {
        version: VERSION,
        id: Digest::of(config),
        created: None,
        stored: crate::base::time::now(),
        architecture: "amd64".into(),
        os: "linux".into(),
        variant: None,
        config: ContainerConfig::default(),
        layers: layers
            .iter()
            .map(|name| Layer {
                diff_id: Digest::of(name.as_bytes()),
                size: 1,
                archive_size: 2,
                hides_lower: false,
            })
            .collect(),
        fix_up: None,
        lent: None,
        manifests: Vec::new(),
        repo_digests: Vec::new(),
        list: None,
        known_as: Vec::new(),
        stands_for: None,
        is_elsewhere: false,
        extra: serde_json::Map::new(),
    }
}

fn layer(store: &Store, name: &str) -> Locked {
    store
        .publish_layer(store.stage(None).unwrap(), &Digest::of(name.as_bytes()).hex())
        .unwrap()
}

#[test]
fn layers_live_as_long_as_somebody_holds_or_names_them() {
    let (_parent, store) = store();
    let held = layer(&store, "a");
    assert_eq!(store.sweep_unreachable().unwrap(), Swept::default());
    drop(held);
    let swept = store.sweep_unreachable().unwrap();
    assert_eq!((swept.layers, swept.blobs), (1, 0));

    let (one, two) = (image(b"1", &["a", "b"]), image(b"2", &["b"]));
    let held = [layer(&store, "a"), layer(&store, "b"), layer(&store, "b")];
    drop(store.publish_image(&one, &[b"1"]).unwrap());
    drop(store.publish_image(&two, &[b"2"]).unwrap());
    drop(held);
    assert_eq!(store.sweep_unreachable().unwrap(), Swept::default());
    assert!(store.discard(Kind::Images, &one.id.hex()).unwrap());
    let swept = store.sweep_unreachable().unwrap();
    assert_eq!((swept.layers, swept.blobs), (1, 1));
    assert_eq!(store.names(Kind::Layers).unwrap(), [Digest::of(b"b").hex()]);
    assert!(store.names(Kind::Trash).unwrap().is_empty());
}

#[test]
fn an_image_that_was_removed_meanwhile_is_not_made_known_again() {
    let (_parent, store) = store();
    let one = image(b"1", &["a"]);
    assert!(store.update_image(&one, &[b"1"]).unwrap().is_none());
    assert!(store.names(Kind::Images).unwrap().is_empty() && store.names(Kind::Blobs).unwrap().is_empty());
    let held = layer(&store, "a");
    drop(store.publish_image(&one, &[b"1"]).unwrap());
    drop(held);
    let new = Image {
        repo_digests: vec!["reg.example/x@sha256:0".into()],
        ..one.clone()
    };
    assert!(store.update_image(&new, &[b"1"]).unwrap().is_some());
    let known = store.image(&one.id.hex()).unwrap().unwrap();
    assert_eq!(known.repo_digests, new.repo_digests);
}

#[test]
fn a_sweep_takes_no_layer_that_somebody_has_got_hold_of() {
    let (_parent, store) = store();
    let name = Digest::of(b"1").hex();
    std::thread::scope(|scope| {
        let sweep = || (0..200).for_each(|_| assert!(store.sweep_unreachable().is_ok()));
        let sweepers: Vec<_> = (0..8).map(|_| scope.spawn(sweep)).collect();
        while !sweepers.iter().all(|sweeper| sweeper.is_finished()) {
            drop(layer(&store, "1"));
            let held = store.lock(Kind::Layers, &name, Hold::Shared, &mut || ()).unwrap();
            std::thread::yield_now();
            assert!(held.is_none_or(|held| store.is_current(Kind::Layers, &name, held.as_fd())));
        }
    });
}

#[test]
fn a_record_that_cannot_be_read_keeps_everything() {
    let (_parent, store) = store();
    let one = image(b"1", &["a"]);
    drop(layer(&store, "a"));
    drop(store.publish_image(&one, &[b"1"]).unwrap());
    std::fs::write(store.path_of(Kind::Images, &one.id.hex()).join(RECORD), "{").unwrap();
    assert!(store.sweep_unreachable().is_err());
    assert_eq!(store.names(Kind::Layers).unwrap().len(), 1);
    assert_eq!(store.images().unwrap().1.len(), 1);
    // The same image, loaded again, mends the record.
    drop(store.publish_image(&one, &[b"1"]).unwrap());
    assert_eq!(store.image(&one.id.hex()).unwrap(), Some(one));
}

#[test]
fn publishing_again_adds_the_new_manifest() {
    let (_parent, store) = store();
    let manifest = |content: &[u8]| ManifestRecord {
        digest: Digest::of(content),
        media_type: String::new(),
        size: 1,
    };
    let mut one = image(b"1", &[]);
    one.manifests = vec![manifest(b"m")];
    drop(store.publish_image(&one, &[b"1", b"m"]).unwrap());
    one.manifests = vec![manifest(b"n")];
    drop(store.publish_image(&one, &[b"1", b"n"]).unwrap());
    let found = store.image(&one.id.hex()).unwrap().unwrap();
    assert_eq!(found.manifests, [manifest(b"n"), manifest(b"m")]);
    assert_eq!(store.sweep_unreachable().unwrap(), Swept::default());
    assert_eq!(store.names(Kind::Blobs).unwrap().len(), 3);
}

#[test]
fn what_an_opaque_root_hides_is_not_mounted() {
    let mut image = image(b"a", &["1", "2", "3"]);
    image.layers[1].hides_lower = true;
    let top = |index: usize| format!("layers/{}/tree", image.layers[index].diff_id.hex());
    assert_eq!(image.lowers(), [top(2), top(1)]);
}

#[test]
fn repeated_layers_are_mounted_once() {
    let mut image = image(b"1", &["a", "b", "a"]);
    image.fix_up = Some("c.fix".into());
    let name = |name: &str| format!("layers/{}/tree", Digest::of(name.as_bytes()).hex());
    assert_eq!(
        image.lowers(),
        ["layers/c.fix/tree".to_owned(), name("a"), name("b")]
    );
}
