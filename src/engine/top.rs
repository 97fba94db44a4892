//! The processes of a running container, read from the host's /proc: nothing of the container is executed
//! (CVE-2022-1227).

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

use super::state::look;
use super::{Engine, EngineError, Result};
use crate::runtime::{accounts, rootfs};

/// One process.
#[derive(Clone, Debug)]
pub struct Task {
    /// Pid on the host, and in the container.
    pub host_pid: i32,
    pub pid: i32,
    pub parent: i32,
    /// In the container's user namespace.
    pub uid: u32,
    /// Its name by the container's own passwd file, else the number.
    pub user: String,
    pub state: char,
    /// Clock ticks of user and system time.
    pub ticks: u64,
    /// Clock ticks after boot.
    pub start_time: u64,
    /// Controlling terminal as the kernel numbers it, 0 for none.
    pub terminal: i32,
    /// Bytes of resident and of virtual memory.
    pub resident: u64,
    pub virtual_size: u64,
    pub name: String,
    /// Arguments joined by spaces, or the name in brackets.
    pub command: String,
}

impl Engine {
    /// The processes of a container, oldest first.
    pub fn tasks(&self, id: &str) -> Result<Vec<Task>> {
        let found = look(&self.store, id)?.ok_or_else(|| EngineError::NoSuchContainer(id.to_owned()))?;
        if !found.condition.runs() {
            return Err(EngineError::NotRunning(id.to_owned()));
        }
        let mut tasks: Vec<Task> = of_same_namespace(found.state.pid)
            .into_iter()
            .filter_map(task)
            .collect();
        let passwd = passwd(found.state.pid);
        for task in &mut tasks {
            if let Some(name) = accounts::name_of(&passwd, task.uid) {
                task.user = printable(name);
            }
        }
        tasks.sort_by_key(|task| (task.start_time, task.pid));
        Ok(tasks)
    }
}

/// All processes of the pid namespace that a process is in.
pub(super) fn of_same_namespace(pid: i32) -> Vec<i32> {
    let namespace = |pid: i32| {
        rustix::fs::stat(format!("/proc/{pid}/ns/pid"))
            .ok()
            .map(|stat| stat.st_ino)
    };
    let own = namespace(pid);
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| own.is_some() && namespace(*pid) == own)
        .collect()
}

/// The container's passwd file; empty where there is none that can be read.
fn passwd(init: i32) -> Vec<u8> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let file = rustix::fs::open(format!("/proc/{init}/root"), flags, Mode::empty())
        .ok()
        .and_then(|root| rootfs::open_for_parent(root.as_fd(), c"etc/passwd"));
    accounts::read(file, "passwd").unwrap_or_default()
}

/// A name that the container chose, without what a terminal would obey.
fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn task(host_pid: i32) -> Option<Task> {
    let read = |file: &str| std::fs::read(format!("/proc/{host_pid}/{file}")).ok();
    let stat = String::from_utf8_lossy(&read("stat")?).into_owned();
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let name = stat[open + 1..close].to_owned();
    let fields: Vec<&str> = stat[close + 2..].split_whitespace().collect();
    let number = |index: usize| {
        fields
            .get(index)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let status = String::from_utf8_lossy(&read("status")?).into_owned();
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let last = |name: &str| line(name)?.split_whitespace().last()?.parse::<i32>().ok();
    let arguments = read("cmdline").unwrap_or_default();
    let command = arguments
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    let uid: u32 = line("Uid:")?.split_whitespace().next()?.parse().ok()?;
    Some(Task {
        host_pid,
        pid: last("NSpid:").unwrap_or(host_pid),
        parent: fields.get(1)?.parse().ok()?,
        uid,
        user: uid.to_string(),
        state: fields.first()?.chars().next()?,
        ticks: number(11) + number(12),
        start_time: number(19),
        terminal: fields.get(4).and_then(|text| text.parse().ok()).unwrap_or(0),
        resident: number(21) * rustix::param::page_size() as u64,
        virtual_size: number(20),
        command: if command.is_empty() {
            format!("[{name}]")
        } else {
            command
        },
        name,
    })
}
