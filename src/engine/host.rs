//! Facts about the machine that records keep, to tell later whether they still hold.

use crate::base::file::read_proc;
pub use crate::base::machine::{boot, machine};

/// When a process began, in clock ticks after boot (`/proc/PID/stat`, field 22). Together with the pid it names a
/// process for as long as the machine runs.
pub fn start_time(pid: i32) -> Option<u64> {
    process(pid).map(|(_, start_time)| start_time)
}

/// The letter for a process's condition, and when it began.
pub fn process(pid: i32) -> Option<(u8, u64)> {
    let stat = read_proc(&format!("/proc/{pid}/stat")).ok()?;
    // The command's name may hold spaces and parentheses; the last one ends it. Field 3 follows.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_whitespace();
    let condition = *fields.next()?.as_bytes().first()?;
    Some((condition, fields.nth(18)?.parse().ok()?))
}

/// The inode number of this process's user namespace.
pub fn user_namespace() -> u64 {
    rustix::fs::stat("/proc/self/ns/user").map_or(0, |status| status.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_have_a_beginning() {
        let own = start_time(std::process::id() as i32).unwrap();
        assert!(start_time(1).unwrap() < own);
        assert_eq!(start_time(i32::MAX), None);
        assert!(!boot().is_empty() && user_namespace() > 0);
    }
}
