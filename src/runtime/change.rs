//! Other limits for a control group in use: all of them or none, and as the kernel has taken them.

use std::path::Path;

use super::cgroup::{CPU_PERIOD, Cgroup, CgroupError, Setting};

/// What is to change; within, `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Bytes.
    pub memory: Option<Option<u64>>,
    /// Billionths of a processor.
    pub nano_cpus: Option<Option<u64>>,
    pub pids: Option<Option<u64>>,
}

/// Why limits stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error(
        "{used} bytes of memory are in use, more than the limit would be: the kernel would kill a process to keep it"
    )]
    InUse { used: u64 },
    #[error("{file} was set to {asked} and is {found}")]
    NotTaken {
        file: String,
        asked: String,
        found: String,
    },
}

impl Changes {
    /// The controllers that are needed.
    pub fn controllers(&self) -> impl Iterator<Item = &'static str> {
        [
            self.memory.map(|_| "memory"),
            self.nano_cpus.map(|_| "cpu"),
            self.pids.map(|_| "pids"),
        ]
        .into_iter()
        .flatten()
    }

    fn settings(&self) -> Vec<Setting> {
        let setting = |controller, file: &str, value: Option<String>| Setting {
            controller,
            file: file.into(),
            value: value.unwrap_or_else(|| "max".into()),
        };
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let mut settings = Vec::new();
        if let Some(memory) = self.memory {
            settings.push(setting("memory", "memory.max", number(memory)));
            // As much swap beside it, by Docker's rule.
            settings.push(setting("memory", "memory.swap.max", number(memory)));
        }
        if let Some(nano_cpus) = self.nano_cpus {
            let quota = nano_cpus.map(|cpus| u128::from(cpus) * u128::from(CPU_PERIOD) / 1_000_000_000);
            let quota = quota.map_or("max".into(), |quota| quota.to_string());
            settings.push(setting("cpu", "cpu.max", Some(format!("{quota} {CPU_PERIOD}"))));
        }
        if let Some(pids) = self.pids {
            settings.push(setting("pids", "pids.max", number(pids)));
        }
        settings
    }
}

impl Cgroup {
    /// Changes limits of a group in use. When that fails all are as they were.
    pub fn change(&self, changes: &Changes) -> Result<(), ChangeError> {
        if let Some(Some(limit)) = changes.memory
            && let Some(used) = self.usage().memory.filter(|used| *used > limit)
        {
            return Err(ChangeError::InUse { used });
        }
        let mut settings = changes.settings();
        // A kernel without swap accounting has no such file; then there is nothing to limit.
        settings
            .retain(|setting| setting.file != "memory.swap.max" || self.path().join(&setting.file).exists());
        let missing = settings.iter().find(|setting| !self.has(setting.controller));
        if let Some(Setting { controller, .. }) = missing {
            let level = self.path().parent().unwrap_or(Path::new("/")).into();
            return Err(CgroupError::Missing { controller, level }.into());
        }
        let mut before = Vec::new();
        for setting in &settings {
            before.push((setting, self.read(&setting.file)));
            if let Err(error) = self.take(setting) {
                for (setting, value) in before.into_iter().rev() {
                    let _ = std::fs::write(self.path().join(&setting.file), value);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn take(&self, setting: &Setting) -> Result<(), ChangeError> {
        let path = self.path().join(&setting.file);
        std::fs::write(&path, &setting.value).map_err(|source| CgroupError::Write { path, source })?;
        let found = self.read(&setting.file);
        match is_taken(&setting.value, &found) {
            true => Ok(()),
            false => Err(ChangeError::NotTaken {
                file: setting.file.clone(),
                asked: setting.value.clone(),
                found,
            }),
        }
    }

    fn read(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.path().join(file)).unwrap_or_default();
        text.trim().to_owned()
    }
}

/// Whether the kernel has a value as it was written: memory it counts in whole pages.
fn is_taken(asked: &str, found: &str) -> bool {
    let page = rustix::param::page_size() as u64;
    match (asked.parse::<u64>(), found.parse::<u64>()) {
        (Ok(asked), Ok(found)) => found <= asked && asked - found < page,
        _ => asked == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written() {
        for (changes, expected) in [
            (Changes::default(), ""),
            (
                Changes {
                    memory: Some(Some(64 << 20)),
                    ..Changes::default()
                },
                "memory.max=67108864 memory.swap.max=67108864",
            ),
            (
                Changes {
                    memory: Some(None),
                    nano_cpus: Some(Some(500_000_000)),
                    pids: Some(Some(7)),
                },
                "memory.max=max memory.swap.max=max cpu.max=50000 100000 pids.max=7",
            ),
            (
                Changes {
                    nano_cpus: Some(None),
                    pids: Some(None),
                    ..Changes::default()
                },
                "cpu.max=max 100000 pids.max=max",
            ),
        ] {
            let settings = changes.settings();
            let text: Vec<String> = settings
                .iter()
                .map(|setting| format!("{}={}", setting.file, setting.value))
                .collect();
            assert_eq!(text.join(" "), expected);
        }
    }

    #[test]
    fn the_kernel_counts_memory_in_pages() {
        for (asked, found, expected) in [
            ("max", "max", true),
            ("4096", "max", false),
            ("max", "4096", false),
            ("67108865", "67108864", true),
            ("67108864", "67108865", false),
            ("67108864", "33554432", false),
            ("50000 100000", "50000 100000", true),
            ("50000 100000", "60000 100000", false),
            ("7", "", false),
        ] {
            assert_eq!(is_taken(asked, found), expected, "{asked} {found}");
        }
    }

    #[test]
    fn a_group_without_the_controller_is_told_from_one_with_it() {
        let gone = Cgroup::at(Path::new("/no/such/group"));
        let changes = Changes {
            pids: Some(Some(1)),
            ..Changes::default()
        };
        let error = gone.change(&changes).unwrap_err().to_string();
        assert!(error.contains("pids"), "{error}");
    }
}
