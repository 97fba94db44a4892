//! How a test that cannot run says so: aloud, and counted. The unit tests of `src/` include this file too.

use std::fs::OpenOptions;
use std::io::Write;

/// Prints and counts that the running test is skipped.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_string();
    let line = format!("SKIPPED: {test}: {why}\n");
    // Not by a print macro: the test runner keeps a passing test's prints to itself.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("CORACLE_TEST_SKIPS") {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .expect("open the list of skips");
        file.write_all(line.as_bytes()).expect("count the skip");
    }
}
