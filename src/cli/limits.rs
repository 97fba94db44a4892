//! Limits of control groups as they are typed, for containers to be made and for those that exist.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use super::values::{self, limits};
use crate::engine::limits::Changes;
use crate::store::resources::{DeviceLimits, Resources};

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Limits")]
pub struct LimitOptions {
    /// Memory limit
    #[arg(short, long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Memory and swap together, -1 for as much swap as there is; twice the memory limit if it is not given
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    pub memory_swap: Option<String>,
    /// Memory that is taken from the container last
    #[arg(long, value_name = "SIZE")]
    pub memory_reservation: Option<String>,
    /// Number of processors, such as 1.5
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<String>,
    /// Weight beside others when processors are busy, from 2 to 262144, where 1024 is usual
    #[arg(short, long, value_name = "NUMBER")]
    pub cpu_shares: Option<u64>,
    /// Microseconds for which --cpu-quota counts; 100000 if it is not given
    #[arg(long, value_name = "NUMBER")]
    pub cpu_period: Option<u64>,
    /// Microseconds of processor time in each period
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub cpu_quota: Option<i64>,
    /// Processors to run on, such as 0-2,4
    #[arg(long, value_name = "LIST")]
    pub cpuset_cpus: Option<String>,
    /// Memory nodes to take memory from, such as 0,1
    #[arg(long, value_name = "LIST")]
    pub cpuset_mems: Option<String>,
    /// Number of processes; -1 for no limit
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub pids_limit: Option<i64>,
    /// Weight beside others when block devices are busy, from 10 to 1000
    #[arg(long, value_name = "NUMBER")]
    pub blkio_weight: Option<u16>,
    /// The same for one device
    #[arg(long, value_name = "DEVICE:NUMBER")]
    pub blkio_weight_device: Vec<String>,
    /// Bytes read from a device in a second
    #[arg(long, value_name = "DEVICE:SIZE")]
    pub device_read_bps: Vec<String>,
    /// Reads from a device in a second
    #[arg(long, value_name = "DEVICE:NUMBER")]
    pub device_read_iops: Vec<String>,
    /// Bytes written to a device in a second
    #[arg(long, value_name = "DEVICE:SIZE")]
    pub device_write_bps: Vec<String>,
    /// Writes to a device in a second
    #[arg(long, value_name = "DEVICE:NUMBER")]
    pub device_write_iops: Vec<String>,
    /// Value for a file of the control group, such as memory.high=1G
    #[arg(long, value_name = "FILE=VALUE")]
    pub cgroup_conf: Vec<String>,
}

impl LimitOptions {
    /// The limits of a container to be made.
    pub fn resources(&self) -> Result<Resources> {
        let mut resources = Resources::default();
        self.changes()?
            .apply(&mut resources)
            .map_err(|why| anyhow!(why))?;
        Ok(resources)
    }

    /// What the words mean.
    pub fn changes(&self) -> Result<Changes> {
        for (is_given, flag) in [
            (self.cpu_period.is_some(), "--cpu-period"),
            (self.cpu_quota.is_some(), "--cpu-quota"),
        ] {
            if is_given && self.cpus.is_some() {
                bail!("{flag} and --cpus cannot be set together");
            }
        }
        Ok(Changes {
            memory: read("--memory", &self.memory, |text| limits::memory(text))?,
            memory_swap: read("--memory-swap", &self.memory_swap, |text| limits::swap(text))?,
            memory_reservation: read("--memory-reservation", &self.memory_reservation, |text| {
                limits::reservation(text)
            })?,
            nano_cpus: read("--cpus", &self.cpus, |text| limits::cpus(text))?,
            cpu_shares: self
                .cpu_shares
                .map(|shares| Some(shares).filter(|shares| *shares > 0)),
            cpu_period: read("--cpu-period", &self.cpu_period, |number| limits::period(*number))?,
            cpu_quota: read("--cpu-quota", &self.cpu_quota, |number| limits::quota(*number))?,
            cpuset_cpus: read("--cpuset-cpus", &self.cpuset_cpus, |text| limits::cpuset(text))?,
            cpuset_mems: read("--cpuset-mems", &self.cpuset_mems, |text| limits::cpuset(text))?,
            pids: self.pids_limit.map(limits::pids),
            block_weight: read("--blkio-weight", &self.blkio_weight, |number| {
                limits::block_weight(*number)
            })?,
            devices: self.devices()?,
            files: self.files()?,
        })
    }

    fn devices(&self) -> Result<BTreeMap<String, DeviceLimits>> {
        type Read = fn(&str) -> values::Result<(&str, u64)>;
        type Field = fn(&mut DeviceLimits) -> &mut Option<u64>;
        let lists: [(&str, &Vec<String>, Read, Field); 5] = [
            (
                "--blkio-weight-device",
                &self.blkio_weight_device,
                limits::device_weight,
                |device| &mut device.weight,
            ),
            (
                "--device-read-bps",
                &self.device_read_bps,
                limits::device_bytes,
                |device| &mut device.read_bytes,
            ),
            (
                "--device-write-bps",
                &self.device_write_bps,
                limits::device_bytes,
                |device| &mut device.write_bytes,
            ),
            (
                "--device-read-iops",
                &self.device_read_iops,
                limits::device_operations,
                |device| &mut device.read_operations,
            ),
            (
                "--device-write-iops",
                &self.device_write_iops,
                limits::device_operations,
                |device| &mut device.write_operations,
            ),
        ];
        let mut devices: BTreeMap<String, DeviceLimits> = BTreeMap::new();
        for (flag, words, read, field) in lists {
            for word in words.iter().flat_map(|words| words.split(',')) {
                let (path, value) = read(word).with_context(|| of(flag, word))?;
                *field(devices.entry(path.to_owned()).or_default()) = Some(value);
            }
        }
        Ok(devices)
    }

    fn files(&self) -> Result<BTreeMap<String, String>> {
        let files = self.cgroup_conf.iter();
        files
            .map(|text| limits::group_file(text).with_context(|| of("--cgroup-conf", text)))
            .collect()
    }
}

fn read<T: Display, V>(
    flag: &str,
    given: &Option<T>,
    read: impl Fn(&T) -> values::Result<V>,
) -> Result<Option<V>> {
    let value = given
        .as_ref()
        .map(|text| read(text).with_context(|| of(flag, text)));
    value.transpose()
}

fn of(flag: &str, text: impl Display) -> String {
    format!("invalid {flag} {:?}", text.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitOptions,
    }

    fn resources(line: &str) -> std::result::Result<String, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let resources = line.limits.resources().map_err(|error| format!("{error:#}"))?;
        let mut fields = serde_json::to_value(resources).unwrap();
        let fields = fields.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null());
        Ok(serde_json::to_string(fields).unwrap().replace('"', ""))
    }

    #[test]
    fn what_options_mean() {
        for (line, expected) in [
            ("", "{}"),
            (
                "-m 64m --memory-swap -1 -c 512",
                "{memory:67108864,memory_swap:-1,cpu_shares:512}",
            ),
            (
                "--memory 64m --memory-swap=64m",
                "{memory:67108864,memory_swap:67108864}",
            ),
            (
                "--memory-swap -1 --memory-reservation 1k",
                "{memory_swap:-1,memory_reservation:1024}",
            ),
            (
                "--cpu-quota 5000 --cpu-period=20000",
                "{cpu_period:20000,cpu_quota:5000}",
            ),
            ("--cpu-quota -1 --cpu-shares=0 --cpuset-mems=", "{}"),
            (
                "--cpuset-cpus 0-2,4 --cpuset-mems 0",
                "{cpuset_cpus:0-2,4,cpuset_mems:0}",
            ),
            (
                "--blkio-weight 321 --blkio-weight-device /dev/a:98 --device-read-bps /dev/a:1k,/dev/b:2 \
                 --device-write-iops=/dev/a:7",
                "{block_weight:321,devices:{/dev/a:{weight:98,read_bytes:1024,write_operations:7},/dev/b:{read_bytes:2}}}",
            ),
            ("--device-read-iops /dev/a:5 --device-read-iops /dev/a:0", "{}"),
            (
                "--cgroup-conf memory.high=1G --cgroup-conf pids.max=5",
                "{files:{memory.high:1G,pids.max:5}}",
            ),
        ] {
            assert_eq!(resources(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_does_not_go() {
        for (line, expected) in [
            (
                "--cpus 2 --cpu-period 1",
                "--cpu-period and --cpus cannot be set together",
            ),
            (
                "--cpu-quota=1 --cpus=2",
                "--cpu-quota and --cpus cannot be set together",
            ),
            (
                "--cpu-quota=1",
                "invalid --cpu-quota \"1\": CPU cfs quota cannot be less than 1ms (i.e. 1000)",
            ),
            (
                "--cpu-period=1",
                "invalid --cpu-period \"1\": CPU cfs period cannot",
            ),
            (
                "--memory-swap 1g",
                "you should always set a memory limit when using a memoryswap limit",
            ),
            (
                "-m 64m --memory-swap 63m",
                "minimum memoryswap limit should be larger than memory limit",
            ),
            (
                "--blkio-weight 5",
                "invalid --blkio-weight \"5\": range of blkio weight is from 10 to 1000",
            ),
            (
                "--cpuset-cpus all",
                "invalid --cpuset-cpus \"all\": expected numbers",
            ),
            (
                "--device-read-bps /dev/a",
                "invalid --device-read-bps \"/dev/a\": bad format: /dev/a",
            ),
            ("--cgroup-conf cgroup.kill=1", "invalid --cgroup-conf"),
        ] {
            let error = resources(line).unwrap_err();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}
