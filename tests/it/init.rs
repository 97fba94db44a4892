//! `init`: containers whose first process waits until they are started.

use std::cell::RefCell;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use super::death::{IMAGE, assert_clean, eventually};
use super::steps::at_every_step;
use crate::support::files::write_program;
use crate::support::group::Group;
use crate::support::run::Outcome;
use crate::support::{Invocation, Sandbox};
use rustix::process::{Pid, Signal, kill_process};

struct Shop {
    sandbox: Sandbox,
    group: Option<Group>,
}

impl Shop {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.busybox();
        let group = Group::if_possible();
        Self { sandbox, group }
    }

    fn command(&self, words: &[&str]) -> Invocation {
        Group::enter(&self.group, self.sandbox.coracle(words))
    }

    #[track_caller]
    fn coracle(&self, words: &[&str]) -> Outcome {
        self.command(words).run()
    }

    /// The container `one`, made with these words and initialized.
    #[track_caller]
    fn initialized(&self, words: &[&str]) {
        let line = [&["create", "--name=one"], words].concat();
        self.coracle(&line).succeeds();
        self.coracle(&["init", "one"]).succeeds().prints("one\n");
    }

    #[track_caller]
    fn show(&self, format: &str) -> String {
        let outcome = self.coracle(&["inspect", "--format", format, "one"]).succeeds();
        outcome.text().trim_end().to_owned()
    }

    #[track_caller]
    fn pid(&self) -> i32 {
        self.show("{{.State.Pid}}").parse().unwrap()
    }

    #[track_caller]
    fn is_clean(&self) {
        assert_clean(&self.sandbox);
        if let Some(group) = &self.group {
            eventually("no group is left", || group.others().is_empty());
        }
    }
}

/// Whether there is such a process that has not ended, though its parent may not know yet.
fn lives(pid: i32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"));
    text.is_ok_and(|text| !text.contains(") Z "))
}

const STATE: &str = "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.StartedAt}}";
const NEVER: &str = "0001-01-01T00:00:00Z";

#[test]
fn everything_is_there_but_the_payload() {
    let shop = Shop::new();
    shop.initialized(&["-v", "vol:/data", "--hostname=h", IMAGE, "sleep", "1000"]);
    assert_eq!(shop.show(STATE), format!("initialized false 0 {NEVER}"));
    let pid = shop.pid();
    assert!(pid > 0);
    let ps = |words: &[&str]| {
        let line = [&["ps", "--format", "{{.Names}} {{.Status}}"], words].concat();
        shop.coracle(&line).succeeds().text().trim_end().to_owned()
    };
    assert_eq!(ps(&[]), "");
    assert_eq!(ps(&["-a"]), "one Initialized");
    assert_eq!(ps(&["--filter=status=initialized"]), "one Initialized");
    assert_eq!(ps(&["--filter=status=created"]), "");
    let improper = "has already been created in runtime: container state improper";
    shop.coracle(&["init", "one"]).exits(125).says(improper);
    let id = shop.show("{{.Id}}");
    let all = format!("{id}\n");
    shop.coracle(&["container", "init", "--all"])
        .succeeds()
        .prints(&all);
    shop.coracle(&["exec", "one", "true"]).exits(255);
    for refused in ["pause", "top", "attach"] {
        shop.coracle(&[refused, "one"]).exits(125);
    }
    shop.coracle(&["logs", "one"]).succeeds().prints("");
    shop.coracle(&["wait", "--condition=initialized", "one"])
        .succeeds();
    shop.coracle(&["why", "one"]).succeeds();
    shop.coracle(&["system", "check"]).succeeds();
    shop.coracle(&["start", "one"]).succeeds().prints("one\n");
    assert_eq!(shop.pid(), pid);
    assert!(shop.show(STATE).starts_with("running true 0 2"));
    shop.coracle(&["init", "one"]).exits(125).says(improper);
    shop.coracle(&["init", "-a"]).succeeds().prints(&all);
    shop.coracle(&["exec", "one", "hostname"])
        .succeeds()
        .prints("h\n");
    shop.coracle(&["rm", "-ft0", "one"]).succeeds();
    shop.coracle(&["volume", "rm", "vol"]).succeeds();
    shop.is_clean();
}

#[test]
fn whoever_starts_it_has_its_streams() {
    let shop = Shop::new();
    for flags in [&["-i"][..], &["-i", "--init"], &["-i", "--rm"]] {
        let script = "cat; echo wrong >&2; exit 3";
        shop.initialized(&[flags, &[IMAGE, "sh", "-c", script]].concat());
        let outcome = shop.command(&["start", "-ai", "one"]).input("typed\n").run();
        outcome.exits(3).prints("typed\n").says("wrong");
        if !flags.contains(&"--rm") {
            shop.coracle(&["logs", "one"]).succeeds().prints("typed\n");
            shop.coracle(&["rm", "one"]).succeeds();
        }
    }
    shop.initialized(&["-t", IMAGE, "tty"]);
    let outcome = shop.coracle(&["start", "-a", "one"]).succeeds();
    assert!(outcome.text().contains("/dev/"), "{outcome}");
    shop.coracle(&["rm", "one"]).succeeds();
    shop.is_clean();
}

#[test]
fn what_ends_it() {
    let shop = Shop::new();
    shop.initialized(&["--restart=always", IMAGE, "sleep", "1000"]);
    for line in [
        &["stop", "one"][..],
        &["stop", "--signal=USR1", "one"],
        &["kill", "one"],
        &["kill", "--signal=TERM", "one"],
    ] {
        let pid = shop.pid();
        let outcome = shop.coracle(line).succeeds();
        assert!(outcome.elapsed < Duration::from_secs(8), "{outcome}");
        shop.coracle(&["wait", "one"]).succeeds().prints("137\n");
        assert_eq!(shop.show(STATE), format!("exited false 137 {NEVER}"));
        assert!(!lives(pid));
        shop.coracle(&["init", "one"]).succeeds();
        assert_eq!(shop.show(STATE), format!("initialized false 0 {NEVER}"));
    }
    shop.coracle(&["rm", "one"]).succeeds().prints("one\n");
    shop.initialized(&[IMAGE, "sleep", "1000"]);
    let id = shop.show("{{.Id}}");
    let pruned = shop.coracle(&["container", "prune", "-f"]).succeeds();
    assert!(pruned.text().contains(&id), "{pruned}");
    shop.initialized(&["--rm", IMAGE, "sleep", "1000"]);
    shop.coracle(&["stop", "one"]).succeeds();
    shop.is_clean();
}

#[test]
fn a_restart_starts_it_and_so_does_the_next_start() {
    let shop = Shop::new();
    shop.initialized(&[IMAGE, "sh", "-c", "sleep 1000"]);
    let pid = shop.pid();
    shop.coracle(&["rename", "one", "two"]).succeeds();
    shop.coracle(&["rename", "two", "one"]).succeeds();
    shop.coracle(&["restart", "one"]).succeeds();
    assert_eq!(shop.pid(), pid);
    shop.coracle(&["stop", "-t0", "one"]).succeeds();
    let started = shop.show("{{.State.StartedAt}}");
    // One that has ended is made anew.
    shop.coracle(&["init", "one"]).succeeds();
    assert_eq!(shop.show(STATE), format!("initialized false 0 {started}"));
    shop.coracle(&["start", "--all"]).succeeds();
    assert_ne!(shop.show("{{.State.StartedAt}}"), started);
    shop.coracle(&["rm", "-ft0", "one"]).succeeds();
    let events = shop.coracle(&["events", "--stream=false", "--format={{.Status}}"]);
    let actions: Vec<String> = events.succeeds().text().lines().map(str::to_owned).collect();
    let told = [
        "create", "init", "rename", "rename", "start", "restart", "died", "cleanup", "stop", "init", "start",
    ];
    let known: Vec<&str> = actions
        .iter()
        .map(String::as_str)
        .filter(|action| told.contains(action))
        .collect();
    assert!(known.starts_with(&told), "{actions:?}");
    shop.is_clean();
}

#[test]
fn programs_that_are_not_there_or_are_none() {
    let shop = Shop::new();
    shop.coracle(&["create", "--name=one", IMAGE, "/nosuch"])
        .succeeds();
    let outcome = shop.coracle(&["init", "one"]);
    outcome.exits(125).says("/nosuch");
    assert_eq!(shop.show("{{.State.Status}}"), "created");
    shop.coracle(&["rm", "one"]).succeeds();
    shop.coracle(&["init", "nosuch"]).exits(125).says("nosuch");
    shop.coracle(&["init"]).exits(125);
    let program = shop.sandbox.path("work/program");
    write_program(&program, "\x7fELF and no more");
    let volume = format!("{}:/program", program.display());
    // Whether one can be executed shows when it is.
    for flags in [&["--restart=always"][..], &["--init"]] {
        let words = [flags, &["-v", &volume, IMAGE, "/program"]].concat();
        shop.initialized(&words);
        shop.coracle(&["start", "one"])
            .exits(125)
            .says("exec format error");
        shop.coracle(&["wait", "one"]).succeeds().prints("126\n");
        assert_eq!(shop.show(STATE), format!("exited false 126 {NEVER}"));
        shop.coracle(&["rm", "one"]).succeeds();
    }
    shop.is_clean();
}

#[test]
fn what_it_requires_must_run() {
    let shop = Shop::new();
    shop.coracle(&["create", "--name=base", IMAGE, "sleep", "1000"])
        .succeeds();
    shop.coracle(&["create", "--name=one", "--requires=base", IMAGE, "sleep", "1000"])
        .succeeds();
    shop.coracle(&["init", "one"]).exits(125).says("does not run");
    shop.coracle(&["start", "base"]).succeeds();
    shop.coracle(&["init", "one"]).succeeds();
    shop.coracle(&["rm", "-fat0"]).succeeds();
    shop.is_clean();
}

#[test]
fn a_first_process_that_waits_has_nothing_of_ours() {
    let shop = Shop::new();
    shop.initialized(&[IMAGE, "true"]);
    let directory = format!("/proc/{}/fd", shop.pid());
    // Of others than the host's superuser it is closed off.
    if let Ok(entries) = fs::read_dir(&directory) {
        let targets = entries
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok());
        let mut kinds: Vec<String> = targets
            .map(|target| target.to_string_lossy().split(':').next().unwrap().to_owned())
            .collect();
        kinds.sort();
        assert_eq!(kinds, ["/dev/null", "pipe", "pipe", "socket"]);
    }
    shop.coracle(&["rm", "one"]).succeeds();
    shop.is_clean();
}

#[test]
fn it_dies_with_its_monitor() {
    let shop = Shop::new();
    shop.initialized(&[IMAGE, "true"]);
    let pid = shop.pid();
    let signal = |signal| {
        let monitor = shop.show("{{.State.ConmonPid}}").parse().unwrap();
        kill_process(Pid::from_raw(monitor).unwrap(), signal).unwrap();
    };
    signal(Signal::KILL);
    eventually("its first process is gone", || !lives(pid));
    assert_eq!(shop.show(STATE), format!("exited false 137 {NEVER}"));
    shop.coracle(&["start", "-a", "one"]).succeeds();
    shop.coracle(&["init", "one"]).succeeds();
    // Asked to end, it ends at once, for nobody could hear the signal.
    signal(Signal::TERM);
    shop.coracle(&["wait", "one"]).succeeds().prints("137\n");
    shop.coracle(&["rm", "one"]).succeeds();
    shop.is_clean();
}

#[test]
fn an_init_killed_at_every_step_can_be_repeated() {
    let shop = Shop::new();
    shop.coracle(&["create", "--name=one", IMAGE, "true"]).succeeds();
    let is_initialized = || shop.show("{{.State.Status}}") == "initialized";
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // An init that nobody kills has made what lives on, and until its end it is traced.
        let end = || {
            while !over.load(Ordering::Relaxed) {
                if is_initialized() {
                    shop.coracle(&["stop", "one"]).succeeds();
                    return;
                }
            }
        };
        let ending: RefCell<Option<ScopedJoinHandle<'_, ()>>> = RefCell::new(None);
        at_every_step(
            || {
                let _ = shop.coracle(&["stop", "one"]);
                over.store(false, Ordering::Relaxed);
                *ending.borrow_mut() = Some(scope.spawn(end));
                shop.command(&["init", "one"])
            },
            || {
                over.store(true, Ordering::Relaxed);
                ending.take().unwrap().join().unwrap();
                eventually("it is initialized", || {
                    shop.coracle(&["init", "one"]).code == Some(0) || is_initialized()
                });
                // The payload never ran.
                assert_eq!(shop.show("{{.State.StartedAt}}"), NEVER);
            },
        );
    });
    shop.coracle(&["start", "-a", "one"]).succeeds();
    shop.coracle(&["rm", "one"]).succeeds();
    shop.is_clean();
}

#[test]
fn a_start_of_an_initialized_one_killed_at_every_step_can_be_repeated() {
    let shop = Shop::new();
    shop.coracle(&["create", "--name=one", IMAGE, "true"]).succeeds();
    at_every_step(
        || {
            let _ = shop.coracle(&["init", "one"]);
            shop.command(&["start", "-a", "one"])
        },
        || {
            eventually("it starts and ends", || {
                shop.coracle(&["start", "-a", "one"]).code == Some(0)
            });
        },
    );
    shop.coracle(&["rm", "one"]).succeeds();
    shop.is_clean();
}
