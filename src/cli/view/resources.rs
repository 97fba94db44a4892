//! Limits of a container as fields of `HostConfig`.

use serde_json::{Value, json};

use crate::store::resources::{DeviceLimits, Resources};

/// The fields, by Docker's names; `CgroupConf` is Podman's.
pub fn fields(resources: &Resources) -> Value {
    let rates = |rate: fn(&DeviceLimits) -> Option<u64>| devices(resources, "Rate", rate);
    json!({
        "Memory": resources.memory.unwrap_or(0),
        "MemorySwap": memory_swap(resources),
        "MemoryReservation": resources.memory_reservation.unwrap_or(0),
        "NanoCpus": resources.nano_cpus.unwrap_or(0),
        "CpuShares": resources.cpu_shares.unwrap_or(0),
        "CpuPeriod": resources.cpu_period.unwrap_or(0),
        "CpuQuota": resources.cpu_quota.unwrap_or(0),
        "CpusetCpus": resources.cpuset_cpus.as_deref().unwrap_or(""),
        "CpusetMems": resources.cpuset_mems.as_deref().unwrap_or(""),
        "PidsLimit": resources.pids.unwrap_or(0),
        "BlkioWeight": resources.block_weight.unwrap_or(0),
        "BlkioWeightDevice": devices(resources, "Weight", |device| device.weight),
        "BlkioDeviceReadBps": rates(|device| device.read_bytes),
        "BlkioDeviceWriteBps": rates(|device| device.write_bytes),
        "BlkioDeviceReadIOps": rates(|device| device.read_operations),
        "BlkioDeviceWriteIOps": rates(|device| device.write_operations),
        "CgroupConf": resources.files,
    })
}

/// Memory and swap together, as it counts where nobody has said it.
fn memory_swap(resources: &Resources) -> i64 {
    let double = resources.memory.map(|memory| memory.saturating_mul(2));
    let double = double.map_or(0, |double| i64::try_from(double).unwrap_or(i64::MAX));
    resources.memory_swap.unwrap_or(double)
}

fn devices(resources: &Resources, name: &str, limit: fn(&DeviceLimits) -> Option<u64>) -> Value {
    let devices = resources.devices.iter();
    devices
        .filter_map(|(path, limits)| Some(json!({"Path": path, name: limit(limits)?})))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::format::documents;

    #[test]
    fn limits_as_docker_names_them() {
        let all = r#"{
            "memory": 64, "memory_swap": 100, "memory_reservation": 32, "cpu_shares": 512, "cpu_period": 20000,
            "cpu_quota": 5000, "cpuset_cpus": "0-1", "cpuset_mems": "0", "block_weight": 321,
            "devices": {"/dev/a": {"weight": 98, "read_bytes": 10}, "/dev/b": {"read_bytes": 20, "write_operations": 5}},
            "files": {"memory.high": "1G"}
        }"#;
        let sizes = "{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}}";
        let processors =
            "{{.CpuShares}} {{.CpuPeriod}} {{.CpuQuota}} {{.NanoCpus}} {{.CpusetCpus}} {{.CpusetMems}}";
        let devices = "{{.BlkioWeight}} {{json .BlkioWeightDevice}} {{json .BlkioDeviceReadBps}} {{.BlkioDeviceWriteBps}} \
                       {{range .BlkioDeviceWriteIOps}}{{.Path}}:{{.Rate}}{{end}}";
        for (json, template, expected) in [
            ("{}", sizes, "0 0 0"),
            (r#"{"memory":64}"#, sizes, "64 128 0"),
            (r#"{"memory":64,"memory_swap":-1}"#, sizes, "64 -1 0"),
            (all, sizes, "64 100 32"),
            (all, processors, "512 20000 5000 0 0-1 0"),
            (
                all,
                devices,
                r#"321 [{"Path":"/dev/a","Weight":98}] [{"Path":"/dev/a","Rate":10},{"Path":"/dev/b","Rate":20}] [] /dev/b:5"#,
            ),
            (all, "{{.CgroupConf}}", "map[memory.high:1G]"),
        ] {
            let document = fields(&serde_json::from_str(json).unwrap());
            let result = documents("inspect", Some(template), std::slice::from_ref(&document));
            assert_eq!(result.unwrap(), format!("{expected}\n"), "{json}");
        }
    }
}
