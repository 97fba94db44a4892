//! Images that one user shares and others use: seen as their own, with their owners and modes, content not copied.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::death::{IMAGE, empties, eventually};
use super::registry::told;
use super::steps::at_every_step;
use crate::support::files::usage;
use crate::support::image::busybox_entries;
use crate::support::leaks::SHARED;
use crate::support::registry::{Answer, Content, Fake};
use crate::support::requires::{is_root, met};
use crate::support::run::Outcome;
use crate::support::{Compression, Entry, Image, Invocation, Sandbox, requires};

const MULTI: &str = "localhost/multi:1";
/// Everything of the image, one line each, and what is in some files.
const LISTING: &str = "cd /; find . -xdev ! -path './dev*' ! -path './proc*' ! -path './sys*' ! -type d \
     -exec stat -c '%n %A %u %g %s %Y' {} + | grep -v 'etc/\\(hosts\\|hostname\\|resolv.conf\\)\\|run/.containerenv' | sort; \
     find . -xdev -type d ! -path './dev*' ! -path './proc*' ! -path './sys*' -exec stat -c '%n %A %u %g' {} + | sort; \
     cat etc/shadow etc/alias etc/again etc/first etc/twice secret/* deep/er/file root";

/// Three layers with what layers do to one another.
fn multi() -> Image {
    let mut bottom = busybox_entries();
    bottom.extend([
        Entry::directory("etc/"),
        Entry::file("etc/shadow", "hidden\n").mode(0o640).owner(0, 42),
        Entry::file("etc/twice", "first\n"),
        Entry::hard_link("etc/first", "etc/twice"),
        Entry::file("etc/twice", "second\n"),
        Entry::file("etc/group", "root:x:0:\n"),
        Entry::directory("secret/").mode(0o700).owner(5, 6),
        Entry::file("secret/gone", "gone\n"),
        Entry::directory("deep/").mode(0o750).owner(7, 8),
        Entry::directory("root/").mode(0o700),
    ]);
    let middle = [
        Entry::file("etc/.wh.group", ""),
        Entry::directory("secret/").mode(0o711).owner(9, 9),
        Entry::file("secret/.wh..wh..opq", ""),
        Entry::file("secret/new", "new\n").mode(0o600).owner(9, 10),
        Entry::file("deep/er/file", "deep\n"),
        Entry::hard_link("etc/alias", "etc/shadow")
            .mode(0o640)
            .owner(0, 42),
    ];
    let top = [
        Entry::hard_link("etc/again", "etc/alias")
            .mode(0o640)
            .owner(0, 42),
        Entry::program("bin/raise", "#!/bin/sh\n").mode(0o4755),
        Entry::file("root", "a file now\n"),
        Entry::symlink("link", "etc/shadow"),
    ];
    Image::new().layer(&bottom).layer(&middle).layer(&top).name(MULTI)
}

/// Who shares, who uses, and the store between them.
struct Pair {
    lender: Sandbox,
    borrower: Sandbox,
    store: PathBuf,
}

impl Pair {
    fn new() -> Self {
        let (lender, borrower) = (Sandbox::new(), Sandbox::new());
        let store = lender.path(SHARED);
        let text = format!(
            "[storage.options]\nadditionalimagestores = [{:?}]\n",
            store.display()
        );
        borrower.file("storage.conf", text);
        Self {
            lender,
            borrower,
            store,
        }
    }

    fn share(&self, words: &[&str]) -> Invocation {
        let share = self
            .lender
            .coracle(["system", "share", "--store"])
            .arg(&self.store);
        share.args(words)
    }

    fn borrow(&self, words: &[&str]) -> Invocation {
        let configuration = self.borrower.path("work/storage.conf");
        self.borrower
            .coracle(words)
            .env("CONTAINERS_STORAGE_CONF", configuration)
    }

    #[track_caller]
    fn borrowed(&self, words: &[&str]) -> Outcome {
        self.borrow(words).run().succeeds()
    }
}

/// Whether a command that used an image first took content from where it lies: it does wherever that can be done.
#[track_caller]
fn is_lent(outcome: &Outcome) -> bool {
    let is_lent = met("lent-content");
    assert_eq!(told(outcome).contains("so it is copied"), !is_lent, "{outcome}");
    is_lent
}

#[test]
fn what_is_shared_is_used_as_it_is_at_home() {
    let pair = Pair::new();
    pair.lender.load(&multi());
    pair.share(&[MULTI])
        .run()
        .succeeds()
        .prints(&format!("Shared image: {MULTI}\n"));
    let home = pair
        .lender
        .coracle(["run", "--rm", MULTI, "sh", "-c", LISTING])
        .run()
        .succeeds();
    let away = pair.borrowed(&["run", "--rm", MULTI, "sh", "-c", LISTING]);
    assert_eq!(away.text(), home.text());
    // The mark of a container does not lie below content that is lent, which the kernel would not find then.
    pair.borrowed(&[
        "run",
        "--rm",
        MULTI,
        "stat",
        "-c",
        "%a %u %s",
        "/run/.containerenv",
    ])
    .prints("644 0 0\n");
    assert!(
        home.text()
            .contains("hidden\nhidden\nhidden\nfirst\nsecond\nnew\ndeep\na file now")
    );

    // Content is written over and moved as any.
    let script =
        "echo more >> /etc/twice; mv /etc /moved; cat /moved/twice; stat -c '%a %u %g' /moved/shadow";
    let changed = pair.borrowed(&[
        "run",
        "--rm",
        "--no-hosts",
        "--network",
        "host",
        MULTI,
        "sh",
        "-c",
        script,
    ]);
    changed.prints("second\nmore\n640 0 42\n");
    // A volume's first content comes from there.
    let filled = pair.borrowed(&[
        "run",
        "--rm",
        "-v",
        "/secret",
        MULTI,
        "sh",
        "-c",
        "cat /secret/new",
    ]);
    filled.prints("new\n");

    // Nothing of it is set-uid or secret on the disk, and nothing of it was copied.
    let mut pending = vec![pair.store.join("layers")];
    while let Some(path) = pending.pop() {
        let mode = fs::symlink_metadata(&path).unwrap().mode();
        if !path.is_symlink() {
            let wanted = if path.is_dir() { 0o755 } else { 0o444 };
            assert_eq!(
                mode & 0o7777 & !0o200,
                wanted & !0o200,
                "{}: {mode:o}",
                path.display()
            );
        }
        if path.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    if is_lent(&away) {
        let size = usage(&pair.borrower.data_root().join("layers"));
        assert!(size < 200_000, "{size}");
    }
    pair.borrowed(&["system", "check"]).prints("");

    // Bytes for bytes.
    let saved = |invocation: Invocation| invocation.run().succeeds().text().len();
    let home = pair.lender.path("tmp/home.tar");
    let away = pair.borrower.path("tmp/away.tar");
    saved(pair.lender.coracle(["save", "-o"]).arg(&home).arg(MULTI));
    saved(pair.borrow(&["save", "-o"]).arg(&away).arg(MULTI));
    assert!(fs::read(home).unwrap() == fs::read(away).unwrap());
}

#[test]
fn what_others_share_is_pushed_to_a_directory() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let layout = pair.borrower.path("tmp/layout");
    let place = format!("oci:{}:v1", layout.display());
    pair.borrowed(&["push", "-q", IMAGE, &place]);
    assert!(layout.join("index.json").exists());
    pair.borrowed(&["pull", "-q", &place]);
}

#[test]
fn a_push_of_what_others_share_leaves_their_store_as_it_is() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let layers = pair.store.join("layers");
    let records = || -> Vec<Vec<u8>> {
        let layers = fs::read_dir(&layers).unwrap();
        let records = layers.filter_map(|layer| fs::read(layer.unwrap().path().join("layer.json")).ok());
        records.collect()
    };
    let before = records();
    assert_eq!(before.len(), 1);
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "HEAD" => Answer::new(404, ""),
        "POST" => Answer::new(202, "").header("Location", "/upload/1"),
        "PATCH" => Answer::new(202, "").header("Location", "/upload/2"),
        _ => Answer::new(201, ""),
    });
    pair.borrowed(&["push", "-q", IMAGE, &format!("{}/app:v1", fake.host)]);
    assert_eq!(fake.count("/upload/2"), 1);
    assert!(records() == before, "a record of the shared store was written");
}

#[test]
fn an_image_of_others_can_be_looked_at_and_named_but_not_removed() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    // Before anything was ever made of it, and after.
    for _ in 0..2 {
        let format = ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"];
        pair.borrowed(&format).prints("localhost/busybox:latest true\n");
        let table = pair.borrowed(&["images"]);
        assert!(table.text().contains("R/O"), "{table}");
        pair.borrowed(&["image", "exists", "busybox"]);
        pair.borrowed(&["history", "busybox"]);
        pair.borrowed(&["image", "inspect", "busybox"]);
        pair.borrowed(&["images", "-q", "--filter", "readonly=false"])
            .prints("");
        for words in [["rmi", "busybox"], ["rmi", "--force"], ["untag", "busybox"]] {
            let mut words = words.to_vec();
            if words[1] == "--force" {
                words.push("busybox");
            }
            if words[0] == "untag" {
                words.push(IMAGE);
            }
            pair.borrow(&words)
                .run()
                .exits(125)
                .says("cannot remove read-only image");
        }
        pair.borrowed(&["tag", "busybox", "mine:1"]);
        assert_eq!(
            pair.borrowed(&["images", "-q", "--filter", "readonly=true"])
                .text()
                .len(),
            12
        );
        pair.borrowed(&["run", "--rm", "mine:1", "echo", "on"])
            .prints("on\n");
        pair.borrowed(&["rmi", "mine:1"])
            .prints("Untagged: localhost/mine:1\n");
        pair.borrowed(&["image", "prune", "--all", "--force"]);
        pair.borrowed(&["rmi", "--all"]).prints("");
    }
    let info = pair.borrowed(&["info", "--format", "json"]).json();
    assert_eq!(
        info["store"]["graphOptions"],
        json!({"overlay.additionalImageStores": [pair.store], "overlay.imagestore": pair.store})
    );
}

#[test]
fn a_pull_takes_layers_of_others_and_fetches_the_rest() {
    let pair = Pair::new();
    let below = busybox_entries();
    let image = |top: &str| {
        Image::new()
            .compressed_layer(&below, Compression::Gzip)
            .compressed_layer(&[Entry::file("top", top)], Compression::Gzip)
            .name("localhost/x:1")
    };
    pair.lender.load(&image("theirs"));
    pair.share(&["x:1"]).run().succeeds();
    let content = Content::of(&image("ours"), &pair.borrower.path("tmp"));
    let layers = content.layers.clone();
    let fake = Fake::start(move |asked| content.answer(asked));
    let name = format!("{}/test:v1", fake.host);
    pair.borrowed(&["pull", "-q", &name]);
    assert_eq!((fake.count(&layers[0]), fake.count(&layers[1])), (0, 1));
    pair.borrowed(&["run", "--rm", &name, "cat", "/top"])
        .prints("ours");
    pair.borrowed(&["system", "check"]).prints("");
    // It is our own, of which a part is lent to us.
    pair.borrowed(&["images", "--format", "{{.ReadOnly}}", &name])
        .prints("false\n");
    pair.share(&["--rm", "x:1"]).run().succeeds();
    if !met("lent-content") {
        // What was copied is ours.
        pair.borrowed(&["system", "check"]).prints("");
        pair.borrowed(&["run", "--rm", &name, "cat", "/top"])
            .prints("ours");
        pair.borrowed(&["rmi", &name]);
        return;
    }
    // The store may come back, so nothing is removed.
    for words in [&["system", "check"][..], &["system", "check", "--repair"]] {
        let checked = pair.borrow(words).run().exits(125);
        assert!(checked.text().contains("lent from"), "{checked}");
    }
    pair.borrow(&["run", "--rm", &name, "true"])
        .run()
        .exits(125)
        .says("pull the image");
    pair.borrowed(&["pull", "-q", &name]);
    assert_eq!(fake.count(&layers[0]), 1);
    pair.borrowed(&["run", "--rm", &name, "cat", "/top"])
        .prints("ours");
    pair.borrowed(&["system", "check"]).prints("");
    pair.borrowed(&["rmi", &name]);
}

#[test]
fn what_a_container_uses_stays_until_it_ends() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let run = pair.borrowed(&["run", "-d", "--name", "one", IMAGE, "sleep", "1000"]);
    let is_lent = is_lent(&run);
    pair.share(&["--rm", IMAGE]).run().succeeds();
    let layers = || fs::read_dir(pair.store.join("layers")).unwrap().count();
    pair.borrow(&["images", "-q", "--filter", "readonly=true"])
        .run()
        .succeeds()
        .prints("");
    // Its layer outlives the image, and what is swept when somebody shares something else.
    assert_eq!(layers(), usize::from(is_lent));
    pair.lender.load(&multi());
    pair.share(&[MULTI]).run().succeeds();
    assert_eq!(layers(), usize::from(is_lent) + 3);
    pair.borrowed(&["exec", "one", "wc", "-c", "/bin/busybox"]);
    pair.borrowed(&["kill", "one"]);
    pair.borrowed(&["wait", "one"]);
    if is_lent {
        eventually("the layer is gone", || {
            pair.share(&[MULTI]).run().succeeds();
            layers() == 3
        });
        pair.borrow(&["start", "one"])
            .run()
            .exits(125)
            .says("not there any more");
    }
    pair.borrowed(&["rm", "one"]);
    pair.borrowed(&["rmi", "--all"]);
    pair.borrowed(&["system", "check"]).prints("");
}

#[test]
fn sharing_and_first_use_killed_at_every_step() {
    let pair = Pair::new();
    pair.lender.busybox();
    at_every_step(
        || pair.share(&[IMAGE]),
        || {
            // All or nothing. What was shared the last time is known to the borrower, and not read-only any more.
            let listed = pair.borrowed(&["images", "-q", "--filter", "readonly=true"]);
            if !listed.text().is_empty() {
                pair.borrowed(&["run", "--rm", listed.text(), "true"]);
            }
            pair.share(&[IMAGE]).run().succeeds();
            pair.borrowed(&["run", "--rm", IMAGE, "true"]);
            // The container's monitor may hold the layer for a moment longer; who shares then sweeps it.
            eventually("nothing is left", || {
                pair.share(&[IMAGE]).run().succeeds();
                pair.share(&["--rm", IMAGE]).run().succeeds();
                let kinds = ["images", "layers", "blobs/sha256", "tags", "staging", "trash"];
                let mut directories = kinds
                    .iter()
                    .map(|kind| fs::read_dir(pair.store.join(kind)).unwrap());
                directories.all(|mut entries| entries.next().is_none())
            });
        },
    );
    pair.borrowed(&["rmi", "--all"]);
    pair.share(&[IMAGE]).run().succeeds();
    at_every_step(
        || pair.borrow(&["create", "--name", "one", IMAGE, "true"]),
        || {
            let _ = pair.borrow(&["rm", "one"]).run();
            pair.borrowed(&["run", "--rm", IMAGE, "true"]);
            pair.borrowed(&["system", "check"]).prints("");
            empties(&pair.borrower, &["containers", "names", "staging", "trash"]);
            fs::remove_dir_all(pair.borrower.data_root()).unwrap();
        },
    );
    pair.borrowed(&["rm", "one"]);
}

/// Whoever can read a directory can lock it: everybody, in a store for everybody.
#[test]
fn locks_of_others_on_the_store_keep_nobody() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let lock_all = || -> Vec<fs::File> {
        let kinds = ["", "images", "layers", "tags", "blobs/sha256"];
        let kinds = kinds.map(|kind| pair.store.join(kind));
        let below = |kind: &PathBuf| {
            let entries = fs::read_dir(kind).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let objects: Vec<PathBuf> = kinds.iter().flat_map(below).collect();
        // What is closed to others is not theirs to lock.
        let is_open = |path: &PathBuf| fs::metadata(path).unwrap().mode() & 0o004 != 0;
        let paths = kinds
            .into_iter()
            .chain(objects)
            .collect::<std::collections::BTreeSet<_>>();
        let lock = |path: PathBuf| {
            let file = fs::File::open(path).unwrap();
            file.lock().unwrap();
            file
        };
        paths.into_iter().filter(is_open).map(lock).collect()
    };
    let locks = lock_all();
    assert!(locks.len() > 8, "{locks:?}");
    pair.borrowed(&["run", "--rm", IMAGE, "true"]);
    pair.lender.load(&multi());
    pair.share(&[MULTI]).run().succeeds();
    drop(locks);
    let locks = lock_all();
    pair.borrowed(&["run", "--rm", MULTI, "true"]);
    pair.share(&["--rm", MULTI]).run().succeeds();
    pair.share(&["--rm", IMAGE]).run().succeeds();
    pair.borrowed(&["images", "-q", "--filter", "readonly=true"])
        .prints("");
    drop(locks);
}

/// There the superuser's files look like anybody's.
#[test]
fn inside_unshare_the_same_images_are_shared() {
    requires!("user", "user-namespaces");
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    pair.borrowed(&["tag", IMAGE, "mine:1"]);
    let binary = pair.borrower.binary().display().to_string();
    let inside = |words: &[&str]| pair.borrowed(&[&["unshare", &binary], words].concat());
    let format = ["images", "--format", "{{.Repository}}:{{.Tag}} {{.ReadOnly}}"];
    assert_eq!(inside(&format).text(), pair.borrowed(&format).text());
    inside(&["system", "check", "--repair"]).prints("");
    inside(&["run", "--rm", "mine:1", "echo", "inside"]).prints("inside\n");
    inside(&["system", "check"]).prints("");
}

/// Of what is lent to us the undermost layers are one tree without content.
#[test]
fn images_of_others_are_compared_by_their_content() {
    let pair = Pair::new();
    let image = |name: &str, content: &str| {
        let entries = [Entry::file("same", "same"), Entry::file("other", content)];
        Image::new().layer(&busybox_entries()).layer(&entries).name(name)
    };
    pair.lender.load(&image("localhost/one:1", "ones"));
    pair.lender.load(&image("localhost/two:1", "twos"));
    pair.share(&["one:1", "two:1"]).run().succeeds();
    for _ in 0..2 {
        pair.borrowed(&["diff", "two:1", "one:1"]).prints("C /other\n");
        pair.borrowed(&["diff", "one:1"]).prints("A /other\nA /same\n");
        for name in ["one:1", "two:1"] {
            pair.borrowed(&["run", "--rm", name, "true"]);
        }
    }
}

/// The image that is shared may be there by the same store alone.
#[test]
fn what_is_shared_already_can_be_shared_again() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let again = pair
        .borrow(&["system", "share", "--store"])
        .arg(&pair.store)
        .arg(IMAGE);
    again.run().succeeds().prints(&format!("Shared image: {IMAGE}\n"));
    pair.borrowed(&["run", "--rm", IMAGE, "true"]);
    let again = pair
        .borrow(&["system", "share", "--store"])
        .arg(&pair.store)
        .arg(IMAGE);
    again.run().succeeds().prints(&format!("Shared image: {IMAGE}\n"));
    pair.borrowed(&["run", "--rm", IMAGE, "true"]);
}

#[test]
fn a_store_that_others_may_have_written_is_not_believed() {
    let pair = Pair::new();
    pair.lender.busybox();
    pair.share(&[IMAGE]).run().succeeds();
    let passed_over = |reason: &str| {
        pair.borrowed(&["images", "-q"]).prints("");
        let info = pair.borrowed(&["info"]);
        assert!(info.text().contains(reason), "{info}");
    };
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for path in [
        pair.store.clone(),
        pair.store.join("images"),
        pair.lender.path.clone(),
    ] {
        let before = fs::metadata(&path).unwrap().mode() & 0o7777;
        mode(&path, 0o777);
        passed_over("others may write to it");
        mode(&path, before);
        assert!(!pair.borrowed(&["images", "-q"]).text().is_empty());
    }
    if is_root() {
        chown(&pair.store, Some(1234), None).unwrap();
        passed_over("it belongs to user 1234");
        chown(&pair.store, Some(0), None).unwrap();
    }
    // Nothing is reached through a link.
    let images = pair.store.join("images");
    let image = fs::read_dir(&images).unwrap().next().unwrap().unwrap().path();
    let elsewhere = pair.lender.path("elsewhere");
    fs::rename(&image, &elsewhere).unwrap();
    symlink(&elsewhere, &image).unwrap();
    pair.borrow(&["run", "--rm", IMAGE, "true"]).run().exits(125);
    fs::remove_file(&image).unwrap();
    fs::rename(&elsewhere, &image).unwrap();
    pair.borrowed(&["run", "--rm", IMAGE, "true"]);

    // What is not ours is passed over, and told.
    let podmans = pair.lender.path("podmans");
    fs::create_dir_all(podmans.join("overlay-images")).unwrap();
    let text = format!(
        "[storage]\ngraphroot = \"/x\"\n[storage.options]\nadditionalimagestores = [{:?}]\n",
        podmans.display()
    );
    pair.borrower.file("storage.conf", text);
    let info = pair.borrowed(&["info"]);
    assert!(info.text().contains("it is a store of Podman's"), "{info}");
    assert!(info.text().contains("of storage.conf: graphroot"), "{info}");
    // And ours stays where it is.
    assert_eq!(
        pair.borrowed(&["info", "--format", "{{.store.graphRoot}}"])
            .text()
            .trim(),
        pair.borrower.data_root().to_str().unwrap()
    );
    // A directory with something else in it does not become a store.
    let occupied = pair.lender.path("work");
    fs::write(occupied.join("file"), "").unwrap();
    let share = pair.lender.coracle(["system", "share", "--store"]).arg(&occupied);
    share.arg(IMAGE).run().exits(125).says("not empty");
}

/// What the superuser shares shows to an ordinary user with the owners that it has.
#[test]
fn the_superuser_shares_with_ordinary_users() {
    requires!("root", "program:setpriv", "program:newuidmap");
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let account = accounts.lines().find(|line| line.starts_with("coracle-test:"));
    let Some(uid) = account.and_then(|line| line.split(':').nth(2)?.parse::<u32>().ok()) else {
        crate::support::skip::skip("no user coracle-test");
        return;
    };
    let pair = Pair::new();
    let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    for path in [
        pair.lender.path.clone(),
        pair.borrower.path.clone(),
        pair.borrower.path("work"),
    ] {
        open(&path);
    }
    for name in ["home", "tmp", "run", "share", "config", "cache"] {
        chown(pair.borrower.path(name), Some(uid), Some(uid)).unwrap();
    }
    pair.lender.load(&multi());
    pair.share(&[MULTI]).run().succeeds();
    let run = pair
        .borrower
        .program("setpriv")
        .args([
            "--reuid",
            "coracle-test",
            "--regid",
            "coracle-test",
            "--init-groups",
            "--inh-caps=-all",
        ])
        .arg(pair.borrower.binary())
        .args(["run", "--rm", MULTI, "sh", "-c", LISTING])
        .env("CONTAINERS_STORAGE_CONF", pair.borrower.path("work/storage.conf"))
        .run()
        .succeeds();
    let home = pair
        .lender
        .coracle(["run", "--rm", MULTI, "sh", "-c", LISTING])
        .run()
        .succeeds();
    assert_eq!(run.text(), home.text());
    assert!(run.text().contains("./etc/shadow -rw-r----- 0 42 "), "{run}");
}

/// Beside the file that counts, those that add to it are not named.
#[test]
fn info_names_the_configuration_that_counts() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("config/containers");
    fs::create_dir_all(directory.join("storage.conf.d")).unwrap();
    for name in ["storage.conf", "storage.conf.d/a.conf"] {
        fs::write(directory.join(name), "[storage]\n").unwrap();
    }
    let script = "unset CONTAINERS_STORAGE_CONF; exec $0 info --format {{.store.configFile}}";
    let told = sandbox
        .program("sh")
        .args(["-c", script])
        .arg(sandbox.binary())
        .run();
    told.succeeds()
        .prints(&format!("{}\n", directory.join("storage.conf").display()));
}

/// Scripts that were written for Podman's stores.
#[test]
fn options_of_podmans_stores_are_taken() {
    let pair = Pair::new();
    pair.lender.load(&Image::busybox().name(IMAGE));
    pair.share(&[IMAGE]).run().succeeds();
    let store = format!("additionalimagestore={}", pair.store.display());
    let words = ["--storage-driver=overlay", "--storage-opt=overlay.mountopt=nodev"];
    let run = |more: &[&str]| {
        let run = pair.borrower.coracle(words).args(more);
        run.args(["run", "--rm", "--pull=never", IMAGE, "true"]).run()
    };
    run(&[]).exits(125).says("image not known");
    let used = run(&["--storage-opt", &store]).succeeds();
    assert_eq!(told(&used), "");
    let vfs = run(&["--storage-opt", &store, "--storage-driver", "vfs"]).succeeds();
    assert_eq!(told(&vfs), "");
    run(&["--storage-driver", "floppy"])
        .exits(125)
        .says("there are overlay");
    run(&["--imagestore", "/x"])
        .exits(125)
        .says("additionalimagestore");
    run(&["--transient-store"]).exits(125).says("--rm");
    let info = pair.borrower.coracle(["info"]).env("STORAGE_DRIVER", "vfs").run();
    let info = info.succeeds();
    assert!(
        info.text().contains("of the environment: STORAGE_DRIVER"),
        "{info}"
    );
}
