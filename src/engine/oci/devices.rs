//! Device nodes and device rules of a bundle (runtime-spec, config-linux.md, "Devices", "Allowed Device list").

use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup, LinuxDeviceType};

use super::{Result, refuse};
use crate::engine::spec::standard_devices;
use crate::runtime::spec::{Device, DeviceKind};

/// Made by us in every /dev, whatever is listed.
const OWN: [&str; 8] = [
    "console", "core", "fd", "ptmx", "pts", "stdin", "stdout", "stderr",
];

/// The standard devices and the listed ones, which may stand in for a standard one.
pub fn devices(listed: &[LinuxDevice]) -> Result<Vec<Device>> {
    let mut devices = standard_devices();
    for device in listed {
        let path = device.path().as_path();
        let Ok(name) = path.strip_prefix("/dev") else {
            return refuse(format!(
                "device {}: only devices below /dev are supported",
                path.display()
            ));
        };
        let is_plain = name
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        let depth = name.components().count();
        if !is_plain || !(1..=2).contains(&depth) {
            return refuse(format!(
                "device {}: not a name in /dev, or too deep below it",
                path.display()
            ));
        }
        if OWN.iter().any(|own| name.as_os_str() == *own) {
            continue;
        }
        let kind = match device.typ() {
            LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
            LinuxDeviceType::B => DeviceKind::Block,
            LinuxDeviceType::P => DeviceKind::Fifo,
            LinuxDeviceType::A => {
                return refuse(format!("device {}: type a names no device", path.display()));
            }
        };
        let number = |number: i64| {
            if kind == DeviceKind::Fifo {
                return Ok(0);
            }
            u32::try_from(number)
                .or_else(|_| refuse(format!("device {}: {number} is no device number", path.display())))
        };
        let made = Device {
            name: name.into(),
            host: path.into(),
            kind,
            major: number(device.major())?,
            minor: number(device.minor())?,
            mode: device.file_mode().unwrap_or(0o666) & 0o7777,
            uid: device.uid().unwrap_or(0),
            gid: device.gid().unwrap_or(0),
        };
        match devices.iter_mut().find(|old| old.name == made.name) {
            Some(old) => *old = made,
            None => devices.push(made),
        }
    }
    Ok(devices)
}

/// Whether some device is kept from the container by rules: whether the last word on everything is not "allow".
pub fn denies(rules: &[LinuxDeviceCgroup]) -> bool {
    let mut denies = false;
    for rule in rules {
        let access = rule.access().as_deref().unwrap_or("rwm");
        let is_all = matches!(rule.typ(), None | Some(LinuxDeviceType::A))
            && rule.major().is_none_or(|number| number < 0)
            && rule.minor().is_none_or(|number| number < 0);
        let is_whole = is_all && b"rwm".iter().all(|kind| access.as_bytes().contains(kind));
        if !rule.allow() {
            denies = true;
        } else if is_whole {
            denies = false;
        }
    }
    denies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(json: &str) -> Result<Vec<Device>> {
        devices(&[serde_json::from_str(json).unwrap()])
    }

    #[test]
    fn listed_devices_join_the_standard_ones() {
        let found =
            listed(r#"{"path":"/dev/net/tun","type":"c","major":10,"minor":200,"fileMode":438}"#).unwrap();
        let tun = found.last().unwrap();
        assert_eq!(
            (tun.name.as_bytes(), tun.major, tun.mode),
            (&b"net/tun"[..], 10, 0o666)
        );
        let found = listed(r#"{"path":"/dev/null","type":"c","major":1,"minor":3,"uid":7}"#).unwrap();
        assert_eq!(found.len(), standard_devices().len());
        assert_eq!(found[0].uid, 7);
        for path in ["/dev", "/dev/../etc/x", "/etc/x", "/dev/a/b/c", "dev/x"] {
            let json = format!(r#"{{"path":"{path}","type":"c","major":1,"minor":3}}"#);
            assert!(listed(&json).is_err(), "{path}");
        }
        assert!(listed(r#"{"path":"/dev/x","type":"c","major":-1,"minor":3}"#).is_err());
    }

    #[test]
    fn rules_end_in_allowing_everything_or_not() {
        let rules = |json: &str| denies(&serde_json::from_str::<Vec<_>>(json).unwrap());
        assert!(!rules("[]"));
        assert!(rules(r#"[{"allow":false,"access":"rwm"}]"#));
        assert!(rules(
            r#"[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3}]"#
        ));
        assert!(!rules(r#"[{"allow":false},{"allow":true,"access":"rwm"}]"#));
        assert!(rules(
            r#"[{"allow":true,"access":"rwm"},{"allow":false,"type":"b"}]"#
        ));
        assert!(rules(r#"[{"allow":false},{"allow":true,"access":"m"}]"#));
    }
}
