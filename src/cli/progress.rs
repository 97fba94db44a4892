//! How far layers are on their way, on standard error: lines redrawn in place on a terminal, plain lines or JSON
//! elsewhere.
//!
//! On a terminal the cursor always stands below what was drawn, and nothing about the terminal is changed. So there is
//! nothing to restore, however the program ends.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::json;

use super::context::variable;
use super::output::clean;
use super::report;
use super::terminal;
use crate::base::digest::Digest;
use crate::base::units::size;

/// The words of `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    #[default]
    Auto,
    Plain,
    Tty,
    Json,
    None,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    Waiting,
    /// Bytes, and how many there are in all.
    Moving(u64, u64),
    Done,
}

/// Where progress is shown. Several threads may tell what they do.
pub enum Display {
    Silent,
    Plain,
    Json,
    Terminal(Mutex<Screen>),
}

/// A terminal is drawn anew at most this often for bytes that have come.
const PAUSE: Duration = Duration::from_millis(100);
/// Columns of the longest and of the shortest bar, without its ends.
const BAR: std::ops::RangeInclusive<usize> = 10..=50;
/// Rows and columns of a terminal that does not know them.
const USUAL: (u16, u16) = (24, 80);

impl Display {
    pub fn new(progress: Progress, quiet: bool) -> Self {
        match progress {
            _ if quiet => Self::Silent,
            Progress::None => Self::Silent,
            Progress::Json => Self::Json,
            Progress::Tty => Self::Terminal(Mutex::default()),
            Progress::Auto if is_drawable() => Self::Terminal(Mutex::default()),
            Progress::Auto | Progress::Plain => Self::Plain,
        }
    }

    /// Tells something of the whole. What was drawn of layers before stays above it as it is at the end.
    pub fn say(&self, text: &str) {
        match self {
            Self::Silent => {}
            Self::Plain => report::say(text),
            Self::Json => write(&format!("{}\n", json!({ "status": text }))),
            Self::Terminal(screen) => {
                let mut screen = screen.lock().expect("no thread panics with the lock");
                screen.draw();
                *screen = Screen::default();
                write(&format!("{}\r\n", clean(text)));
            }
        }
    }

    /// Warns; what is drawn of layers goes on below.
    pub fn warn(&self, text: &str) {
        if let Self::Terminal(screen) = self {
            let mut screen = screen.lock().expect("no thread panics with the lock");
            screen.draw();
            screen.drawn.clear();
        }
        report::warn(text);
    }

    /// Tells how far a layer is.
    pub fn layer(&self, digest: &Digest, status: &'static str, stage: Stage) {
        let id = digest.hex()[..12].to_owned();
        match self {
            Self::Silent => {}
            Self::Plain if matches!(stage, Stage::Moving(..)) => {}
            Self::Plain => report::say(&format!("{id}: {status}")),
            Self::Json => {
                let detail = match stage {
                    Stage::Moving(current, total) => json!({ "current": current, "total": total }),
                    Stage::Waiting | Stage::Done => json!({}),
                };
                let line = json!({ "status": status, "progressDetail": detail, "id": id });
                write(&format!("{line}\n"));
            }
            Self::Terminal(screen) => {
                let mut screen = screen.lock().expect("no thread panics with the lock");
                let is_news = screen.set(Line { id, status, stage });
                if is_news || screen.last.is_none_or(|last| last.elapsed() >= PAUSE) {
                    screen.draw();
                }
            }
        }
    }
}

/// Whether standard error is a terminal that can move its cursor.
fn is_drawable() -> bool {
    io::stderr().is_terminal() && variable("TERM").is_some_and(|name| name != "dumb")
}

fn write(text: &str) {
    // Nobody is left to be told that standard error cannot be written.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// What is shown of one layer.
struct Line {
    id: String,
    status: &'static str,
    stage: Stage,
}

/// The lines of all layers, and what is drawn of them.
#[derive(Default)]
pub struct Screen {
    lines: Vec<Line>,
    /// The lengths of the lines above the cursor that are ours.
    drawn: Vec<usize>,
    /// Whether these show what the lines are now.
    is_drawn: bool,
    last: Option<Instant>,
}

impl Screen {
    /// Whether there is more to tell of a line than that it got on.
    fn set(&mut self, line: Line) -> bool {
        self.is_drawn = false;
        match self.lines.iter_mut().find(|known| known.id == line.id) {
            Some(known) => std::mem::replace(known, line).status != known.status,
            None => {
                self.lines.push(line);
                true
            }
        }
    }

    /// Draws the lines over those that are there, in one write, so that nothing gets between.
    fn draw(&mut self) {
        if self.is_drawn || self.lines.is_empty() {
            return;
        }
        let (rows, columns) = terminal::size(io::stderr().as_fd()).unwrap_or(USUAL);
        let columns = usize::from(columns);
        let frame = frame(&self.lines, usize::from(rows), columns);
        write(&redraw(&self.drawn, &frame, columns));
        self.drawn = frame.iter().map(String::len).collect();
        self.last = Some(Instant::now());
        self.is_drawn = true;
    }
}

/// What moves the cursor up over `drawn`, as long as the lines now are on a terminal of so many columns, and replaces
/// it. Lines end with a carriage return for terminals in raw mode.
fn redraw(drawn: &[usize], frame: &[String], columns: usize) -> String {
    let rows: usize = drawn
        .iter()
        .map(|length| length.div_ceil(columns.max(1)).max(1))
        .sum();
    let mut text = String::from("\r");
    if rows > 0 {
        let _ = write!(text, "\x1b[{rows}A");
    }
    for line in frame {
        let _ = write!(text, "{line}\x1b[K\r\n");
    }
    text + "\x1b[J"
}

/// The lines that a terminal has room for: those first that something happens to.
fn frame(lines: &[Line], rows: usize, columns: usize) -> Vec<String> {
    // The cursor has a row of its own, and the last column stays free: some terminals wrap there.
    let (rows, columns) = (rows.saturating_sub(1).max(1), columns.saturating_sub(1).max(1));
    if lines.len() <= rows {
        return lines.iter().map(|line| line.show(columns)).collect();
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|index| match lines[*index].stage {
        Stage::Moving(..) => 0,
        Stage::Waiting => 1,
        Stage::Done => 2,
    });
    order.truncate(rows - 1);
    order.sort_unstable();
    let mut frame: Vec<String> = order.iter().map(|index| lines[*index].show(columns)).collect();
    let done = lines.iter().filter(|line| line.stage == Stage::Done).count();
    let hidden = lines.len() - frame.len();
    frame.push(cut(
        format!("and {hidden} more layers, {done} of {} complete", lines.len()),
        columns,
    ));
    frame
}

impl Line {
    fn show(&self, columns: usize) -> String {
        let mut text = format!("{}: {}", self.id, self.status);
        if let Stage::Moving(current, total) = self.stage {
            let amounts = format!("{}/{}", size(current), size(total));
            // Two spaces and the ends of the bar.
            let room = columns.saturating_sub(text.len() + amounts.len() + 4);
            if room >= *BAR.start() {
                let room = room.min(*BAR.end());
                let filled =
                    (room as u128 * u128::from(current.min(total)) / u128::from(total.max(1))) as usize;
                let head = if filled < room { ">" } else { "" };
                let bar = "=".repeat(filled) + head;
                let _ = write!(text, " [{bar:room$}]");
            }
            let _ = write!(text, " {amounts}");
        }
        cut(text, columns)
    }
}

/// All of it is ASCII, so that bytes are columns.
fn cut(mut text: String, columns: usize) -> String {
    text.truncate(columns);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, status: &'static str, stage: Stage) -> Line {
        Line {
            id: id.into(),
            status,
            stage,
        }
    }

    #[test]
    fn a_line_fits_its_terminal() {
        let moving = line(
            "0123456789ab",
            "Downloading",
            Stage::Moving(25_000_000, 100_000_000),
        );
        let bar = format!("[{}>{}]", "=".repeat(12), " ".repeat(37));
        assert_eq!(
            moving.show(120),
            format!("0123456789ab: Downloading {bar} 25MB/100MB")
        );
        for (columns, expected) in [
            (49, "0123456789ab: Downloading [==>       ] 25MB/100MB"),
            (48, "0123456789ab: Downloading 25MB/100MB"),
            (20, "0123456789ab: Downlo"),
        ] {
            assert_eq!(moving.show(columns), expected, "{columns}");
        }
        for (current, total) in [(0, 0), (9, 0), (5, 5), (u64::MAX, u64::MAX), (9, 5)] {
            let shown = line("x", "Downloading", Stage::Moving(current, total)).show(79);
            assert!(shown.len() <= 79, "{shown}");
        }
    }

    #[test]
    fn more_layers_than_rows_show_what_moves() {
        let stage = |number: u64| match number {
            3 | 7 => Stage::Moving(1, 2),
            0..3 => Stage::Done,
            _ => Stage::Waiting,
        };
        let lines: Vec<Line> = (0..10)
            .map(|number| line(&number.to_string(), "x", stage(number)))
            .collect();
        let starts: Vec<String> = frame(&lines, 5, 80)
            .iter()
            .map(|line| line.chars().take(6).collect())
            .collect();
        assert_eq!(starts, ["3: x [", "4: x", "7: x [", "and 7 "]);
        assert_eq!(frame(&lines, 11, 80).len(), 10);
        assert_eq!(frame(&lines, 1, 80), ["and 10 more layers, 3 of 10 complete"]);
        assert_eq!(frame(&lines, 0, 0), ["a"]);
    }

    #[test]
    fn what_was_drawn_is_drawn_over() {
        let frame = ["ab".to_owned(), "c".to_owned()];
        assert_eq!(redraw(&[], &frame, 80), "\rab\x1b[K\r\nc\x1b[K\r\n\x1b[J");
        // A line that a narrower terminal has broken takes two rows.
        assert!(redraw(&[50, 40, 0], &frame, 40).starts_with("\r\x1b[4A"));
    }
}
