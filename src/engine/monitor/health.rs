//! What the monitor does about its container's health.

use std::os::fd::AsFd;
use std::time::Instant;

use rustix::process::Signal;

use super::Monitor;
use super::checks::{Checks, Verdict};
use crate::store::events::Event;
use crate::store::health::OnFailure;

impl Monitor {
    /// Begins to check the payload that has just been started.
    pub(super) fn begin_checks(&mut self) {
        self.checks = self.container.config.health.as_deref().map(Checks::new);
        self.store_health();
    }

    /// Does what is due.
    pub(super) fn attend_checks(&mut self, has_result: bool) {
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
        if let Some(news) = self.checks.as_mut().and_then(Checks::news) {
            let event = Event::container("health_status", &self.container);
            let store = &self.engine.store;
            store.tell([event.with("health_status", news.word())]);
        }
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

    /// A full disk does not end a container for that its health cannot be noted.
    fn store_health(&self) {
        if let Some(checks) = &self.checks {
            let store = &self.engine.store;
            let _ = store.write_health(self.directory.as_fd(), &self.container.id, &checks.report);
        }
    }
}
