//! The program: a hidden stage if it was started as one, else the command line.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use coracle::engine::descriptors::Announced;
use coracle::engine::health::{self, CHECK_STAGE, STARTUP_WORD};
use coracle::engine::monitor::{self, Manner};
use coracle::engine::start::{GUARD_WORD, LINGER_WORD, MONITOR_STAGE, STREAMS_WORD, WAIT_WORD};
use coracle::image::embedded;
use coracle::store::recording::Recording;

fn main() -> ExitCode {
    let mut line: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_stage(&line) {
        return code;
    }
    // Other engines call an OCI runtime by its path, and give options before the command.
    let program = line.first().map(Path::new).and_then(Path::file_name);
    if program.is_some_and(|name| name == "coracle-runtime") {
        line.insert(1, "runtime".into());
    }
    coracle::cli::main(line)
}

/// What another part of us executes: recognised before the command line is read, since it must start fast.
fn hidden_stage(line: &[OsString]) -> Option<ExitCode> {
    let program = line.first().map(Path::new).and_then(Path::file_name)?;
    if program == embedded::PROGRAM {
        return Some(coracle::cli::hello::run());
    }
    match line {
        [_, stage, root, id, rest @ ..] if stage == MONITOR_STAGE => {
            let has = |wanted| rest.iter().any(|word| word == wanted);
            let manner = Manner {
                lingers: has(LINGER_WORD),
                recording: Recording::read(rest),
                is_guarded: has(GUARD_WORD),
                has_streams: has(STREAMS_WORD),
                waits: has(WAIT_WORD),
            };
            let announced = Announced::read(rest.iter().filter_map(|word| word.to_str()));
            let code = monitor::run(Path::new(root), id.to_str()?, manner, &announced);
            Some(ExitCode::from(u8::try_from(code).unwrap_or(125)))
        }
        [_, stage, root, id, rest @ ..] if stage == CHECK_STAGE => {
            let is_startup = rest.first().is_some_and(|word| word == STARTUP_WORD);
            let code = health::run(Path::new(root), id.to_str()?, is_startup, Recording::read(rest));
            Some(ExitCode::from(u8::try_from(code).unwrap_or(125)))
        }
        _ => None,
    }
}
