//! One command that hangs: the others go on.

use crate::death::{IMAGE, assert_clean};
use crate::support::registry::{Content, Fake};
use crate::support::{Compression, Entry, Format, Image, Invocation, Sandbox, killer};

/// Holds a command at one step after the other, and acts on other objects meanwhile: all of that is answered.
fn held(sandbox: &Sandbox, mut prepare: impl FnMut(), command: impl Fn() -> Invocation) {
    let stride = std::env::var("CORACLE_TEST_STEPS").map_or(29, |text| text.parse().unwrap());
    let mut number = 0;
    loop {
        prepare();
        sandbox
            .coracle(["create", "--name", "other", IMAGE, "true"])
            .run()
            .succeeds();
        let others = || {
            sandbox.coracle(["ps", "-a"]).run().succeeds();
            sandbox.coracle(["images"]).run().succeeds();
            sandbox.coracle(["inspect", "other"]).run().succeeds();
            sandbox.coracle(["rm", "other"]).run().succeeds();
        };
        let Some(step) = killer::hold_at(command(), number, others) else {
            break;
        };
        eprintln!("step {number}: {}", step.call);
        number += stride;
    }
    sandbox.coracle(["rm", "other"]).run().succeeds();
    assert!(number > 0, "no step was seen");
}

/// A container that runs all the time. The first command of an ordinary user makes the user namespace that the others share,
/// and they wait for it: one that is held there hinders them.
fn keep_namespace(sandbox: &Sandbox) {
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "keeper", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
}

fn end_namespace(sandbox: &Sandbox) {
    sandbox
        .coracle(["rm", "-f", "-t", "0", "keeper"])
        .run()
        .succeeds();
}

#[test]
fn a_container_command_that_hangs_hinders_nobody_else() {
    let sandbox = Sandbox::new();
    keep_namespace(&sandbox);
    let gone = || {
        sandbox.coracle(["rm", "-f", "--ignore", "one"]).run().succeeds();
    };
    let make = || {
        gone();
        sandbox
            .coracle(["create", "--name", "one", IMAGE, "true"])
            .run()
            .succeeds();
    };
    let run = || {
        gone();
        sandbox
            .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
            .run()
            .succeeds();
    };
    held(&sandbox, gone, || {
        sandbox.coracle(["create", "--name", "one", IMAGE, "true"])
    });
    // Its monitor is traced as well, and has to end for the trace to end.
    held(&sandbox, make, || sandbox.coracle(["start", "--attach", "one"]));
    held(&sandbox, run, || sandbox.coracle(["stop", "-t", "0", "one"]));
    held(&sandbox, make, || sandbox.coracle(["rm", "one"]));
    gone();
    held(
        &sandbox,
        || (),
        || sandbox.coracle(["run", "--rm", "-v", "/data", IMAGE, "true"]),
    );
    end_namespace(&sandbox);
    assert_clean(&sandbox);
}

#[test]
fn an_image_command_that_hangs_hinders_nobody_else() {
    let sandbox = Sandbox::new();
    keep_namespace(&sandbox);
    let image = Image::new().name("localhost/held:latest").compressed_layer(
        &[Entry::directory("d"), Entry::file("d/one", "1")],
        Compression::Gzip,
    );
    let archive = sandbox.path("tmp/held.tar");
    image.write(&archive, Format::OciArchive);
    let content = Content::of(&image, &sandbox.path("tmp"));
    let registry = Fake::start(move |asked| content.answer(asked));
    let name = format!("{}/test:v1", registry.host);
    let remove = |name: &str| {
        sandbox.coracle(["rmi", "--ignore", name]).run().succeeds();
    };
    held(
        &sandbox,
        || remove("held"),
        || sandbox.coracle(["load", "-q", "-i"]).arg(&archive),
    );
    held(
        &sandbox,
        || remove(&name),
        || sandbox.coracle(["pull", "-q", &name]),
    );
    remove("held");
    let load = || {
        sandbox
            .coracle(["load", "-q", "-i"])
            .arg(&archive)
            .run()
            .succeeds();
    };
    held(&sandbox, load, || sandbox.coracle(["rmi", "held"]));
    remove(&name);
    end_namespace(&sandbox);
}
