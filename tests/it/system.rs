//! `system …`: what the store takes, whether it is sound, its repair, its end.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::support::files::usage;
use super::support::requires::is_root;
use super::support::tar::Entry;
use super::support::{Image, Sandbox};

fn entries(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A store with two images, two containers and a volume with content.
fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let other = Image::new()
        .layer(&[Entry::file("big", vec![7; 300_000])])
        .name("localhost/other:1");
    sandbox.load(&other);
    for name in ["one", "two"] {
        let script = ["run", "--network=none", "--name", name, "-v", "data:/data", image];
        let write = ["sh", "-c", "echo x > /data/x; echo y > /y"];
        sandbox.coracle(script).args(write).run().succeeds();
    }
    sandbox
}

/// The volume `data` holds what was put there.
#[track_caller]
fn data_is_there(sandbox: &Sandbox) {
    let volume = ["-v", "data:/data", "busybox"];
    sandbox
        .coracle(["run", "--rm", "--network=none"])
        .args(volume)
        .args(["cat", "/data/x"])
        .run()
        .succeeds()
        .prints("x\n");
}

#[test]
fn df_is_du_and_prune_frees_it() {
    let sandbox = filled();
    let rows = || {
        sandbox
            .coracle(["system", "df", "--format", "json"])
            .run()
            .succeeds()
            .json()
    };
    let before = rows();
    let total: u64 = before
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["RawSize"].as_u64().unwrap())
        .sum();
    if is_root() {
        assert_eq!(total, usage(&sandbox.data_root()));
    }
    let counts = |row: usize| (before[row]["TotalCount"].clone(), before[row]["Active"].clone());
    assert_eq!(counts(0), (json!(2), json!(1)));
    assert_eq!(counts(1), (json!(2), json!(0)));
    assert_eq!(counts(2), (json!(1), json!(1)));
    let verbose = sandbox.coracle(["system", "df", "--verbose"]).run().succeeds();
    for part in ["localhost/other", "two", "VOLUME NAME", "data"] {
        assert!(verbose.text().contains(part), "{part}: {}", verbose.text());
    }
    let prune = ["system", "prune", "--all", "--volumes", "--force"];
    let pruned = sandbox.coracle(prune).run().succeeds();
    assert!(pruned.text().contains("Deleted Containers:") && pruned.text().contains("Untagged: "));
    let after = rows();
    assert_eq!(
        (&after[0]["TotalCount"], &after[1]["TotalCount"]),
        (&json!(0), &json!(0))
    );
    // It has a name.
    assert_eq!(after[2]["TotalCount"], json!(1));
    assert!(after[0]["RawSize"].as_u64() < before[0]["RawReclaimable"].as_u64());
    sandbox.coracle(["system", "check"]).run().succeeds().prints("");
}

#[test]
fn what_is_sound_is_left_alone() {
    let sandbox = filled();
    let running = [
        "run",
        "-d",
        "--network=none",
        "--name",
        "runs",
        "busybox",
        "sleep",
        "100",
    ];
    sandbox.coracle(running).run().succeeds();
    for options in [&[][..], &["--quick"], &["--repair", "--force"]] {
        sandbox
            .coracle(["system", "check"])
            .args(options)
            .run()
            .succeeds()
            .prints("");
    }
    sandbox.coracle(["exec", "runs", "true"]).run().succeeds();
    sandbox.coracle(["start", "one"]).run().succeeds();
}

#[test]
fn damage_is_told_object_by_object_and_repaired() {
    let sandbox = filled();
    let root = sandbox.data_root();
    // The layer of the image that has no container, one state, a volume's record, and a name.
    let image = Image::new().layer(&[Entry::file("big", vec![7; 300_000])]);
    let layer = image.diff_ids()[0].trim_start_matches("sha256:").to_owned();
    fs::remove_dir_all(root.join("layers").join(layer)).unwrap();
    let id = fs::read_link(root.join("names/one")).unwrap();
    fs::write(root.join("containers").join(&id).join("state.json"), "{").unwrap();
    fs::write(root.join("volumes/data/volume.json"), "{").unwrap();
    fs::remove_file(root.join("names/two")).unwrap();
    fs::write(root.join("tags/stray"), "x").unwrap();

    for list in [
        &["ps", "--all"][..],
        &["images"],
        &["volume", "ls"],
        &["system", "df"],
    ] {
        sandbox.coracle(list).run().succeeds();
    }
    sandbox
        .coracle(["volume", "ls", "--format", "{{.Name}} {{.Driver}}"])
        .run()
        .succeeds()
        .prints("data damaged\n");
    let check = sandbox
        .coracle(["system", "check"])
        .run()
        .exits(125)
        .says("damaged");
    for part in [
        "image ",
        "state.json",
        "volume data: ",
        "its name two",
        "tags/stray",
    ] {
        assert!(check.text().contains(part), "{part}: {}", check.text());
    }
    let repair = sandbox.coracle(["system", "check", "--repair"]).run().succeeds();
    assert!(repair.text().contains(": removed"), "{}", repair.text());
    sandbox.coracle(["system", "check"]).run().succeeds().prints("");
    // Nothing that is only here was lost.
    data_is_there(&sandbox);
    for name in ["one", "two"] {
        sandbox.coracle(["start", name]).run().succeeds();
    }
    sandbox.coracle(["images", "-q"]).run().succeeds();
}

#[test]
fn a_container_that_lost_its_layers_goes_by_force_alone() {
    let sandbox = filled();
    let root = sandbox.data_root();
    for layer in entries(&root.join("layers")) {
        fs::remove_dir_all(layer).unwrap();
    }
    let one = fs::read_link(root.join("names/one")).unwrap();
    fs::write(root.join("containers").join(one).join("container.json"), "[]").unwrap();
    sandbox.coracle(["ps", "--all"]).run().succeeds();
    sandbox
        .coracle(["system", "check", "--repair"])
        .run()
        .exits(125)
        .says("damaged");
    assert_eq!(entries(&root.join("containers")).len(), 2);
    sandbox
        .coracle(["system", "check", "--repair", "--force"])
        .run()
        .succeeds();
    assert!(entries(&root.join("containers")).is_empty() && entries(&root.join("images")).is_empty());
    assert!(entries(&root.join("names")).is_empty() && entries(&root.join("tags")).is_empty());
    sandbox.coracle(["system", "check"]).run().succeeds().prints("");
    sandbox.busybox();
    data_is_there(&sandbox);
}

#[test]
fn content_that_was_changed_is_found() {
    let sandbox = filled();
    let layer = Image::new()
        .layer(&[Entry::file("big", vec![7; 300_000])])
        .diff_ids()[0]
        .clone();
    let file = sandbox
        .data_root()
        .join("layers")
        .join(layer.trim_start_matches("sha256:"))
        .join("tree/big");
    fs::write(&file, vec![8; 300_000]).unwrap();
    sandbox.coracle(["system", "check", "--quick"]).run().succeeds();
    sandbox.coracle(["system", "check"]).run().exits(125);
    sandbox.coracle(["system", "check", "--repair"]).run().succeeds();
    sandbox.coracle(["system", "check"]).run().succeeds();
    assert!(!file.exists());
}

#[test]
fn reset_leaves_nothing() {
    let sandbox = filled();
    let running = [
        "run",
        "-d",
        "--network=none",
        "-v",
        "/anonymous",
        "busybox",
        "sleep",
        "100",
    ];
    sandbox.coracle(running).run().succeeds();
    // Without --force somebody has to be asked.
    sandbox
        .coracle(["system", "reset"])
        .run()
        .exits(125)
        .says("--force");
    // The run directory goes too, the user's own.
    let mount = sandbox.run_root().join("mounts/left");
    fs::create_dir_all(&mount).unwrap();
    fs::write(mount.join("file"), "").unwrap();
    sandbox.coracle(["system", "reset", "--force"]).run().succeeds();
    assert_eq!(entries(&sandbox.data_root()), Vec::<PathBuf>::new());
    assert!(!sandbox.run_root().exists());
    sandbox
        .coracle(["ps", "--all", "--quiet"])
        .run()
        .succeeds()
        .prints("");
    sandbox.coracle(["system", "reset", "--force"]).run().succeeds();
    sandbox.busybox();
}
