//! The document that is signed ("simple signing" in the form of cosign): the image's name and its manifest's digest.
//!
//! It is read as strictly as other tools of this kind read it: what is not there, there twice, or unknown makes it
//! nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use crate::base::digest::Digest;
use crate::image::reference::Reference;
use crate::image::unique::Unique;

/// The media type of such a document.
pub const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Most bytes of one.
pub const LIMIT: u64 = 1 << 20;
const TYPE: &str = "cosign container image signature";

/// What a signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The image's name, as whoever signed wrote it.
    pub name: String,
    pub digest: Digest,
}

type Fields = Unique<Box<RawValue>>;

impl Payload {
    /// Reads one; the error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let [critical, optional] = fields(
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?,
            ["critical", "optional"],
        )?;
        // cosign writes null where there is nothing.
        if optional.get() != "null" {
            let optional: Fields = read(&optional)?;
            if let Some(creator) = optional.0.get("creator") {
                read::<String>(creator)?;
            }
            if let Some(timestamp) = optional.0.get("timestamp")
                && read::<f64>(timestamp)?.fract() != 0.0
            {
                return Err("timestamp is not a whole number".into());
            }
        }
        let [kind, image, identity] = fields(read(&critical)?, ["type", "image", "identity"])?;
        let kind: String = read(&kind)?;
        if kind != TYPE {
            return Err(format!("it is a {kind:?}"));
        }
        let [digest] = fields(read(&image)?, ["docker-manifest-digest"])?;
        let [name] = fields(read(&identity)?, ["docker-reference"])?;
        let digest: String = read(&digest)?;
        Ok(Self {
            name: read(&name)?,
            digest: digest
                .parse()
                .map_err(|_| format!("{digest:?} is no digest that we know"))?,
        })
    }

    /// Writes one for an image, to be signed now.
    pub fn write(reference: &Reference, digest: &Digest, now: SystemTime) -> Vec<u8> {
        let timestamp = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let document = json!({
            "critical": {
                "identity": { "docker-reference": reference.to_string() },
                "image": { "docker-manifest-digest": digest.to_string() },
                "type": TYPE,
            },
            "optional": {
                "creator": concat!("coracle ", env!("CARGO_PKG_VERSION")),
                "timestamp": timestamp,
            },
        });
        document.to_string().into_bytes()
    }
}

fn read<T: DeserializeOwned>(value: &RawValue) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

/// Just these fields, in this order.
fn fields<const COUNT: usize>(
    mut object: Fields,
    names: [&str; COUNT],
) -> Result<[Box<RawValue>; COUNT], String> {
    let mut found = Vec::with_capacity(COUNT);
    for name in names {
        found.push(
            object
                .0
                .remove(name)
                .ok_or_else(|| format!("{name} is missing"))?,
        );
    }
    match object.0.into_keys().next() {
        Some(other) => Err(format!("{other:?} is not known")),
        None => Ok(found.try_into().expect("one for each name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest() -> Digest {
        Digest::of(b"manifest")
    }

    fn document(optional: &str) -> String {
        format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"x/y:z"}},"image":{{"docker-manifest-digest":"{}"}},
            "type":"cosign container image signature"}},"optional":{optional}}}"#,
            digest()
        )
    }

    #[test]
    fn what_is_written_is_read() {
        let reference: Reference = "reg.invalid:5000/a/b:v1".parse().unwrap();
        let bytes = Payload::write(&reference, &digest(), SystemTime::now());
        let read = Payload::parse(&bytes).unwrap();
        assert_eq!(
            (read.name.as_str(), read.digest),
            ("reg.invalid:5000/a/b:v1", digest())
        );
    }

    #[test]
    fn optional_words_are_anything_once() {
        for optional in [
            "null",
            "{}",
            r#"{"creator":"me","timestamp":1700000000,"more":[{"a":1,"a":2}]}"#,
            r#"{"timestamp":1e3}"#,
        ] {
            let read = Payload::parse(document(optional).as_bytes()).unwrap();
            assert_eq!(read.name, "x/y:z", "{optional}");
        }
        for optional in [
            "1",
            "[]",
            r#"{"a":1,"a":1}"#,
            r#"{"creator":1}"#,
            r#"{"creator":null}"#,
            r#"{"timestamp":1.5}"#,
            r#"{"timestamp":"1"}"#,
        ] {
            Payload::parse(document(optional).as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        let good = document("null");
        let named = r#""docker-reference":"x/y:z""#;
        let other = r#""docker-reference":"evil""#;
        for (from, to) in [
            (named, format!("{other},{named}")),
            (named, format!("{named},{other}")),
            (named, r#""Docker-Reference":"x/y:z""#.to_owned()),
            (named, r#""docker-reference":1"#.to_owned()),
            (named, format!(r#"{named},"more":1"#)),
            (r#","optional":null"#, String::new()),
            (r#""optional":null"#, r#""optional":null,"optional":null"#.into()),
            (r#""optional":null"#, r#""optional":null,"critical":{}"#.into()),
            (r#""optional":null"#, r#""optional":null,"third":{}"#.into()),
            ("cosign container", "atomic container".into()),
            ("sha256:", "md5:".into()),
            ("{\"critical\"", "[{\"critical\"".into()),
        ] {
            assert!(good.contains(from), "{from}");
            let changed = good.replace(from, &to);
            Payload::parse(changed.as_bytes()).expect_err(&changed);
        }
        Payload::parse(format!("{good} {{}}").as_bytes()).unwrap_err();
        Payload::parse("[".repeat(100_000).as_bytes()).unwrap_err();
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = Payload::parse(text.as_bytes());
        }
    }
}
