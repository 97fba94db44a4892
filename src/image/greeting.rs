//! What the program of the image `hello` says: a greeting, and what it can see of its isolation.
//!
//! It runs inside of the container and reads /proc alone.

use std::fmt::Write;

/// What was seen. What could not be read is empty.
#[derive(Debug, Default)]
struct Seen {
    hostname: String,
    pid: u32,
    uid: u32,
    gid: u32,
    uid_map: String,
    gid_map: String,
    status: String,
    mountinfo: String,
    interfaces: String,
    cgroup: String,
}

/// The whole text.
pub fn report() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    render(&Seen {
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        uid_map: read("/proc/self/uid_map"),
        gid_map: read("/proc/self/gid_map"),
        status: read("/proc/self/status"),
        mountinfo: read("/proc/self/mountinfo"),
        interfaces: read("/proc/self/net/dev"),
        cgroup: read("/proc/self/cgroup"),
    })
}

fn render(seen: &Seen) -> String {
    let status = |key: &str| {
        let line = seen
            .status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or("unknown").trim()
    };
    let seccomp = match status("Seccomp") {
        "0" => "off".to_owned(),
        "1" => "strict".to_owned(),
        "2" => format!("filtered ({} filters)", status("Seccomp_filters")),
        other => other.to_owned(),
    };
    let privileges = match status("NoNewPrivs") {
        "1" => "cannot be gained",
        "0" => "can be gained by set-uid programs",
        other => other,
    };
    let root = seen
        .mountinfo
        .lines()
        .find(|line| line.split(' ').nth(4) == Some("/"));
    let root = root
        .and_then(|line| line.split(" - ").nth(1)?.split(' ').next())
        .unwrap_or("unknown");
    let mut text =
        "Hello from Coracle!\n\nThis program runs in a container. What it sees there:\n".to_owned();
    for (name, value) in [
        ("hostname", seen.hostname.clone()),
        ("process", seen.pid.to_string()),
        ("user", format!("{}, group {}", seen.uid, seen.gid)),
        ("user ids", map(&seen.uid_map)),
        ("group ids", map(&seen.gid_map)),
        ("capabilities", capabilities(status("CapEff"))),
        ("system calls", seccomp),
        ("privileges", privileges.to_owned()),
        (
            "root",
            format!("{root}, {} mounts", seen.mountinfo.lines().count()),
        ),
        ("network", interfaces(&seen.interfaces)),
        ("cgroup", cgroup(&seen.cgroup)),
    ] {
        let _ = writeln!(text, "  {name:<13} {value}");
    }
    text += "\nTo try more: coracle load, coracle run -it IMAGE, coracle --help\n";
    text
}

/// `0 is 1000 outside, 1 to 65536 are 100000 to 165535 outside`; the whole range as it is means no user namespace.
fn map(text: &str) -> String {
    let mut parts = Vec::new();
    for line in text.lines() {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        match numbers[..] {
            [0, 0, 4_294_967_295] => return "those of the host".into(),
            [inside, outside, 1] => parts.push(format!("{inside} is {outside} outside")),
            [inside, outside, count] if count > 0 => parts.push(format!(
                "{inside} to {} are {outside} to {} outside",
                inside.saturating_add(count - 1),
                outside.saturating_add(count - 1)
            )),
            _ => {}
        }
    }
    match parts.is_empty() {
        true => "none mapped".into(),
        false => parts.join(", "),
    }
}

fn capabilities(mask: &str) -> String {
    let Ok(mask) = u64::from_str_radix(mask, 16) else {
        return "unknown".into();
    };
    let mut held: Vec<_> = caps::all()
        .into_iter()
        .filter(|cap| mask & cap.bitmask() != 0)
        .collect();
    held.sort_by_key(|cap| cap.index());
    let names: Vec<_> = held
        .iter()
        .map(|cap| cap.to_string().trim_start_matches("CAP_").to_lowercase())
        .collect();
    match names.len() {
        0 => "none".into(),
        count if count == caps::all().len() => "all".into(),
        count => format!("{count}: {}", names.join(" ")),
    }
}

fn interfaces(text: &str) -> String {
    let names = text
        .lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim()));
    let names: Vec<_> = names.collect();
    match names[..] {
        [] => "no interface".into(),
        ["lo"] => "lo only: nothing outside can be reached".into(),
        _ => names.join(", "),
    }
}

fn cgroup(text: &str) -> String {
    // The unified hierarchy has the number 0; older kernels list one line for each of theirs.
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    unified
        .or_else(|| text.lines().next()?.rsplit(':').next())
        .unwrap_or("unknown")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rootless_container() {
        let text = render(&Seen {
            hostname: "3f2a".into(),
            pid: 1,
            uid_map: "         0       1000          1\n         1     100000      65536\n".into(),
            gid_map: "         0          0 4294967295\n".into(),
            status:
                "Name:\thello\nCapEff:\t0000000000000003\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"
                    .into(),
            mountinfo: "1 0 0:1 / / ro,relatime - overlay overlay rw\n2 1 0:2 / /proc rw - proc proc rw\n"
                .into(),
            interfaces: "Inter-|\n face |\n    lo: 0 0\n".into(),
            cgroup: "1:name=x:/a\n0::/b\n".into(),
            ..Seen::default()
        });
        for expected in [
            "3f2a",
            "0 is 1000 outside, 1 to 65536 are 100000 to 165535 outside",
            "those of the host",
            "2: chown dac_override",
            "filtered (1 filters)",
            "cannot be gained",
            "overlay, 2 mounts",
            "lo only",
            "cgroup        /b",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in {text}");
        }
    }

    #[test]
    fn nothing_readable_is_no_reason_to_fail() {
        let text = render(&Seen::default());
        assert!(text.contains("unknown") && text.contains("none mapped"));
        assert!(report().starts_with("Hello"));
    }
}
