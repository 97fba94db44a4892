//! Logs: nothing of them is lost, whoever reads them when.

use rustix::process::Signal;

use super::death::{IMAGE, eventually};
use super::support::Sandbox;

fn log(sandbox: &Sandbox) -> Vec<u8> {
    sandbox.coracle(["logs", "one"]).run().succeeds().stdout
}

#[test]
fn whoever_has_waited_finds_the_last_output_in_the_log() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let running = sandbox
        .coracle(["run", "--name", "one", IMAGE, "yes"])
        .output_to(writer)
        .start();
    let exec = || sandbox.coracle(["exec", "one", "true"]).run();
    eventually("the container runs", || exec().code == Some(0));
    // Until everything between the payload and the reader is full.
    let mut length = 0;
    eventually("the payload cannot write", || {
        let before = std::mem::replace(&mut length, log(&sandbox).len());
        length > 0 && length == before
    });
    sandbox.coracle(["kill", "one"]).run().succeeds();
    sandbox.coracle(["wait", "one"]).run().prints("137\n");
    let after_wait = log(&sandbox);
    let mut given = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(reader), &mut given).unwrap();
    running.wait();
    assert!(after_wait.len() > length);
    assert_eq!(log(&sandbox).len(), after_wait.len());
    assert_eq!(given.len(), after_wait.len());
    sandbox.coracle(["rm", "one"]).run().succeeds();
}

#[test]
fn a_last_line_without_an_end_is_in_the_log_when_the_end_is_known() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "printf one; printf two >&2; read line; printf three";
    let running = sandbox
        .coracle(["run", "-i", "--name", "one", IMAGE, "sh", "-c", script])
        .start();
    running.expect("one");
    let follower = sandbox.coracle(["logs", "-f", "one"]).start();
    let waiter = sandbox.coracle(["wait", "one"]).start();
    running.signal(Signal::KILL);
    running.wait();
    waiter.wait().prints("0\n");
    assert_eq!(log(&sandbox), b"onethree");
    follower.wait().prints("onethree").says("two");
    sandbox.coracle(["rm", "one"]).run().succeeds();
}
