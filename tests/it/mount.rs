//! `image mount` and `image unmount`: as root where the test runs or in a mount namespace of the test's own, as an
//! ordinary user inside `unshare`.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use super::death::eventually;
use super::support::requires::is_root;
use super::support::tar::Entry;
use super::support::{Image, Invocation, Sandbox, requires};

fn lower() -> [Entry; 6] {
    [
        Entry::directory("etc/"),
        Entry::file("etc/a", "a"),
        Entry::directory("op/"),
        Entry::file("op/old", "old"),
        Entry::directory("tmp/").mode(0o1777),
        Entry::program("bin/suid", "#!").mode(0o4755),
    ]
}

fn one() -> Image {
    Image::new().layer(&lower()).name("localhost/one:1")
}

fn two() -> Image {
    let entries = [
        Entry::file("etc/.wh.a", ""),
        Entry::file("etc/b", "b"),
        Entry::file("op/.wh..wh..opq", ""),
        Entry::file("op/new", "new"),
        Entry::file("tmp/implied", ""),
        Entry::hard_link("linked", "bin/suid"),
    ];
    Image::new()
        .layer(&lower())
        .layer(&entries)
        .name("localhost/two:1")
}

/// A shell with mounts of its own, in which `$C` is the program.
fn shell(sandbox: &Sandbox, script: &str) -> Invocation {
    let script = format!("set -e\n{script}");
    let binary = sandbox.binary().display().to_string();
    if is_root() {
        let program = format!(
            "{binary} --root {} --runroot {}",
            sandbox.data_root().display(),
            sandbox.run_root().display()
        );
        return sandbox
            .program("unshare")
            .args(["--mount", "sh", "-c", &script])
            .env("C", program);
    }
    sandbox.coracle(["unshare", "sh", "-c", &script]).env("C", binary)
}

/// Directories that were made to mount on.
fn places(sandbox: &Sandbox) -> usize {
    let stores = fs::read_dir(sandbox.run_root().join("mounts"))
        .into_iter()
        .flatten()
        .flatten();
    stores
        .map(|store| fs::read_dir(store.path()).unwrap().count())
        .sum()
}

#[test]
fn files_are_seen_as_in_a_container_and_cannot_be_changed() {
    requires!("user-namespaces");
    let sandbox = Sandbox::new();
    let (one, two) = (one(), two());
    sandbox.load(&one);
    sandbox.load(&two);
    let told = shell(
        &sandbox,
        r#"
        p=$($C image mount two:1)
        cd $p; find . -type f | sort; stat -c %a tmp; stat -c '%a %h' bin/suid linked; cd /
        touch $p/x 2>/dev/null && echo written || :
        for option in ro nosuid nodev; do grep -q " $p [^ ]*$option" /proc/self/mountinfo || echo no $option; done
        # An image of one layer.
        o=$($C image mount localhost/one:1); cat $o/etc/a; echo; ls $o
        [ "$($C image mount one:1)" = $o ]
        $C image unmount one:1 two:1; [ ! -e $p ]; cat $o/etc/a; echo
        $C image umount one:1; [ ! -e $o ]; $C image unmount one:1; echo end"#,
    )
    .run();
    let digits = |image: &Image| image.id()["sha256:".len()..].to_owned();
    let expected = format!(
        "./bin/suid\n./etc/b\n./linked\n./op/new\n./tmp/implied\n1777\n4755 2\n4755 2\na\nbin\netc\nop\ntmp\n{}\n{}\na\n{}\nend\n",
        digits(&one),
        digits(&two),
        digits(&one)
    );
    told.succeeds().prints(&expected);
    assert_eq!(places(&sandbox), 0);
}

#[test]
fn mounts_are_counted_listed_and_taken_away() {
    requires!("user-namespaces");
    let sandbox = Sandbox::new();
    let (one, two) = (one(), two());
    sandbox.load(&one);
    sandbox.load(&two);
    sandbox.load(&Image::new().name("localhost/empty:1"));
    let told = shell(
        &sandbox,
        r#"
        $C image mount; echo none
        p=$($C image mount two:1); $C image mount two:1 >/dev/null; $C image mount two:1 >/dev/null
        [ "$($C image mount)" = "localhost/two:1  $p" ] || $C image mount
        $C image mount --format json >document
        $C image unmount --force two:1 >/dev/null; $C image mount; echo forced
        $C image mount --all | wc -l; $C image mount | cut -d' ' -f1 | sort; $C image unmount --all | wc -l
        $C image mount; ls "$(dirname $p)" | wc -l
        set +e
        $C image mount empty:1; echo $?; $C image mount none:1; echo $?; $C image unmount; echo $?
        $C image mount --all one:1; echo $?; $C image mount --format yaml; echo $?"#,
    )
    .run()
    .succeeds()
    .prints("none\nforced\n2\nlocalhost/one:1\nlocalhost/two:1\n2\n0\n125\n125\n125\n125\n125\n");
    for part in [
        "has no layers",
        "none:1: image not known",
        "name an image",
        "--all goes without",
        "--format=yaml",
    ] {
        assert!(
            String::from_utf8_lossy(&told.stderr).contains(part),
            "{part}: {told}"
        );
    }
    let text = fs::read(sandbox.path("work/document")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document[0]["id"], json!(two.id()["sha256:".len()..]));
    assert_eq!(document[0]["Repositories"], json!(["localhost/two:1"]));
    let place = document[0]["mountpoint"].as_str().unwrap();
    assert!(place.starts_with(sandbox.run_root().to_str().unwrap()), "{place}");
}

#[test]
fn a_mounted_image_is_not_removed_but_by_force() {
    requires!("user-namespaces");
    let sandbox = Sandbox::new();
    sandbox.load(&one());
    sandbox.load(&two());
    shell(
        &sandbox,
        r#"
        p=$($C image mount two:1); $C image mount two:1 >/dev/null
        $C rmi two:1 && exit 1 || [ $? = 2 ]
        $C image prune --all --force | grep -q two && exit 1
        cat $p/etc/b; echo
        $C rmi --force two:1 >/dev/null; ls $p 2>/dev/null || echo gone; $C image mount"#,
    )
    .run()
    .succeeds()
    .says("is mounted at")
    .prints("b\ngone\n");
    assert_eq!(places(&sandbox), 0);
    sandbox.coracle(["system", "check"]).run().succeeds();
}

/// The namespace of another command, which may go away with all its mounts.
#[test]
fn mounts_of_other_namespaces_count_while_somebody_is_in_them() {
    requires!("user-namespaces");
    let sandbox = Sandbox::new();
    sandbox.load(&two());
    shell(&sandbox, "$C image mount two:1 >/dev/null")
        .run()
        .succeeds();
    // Its namespace is gone, and nobody has told.
    assert_eq!(places(&sandbox), 1);
    let waiting = shell(
        &sandbox,
        "p=$($C image mount two:1); echo mounted; while [ -e $p/etc/b ]; do sleep 0.05; done; echo lost",
    )
    .start();
    waiting.expect("mounted");
    sandbox
        .coracle(["rmi", "two:1"])
        .run()
        .exits(2)
        .says_one_line()
        .says("is mounted at");
    // Another namespace mounts and unmounts for itself.
    shell(
        &sandbox,
        "$C image mount two:1 >/dev/null; $C image unmount two:1 >/dev/null; $C image mount",
    )
    .run()
    .succeeds()
    .prints("");
    assert!(waiting.so_far().ends_with("mounted\n"));
    // The first one's mount counts as before.
    sandbox
        .coracle(["rmi", "two:1"])
        .run()
        .exits(2)
        .says("is mounted at");
    sandbox.coracle(["rmi", "--force", "two:1"]).run().succeeds();
    waiting.wait().succeeds().prints("mounted\nlost\n");
    assert_eq!(places(&sandbox), 0);

    sandbox.load(&two());
    let killed = shell(
        &sandbox,
        "$C image mount two:1 >/dev/null; echo mounted; exec sleep 1000",
    )
    .start();
    killed.expect("mounted");
    killed.signal(Signal::KILL);
    let _ = killed.wait();
    // With its last process the namespace goes, a moment later.
    eventually("the dead mount keeps no image", || {
        sandbox.coracle(["rmi", "two:1"]).run().code == Some(0)
    });
    assert_eq!(places(&sandbox), 0);
}

#[test]
fn inside_unshare_another_store_can_be_named() {
    requires!("user", "sub-ids");
    let sandbox = Sandbox::new();
    let binary = sandbox.binary();
    sandbox
        .coracle([
            "unshare",
            "sh",
            "-c",
            "$C --root $R volume create v && $C --root $R volume ls -q",
        ])
        .env("C", binary)
        .env("R", sandbox.path("other"))
        .run()
        .succeeds()
        .prints("v\nv\n");
}

#[test]
fn an_ordinary_user_mounts_inside_unshare_only() {
    requires!("user");
    let sandbox = Sandbox::new();
    sandbox.load(&one());
    for words in [&["mount"][..], &["mount", "one:1"], &["unmount", "one:1"]] {
        sandbox
            .coracle(["image"])
            .args(words)
            .run()
            .exits(125)
            .says_one_line()
            .says("in rootless mode, must execute `coracle unshare` first");
    }
    // Inside, the store is still that of the user.
    let told = shell(&sandbox, "$C images -q").run().succeeds();
    let outside = sandbox.coracle(["images", "-q"]).run().succeeds();
    assert_eq!(told.stdout, outside.stdout);
}

/// Everybody is the superuser there, and yet the files of configuration are those of the user.
#[test]
fn an_ordinary_user_keeps_its_configuration_inside_unshare() {
    requires!("user");
    let sandbox = Sandbox::new();
    let policy = sandbox.path("config/containers/policy.json");
    sandbox
        .coracle(["unshare"])
        .arg(sandbox.binary())
        .args(["image", "trust", "set", "--type", "accept", "default"])
        .run()
        .succeeds();
    assert!(policy.exists());
    sandbox.load(&one());
    sandbox
        .coracle(["unshare"])
        .arg(sandbox.binary())
        .args(["system", "share", "one:1"])
        .run()
        .exits(125)
        .says("is the superuser's: name a directory of yours with --store");
    let script = "mkdir -p $0/containers/storage.rootless.conf.d\n\
                  echo 'storage.options.additionalimagestores = 1' >$0/containers/storage.rootless.conf.d/a.conf\n\
                  unset CONTAINERS_STORAGE_CONF; exec $C images";
    sandbox
        .coracle(["unshare", "sh", "-c", script])
        .arg(sandbox.path("config"))
        .env("C", sandbox.binary())
        .run()
        .exits(125)
        .says("storage.rootless.conf.d/a.conf: line 1");
}

#[test]
fn root_mounts_where_all_can_see_it() {
    requires!("root");
    let sandbox = Sandbox::new();
    sandbox.load(&two());
    let mounted = sandbox.coracle(["image", "mount", "two:1"]).run();
    let read = fs::read(format!("{}/etc/b", mounted.text()));
    let removed = sandbox.coracle(["rmi", "two:1"]).run();
    let reset = sandbox.coracle(["system", "reset", "--force"]).run();
    mounted.succeeds();
    assert_eq!(read.unwrap(), b"b");
    removed.exits(2);
    // It takes the mounts along; that none is left is seen at the end of every test.
    reset.succeeds();
}

/// Another user may have made the run directory before us.
#[test]
fn a_run_directory_that_others_may_write_to_is_refused() {
    requires!("root");
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.load(&two());
    fs::create_dir(sandbox.run_root()).unwrap();
    fs::set_permissions(sandbox.run_root(), PermissionsExt::from_mode(0o777)).unwrap();
    sandbox
        .coracle(["image", "mount", "two:1"])
        .run()
        .exits(125)
        .says_one_line()
        .says("others may write to it");
}
