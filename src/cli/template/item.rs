//! Values during evaluation: JSON, and how Go would have typed it.
//!
//! JSON does not tell a Go struct from a Go map, but templates do: an absent field of a struct is an error, an absent
//! key of a map is `<no value>`; one prints as `{a b}`, the other as `map[k:v]`. [`Shape`] carries the difference.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// What a JSON object or null stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Fixed fields. The shape of a field's value is found by its name.
    Struct,
    /// Free keys; values below are structs again.
    Map,
    /// A null that is an empty list.
    List,
    /// A struct whose numbers are times but for counts.
    Checks,
    /// A number of nanoseconds, which prints as a time (time.Duration, `String`).
    Duration,
    /// Free keys all the way down, as in JSON that was read without a type.
    Free,
}

/// Fields whose values are Go maps in Docker's and Podman's types.
const MAPS: &[&str] = &[
    "Attributes",
    "Annotations",
    "Args",
    "CgroupConf",
    "Data",
    "DriverOpts",
    "DriverOptions",
    "ExposedPorts",
    "IPAMOptions",
    "Label",
    "Labels",
    "Networks",
    "Options",
    "PortBindings",
    "Ports",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Volumes",
    "annotations",
    "graphOptions",
    "options",
    "sysctls",
];

/// Fields whose values are Go slices, so that an absent one prints as `[]`.
const LISTS: &[&str] = &[
    "Aliases",
    "Binds",
    "BlkioDeviceReadBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceWriteIOps",
    "BlkioWeightDevice",
    "BoundingCaps",
    "CapAdd",
    "CapDrop",
    "Cmd",
    "CreateCommand",
    "Devices",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "EffectiveCaps",
    "Entrypoint",
    "Env",
    "ExecIDs",
    "ExtraHosts",
    "GroupAdd",
    "History",
    "Layers",
    "Links",
    "Mounts",
    "Names",
    "OnBuild",
    "RepoDigests",
    "RepoTags",
    "SecurityOpt",
    "Shell",
    "Ulimits",
    "VolumesFrom",
];

impl Shape {
    /// The shape of what stands under `key` in something of this shape.
    fn below(self, key: &str) -> Self {
        match self {
            Self::Free => Self::Free,
            Self::Struct if MAPS.contains(&key) => Self::Map,
            Self::Struct if LISTS.contains(&key) => Self::List,
            Self::Struct if matches!(key, "Healthcheck" | "StartupHealthCheck") => Self::Checks,
            Self::Checks if matches!(key, "Interval" | "Timeout" | "StartPeriod" | "StartInterval") => {
                Self::Duration
            }
            _ => Self::Struct,
        }
    }
}

/// A value, borrowed from the data where it can be.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// Go's invalid value: an absent map key, or no data at all.
    Missing,
    Is(Cow<'a, Value>, Shape),
}

impl<'a> Item<'a> {
    pub fn own(value: impl Into<Value>) -> Self {
        Self::Is(Cow::Owned(value.into()), Shape::Struct)
    }

    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Missing => None,
            Self::Is(value, _) => Some(value),
        }
    }

    /// The value under `key` of an object; `None` if there is none. Go's names of fields differ from those of their JSON in
    /// case, and templates know both: `{{.Host.OCIRuntime}}` is `ociRuntime`.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.exactly(key).or_else(|| {
            let Some(Value::Object(object)) = self.value().filter(|_| !self.has_free_keys()) else {
                return None;
            };
            let same = object.keys().find(|known| known.eq_ignore_ascii_case(key))?;
            self.exactly(same)
        })
    }

    fn exactly(&self, key: &str) -> Option<Self> {
        match self {
            Self::Missing => None,
            Self::Is(Cow::Borrowed(value), shape) => value
                .get(key)
                .map(|value| Self::Is(Cow::Borrowed(value), shape.below(key))),
            Self::Is(Cow::Owned(value), shape) => value
                .get(key)
                .map(|value| Self::Is(Cow::Owned(value.clone()), shape.below(key))),
        }
    }

    /// The element of a list.
    pub fn element(&self, index: usize) -> Option<Self> {
        let Self::Is(value, shape) = self else { return None };
        let shape = if *shape == Shape::List {
            Shape::Struct
        } else {
            *shape
        };
        match value {
            Cow::Borrowed(value) => value
                .get(index)
                .map(|value| Self::Is(Cow::Borrowed(value), shape)),
            Cow::Owned(value) => value
                .get(index)
                .map(|value| Self::Is(Cow::Owned(value.clone()), shape)),
        }
    }

    /// Whether absent keys are allowed.
    pub fn has_free_keys(&self) -> bool {
        matches!(self, Self::Is(_, Shape::Map | Shape::Free))
    }

    /// Go's truth: anything but false, zero, empty and nil.
    pub fn truth(&self) -> bool {
        match self.value() {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => *value,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(object)) => !self.has_free_keys() || !object.is_empty(),
        }
    }

    /// A copy in which the keys of maps stand in order, as Go writes JSON.
    pub fn with_sorted_maps(&self) -> Value {
        match self.value() {
            None => Value::Null,
            Some(Value::Object(object)) if self.has_free_keys() => {
                let entry = |(key, _): (&String, _)| {
                    (
                        key.clone(),
                        self.get(key).map_or(Value::Null, |item| item.with_sorted_maps()),
                    )
                };
                sorted(object)
                    .into_iter()
                    .map(entry)
                    .collect::<Map<_, _>>()
                    .into()
            }
            Some(Value::Object(object)) => {
                let entry = |key: &String| {
                    (
                        key.clone(),
                        self.get(key).map_or(Value::Null, |item| item.with_sorted_maps()),
                    )
                };
                object.keys().map(entry).collect::<Map<_, _>>().into()
            }
            Some(Value::Array(list)) => (0..list.len())
                .map(|index| {
                    self.element(index)
                        .map_or(Value::Null, |item| item.with_sorted_maps())
                })
                .collect(),
            Some(value) => value.clone(),
        }
    }

    /// The type that errors name when it has not the field asked for.
    pub fn receiver_type(&self) -> &'static str {
        match self {
            Self::Is(_, Shape::Free) => "interface {}",
            _ => self.type_name(),
        }
    }

    /// The name Go would give its type.
    pub fn type_name(&self) -> &'static str {
        match self.value() {
            None | Some(Value::Null) => "<nil>",
            Some(Value::Bool(_)) => "bool",
            Some(Value::Number(number)) if number.is_f64() => "float64",
            Some(Value::Number(_)) => "int",
            Some(Value::String(_)) => "string",
            Some(Value::Array(_)) => "[]interface {}",
            Some(Value::Object(_)) if self.has_free_keys() => "map[string]interface {}",
            Some(Value::Object(_)) => "struct",
        }
    }
}

/// The entries of an object in the order in which Go visits a map: by key.
pub fn sorted(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(key, _)| key.as_str());
    entries
}
