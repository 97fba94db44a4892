//! Small static programs for inside a container, compiled when a test asks for them.

use std::path::PathBuf;

use super::run::Invocation;
use super::sandbox::Sandbox;

/// Prints what a process is allowed and holds: one `key value` a line.
pub const PROBE: (&str, &str) = ("probe", include_str!("programs/probe.c"));

/// Swaps two names for as long as it runs.
pub const RACER: (&str, &str) = ("racer", include_str!("programs/racer.c"));

/// Runs a command and adopts what it leaves behind, as a container engine's shim does.
pub const ADOPTER: (&str, &str) = ("adopter", include_str!("programs/adopter.c"));

/// Reaches for every process that enters its pid namespace, by ptrace and by `/proc`.
pub const TRACER: (&str, &str) = ("tracer", include_str!("programs/tracer.c"));

/// Fills a System V shared memory segment and leaves it behind.
pub const SEGMENT: (&str, &str) = ("segment", include_str!("programs/segment.c"));

impl Sandbox {
    /// Compiles a program and gives its path below the sandbox.
    #[track_caller]
    pub fn compile(&self, (name, source): (&str, &str)) -> PathBuf {
        let path = self.path("tmp").join(name);
        Invocation::new("cc")
            .args(["-static", "-O1", "-Wall", "-Werror", "-x", "c", "-", "-o"])
            .arg(&path)
            .input(source)
            .run()
            .succeeds();
        path
    }
}
