//! The program of the image `hello`: this one, started under that name inside of a container.

use std::io::Write;
use std::process::ExitCode;

use crate::image::greeting;

/// Greets, and tells what can be seen from inside.
pub fn run() -> ExitCode {
    match std::io::stdout().write_all(greeting::report().as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
