//! What the monitor does about its container's health.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::super::health::NOT_RUN;
use super::Monitor;
use super::checks::{Checks, Verdict};
use crate::base::file::{Durability, replace};
use crate::store::container::Status;
use crate::store::events::Event;
use crate::store::health::{Destination, OnFailure, Outcome, Report};

impl Monitor {
    /// Begins to check the payload that has just been started.
    pub(super) fn begin_checks(&mut self) {
        self.checks = self.container.config.health.as_deref().map(Checks::new);
        self.store_health();
    }

    /// Goes on with the checks that the record has by now.
    pub(super) fn take_checks(&mut self) {
        self.read_record();
        if self.state.status == Status::Running {
            match (&mut self.checks, self.container.config.health.as_deref()) {
                (Some(checks), Some(health)) => checks.change(health),
                (checks, health) => *checks = health.map(Checks::new),
            }
            self.store_health();
            if self.checks.is_none() {
                self.clients.part_from_watchers();
            }
        }
        self.clients.confirm_change();
    }

    /// Does what is due.
    pub(super) fn attend_checks(&mut self, has_result: bool) {
        if has_result && (self.state.stopped || self.deadline.is_some()) {
            // It was killed with what it checked.
            return self.interrupt_checks();
        }
        let Some(checks) = &mut self.checks else {
            return;
        };
        let is_due = checks.due().is_some_and(|due| due <= Instant::now());
        let result = match (checks.source().is_some(), is_due) {
            (true, _) if has_result || is_due => checks.attend(),
            (false, true) => {
                let cgroup = self.payload.as_ref().and_then(|payload| payload.cgroup.as_ref());
                if cgroup.is_some_and(|cgroup| cgroup.is_frozen()) {
                    checks.put_off();
                    return;
                }
                checks.begin(&self.engine.store, &self.container.id)
            }
            _ => None,
        };
        self.judge(result);
    }

    /// A check that is being made when the container ends, or is about to, has no result.
    pub(super) fn interrupt_checks(&mut self) {
        if self.checks.as_mut().is_some_and(Checks::interrupt) {
            self.store_health();
            self.tell_health(Some(NOT_RUN));
        }
    }

    /// Somebody wants to know now.
    pub(super) fn check_now(&mut self) {
        if let Some(checks) = &mut self.checks {
            let result = checks.begin(&self.engine.store, &self.container.id);
            self.judge(result);
        }
    }

    fn judge(&mut self, result: Option<(i32, Verdict)>) {
        let Some((code, verdict)) = result else {
            return;
        };
        self.store_health();
        self.tell_of_check();
        self.tell_health(Some(code));
        let action = self
            .container
            .config
            .health
            .as_ref()
            .map(|health| health.on_failure);
        if self
            .checks
            .as_ref()
            .is_some_and(|checks| checks.report.condition.word() == "healthy")
        {
            self.notify_of_health();
        }
        match (verdict, action.unwrap_or_default()) {
            (Verdict::GoOn, _) | (Verdict::Unhealthy, OnFailure::None) => {}
            (Verdict::NotStarted, _) => self.end_for_health("its startup check failed", true),
            (Verdict::Unhealthy, OnFailure::Restart) => self.end_for_health("its health check failed", true),
            (Verdict::Unhealthy, OnFailure::Stop) => {
                self.is_last = true;
                self.end_for_health("its health check failed", false);
            }
            (Verdict::Unhealthy, OnFailure::Kill) => {
                self.cause = "its health check failed".into();
                self.signal(Signal::KILL.as_raw());
            }
        }
    }

    fn end_for_health(&mut self, cause: &str, starts_anew: bool) {
        self.cause = cause.into();
        self.starts_anew = starts_anew;
        self.ask_to_end(self.container.config.stop_signal);
    }

    pub(super) fn tell_health(&mut self, code: Option<i32>) {
        if let Some(checks) = &self.checks {
            self.clients.tell_health(code, checks.report.condition.word());
        }
    }

    /// Among the events: each change, and each result where the container's results are to be found there.
    fn tell_of_check(&mut self) {
        let Some(checks) = &mut self.checks else {
            return;
        };
        let news = checks.news();
        let mut event = Event::container("health_status", &self.container)
            .with("health_status", checks.report.condition.word());
        let is_wanted = match self
            .container
            .config
            .health
            .as_ref()
            .map(|health| &health.destination)
        {
            Some(Destination::EventsLogger) => {
                if let Some(last) = checks.report.log.back() {
                    event = event.with("health_log", result(last));
                }
                true
            }
            _ => news.is_some(),
        };
        if is_wanted {
            self.engine.store.tell([event]);
        }
    }

    /// A full disk does not end a container for that its health cannot be noted.
    fn store_health(&self) {
        let Some(checks) = &self.checks else {
            return;
        };
        let (store, id) = (&self.engine.store, &self.container.id);
        let _ = store.write_health(self.directory.as_fd(), id, &checks.report);
        if let Some(Destination::Directory(path)) = self
            .container
            .config
            .health
            .as_ref()
            .map(|health| &health.destination)
        {
            let _ = write_log(Path::new(path), id, &checks.report);
        }
    }
}

/// The results as Podman writes them. The container may have the directory or what it lies in, so that the file is made anew and
/// no link followed on the way.
fn write_log(directory: &Path, id: &str, report: &Report) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let directory = rustix::fs::openat2(rustix::fs::CWD, directory, flags, Mode::empty(), resolve)?;
    let log: Vec<_> = report.log.iter().map(result).collect();
    let text = json!({
        "Status": report.condition.word(),
        "FailingStreak": report.streak,
        "Log": log,
    });
    let name = format!("{id}-healthcheck.log");
    replace(
        directory,
        Path::new(&name),
        text.to_string().as_bytes(),
        Durability::Transient,
    )
}

/// The result of one check as Podman writes it.
fn result(outcome: &Outcome) -> Value {
    json!({
        "Start": outcome.start,
        "End": outcome.end,
        "ExitCode": outcome.exit_code,
        "Output": outcome.output,
    })
}
