//! A place of its own for one test: home, run directory, store, and a name for the program by which its processes are
//! known. When it ends, nothing may be left of what ran in it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::image::{Format, Image};
use super::leaks;
use super::requires::is_root;
use super::run::{Ids, Invocation};

/// One test's place. Dropping it ends its containers, looks for leaks (a leak fails the test) and removes it.
pub struct Sandbox {
    pub path: PathBuf,
    ids: Ids,
}

impl Sandbox {
    pub fn new() -> Self {
        let shared = Path::new("/var/lib/coracle-shared");
        assert!(
            !shared.exists(),
            "{} is there: the tests would see its images. Remove it, and let all users share again afterwards",
            shared.display()
        );
        let directory = tempfile::Builder::new()
            .prefix("coracle-test-")
            .tempdir_in(base())
            .expect("make the sandbox");
        let sandbox = Self {
            path: directory.keep(),
            ids: Ids::default(),
        };
        for name in ["home", "tmp", "run", "share", "config", "cache", "work"] {
            let path = sandbox.path(name);
            fs::create_dir(&path).expect("make a directory of the sandbox");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("our own directory");
        }
        fs::write(sandbox.path("storage.conf"), "").expect("our own directory");
        let binary = binary_under_test();
        // A link: the program's processes are then known by a path that no other test has, at no cost.
        if fs::hard_link(&binary, sandbox.binary()).is_err() {
            fs::copy(&binary, sandbox.binary()).expect("copy the program into the sandbox");
        }
        sandbox
    }

    /// With a copy of the program instead of a link, for tests that try to overwrite it.
    pub fn with_own_binary() -> Self {
        let sandbox = Self::new();
        fs::remove_file(sandbox.binary()).expect("the program is there");
        fs::copy(binary_under_test(), sandbox.binary()).expect("copy the program into the sandbox");
        sandbox
    }

    /// A path below the sandbox. `work` is the current directory of what runs.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    pub fn binary(&self) -> PathBuf {
        self.path("coracle")
    }

    pub fn data_root(&self) -> PathBuf {
        self.path("share/coracle")
    }

    pub fn run_root(&self) -> PathBuf {
        self.path("run/coracle")
    }

    /// Writes a file below `work`, with the directories above it.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().expect("below the sandbox"))
            .expect("make directories below the sandbox");
        fs::write(&path, bytes).expect("write a file below the sandbox");
        path
    }

    /// The program, with these arguments, in the sandbox.
    pub fn coracle(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Invocation {
        let mut invocation = self.program(self.binary());
        if is_root() {
            // Root's store lies at a fixed place unless it is named.
            invocation = invocation
                .arg("--root")
                .arg(self.data_root())
                .arg("--runroot")
                .arg(self.run_root());
        }
        invocation.args(arguments)
    }

    /// Any program in the sandbox's environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Invocation {
        Invocation::new(program)
            .empty_env()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_DATA_HOME", self.path("share"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            // The machine's would count as well, with stores that it names.
            .env("CONTAINERS_STORAGE_CONF", self.path("storage.conf"))
            .env("CONTAINERS_CONF", "/dev/null")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            // No monitor lingers for the next command: what is alive after a test is a leak at once. CI would do that as
            // well, and more.
            .env("INVOCATION_ID", "test")
            .directory(&self.path("work"))
            .note_ids(&self.ids)
    }

    /// Loads an image that the test has made; gives the name it was given there.
    #[track_caller]
    pub fn load(&self, image: &Image) {
        let archive = self.path("tmp/image.tar");
        image.write(&archive, Format::OciArchive);
        self.coracle(["load", "--input"]).arg(&archive).run().succeeds();
        fs::remove_file(archive).expect("our own file");
    }

    /// Loads the busybox image and gives its name.
    #[track_caller]
    pub fn busybox(&self) -> &'static str {
        self.load(&Image::busybox());
        "localhost/busybox:latest"
    }

    /// What is left of what ran here, one line each.
    pub fn leaks(&self) -> Vec<String> {
        leaks::find(&self.path, &self.ids.lock().expect("no test panics here"))
    }

    /// Podman leaves a process behind that holds an ordinary user's namespace.
    fn end_podman(&self) {
        let file = self.path("run/libpod/tmp/pause.pid");
        let pid = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    fn end_containers(&self) {
        let containers = self.data_root().join("containers");
        if fs::read_dir(&containers).is_ok_and(|mut entries| entries.next().is_some()) {
            for entry in fs::read_dir(&containers).expect("just read").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                self.ids.lock().expect("no test panics here").insert(name);
            }
            let _ = self
                .coracle(["rm", "--force", "--all"])
                .limit(Duration::from_secs(30))
                .start()
                .finish();
        }
    }

    /// Removes the directory, with files of subordinate ids in it, which only a namespace with those ids may remove.
    fn remove(&self) -> bool {
        if fs::remove_dir_all(&self.path).is_ok() {
            return true;
        }
        let everything = ["rm", "-rf", "--"];
        let store = self.path("share");
        let _ = self
            .coracle(["unshare"])
            .args(everything)
            .arg(&store)
            .start()
            .finish();
        let options = ["--user", "--map-root-user", "--map-auto"];
        let _ = self
            .program("unshare")
            .args(options)
            .args(everything)
            .arg(&store)
            .start()
            .finish();
        fs::remove_dir_all(&self.path).is_ok()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::env::var_os("CORACLE_TEST_KEEP").is_some() {
            eprintln!("kept: {}", self.path.display());
            return;
        }
        self.end_containers();
        self.end_podman();
        // What a command does after it has answered (emptying the trash) ends on its own, soon.
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut left = self.leaks();
        while !left.is_empty() && !std::thread::panicking() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            left = self.leaks();
        }
        leaks::kill(&self.path, &self.ids.lock().expect("no test panics here"));
        let removed = self.remove();
        if !std::thread::panicking() {
            assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
            assert!(removed, "{} cannot be removed", self.path.display());
        }
    }
}

/// Where sandboxes are made.
pub(super) fn base() -> PathBuf {
    std::env::var_os("CORACLE_TEST_TMP").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// `CORACLE_TEST_BINARY`, or the one that cargo built beside the tests.
pub(super) fn binary_under_test() -> PathBuf {
    std::env::var_os("CORACLE_TEST_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_coracle").into(), PathBuf::from)
}
