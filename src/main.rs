//! The program: a hidden stage if it was started as one, else the command line.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut line: Vec<OsString> = std::env::args_os().collect();
    // Other engines call an OCI runtime by its path, and give options before the command.
    let program = line
        .first()
        .map(std::path::Path::new)
        .and_then(|path| path.file_name())
        .map(OsString::from);
    if program.as_ref().is_some_and(|name| name == "coracle-runtime") {
        line.insert(1, "runtime".into());
    }
    if program.is_some_and(|name| name == coracle::image::embedded::PROGRAM) {
        return coracle::cli::hello::run();
    }
    coracle::cli::main(line)
}
