//! How long the phases of a command take, for whoever asks: every layer says here what it begins.
//!
//! A phase lasts until the next one begins, so that all together are the whole command. Where nobody asked
//! [`phase`] looks at one flag and does nothing more, not even ask for the time.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::time::{ClockId, clock_gettime};

/// The beginning of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub name: Cow<'static, str>,
    /// Nanoseconds of CLOCK_MONOTONIC, which is the same in all processes.
    pub at: u64,
}

/// Most phases that are kept: each of many images of one command has some.
const LIMIT: usize = 4096;

static IS_ON: AtomicBool = AtomicBool::new(false);
static COURSE: Mutex<Course> = Mutex::new(Course(Vec::new()));

/// Begins to measure.
pub fn begin(first: &'static str) {
    IS_ON.store(true, Ordering::Relaxed);
    phase(first);
}

/// Whether somebody asked.
#[inline]
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// A phase begins, and the one before is over.
#[inline]
pub fn phase(name: &'static str) {
    if is_on() {
        course().mark(name.into(), now());
    }
}

/// The same where the phase `before` is going on, and only there.
#[inline]
pub fn follow(before: &str, name: &'static str) {
    if is_on() {
        course().follow(before, name, now());
    }
}

/// Does something that is a phase of its own within another.
pub fn within<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    if !is_on() {
        return work();
    }
    let before = course().last().cloned();
    phase(name);
    let result = work();
    if let Some(before) = before {
        course().mark(before, now());
    }
    result
}

/// Adds what another process has measured meanwhile.
pub fn add(others: Vec<Mark>) {
    course().add(others);
}

/// What was measured until now, and the time; nothing is measured any more.
pub fn end() -> (Vec<Mark>, u64) {
    IS_ON.store(false, Ordering::Relaxed);
    (std::mem::take(&mut course().0), now())
}

/// Marks as one process gives them to another: a line for each, the time and the name.
pub fn encode(marks: &[Mark]) -> Vec<u8> {
    let lines = marks.iter().map(|mark| format!("{} {}\n", mark.at, mark.name));
    lines.collect::<String>().into_bytes()
}

/// Reads what [`encode`] has written; anything else is passed over.
pub fn decode(bytes: &[u8]) -> Vec<Mark> {
    let text = String::from_utf8_lossy(bytes);
    let read = |line: &str| {
        let (at, name) = line.split_once(' ')?;
        let at = at.parse().ok()?;
        let name = Cow::Owned(name.to_owned());
        Some(Mark { name, at })
    };
    text.lines().filter_map(read).collect()
}

/// The phases until now, in their order.
struct Course(Vec<Mark>);

impl Course {
    fn last(&self) -> Option<&Cow<'static, str>> {
        self.0.last().map(|mark| &mark.name)
    }

    fn mark(&mut self, name: Cow<'static, str>, at: u64) {
        if self.0.len() < LIMIT {
            self.0.push(Mark { name, at });
        }
    }

    fn follow(&mut self, before: &str, name: &'static str, at: u64) {
        if self.last().is_some_and(|last| last == before) {
            self.mark(name.into(), at);
        }
    }

    fn add(&mut self, others: Vec<Mark>) {
        let room = LIMIT.saturating_sub(self.0.len());
        self.0.extend(others.into_iter().take(room));
        self.0.sort_by_key(|mark| mark.at);
    }
}

fn course() -> MutexGuard<'static, Course> {
    COURSE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_cross_between_processes() {
        let mark = |name: &'static str, at| Mark {
            name: name.into(),
            at,
        };
        let marks = [mark("a", 1), mark("two words", u64::MAX)];
        assert_eq!(decode(&encode(&marks)), marks);
        assert_eq!(decode(b"x y\n7\n\xff 1\n-1 a\n5 b"), [mark("b", 5)]);
    }

    #[test]
    fn phases_are_in_their_order_and_bounded() {
        let mut course = Course(Vec::new());
        course.follow("first", "not yet", 1);
        course.mark("first".into(), 2);
        course.follow("first", "second", 5);
        course.follow("first", "not any more", 6);
        let other = |at| Mark {
            name: "other".into(),
            at,
        };
        course.add(vec![other(3), other(4), other(9)]);
        let seen: Vec<_> = course
            .0
            .iter()
            .map(|mark| (mark.name.as_ref(), mark.at))
            .collect();
        let expected = [
            ("first", 2),
            ("other", 3),
            ("other", 4),
            ("second", 5),
            ("other", 9),
        ];
        assert_eq!(seen, expected);
        course.add(vec![other(7); LIMIT]);
        course.mark("one too many".into(), 10);
        assert_eq!(course.0.len(), LIMIT);
    }
}
