//! Scripts as people write them for docker and podman, run unchanged with our program under both names.
//!
//! Each stands in `tests/scripts`. Its last lines say what it prints (`#>`) and with what code it ends (`#?`), and `#:` which
//! other program it needs, or that it is the superuser's.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::death::{IMAGE, assert_clean, eventually, monitors};
use super::support::files::write_program;
use super::support::requires::{is_root, program};
use super::support::skip::skip;
use super::support::{Invocation, Sandbox};

/// A directory with `docker` and `podman` in it. The superuser's store is named to them, since it has a fixed place else.
fn names(sandbox: &Sandbox) -> std::path::PathBuf {
    let directory = sandbox.path("bin");
    std::fs::create_dir(&directory).unwrap();
    for name in ["docker", "podman"] {
        let path = directory.join(name);
        if !is_root() {
            symlink(sandbox.binary(), path).unwrap();
            continue;
        }
        let behind = directory.join("behind");
        let _ = std::fs::create_dir(&behind);
        symlink(sandbox.binary(), behind.join(name)).unwrap();
        let [program, root, run] = [behind.join(name), sandbox.data_root(), sandbox.run_root()];
        let [program, root, run] = [&program, &root, &run].map(|path| path.display());
        let script = format!("#!/bin/sh\nexec {program} --root {root} --runroot {run} \"$@\"\n");
        write_program(&path, &script);
    }
    directory
}

/// The rest of the lines that begin so.
fn told<'a>(script: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    script.lines().filter_map(move |line| line.strip_prefix(mark))
}

fn shell(sandbox: &Sandbox, names: &Path, script: &str) -> Invocation {
    let path = sandbox.path("work/script");
    write_program(&path, script);
    let search = format!("{}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", names.display());
    sandbox
        .program(path)
        .env("PATH", search)
        .limit(Duration::from_secs(120))
}

#[track_caller]
fn run(script: &str) {
    for needed in told(script, "#: ") {
        match needed {
            // An ordinary user's own number means one of his subordinate ids in there, as with rootless Podman.
            "root" if !is_root() => return skip("it needs root"),
            "root" => {}
            name if !program(name) => return skip(&format!("no program {name}")),
            _ => {}
        }
    }
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let names = names(&sandbox);
    let code = told(script, "#? ").next().map_or(0, |code| code.parse().unwrap());
    let expected: String = told(script, "#> ").map(|line| format!("{line}\n")).collect();
    shell(&sandbox, &names, script)
        .run()
        .exits(code)
        .prints(&expected);
    eventually("all monitors end", || monitors(&sandbox).is_empty());
    sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
    assert_clean(&sandbox);
}

macro_rules! scripts {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $name() {
                run(include_str!(concat!("../scripts/", $file, ".sh")));
            }
        )*

        #[test]
        fn every_script_is_run() {
            let known = [$($file),*];
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
            // Not to be seen where the tests are copied to.
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                assert!(known.contains(&name.as_str()), "{name} is not run");
            }
        }
    };
}

scripts! {
    clean_slate: "clean-slate",
    health_loop: "health-loop",
    wait_for_exit: "wait-for-exit",
    first_line: "first-line",
    entrypoint_wrapper: "entrypoint-wrapper",
    build_in_here: "build-in-here",
    save_and_load: "save-and-load",
    dangling_images: "dangling-images",
    cidfile: "cidfile",
    processes: "processes",
    event_log: "event-log",
    unit_lines: "unit-lines",
    with_jq: "with-jq",
    tables: "tables",
    usage: "usage",
    files_out: "files-out",
    time_limits: "time-limits",
    podman_words: "podman-words",
}
