//! The harness itself: what it must catch it does catch, and what it writes others can read.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::support::canary::Canary;
use super::support::group::Group;
use super::support::image::{digest, hex};
use super::support::programs::{PROBE, RACER};
use super::support::tar::{self, Entry};
use super::support::{Compression, Document, Format, Image, Invocation, Sandbox, requires};

fn shell(script: &str) -> Invocation {
    Invocation::new("sh").args(["-c", script])
}

fn panics(act: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(act)).expect_err("it should have failed");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn what_a_program_says_and_returns_is_seen() {
    let outcome = shell("cat; echo oops >&2; exit 7")
        .input("given")
        .run()
        .exits(7)
        .prints("given")
        .says("oops");
    assert_eq!((outcome.signal, outcome.text()), (None, "given"));
    assert_eq!(shell("kill -TERM $$").run().signal, Some(15));
    panics(|| drop(shell("exit 1").run().succeeds()));
    panics(|| drop(shell("echo a; echo b >&2").run().says_one_line()));
}

#[test]
fn a_program_that_does_not_end_is_killed_with_its_children() {
    let sandbox = Sandbox::new();
    let running = sandbox
        .program("sh")
        .args(["-c", "sleep 1000 & echo $!; wait"])
        .limit(Duration::from_secs(2))
        .start();
    running.expect("\n");
    let child: u32 = running.so_far().trim().parse().unwrap();
    let message = panics(|| drop(running.wait()));
    assert!(message.contains("did not end"), "{message}");
    let alive = || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while alive() {
        assert!(Instant::now() < deadline, "the child lives on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn output_held_open_after_the_exit_is_measured() {
    let outcome = shell("sleep 0.3 & echo begun").run().prints("begun\n");
    assert!(
        outcome.output_open_after_exit > Duration::from_millis(100),
        "{outcome:?}"
    );
    assert!(shell("echo x").run().output_open_after_exit < Duration::from_millis(100));
}

#[test]
fn output_can_be_awaited() {
    let running = shell("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done").start();
    running.expect("ready");
    running.signal(Signal::TERM);
    running.wait().exits(3).prints("ready\nbye\n");
    let message = panics(|| shell("echo something else").start().expect("never"));
    assert!(message.contains("never printed"), "{message}");
}

#[test]
fn a_terminal_types_resizes_interrupts_and_hangs_up() {
    let terminal = shell("stty size; read word; echo got=$word; stty size; exec cat").start_on_terminal();
    terminal.expect("24 80");
    terminal.resize(40, 132);
    terminal.types("hello\n");
    terminal.expect("got=hello");
    terminal.expect("40 132");
    // Once it echoes, no shell is left between us and the program that the interrupt is for.
    terminal.types("ping\n");
    terminal.expect("ping\r\nping\r\n");
    terminal.types(b"\x03");
    assert_eq!(terminal.wait().signal, Some(2));

    let terminal = shell("echo up; exec sleep 100").start_on_terminal();
    terminal.expect("up");
    assert_eq!(terminal.hang_up().wait().signal, Some(1));
}

#[test]
fn leaks_are_found_and_ended() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.leaks(), Vec::<String>::new());
    let staged = sandbox.data_root().join("staging/half-done");
    fs::create_dir_all(&staged).unwrap();
    let sleeper = sandbox.path("sleeper");
    fs::copy("/bin/sleep", &sleeper).unwrap();
    let mut child = std::process::Command::new(&sleeper).arg("1000").spawn().unwrap();
    // The spawn returns when the program has been replaced, so its name is known by now.
    let leaks = sandbox.leaks();
    assert_eq!(leaks.len(), 2, "{leaks:?}");
    assert!(
        leaks[0].starts_with("process ") && leaks[1] == "staging: half-done",
        "{leaks:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_dir(staged).unwrap();
}

/// An id as containers have it, which the sandbox gets to know.
fn noted_id(sandbox: &Sandbox) -> String {
    let id = hex(sandbox.path.as_os_str().as_bytes());
    sandbox.program("echo").args([&id]).run().succeeds();
    id
}

#[test]
fn a_process_is_known_by_the_root_that_it_has() {
    requires!("user-namespaces", "program:busybox");
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    let id = noted_id(&sandbox);
    // The old root then lies above the new one, in which the program and the working directory are.
    let enter = "mount --bind . . && cd ../root && pivot_root . . && \
                 exec ./busybox sh -c 'echo in; exec ./busybox sleep 1000'";
    let see = "mount --bind . . && echo in && exec sleep 1000";
    let start = |root: PathBuf, script: &str| {
        fs::create_dir_all(&root).unwrap();
        fs::copy("/bin/busybox", root.join("busybox")).unwrap();
        let options = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
        let running = sandbox.program("unshare").args(options).directory(&root).start();
        running.expect("in\n");
        running
    };
    let strangers = [
        start(other.path("containers/one/root"), enter),
        start(sandbox.path("root"), see),
    ];
    assert_eq!(sandbox.leaks(), Vec::<String>::new());
    for root in [sandbox.path("root"), other.path(format!("containers/{id}/root"))] {
        let payload = start(root, enter);
        let found = sandbox.leaks();
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("process {}: ", payload.pid())),
            "{found:?}"
        );
        payload.signal(Signal::KILL);
        payload.wait();
    }
    for running in strangers {
        running.signal(Signal::KILL);
        running.wait();
    }
}

#[test]
fn a_process_is_known_by_its_control_group() {
    requires!("cgroup");
    let sandbox = Sandbox::new();
    let group = Group::new().unwrap();
    let own = group.path().join(noted_id(&sandbox));
    fs::create_dir(&own).unwrap();
    let running = sandbox
        .program("sh")
        .args(["-c", "echo 0 >\"$PLACE\" && echo in && exec sleep 1000"])
        .env("PLACE", own.join("cgroup.procs"))
        .start();
    running.expect("in\n");
    let mut leaks = sandbox.leaks();
    running.signal(Signal::KILL);
    let pid = running.pid();
    running.wait();
    fs::remove_dir(&own).unwrap();
    leaks.sort();
    let expected = [
        format!("cgroup: {}", own.display()),
        format!("process {pid}: sleep 1000 "),
    ];
    assert_eq!(leaks, expected);
}

#[test]
fn leaks_of_what_is_shared_and_mounted_are_found() {
    let sandbox = Sandbox::new();
    let places = ["shared/trash/one", "run/coracle/mounts/store/two"].map(|name| sandbox.path(name));
    for place in &places {
        fs::create_dir_all(place).unwrap();
    }
    assert_eq!(sandbox.leaks(), ["trash: one", "mounts: two"]);
    for place in places {
        fs::remove_dir(place).unwrap();
    }
}

#[test]
fn a_leak_fails_the_test_that_made_it() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.data_root().join("trash/forgotten")).unwrap();
    let message = panics(|| drop(sandbox));
    assert!(message.contains("trash: forgotten"), "{message}");
}

#[test]
fn a_sandbox_with_foreign_owners_in_it_is_removed() {
    requires!("user", "sub-ids", "program:unshare");
    let sandbox = Sandbox::new();
    let path = sandbox.path.clone();
    let script = "mkdir -p share/a && chown -R 1:1 share/a && chmod 700 share/a";
    let options = ["--user", "--map-root-user", "--map-auto", "sh", "-c", script];
    sandbox
        .program("unshare")
        .args(options)
        .directory(&path)
        .run()
        .succeeds();
    drop(sandbox);
    assert!(!path.exists());
}

#[test]
fn a_canary_sees_every_change_and_every_leak() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let quiet = shell("true").run();
    canary.check(&[&quiet]);
    let loud = shell(&format!("cat {}", canary.secret().display())).run();
    panics(|| canary.check(&[&quiet, &loud]));
    canary.check_absent_below(&sandbox.path("work"));
    sandbox.file("stolen", canary.token());
    panics(|| canary.check_absent_below(&sandbox.path("work")));
    fs::write(canary.directory().join("dir/new"), "").unwrap();
    panics(|| canary.check(&[]));
}

#[test]
fn programs_for_containers_compile_and_tell() {
    let sandbox = Sandbox::new();
    let probe = sandbox.compile(PROBE);
    let told = sandbox.program(probe).args(["a word"]).run().succeeds();
    let told = told.text();
    for part in [
        "\narg.1 a word\n",
        "\nstatus.NoNewPrivs 0\n",
        "\nns.mnt mnt:[",
        "\nfd.0 /dev/null\n",
    ] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
    sandbox.program(sandbox.compile(RACER)).run().exits(2);
}

#[test]
fn archives_of_ours_are_read_by_tar() {
    let sandbox = Sandbox::new();
    let long = format!("deep/{}", "long-".repeat(40));
    let entries = [
        Entry::directory("deep/"),
        Entry::file(&long, "content").owner(3_000_000, 7).mtime(-5),
        Entry::hard_link("deep/hard", &long),
        Entry::symlink("deep/soft", "/elsewhere"),
        Entry::device(b'3', "deep/null", 1, 3),
        Entry::fifo("deep/fifo").xattr("user.key", b"value"),
    ];
    let archive = sandbox.file("archive.tar", tar::archive(&entries));
    let listed = Invocation::new("tar")
        .args(["--list", "--verbose", "--numeric-owner", "--utc", "--file"])
        .arg(archive)
        .run()
        .succeeds();
    let lines = listed
        .text()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let expected = [
        "drwxr-xr-x 0/0 0 2023-11-14 22:13 deep/".to_string(),
        format!("-rw-r--r-- 3000000/7 7 1969-12-31 23:59 {long}"),
        format!("hrw-r--r-- 0/0 0 2023-11-14 22:13 deep/hard link to {long}"),
        "lrwxrwxrwx 0/0 0 2023-11-14 22:13 deep/soft -> /elsewhere".to_string(),
        "crw-r--r-- 0/0 1,3 2023-11-14 22:13 deep/null".to_string(),
        "prw-r--r-- 0/0 0 2023-11-14 22:13 deep/fifo".to_string(),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

fn small_image(compression: Compression) -> Image {
    Image::new()
        .compressed_layer(
            &[Entry::directory("etc/"), Entry::file("etc/one", "1")],
            compression,
        )
        .compressed_layer(&[Entry::file("etc/.wh.one", "")], compression)
        .configure(json!({ "Cmd": ["/bin/true"] }))
        .name("example.org/small:1")
}

/// Copies with every digest checked, and gives the id of what arrived.
fn copied_by_skopeo(sandbox: &Sandbox, source: &str, path: &Path) -> Result<String, String> {
    let target = sandbox.path("copied");
    let _ = fs::remove_dir_all(&target);
    let outcome = sandbox
        .program("skopeo")
        .args(["--insecure-policy", "copy", "--quiet"])
        .arg(format!("{source}:{}", path.display()))
        .arg(format!("dir:{}", target.display()))
        .run();
    if outcome.code != Some(0) {
        return Err(outcome.to_string());
    }
    let manifest = fs::read(target.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    Ok(manifest["config"]["digest"].as_str().unwrap().to_string())
}

#[test]
fn images_of_ours_are_read_by_skopeo() {
    requires!("program:skopeo");
    let sandbox = Sandbox::new();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for (format, source) in [
            (Format::OciArchive, "oci-archive"),
            (Format::OciLayout, "oci"),
            (Format::DockerArchive, "docker-archive"),
        ] {
            let image = small_image(compression);
            let path = sandbox.path(format!("{source}-{compression:?}"));
            image.write(&path, format);
            let id = copied_by_skopeo(&sandbox, source, &path);
            assert_eq!(id, Ok(image.id()), "{source} {compression:?}");
        }
    }
}

#[test]
fn lies_of_ours_are_noticed_by_skopeo() {
    requires!("program:skopeo");
    let sandbox = Sandbox::new();
    let layer = small_image(Compression::None).layer_digest(0);
    let hex = layer.strip_prefix("sha256:").unwrap().to_string();
    let lies = [
        small_image(Compression::None).edit(Document::Manifest, |json| {
            json["layers"][0]["digest"] = digest(b"other").into();
        }),
        small_image(Compression::None).blob(&hex, b"other"),
        small_image(Compression::None).without_blob(&hex),
    ];
    for (number, lie) in lies.iter().enumerate() {
        let path = sandbox.path(format!("lie-{number}"));
        lie.write(&path, Format::OciLayout);
        assert!(
            copied_by_skopeo(&sandbox, "oci", &path).is_err(),
            "lie {number} was believed"
        );
    }
}

#[test]
fn busybox_makes_an_image() {
    requires!("program:busybox", "program:skopeo");
    let sandbox = Sandbox::new();
    let image = Image::busybox();
    let path = sandbox.path("busybox.tar");
    image.write(&path, Format::OciArchive);
    assert_eq!(copied_by_skopeo(&sandbox, "oci-archive", &path), Ok(image.id()));
}

#[test]
fn archives_are_compressed_as_said() {
    for (compression, program) in [
        (Compression::Gzip, "gzip"),
        (Compression::Zstd, "zstd"),
        (Compression::Xz, "xz"),
        (Compression::Bzip2, "bzip2"),
    ] {
        let program_feature = format!("program:{program}");
        requires!(&program_feature);
        let packed = super::support::image::compress(b"some text", compression);
        Invocation::new(program)
            .args(["-d", "-c"])
            .input(packed)
            .run()
            .succeeds()
            .prints("some text");
    }
}
