//! Documents of archives, good ones and lies, and what is made of them.

use super::*;
use crate::oci::image::media_type;
use std::path::Path;
/// A layout in a directory, written piece by piece.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn blob(&self, kind: &str, content: &str) -> String {
        let digest = Digest::of(content.as_bytes());
        std::fs::write(self.path().join(layout_path(&digest)), content).unwrap();
        format!(
            r#""mediaType":"{kind}","digest":"{digest}","size":{}"#,
            content.len()
        )
    }

    fn config(&self, architecture: &str) -> String {
        let diff_id = Digest::of(b"layer");
        self.blob(
            media_type::OCI_CONFIG,
            &format!(
                r#"{{"architecture":"{architecture}","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
            ),
        )
    }

    fn manifest(&self, architecture: &str) -> String {
        let (config, layer) = (
            self.config(architecture),
            self.blob(media_type::OCI_LAYER, "layer"),
        );
        self.blob(
            media_type::OCI_MANIFEST,
            &format!(r#"{{"schemaVersion":2,"config":{{{config}}},"layers":[{{{layer}}}]}}"#),
        )
    }

    fn index(&self, entries: &[String]) {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
        std::fs::write(self.path().join("index.json"), text).unwrap();
    }

    fn read(&self, wanted: Option<&str>) -> Result<Vec<Plan>> {
        self.choose(Choice {
            platform: wanted.map(|text| platform::parse(text).unwrap()),
            ..Choice::default()
        })
    }

    fn choose(&self, choice: Choice) -> Result<Vec<Plan>> {
        read(&Source::<()>::open(self.path(), &mut |_, _, _| Ok(()))?, &choice)
    }
}

fn platform_of(architecture: &str) -> String {
    format!(r#""platform":{{"os":"linux","architecture":"{architecture}"}}"#)
}

fn named(name: &str) -> String {
    format!(r#""annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#)
}

#[test]
fn names_of_entries() {
    let fixture = Fixture::new();
    let manifest = fixture.manifest("amd64");
    for (annotations, expected) in [
        (named("latest"), vec!["localhost/latest:latest"]),
        (named("foo:1"), vec!["localhost/foo:1"]),
        (named("docker.io/foo"), vec!["docker.io/library/foo:latest"]),
        (
            r#""annotations":{"io.containerd.image.name":"docker.io/library/x:2","org.opencontainers.image.ref.name":"2"}"#.into(),
            vec!["docker.io/library/x:2"],
        ),
        (r#""annotations":null"#.into(), vec![]),
    ] {
        fixture.index(&[format!("{{{manifest},{annotations}}}")]);
        let plans = fixture.read(None).unwrap();
        let names: Vec<_> = plans[0].names.iter().map(ToString::to_string).collect();
        assert_eq!(names, expected, "{annotations}");
    }
    fixture.index(&[format!("{{{manifest},{}}}", named("UPPER CASE"))]);
    assert!(fixture.read(None).is_err());
}

#[test]
fn the_platform_is_selected() {
    let fixture = Fixture::new();
    let [amd64, arm64] =
        ["amd64", "arm64"].map(|name| format!("{{{},{}}}", fixture.manifest(name), platform_of(name)));
    let inner = format!(r#"{{"schemaVersion":2,"manifests":[{amd64},{arm64}]}}"#);
    let inner = fixture.blob(media_type::OCI_INDEX, &inner);
    let nested = format!("{{{inner},{}}}", named("foo"));
    for entries in [vec![amd64.clone(), arm64.clone()], vec![nested]] {
        fixture.index(&entries);
        for wanted in ["amd64", "arm64"] {
            let plans = fixture.read(Some(wanted)).unwrap();
            assert_eq!(plans.len(), 1);
            assert_eq!(plans[0].config.architecture, wanted);
        }
        let error = format!("{:#}", fixture.read(Some("s390x")).unwrap_err());
        assert!(error.contains("only for linux/amd64, linux/arm64"), "{error}");
    }
    fixture.index(&[arm64]);
    assert_eq!(fixture.read(None).unwrap()[0].config.architecture, "arm64");
    assert!(fixture.read(Some("amd64")).is_err());
}

#[test]
fn several_images() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.manifest("amd64"), fixture.manifest("arm64"));
    fixture.index(&[
        format!("{{{one},{}}}", named("a")),
        format!("{{{two},{}}}", named("b")),
        format!("{{{one},{}}}", named("a")),
    ]);
    assert_eq!(fixture.read(None).unwrap().len(), 2);
}

#[test]
fn lies_are_found_out() {
    let fixture = Fixture::new();
    let manifest = fixture.manifest("amd64");
    let digest = |text: &str| text.split('"').nth(7).unwrap().to_owned();
    let good = || fixture.index(&[format!("{{{manifest}}}")]);
    good();
    fixture.read(None).unwrap();
    // A wrong size, in both directions, and a size over the limit.
    let size = manifest.rsplit(':').next().unwrap();
    for wrong in ["1", "999999", "99999999999"] {
        fixture.index(&[format!(
            "{{{}}}",
            manifest.replace(&format!(":{size}"), &format!(":{wrong}"))
        )]);
        assert!(fixture.read(None).is_err(), "{wrong}");
    }
    // Another media type than the document's own.
    fixture.index(&[format!("{{{}}}", manifest.replace("manifest.v1", "index.v1"))]);
    assert!(fixture.read(None).is_err());
    // Bytes that changed, for the manifest and for the configuration.
    for victim in [digest(&manifest), digest(&fixture.config("amd64"))] {
        let path = fixture.path().join(layout_path(&victim.parse().unwrap()));
        let content = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            content.replace("linux", "linus").replace("config", "konfig"),
        )
        .unwrap();
        good();
        assert!(fixture.read(None).is_err(), "{victim}");
        std::fs::write(&path, content).unwrap();
    }
    // A blob that is a link to another file, and a blob that is a FIFO.
    let path = fixture
        .path()
        .join(layout_path(&digest(&manifest).parse().unwrap()));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(fixture.read(None).is_err());
    std::fs::remove_file(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
    assert!(fixture.read(None).is_err());
}

#[test]
fn indexes_without_end_and_documents_of_other_kinds() {
    let fixture = Fixture::new();
    let mut entry = fixture.manifest("amd64");
    for _ in 0..=manifest::DEPTH {
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{{{entry}}}]}}"#);
        entry = fixture.blob(media_type::OCI_INDEX, &index);
    }
    fixture.index(&[format!("{{{entry}}}")]);
    assert!(fixture.read(None).is_err());

    let config = fixture.blob("application/vnd.cncf.helm.config.v1+json", "{}");
    let chart = fixture.blob(
        media_type::OCI_MANIFEST,
        &format!(r#"{{"schemaVersion":2,"config":{{{config}}},"layers":[]}}"#),
    );
    fixture.index(&[format!("{{{chart}}}")]);
    assert!(
        fixture
            .read(None)
            .unwrap_err()
            .chain()
            .any(|cause| cause.to_string().contains("artifact"))
    );

    let (config, layer) = (
        fixture.config("amd64"),
        fixture.blob(media_type::OCI_LAYER, "layer"),
    );
    for layers in [
        String::new(),
        format!("{{{layer}}},{{{layer}}}"),
        format!("{{{}}}", layer.replace(".tar", ".tar+encrypted")),
    ] {
        let text = format!(r#"{{"schemaVersion":2,"config":{{{config}}},"layers":[{layers}]}}"#);
        fixture.index(&[format!("{{{}}}", fixture.blob(media_type::OCI_MANIFEST, &text))]);
        assert!(fixture.read(None).is_err(), "{layers}");
    }
}

#[test]
fn docker_archives() {
    let fixture = tempfile::tempdir().unwrap();
    let diff_id = Digest::of(b"layer");
    let config = format!(r#"{{"os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#);
    let id = Digest::of(config.as_bytes());
    let write = |name: &str, content: &str| std::fs::write(fixture.path().join(name), content).unwrap();
    let read = || -> Result<Vec<Plan>> {
        read(
            &Source::<()>::open(fixture.path(), &mut |_, _, _| Ok(()))?,
            &Choice::default(),
        )
    };
    assert!(read().is_err());
    write("repositories", "{}");
    assert!(read().unwrap_err().to_string().contains("1.10"));
    let name = format!("{}.json", id.hex());
    write(&name, &config);
    write("config.json", &config);
    for (list, expected) in [
        (
            format!(r#"[{{"Config":"{name}","RepoTags":["busybox:1"],"Layers":["l.tar"]}}]"#),
            Some(1),
        ),
        (
            format!(r#" [{{"Config":"config.json","RepoTags":null,"Layers":["{name}"]}}]"#),
            Some(0),
        ),
        (
            format!(r#"[{{"Config":"{name}","RepoTags":["busybox:1"],"Layers":null}}]"#),
            None,
        ),
        (
            format!(r#"[{{"Config":"{name}","RepoTags":["BUSYBOX"],"Layers":["l.tar"]}}]"#),
            None,
        ),
        (r#"[{"Config":"../../etc/passwd","Layers":[]}]"#.into(), None),
        (r#"[{"Config":"none","Layers":[]}]"#.into(), None),
        ("[]".into(), None),
        ("[{}]".into(), None),
    ] {
        write("manifest.json", &list);
        let names = read().ok().map(|plans| plans[0].names.len());
        assert_eq!(names, expected, "{list}");
    }
    write(&name, &config.replace("linux", "linus"));
    write(
        "manifest.json",
        &format!(r#"[{{"Config":"{name}","Layers":["l.tar"]}}]"#),
    );
    assert!(read().is_err());
}

#[test]
fn directories_of_skopeo() {
    let fixture = Fixture::new();
    let manifest = fixture.manifest("amd64");
    let digest = manifest.split('"').nth(7).unwrap().parse().unwrap();
    let bytes = std::fs::read(fixture.path().join(layout_path(&digest))).unwrap();
    let flat = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture.path().join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), flat.path().join(entry.file_name())).unwrap();
    }
    std::fs::write(flat.path().join("manifest.json"), bytes).unwrap();
    let source = Source::<()>::open(flat.path(), &mut |_, _, _| Ok(())).unwrap();
    let plans = read(&source, &Choice::default()).unwrap();
    assert_eq!(plans[0].layers[0].member, Digest::of(b"layer").hex());
}

fn names_of(plans: Result<Vec<Plan>>) -> Option<Vec<String>> {
    let plans = plans.ok()?;
    Some(
        plans
            .iter()
            .flat_map(|plan| plan.names.iter().map(ToString::to_string))
            .collect(),
    )
}

#[test]
fn one_image_of_a_layout_is_chosen() {
    let fixture = Fixture::new();
    let [one, two] = ["amd64", "arm64"].map(|name| fixture.manifest(name));
    let choose = |which: Which| {
        names_of(fixture.choose(Choice {
            format: Some(Format::Oci),
            which,
            ..Choice::default()
        }))
    };
    fixture.index(&[
        format!("{{{one},{}}}", named("v1")),
        format!("{{{two},{}}}", named("localhost/x/y:2")),
        format!("{{{two}}}"),
    ]);
    for (which, expected) in [
        (Which::Named("v1".into()), Some(vec!["localhost/v1:latest"])),
        (Which::Named("x/y:2".into()), Some(vec!["localhost/x/y:2"])),
        (Which::Named("x/y".into()), None),
        (Which::Named("UPPER".into()), None),
        (Which::Index(1), Some(vec!["localhost/x/y:2"])),
        (Which::Index(2), Some(vec![])),
        (Which::Index(3), None),
        (Which::Only, None),
    ] {
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(choose(which.clone()), expected, "{which:?}");
    }
    fixture.index(&[
        format!("{{{one},{}}}", named("v1")),
        format!("{{{one},{}}}", named("v2")),
    ]);
    assert_eq!(choose(Which::Only).unwrap().len(), 2, "one image under two names");
    // A name that is no reference is in nobody's way but its own.
    fixture.index(&[
        format!("{{{one},{}}}", named("V 1")),
        format!("{{{two},{}}}", named("v2")),
    ]);
    assert_eq!(
        choose(Which::Named("v2".into())).unwrap(),
        ["localhost/v2:latest"]
    );
}

#[test]
fn one_image_of_a_docker_archive_is_chosen() {
    let fixture = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(fixture.path().join(name), content).unwrap();
    for name in ["1", "2"] {
        let config =
            format!(r#"{{"os":"linux","author":"{name}","rootfs":{{"type":"layers","diff_ids":[]}}}}"#);
        write(&format!("{name}.json"), &config);
    }
    write(
        "manifest.json",
        r#"[{"Config":"1.json","RepoTags":["a:1","a:2"]},{"Config":"2.json","RepoTags":["q.io/b:1"]}]"#,
    );
    // Docker writes both kinds of documents into one archive.
    write("index.json", "{}");
    let choose = |which: Which| {
        let source = Source::<()>::open(fixture.path(), &mut |_, _, _| Ok(())).unwrap();
        names_of(read(
            &source,
            &Choice {
                format: Some(Format::Docker),
                which,
                ..Choice::default()
            },
        ))
    };
    for (which, expected) in [
        (Which::Named("a:2".into()), Some(vec!["docker.io/library/a:2"])),
        (
            Which::Named("docker.io/library/a:1".into()),
            Some(vec!["docker.io/library/a:1"]),
        ),
        (Which::Named("a".into()), None),
        (Which::Named("A".into()), None),
        (
            Which::Index(0),
            Some(vec!["docker.io/library/a:1", "docker.io/library/a:2"]),
        ),
        (Which::Index(1), Some(vec!["q.io/b:1"])),
        (Which::Index(2), None),
        (Which::Only, None),
    ] {
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(choose(which.clone()), expected, "{which:?}");
    }
}
