//! `--timing`: how long each phase of a command took, written as JSON when the command ends.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::arguments::command_path;
use super::report;
use crate::base::time::rfc3339;
use crate::base::timing::{self, Mark};

/// Where it is written, and the command line that it is about.
struct Wanted {
    file: File,
    line: Vec<OsString>,
}

static WANTED: Mutex<Option<Wanted>> = Mutex::new(None);

/// Begins to measure where the line may ask for it: it is known only when the line has been read, which takes time too.
pub fn begin(line: &[OsString]) {
    if line.iter().any(|word| word.as_bytes().starts_with(b"--timing")) {
        timing::begin("command-line");
    }
}

/// Makes the file, before anything is done.
pub fn open(path: Option<&OsStr>, line: &[OsString]) -> anyhow::Result<()> {
    let Some(path) = path.map(Path::new) else {
        if timing::is_on() {
            timing::end();
        }
        return Ok(());
    };
    let file = File::create(path).with_context(|| format!("cannot write --timing {}", path.display()))?;
    let line = line.to_vec();
    *WANTED.lock().expect("no thread panics with the lock") = Some(Wanted { file, line });
    timing::phase("command");
    Ok(())
}

/// Writes what was measured, if that was asked for.
pub fn tell() {
    if !timing::is_on() {
        return;
    }
    let wanted = WANTED.lock().expect("no thread panics with the lock").take();
    let Some(Wanted { mut file, line }) = wanted else {
        return;
    };
    let (marks, end) = timing::end();
    let first = marks.first().map_or(end, |first| first.at);
    let started = SystemTime::now() - Duration::from_nanos(end.saturating_sub(first));
    let text = document(&command_path(&line).join(" "), &rfc3339(started), &marks, end);
    if let Err(error) = writeln!(file, "{text:#}") {
        report::warn(&format!("cannot write --timing: {error}"));
    }
}

fn document(command: &str, started: &str, marks: &[Mark], end: u64) -> Value {
    let first = marks.first().map_or(end, |first| first.at);
    // Rounded alike, so that each phase begins where the one before ends.
    let micros = |at: u64| at.saturating_sub(first) / 1000;
    let ends = marks.iter().skip(1).map(|mark| mark.at).chain([end]);
    let phases = marks.iter().zip(ends).map(|(mark, end)| {
        json!({
            "name": mark.name,
            "start_us": micros(mark.at),
            "duration_us": micros(end) - micros(mark.at),
        })
    });
    json!({
        "command": command,
        "started": started,
        "total_us": micros(end),
        "phases": phases.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_the_whole() {
        let mark = |name: &'static str, at| Mark {
            name: name.into(),
            at,
        };
        let marks = [mark("a", 1_000), mark("b", 2_999), mark("c", 9_000)];
        let told = document("run", "now", &marks, 10_500);
        assert_eq!(
            told,
            json!({"command": "run", "started": "now", "total_us": 9, "phases": [
                {"name": "a", "start_us": 0, "duration_us": 1},
                {"name": "b", "start_us": 1, "duration_us": 7},
                {"name": "c", "start_us": 8, "duration_us": 1},
            ]})
        );
        let empty = document("", "", &[], 7);
        assert_eq!((&empty["total_us"], &empty["phases"]), (&json!(0), &json!([])));
    }
}
