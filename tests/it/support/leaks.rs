//! Looks for what a test left behind: processes, mounts, cgroups, things staged or thrown away.

use std::collections::BTreeSet;
use std::ffi::os_str::Display;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::run::contains;

/// Below a sandbox: the store that its user shares with others.
pub const SHARED: &str = "shared";

/// One line for each thing found that belongs to the sandbox or to one of the containers.
pub fn find(sandbox: &Path, ids: &BTreeSet<String>) -> Vec<String> {
    let mut found: Vec<String> = processes(sandbox, ids)
        .into_iter()
        .map(|pid| format!("process {pid}: {}", command_line(pid)))
        .collect();
    let mounts = fs::read("/proc/self/mountinfo").expect("proc is mounted");
    for line in mounts
        .split(|byte| *byte == b'\n')
        .filter(|line| contains(line, sandbox.as_os_str().as_bytes()))
    {
        found.push(format!("mount: {}", String::from_utf8_lossy(line)));
    }
    if !ids.is_empty() {
        cgroups(Path::new("/sys/fs/cgroup"), ids, &mut found);
    }
    for store in ["share/coracle", SHARED] {
        for name in ["staging", "trash"] {
            for path in entries(&sandbox.join(store).join(name)) {
                found.push(format!("{name}: {}", last(&path)));
            }
        }
    }
    // One directory for each store, with one for each mounted image.
    for store in entries(&sandbox.join("run/coracle/mounts")) {
        for path in entries(&store) {
            found.push(format!("mounts: {}", last(&path)));
        }
    }
    found
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn last(path: &Path) -> Display<'_> {
    path.file_name().expect("an entry of a directory").display()
}

/// Kills what still runs.
pub fn kill(sandbox: &Path, ids: &BTreeSet<String>) {
    for pid in processes(sandbox, ids) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Processes that execute the sandbox's program, have its path in their command line or a container's id in their cgroup,
/// or have their root in it: the last is how a payload is known when its monitor is gone. Among the ids may be those of
/// images and layers, which other sandboxes have as well.
fn processes(sandbox: &Path, ids: &BTreeSet<String>) -> Vec<i32> {
    let path = sandbox.as_os_str().as_bytes();
    let roots: Vec<String> = ids.iter().map(|id| format!("containers/{id}/")).collect();
    let ids: Vec<String> = ids.iter().cloned().collect();
    let names = |bytes: &[u8], words: &[String]| {
        contains(bytes, path) || words.iter().any(|word| contains(bytes, word.as_bytes()))
    };
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc is mounted").flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        if pid.unsigned_abs() == own || is_zombie(pid) {
            continue;
        }
        let process = entry.path();
        let executes = fs::read_link(process.join("exe")).is_ok_and(|exe| exe.starts_with(sandbox));
        let read = |file: &str| fs::read(process.join(file)).unwrap_or_default();
        let mentions = contains(&read("cmdline"), path) || names(&read("cgroup"), &ids);
        let mounts = read("mountinfo");
        // Only its root: a process that merely sees a mount of ours is a stranger, and would be killed for looking.
        let lives_here = mounts.split(|byte| *byte == b'\n').any(|line| {
            let place = line.split(|byte| *byte == b' ').nth(4);
            place == Some(b"/") && names(line, &roots)
        });
        if executes || mentions || lives_here {
            found.push(pid);
        }
    }
    found
}

/// A zombie holds nothing any more; its parent may be the machine's init, which is not ours to judge.
fn is_zombie(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

fn cgroups(directory: &Path, ids: &BTreeSet<String>, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if ids
            .iter()
            .any(|id| contains(entry.file_name().as_bytes(), id.as_bytes()))
        {
            found.push(format!("cgroup: {}", path.display()));
        }
        cgroups(&path, ids, found);
    }
}
