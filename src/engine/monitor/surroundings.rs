//! What binds a container to those around it: its time limit, its caller, its service manager, and who reads how it ended.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::process::Signal;

use super::super::{notify, why};
use super::Monitor;
use crate::base::bytes::ByteString;
use crate::base::file::{self, Durability};
use crate::engine::state::Condition;
use crate::image::find::find_any;
use crate::store::Store;
use crate::store::container::{Container, Notifier, Root, State};

impl Monitor {
    /// A life of the payload has begun.
    pub(super) fn begin_surroundings(&mut self) {
        let limit = self.container.config.timeout.map(Duration::from_secs);
        self.expires = limit.and_then(|limit| Instant::now().checked_add(limit));
        let ready = match self.container.config.notify.as_ref().map(|notify| notify.by) {
            None => return,
            Some(Notifier::Monitor) => "\nREADY=1",
            Some(Notifier::Container | Notifier::Health) => "",
        };
        self.notify(&format!("MAINPID={}{ready}", std::process::id()));
    }

    /// It is healthy: whoever waits for that is told.
    pub(super) fn notify_of_health(&self) {
        let notify = self.container.config.notify.as_ref();
        if notify.is_some_and(|notify| notify.by == Notifier::Health) {
            self.notify("READY=1");
        }
    }

    fn notify(&self, lines: &str) {
        if let Some(manager) = &self.container.config.notify {
            let _ = notify::notify(manager.socket.as_bytes(), lines);
        }
    }

    /// Ends a payload whose time is over, or whose caller is gone that it was to end with.
    pub(super) fn attend_surroundings(&mut self) {
        if self.expires.is_some_and(|end| end <= Instant::now()) {
            self.expires = None;
            self.cause = why::TIME_OVER.into();
            self.thaw();
            self.signal(Signal::KILL.as_raw());
        }
        let lives = self.lives() || self.due.is_some();
        if self.is_guarded && lives && !self.clients.has_primary() {
            self.is_guarded = false;
            self.cause = why::CALLER_GONE.into();
            self.stop(self.container.config.stop_signal);
        }
    }

    /// It has ended for good, and its record says so.
    pub(super) fn report_end(&self) {
        report(&self.container, &self.state);
        let config = &self.container.config;
        if config.remove_image {
            remove_image(&self.engine.store, &self.container.root);
        }
    }
}

/// Removes the image that a container was made of, by the name that it was asked for by: others that it has keep it, as do
/// other containers. If the name means another image by now, that one stays.
pub fn remove_image(store: &Store, root: &Root) {
    if let Root::Image { id, name, .. } = root
        && find_any(store, name).is_ok_and(|found| found.image.id.hex() == *id)
    {
        let _ = crate::image::remove::remove(store, name, false);
    }
}

/// Writes how a container ended to the file that is to get that.
pub(super) fn report(container: &Container, state: &State) {
    let Some(path) = &container.config.exit_report else {
        return;
    };
    let report = why::judge(container, state, Condition::Exited);
    let text = serde_json::to_vec_pretty(&report).expect("a report is plain JSON");
    write_file(path.as_path(), &text, file::PRIVATE);
}

/// Writes a file that somebody has asked for, at a place that a container may be able to write to: in the stead of what
/// is there, and never through it.
fn write_file(path: &Path, text: &[u8], mode: Mode) {
    let open =
        |directory| rustix::fs::open(directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok();
    let (Some(directory), Some(name)) = (path.parent().and_then(open), path.file_name()) else {
        return;
    };
    let there = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
    if there.is_ok_and(|status| !FileType::from_raw_mode(status.st_mode).is_file()) {
        return;
    }
    let _ = file::replace_by(directory, name.as_ref(), text, Durability::Transient, mode);
}

/// The file that gets a pid.
pub(super) fn write_pidfile(path: Option<&ByteString>, pid: i32) {
    if let Some(path) = path {
        write_file(path.as_path(), pid.to_string().as_bytes(), file::PUBLIC);
    }
}
