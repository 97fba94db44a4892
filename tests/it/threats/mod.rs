//! Known holes of container engines, each tried on us: what `isolation` does not hold, by topic. `docs/threats.md` says
//! which test shows what.

mod archives;
mod identity;
mod kernel;
mod races;
mod root;
mod volumes;

use std::time::{Duration, Instant};

use super::support::{Entry, Image, Sandbox};

const IMAGE: &str = "localhost/busybox:latest";

/// Loads busybox with further files and a changed configuration.
#[track_caller]
fn load(sandbox: &Sandbox, entries: &[Entry], config: serde_json::Value) {
    sandbox.load(&Image::busybox().layer(entries).configure(config));
}

/// Loads busybox with compiled programs in `/bin`.
#[track_caller]
fn load_with(sandbox: &Sandbox, programs: &[(&'static str, &'static str)]) {
    let entries: Vec<Entry> = programs
        .iter()
        .map(|program| compiled(sandbox, *program))
        .collect();
    load(sandbox, &entries, serde_json::json!({}));
}

/// A compiled program as an entry in `/bin`.
#[track_caller]
fn compiled(sandbox: &Sandbox, program: (&str, &str)) -> Entry {
    let bytes = std::fs::read(sandbox.compile(program)).expect("just compiled");
    Entry::program(format!("bin/{}", program.0), bytes)
}

/// How long one race is tried.
const TIME: Duration = Duration::from_secs(2);

/// Repeats a try at a race, for some time or 300 times, whatever comes first; at least five times.
fn race(mut attempt: impl FnMut(usize)) {
    let begin = Instant::now();
    for number in 0..300 {
        if number >= 5 && begin.elapsed() > TIME {
            break;
        }
        attempt(number);
    }
}

/// What the host's root directory and mount table hold of the sandbox: nothing may be added to either.
fn host_view(sandbox: &Sandbox) -> (Vec<std::ffi::OsString>, Vec<String>) {
    let mut names: Vec<_> = std::fs::read_dir("/")
        .expect("the root is readable")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    let path = sandbox.path.to_str().expect("UTF-8").to_owned();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
    let mounts = mounts
        .lines()
        .filter(|line| line.contains(&path))
        .map(str::to_owned);
    (names, mounts.collect())
}
