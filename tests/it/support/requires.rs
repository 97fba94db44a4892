//! What a test needs of the machine. A test that cannot run says so aloud and is counted as skipped.

use std::fs;
use std::process::{Command, Stdio};

/// Returns from the test, saying why, unless the machine has every named feature.
///
/// `root`, `user` (not root), `sub-ids` (the caller is root, or has a range of ids and the programs that map it),
/// `user-namespaces`, `static` (the program under test), `cgroup` (a version 2 tree that the caller may write), `debian` (the archive
/// that `.ci/debian` makes), `lent-content` (overlayfs takes content from other directories for us), `kernel:6.7`,
/// `program:skopeo`.
macro_rules! requires {
    ($($feature:expr),+ $(,)?) => {
        $(if !$crate::support::requires::met($feature) {
            return;
        })+
    };
}
pub(crate) use requires;

/// Whether the machine has the feature; if not, the skip is printed and counted.
pub fn met(feature: &str) -> bool {
    let Err(why) = probe(feature) else { return true };
    super::skip::skip(&why);
    false
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn probe(feature: &str) -> Result<(), String> {
    let check = |condition: bool, why: &str| if condition { Ok(()) } else { Err(why.to_string()) };
    match feature.split_once(':') {
        Some(("program", name)) => check(program(name), &format!("no program {name}")),
        Some(("kernel", version)) => check(
            kernel() >= parse_version(version),
            &format!("no kernel {version}"),
        ),
        _ => match feature {
            "root" => check(is_root(), "needs root"),
            "user" => check(!is_root(), "needs an ordinary user"),
            "sub-ids" => sub_ids(),
            "user-namespaces" => check(user_namespaces(), "user namespaces are not to be had"),
            "dnotify" => check(dnotify(), "the kernel has no F_NOTIFY"),
            "static" => check(is_static(), "needs a static build of the program"),
            "cgroup" => super::group::Group::new().map(drop),
            "lent-content" => lent_content(),
            "debian" => check(
                crate::distribution::archive().is_file(),
                "no Debian root file system (.ci/debian makes it)",
            ),
            other => panic!("no such feature: {other}"),
        },
    }
}

pub fn program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|directory| directory.join(name).is_file())
}

fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("proc is mounted");
    parse_version(&release)
}

fn parse_version(text: &str) -> (u32, u32) {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn sub_ids() -> Result<(), String> {
    if is_root() {
        return Ok(());
    }
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_str()))
        .map_or(uid.clone(), |fields| fields[0].to_string());
    for file in ["/etc/subuid", "/etc/subgid"] {
        let text = fs::read_to_string(file).unwrap_or_default();
        let owner = |line: &str| {
            line.split(':')
                .next()
                .is_some_and(|owner| owner == name || owner == uid)
        };
        if !text.lines().any(owner) {
            return Err(format!("no range of ids for {name} in {file}"));
        }
    }
    if program("newuidmap") && program("newgidmap") {
        Ok(())
    } else {
        Err("no program newuidmap".to_string())
    }
}

/// Directories that tell by signals of what changes in them; asked for with nothing to be told.
fn dnotify() -> bool {
    use std::os::fd::AsRawFd;
    let directory = fs::File::open("/").expect("there is a root");
    // SAFETY: the descriptor is open, and a number is all that is read.
    let asked = unsafe { libc::fcntl(directory.as_raw_fd(), libc::F_NOTIFY, 0) };
    asked == 0
}

fn user_namespaces() -> bool {
    Command::new("unshare")
        .args(["--user", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Tried out with mount(8): kernels of distributions and the file systems below know more or less than a version says.
fn lent_content() -> Result<(), String> {
    use rustix::fs::{XattrFlags, setxattr};
    let place = tempfile::tempdir_in(super::sandbox::base()).expect("make a directory");
    let path = |name: &str| place.path().join(name);
    for name in ["lower", "data", "seen"] {
        fs::create_dir(path(name)).expect("our own directory");
    }
    fs::write(path("data/1"), "content").expect("our own directory");
    fs::write(path("lower/file"), "no text").expect("our own directory");
    for (name, value) in [("redirect", "/1"), ("metacopy", "")] {
        let name = format!("user.overlay.{name}");
        setxattr(path("lower/file"), name, value.as_bytes(), XattrFlags::empty())
            .map_err(|error| format!("no attributes of files here: {error}"))?;
    }
    let script = "mount -t overlay none -o userxattr,lowerdir=lower::data seen && cat seen/file";
    let namespaces = match is_root() {
        true => &["--mount"][..],
        false => &["--user", "--map-root-user", "--mount"],
    };
    let mut unshare = Command::new("unshare");
    unshare.args(namespaces).args(["sh", "-c", script]);
    let seen = unshare.current_dir(place.path()).output();
    match seen.is_ok_and(|seen| seen.stdout == b"content") {
        true => Ok(()),
        false => Err("no overlayfs that takes content from elsewhere".to_string()),
    }
}

/// Whether the program under test asks for no loader (ELF, program headers of type 3) and so can run in any image.
fn is_static() -> bool {
    let file = fs::read(super::sandbox::binary_under_test()).expect("read the program under test");
    let number = |at: usize, length: usize| {
        let bytes = file[at..at + length].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).all(|index| number(table + index * size, 4) != 3)
}
