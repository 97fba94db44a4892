//! The end of a payload: noticed, written down, and whether it is the last one.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::passed::Passed;
use super::{Monitor, record};
use crate::engine::EngineError;
use crate::store::container::{Container, Status};
use crate::store::events::Event;
use crate::sys::process;

impl Monitor {
    /// The exit code of init, when it has ended.
    pub(super) fn reap(&self) -> Option<i32> {
        let payload = self.payload.as_ref()?;
        process::reap(payload.started.child.pidfd.as_fd()).unwrap_or(Some(255))
    }

    /// Writes down how it ended, and whether it starts again.
    pub(super) fn record_end(&mut self, code: i32) {
        let mut life = Duration::ZERO;
        if let Some(payload) = &self.payload {
            life = payload.since.elapsed();
            if let Some(cgroup) = &payload.cgroup {
                self.state.oom_killed = cgroup.out_of_memory();
                // Before the record: whoever reads of an end looks for no group any more.
                cgroup.end();
            }
        }
        self.interrupt_checks();
        self.checks = None;
        self.expires = None;
        // What never ran its restart policy has no say in.
        let has_run = !self.waits();
        record::ended(&mut self.state, code, std::mem::take(&mut self.cause));
        let is_anew = std::mem::take(&mut self.starts_anew) && !self.is_last && !self.state.stopped;
        if is_anew || has_run && self.starts_again(code) {
            self.deadline = None;
            self.state.status = Status::Restarting;
            let wait = match is_anew {
                true => Duration::ZERO,
                false => self.back_off.after(life),
            };
            self.due = Some(Instant::now() + wait);
            let _ = self.store_state();
            let store = &self.engine.store;
            store.tell([Event::container("died", &self.container).exit(code)]);
        } else {
            self.record_last_end();
        }
    }

    fn starts_again(&mut self, code: i32) -> bool {
        if self.is_last || self.state.stopped || self.container.config.remove {
            return false;
        }
        self.read_record();
        self.container.config.restart.restarts(code, self.state.restarts)
    }

    /// It may have been given another name, policy, environment, limits or checks than it was started with.
    pub(super) fn read_record(&mut self) {
        let id = &self.container.id;
        if let Ok(container) = self.engine.store.read_container(self.directory.as_fd(), id) {
            self.container = container;
        }
    }

    /// Writes down that it has ended for good, or removes it when it was to vanish.
    pub(super) fn record_last_end(&mut self) {
        // What was lent nobody reads any more, and whoever reads what was passed waits for its end.
        self.lent.clear();
        self.passed = Passed::default();
        if self.container.config.remove {
            self.log.make_no_more_files();
            self.learn_name();
            let _ = self.engine.remove_ended(&self.container, self.state.exit_code);
        } else {
            // In this order: once the end is recorded another command may start it anew.
            let store = &self.engine.store;
            let _ = store.clear_active(&self.container.id);
            let _ = self.store_state();
            self.learn_name();
            let store = &self.engine.store;
            store.tell([
                Event::container("died", &self.container).exit(self.state.exit_code),
                Event::container("cleanup", &self.container),
            ]);
        }
        self.report_end();
    }

    /// It may have got another name since it was started.
    fn learn_name(&mut self) {
        let store = &self.engine.store;
        let Container { id, name, .. } = &self.container;
        let is_ours = matches!(store.name(name), Ok(Some(holder)) if holder == *id);
        if !is_ours && let Ok(container) = store.read_container(self.directory.as_fd(), id) {
            self.container = container;
        }
    }

    /// It could not be started again. Returns the code that says why.
    pub(super) fn record_failure(&mut self, error: &EngineError) -> i32 {
        let code = record::exit_code(error);
        record::ended(&mut self.state, code, error.to_string());
        self.record_last_end();
        code
    }
}
