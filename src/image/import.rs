//! `import`: an image of one layer from an archive of files.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result, bail};

use super::archive::load::Input;
use super::change;
use super::layer::UnpackOptions;
use super::publish::{Layers, NewImage, Published};
use super::reference::Reference;
use crate::oci::config::{History, ImageConfig, RootFs};
use crate::oci::image::Platform;
use crate::store::Store;

/// What the new image is to be.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    pub platform: Platform,
    /// Instructions of a Dockerfile.
    pub changes: Vec<String>,
    /// For the history.
    pub message: Option<String>,
    pub name: Option<Reference>,
    /// When it is said to have been made, in RFC 3339.
    pub created: String,
    pub unpack: UnpackOptions,
}

/// Makes an image whose only layer is the archive, which may be compressed.
pub fn import(store: &Store, input: Input<'_>, options: &ImportOptions) -> Result<Published> {
    let mut config = ImageConfig::default();
    for instruction in &options.changes {
        change::apply(&mut config.config, instruction)?;
    }
    let (file, described) = match input {
        Input::Engine { transport, .. } => bail!("{transport}: holds images, and no bare file systems"),
        Input::File(file) => (file, "-".to_owned()),
        Input::Path(path) => {
            let described = path.display().to_string();
            if ["http://", "https://"]
                .iter()
                .any(|scheme| described.starts_with(scheme))
            {
                bail!(
                    "{described}: import does not download; fetch it and give it as a file or as standard input (-)"
                );
            }
            (File::open(path).with_context(|| described.clone())?, described)
        }
    };
    if file.metadata()?.is_dir() {
        bail!(
            "{described}: is a directory; import takes a tar archive (tar -C {described} -c . | coracle import -)"
        );
    }
    let history = History {
        comment: Some(
            options
                .message
                .clone()
                .unwrap_or_else(|| format!("Imported from {described}")),
        ),
        ..History::default()
    };
    config.created = Some(options.created.clone());
    let imported = publish_single(
        store,
        file,
        config,
        &options.platform,
        history,
        options.name.clone(),
        &options.unpack,
    )
    .with_context(|| described)?;
    store.tell([imported.event("import")]);
    Ok(imported)
}

/// Publishes an image of one layer; platform, layer and history are added to `config`.
pub(super) fn publish_single(
    store: &Store,
    tar: impl Read + Send,
    mut config: ImageConfig,
    platform: &Platform,
    mut history: History,
    name: Option<Reference>,
    unpack: &UnpackOptions,
) -> Result<Published> {
    let mut layers = Layers::new(store, unpack.clone());
    let unpacked = layers.unpack_unknown(tar)?;
    config.architecture = platform.architecture.clone();
    config.os = platform.os.clone();
    config.variant = platform.variant.clone();
    config.rootfs = RootFs {
        kind: "layers".into(),
        diff_ids: vec![unpacked.record.diff_id],
    };
    history.created = config.created.clone();
    config.history = vec![history];
    layers.add(unpacked)?;
    let image = NewImage {
        config_bytes: serde_json::to_vec(&config)?,
        config,
        manifest: None,
        index: None,
        names: name.into_iter().collect(),
        repo_digests: Vec::new(),
    };
    let mut published = layers.publish(vec![image])?;
    Ok(published.pop().expect("one image was given to be published"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::find::find;
    use crate::image::inspect;
    use crate::image::testing::store;
    use crate::store::Kind;

    fn options() -> ImportOptions {
        ImportOptions {
            platform: crate::image::platform::parse("linux/arm64/v8").unwrap(),
            changes: vec![r#"CMD ["/bin/sh"]"#.into()],
            message: Some("by hand".into()),
            name: "foo:1".parse::<Reference>().unwrap().for_local(),
            created: "2020-01-01T00:00:00Z".into(),
            unpack: UnpackOptions::default(),
        }
    }

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        builder.append_data(&mut header, "file", &b"hello"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn an_archive_becomes_an_image() {
        let (parent, store) = store();
        let path = parent.path().join("files.tar.zst");
        std::fs::write(&path, zstd::encode_all(&archive()[..], 1).unwrap()).unwrap();
        let published = import(&store, Input::Path(&path), &options()).unwrap();
        let again = import(&store, Input::File(File::open(&path).unwrap()), &options()).unwrap();
        assert_eq!(published, again);
        let image = find(&store, "foo:1").unwrap().image;
        assert_eq!(image.id, published.id);
        assert_eq!(
            (image.architecture.as_str(), image.variant.as_deref()),
            ("arm64", Some("v8"))
        );
        assert_eq!(image.config.cmd, Some(vec!["/bin/sh".into()]));
        let file = store.path().join(&image.lowers()[0]).join("file");
        assert_eq!(std::fs::read(file).unwrap(), b"hello");
        let history = inspect::history(&store, &image).unwrap();
        assert_eq!(
            (history.len(), history[0].comment.as_str(), history[0].size),
            (1, "by hand", 5)
        );
    }

    #[test]
    fn what_cannot_be_imported_leaves_nothing() {
        let (parent, store) = store();
        let good = parent.path().join("good.tar");
        std::fs::write(&good, archive()).unwrap();
        let broken = parent.path().join("broken.tar");
        std::fs::write(&broken, &archive()[..700]).unwrap();
        let bad_change = ImportOptions {
            changes: vec!["RUN x".into()],
            ..options()
        };
        for (path, options, reason) in [
            (good.as_path(), &bad_change, "RUN x"),
            (&broken, &options(), "broken.tar"),
            (parent.path(), &options(), "directory"),
            ("http://example.org/x.tar".as_ref(), &options(), "download"),
            (&parent.path().join("none"), &options(), "none"),
        ] {
            let error = format!("{:#}", import(&store, Input::Path(path), options).unwrap_err());
            assert!(error.contains(reason), "{error}");
        }
        for kind in [Kind::Images, Kind::Layers, Kind::Blobs, Kind::Tags, Kind::Staging] {
            assert!(store.names(kind).unwrap().is_empty(), "{kind:?}");
        }
    }
}
