//! Limits for a control group as the kernel has taken them; other ones for one in use: all of them or none.

use super::cgroup::{Cgroup, CgroupError};
use super::setting::{Keeping, Setting, list};

/// Why limits stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error(
        "{used} bytes of memory are in use, more than the limit would be: the kernel would kill a process to keep it"
    )]
    InUse { used: u64 },
}

impl Cgroup {
    /// Changes limits of a group in use. When that fails all are as they were.
    pub fn change(&self, settings: &[Setting]) -> Result<(), ChangeError> {
        let limit = settings.iter().find(|setting| setting.file == "memory.max");
        if let Some(limit) = limit.and_then(|limit| limit.value.parse::<u64>().ok())
            && let Some(used) = self.usage().memory.filter(|used| *used > limit)
        {
            return Err(ChangeError::InUse { used });
        }
        let settings: Vec<Setting> = settings.iter().filter_map(|setting| self.fit(setting)).collect();
        for setting in &settings {
            self.check_controller(setting)?;
        }
        let mut before = Vec::new();
        for setting in &settings {
            before.push(setting.restore(&self.read(&setting.file)));
            if let Err(error) = self.take(setting) {
                for setting in before.iter().rev().filter_map(|setting| self.fit(setting)) {
                    let _ = self.write(&setting.file, &setting.value);
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Writes a value and looks whether the kernel has it.
    pub(super) fn take(&self, setting: &Setting) -> Result<(), CgroupError> {
        let Some(setting) = self.fit(setting) else {
            return Ok(());
        };
        let Setting { file, value, .. } = &setting;
        let written = self.write(file, value);
        if setting.controller == "cpuset" && setting.keeping != Keeping::Unread {
            return self.check_available(&setting, written);
        }
        written?;
        let found = self.read(file);
        match setting.is_in(&found) {
            true => Ok(()),
            false => Err(CgroupError::NotTaken {
                file: file.clone(),
                asked: value.clone(),
                found: found.trim().to_owned(),
            }),
        }
    }

    /// The kernel takes processors and memory nodes that are not there as well, and gives others then.
    fn check_available(
        &self,
        setting: &Setting,
        written: Result<(), CgroupError>,
    ) -> Result<(), CgroupError> {
        let effective = format!("{}.effective", setting.file);
        let has_all = setting.is_in(&self.read(&setting.file))
            && list(self.read(&effective).trim()) == list(&setting.value);
        if written.is_ok() && has_all {
            return Ok(());
        }
        let found = self.available(&setting.file);
        let is_there = list(&setting.value)
            .is_none_or(|asked| list(&found).is_some_and(|found| asked.is_subset(&found)));
        match written {
            Err(error) if is_there => Err(error),
            _ => Err(CgroupError::NotAvailable {
                what: match setting.file.as_str() {
                    "cpuset.mems" => "memory nodes",
                    _ => "CPUs",
                },
                asked: setting.value.clone(),
                found,
            }),
        }
    }

    /// The setting by the files that this kernel has; none where nothing is to be set.
    fn fit(&self, setting: &Setting) -> Option<Setting> {
        let is_there = || self.path().join(&setting.file).exists();
        match &setting.keeping {
            Keeping::IfThere if !is_there() => None,
            Keeping::OrIn { file, value } if !is_there() => Some(Setting::new(file, value)),
            // Below processes the kernel lets no list be emptied again; all that the group above has is the same.
            _ if setting.controller == "cpuset" && setting.value.trim().is_empty() => Some(Setting {
                value: self.available(&setting.file),
                ..setting.clone()
            }),
            _ => Some(setting.clone()),
        }
    }

    /// The processors or memory nodes of the group above.
    fn available(&self, file: &str) -> String {
        let above = Self::at(self.path().parent().unwrap_or(self.path()));
        above.read(&format!("{file}.effective")).trim().to_owned()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A directory with files in the place of a group: what is written is read back.
    fn group(files: &[(&str, &str)]) -> (tempfile::TempDir, Cgroup) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("group");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(directory.path().join("cpuset.cpus.effective"), "0-3\n").unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        let group = Cgroup::at(&path);
        (directory, group)
    }

    #[test]
    fn a_group_without_the_controller_is_told_from_one_with_it() {
        let gone = Cgroup::at(Path::new("/no/such/group"));
        let error = gone
            .change(&[Setting::new("pids.max", 1)])
            .unwrap_err()
            .to_string();
        assert!(error.contains("pids"), "{error}");
    }

    #[test]
    fn all_is_as_it_was_when_one_is_refused() {
        let (_directory, group) = group(&[
            ("cgroup.controllers", "cpu cpuset memory pids"),
            ("memory.max", "max\n"),
            ("cpu.weight", "100\n"),
            ("cpuset.cpus", "\n"),
            ("cpuset.cpus.effective", "0-3\n"),
        ]);
        let settings = [
            Setting::new("memory.max", 4096),
            Setting::new("memory.swap.max", 4096).keeping(Keeping::IfThere),
            Setting::new("cpu.weight", 39),
            Setting::new("cpuset.cpus", "5"),
        ];
        let error = group.change(&settings).unwrap_err().to_string();
        assert_eq!(
            error,
            "requested CPUs are not available - requested 5, available: 0-3"
        );
        assert_eq!(
            (
                group.read("memory.max"),
                group.read("cpu.weight"),
                group.read("cpuset.cpus")
            ),
            ("max".into(), "100".into(), "0-3".into())
        );
        group.change(&settings[..3]).unwrap();
        assert_eq!(group.read("memory.max"), "4096");
        assert_eq!(group.read("memory.swap.max"), "");
        let error = group.change(&[Setting::new("io.max", "8:0 rbps=1")]).unwrap_err();
        assert!(error.to_string().starts_with("cannot limit io"), "{error}");
    }

    #[test]
    fn weights_go_where_the_kernel_has_them() {
        let weight = Setting::new("io.bfq.weight", "default 321").keeping(Keeping::OrIn {
            file: "io.weight",
            value: "default 3142".into(),
        });
        for (file, expected) in [("io.bfq.weight", "default 321"), ("io.weight", "default 3142")] {
            let (_directory, group) = group(&[("cgroup.controllers", "io"), (file, "default 100\n")]);
            group.change(std::slice::from_ref(&weight)).unwrap();
            assert_eq!(group.read(file), expected);
        }
    }
}
