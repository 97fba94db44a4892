//! Runs commands in turn and says how long each took: the clock of all benchmarks. Needs no crate, so that
//! `rustc -O benches/turns.rs` builds it in a second.
//!
//! usage: turns [--runs N] [--pause MS] [--at-once N] [--unit us|ms|s] FILE
//!
//! Each line of FILE is `name<TAB>command<TAB>command to run before, untimed`; the last part may be missing. Words are
//! separated by spaces; there is no shell. The first line is what the others are compared with.
//!
//! Commands take turns, the order rotates from round to round and a pause lies between, because what one leaves the
//! kernel to do would else be charged to its neighbour. With `--at-once` each command instead runs N times with that
//! many running together.

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Line {
    name: String,
    command: Vec<String>,
    before: Vec<String>,
    times: Vec<Duration>,
    errors: usize,
}

struct Options {
    runs: usize,
    pause: Duration,
    at_once: usize,
    unit: f64,
    file: String,
}

fn main() {
    let options = options();
    let text = std::fs::read_to_string(&options.file).expect("read the list of commands");
    let mut lines: Vec<Line> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(Line::parse)
        .collect();
    let started = Instant::now();
    if options.at_once > 0 {
        for line in &mut lines {
            line.flood(options.runs, options.at_once);
        }
    } else {
        take_turns(&mut lines, &options);
    }
    report(&mut lines, &options, started.elapsed());
}

fn options() -> Options {
    let mut options = Options {
        runs: 200,
        pause: Duration::from_millis(20),
        at_once: 0,
        unit: 1e3,
        file: String::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("an option has a value");
        let number = |text: String| text.parse().expect("a number");
        match word.as_str() {
            "--runs" => options.runs = number(value()),
            "--pause" => options.pause = Duration::from_millis(number(value()) as u64),
            "--at-once" => options.at_once = number(value()),
            "--unit" => {
                options.unit = match value().as_str() {
                    "us" => 1e6,
                    "s" => 1.0,
                    _ => 1e3,
                }
            }
            _ => options.file = word,
        }
    }
    options
}

/// Three rounds to warm up, which are not counted, then the rounds that are.
fn take_turns(lines: &mut [Line], options: &Options) {
    let warm_up = 3.min(options.runs / 2);
    let count = lines.len();
    for round in 0..warm_up + options.runs {
        for turn in 0..count {
            let line = &mut lines[(turn + round) % count];
            if !line.before.is_empty() {
                let _ = spawn(&line.before, Stdio::null());
            }
            std::thread::sleep(options.pause);
            let (elapsed, succeeded) = line.once();
            if round < warm_up {
                continue;
            }
            if succeeded {
                line.times.push(elapsed);
            } else {
                line.errors += 1;
            }
        }
    }
}

fn spawn(words: &[String], stderr: Stdio) -> bool {
    Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .status()
        .is_ok_and(|status| status.success())
}

impl Line {
    fn parse(text: &str) -> Self {
        let mut parts = text.split('\t');
        let mut words = || -> Vec<String> {
            parts
                .next()
                .unwrap_or("")
                .split_whitespace()
                .map(String::from)
                .collect()
        };
        let name = words().join(" ");
        let command = words();
        assert!(!command.is_empty(), "{name} has no command");
        Self {
            name,
            command,
            before: words(),
            times: Vec::new(),
            errors: 0,
        }
    }

    fn once(&self) -> (Duration, bool) {
        let own = self
            .error_path()
            .with_extension(format!("{:?}", std::thread::current().id()));
        let stderr = File::create(&own).map_or_else(|_| Stdio::null(), Stdio::from);
        let started = Instant::now();
        let succeeded = spawn(&self.command, stderr);
        let elapsed = started.elapsed();
        if !succeeded {
            // What a failure says is kept, in the directory for temporary files.
            let _ = std::fs::rename(&own, self.error_path());
        }
        (elapsed, succeeded)
    }

    fn error_path(&self) -> std::path::PathBuf {
        let name: String = self
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        std::env::temp_dir().join(format!("turns-{name}.log"))
    }

    fn flood(&mut self, runs: usize, at_once: usize) {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < runs {
                done.push(self.once());
            }
            done
        };
        let done: Vec<(Duration, bool)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(&work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("a worker does not panic"))
                .collect()
        });
        self.errors = done.iter().filter(|(_, succeeded)| !succeeded).count();
        self.times = done
            .into_iter()
            .filter(|(_, succeeded)| *succeeded)
            .map(|(elapsed, _)| elapsed)
            .collect();
    }

    fn at(&self, fraction: f64) -> f64 {
        let index = ((self.times.len() - 1) as f64 * fraction).round() as usize;
        self.times[index].as_secs_f64()
    }
}

fn report(lines: &mut [Line], options: &Options, elapsed: Duration) {
    let unit = match options.unit {
        1e6 => "µs",
        1e3 => "ms",
        _ => "s",
    };
    for line in lines.iter_mut() {
        line.times.sort();
    }
    let base = lines
        .iter()
        .find(|line| !line.times.is_empty())
        .map(|line| (line.at(0.5), line.at(0.1)));
    let base = base.unwrap_or((1.0, 1.0));
    println!(
        "| command | median {unit} | p10 | p90 | p99 | ratio of medians | ratio of p10 | runs | errors |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for line in lines.iter() {
        if line.times.is_empty() {
            let said = std::fs::read_to_string(line.error_path()).unwrap_or_default();
            println!(
                "| {} | failed: {} |",
                line.name,
                said.lines().last().unwrap_or("it said nothing")
            );
            continue;
        }
        let show = |fraction| format!("{:.2}", line.at(fraction) * options.unit);
        println!(
            "| {} | {} | {} | {} | {} | {:.2} | {:.2} | {} | {} |",
            line.name,
            show(0.5),
            show(0.1),
            show(0.9),
            show(0.99),
            line.at(0.5) / base.0,
            line.at(0.1) / base.1,
            line.times.len(),
            line.errors,
        );
        if line.errors > 0 {
            let said = std::fs::read_to_string(line.error_path()).unwrap_or_default();
            eprintln!("bench: {}: {} failed, one of them with: {}", line.name, line.errors, said.trim());
        }
    }
    if options.at_once > 0 {
        println!(
            "\n{} at a time, {:.1} s in all",
            options.at_once,
            elapsed.as_secs_f64()
        );
    }
}
