//! The functions templates may call: those of Go's text/template, and the eight that Docker and Podman add.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::escape;
use super::item::{Item, Shape};
use super::printf;

/// How many arguments a function takes.
#[derive(Clone, Copy)]
pub enum Arity {
    Exactly(usize),
    AtLeast(usize),
}

/// A function. Its error is what stands after "error calling NAME:".
pub type Function = for<'d> fn(&[Item<'d>]) -> Result<Item<'d>, String>;

/// How many spaces `pad` may add on one side.
const WIDEST: i64 = 100_000;

pub fn exists(name: &str) -> bool {
    find(name).is_some()
}

pub fn find(name: &str) -> Option<(Arity, Function)> {
    use Arity::{AtLeast, Exactly};
    Some(match name {
        // The evaluator has stopped at the argument that decides; only the last is left.
        "and" | "or" => (AtLeast(1), |given| Ok(given[given.len() - 1].clone())),
        "not" => (Exactly(1), |given| Ok(Item::own(!given[0].truth()))),
        "len" => (Exactly(1), length),
        "index" => (AtLeast(1), index),
        "slice" => (AtLeast(1), slice),
        "call" => (AtLeast(1), |given| match given[0].value() {
            None | Some(Value::Null) => Err("call of nil".into()),
            Some(_) => Err(format!("non-function of type {}", given[0].type_name())),
        }),
        "print" => (AtLeast(0), |given| Ok(Item::own(printf::sprint(given)))),
        "println" => (AtLeast(0), |given| Ok(Item::own(printf::sprintln(given)))),
        "printf" => (AtLeast(1), |given| {
            let format = text_of(&given[0])?;
            Ok(Item::own(printf::sprintf(format, &given[1..])))
        }),
        "html" => (AtLeast(0), |given| Ok(Item::own(escape::html(&joined(given))))),
        "js" => (AtLeast(0), |given| Ok(Item::own(escape::js(&joined(given))))),
        "urlquery" => (AtLeast(0), |given| {
            Ok(Item::own(escape::url_query(&joined(given))))
        }),
        "eq" => (AtLeast(1), |given| equal(given).map(Item::own)),
        "ne" => (Exactly(2), |given| equal(given).map(|equal| Item::own(!equal))),
        "lt" => (Exactly(2), |given| {
            compare(given).map(|order| Item::own(order == Ordering::Less))
        }),
        "le" => (Exactly(2), |given| {
            compare(given).map(|order| Item::own(order != Ordering::Greater))
        }),
        "gt" => (Exactly(2), |given| {
            compare(given).map(|order| Item::own(order == Ordering::Greater))
        }),
        "ge" => (Exactly(2), |given| {
            compare(given).map(|order| Item::own(order != Ordering::Less))
        }),
        "json" => (Exactly(1), |given| {
            Ok(Item::own(escape::json(&given[0].with_sorted_maps())))
        }),
        "join" => (Exactly(2), join),
        "split" => (Exactly(2), |given| {
            let (text, separator) = (text_of(&given[0])?, text_of(&given[1])?);
            let parts: Vec<Value> = if separator.is_empty() {
                text.chars().map(|c| c.to_string().into()).collect()
            } else {
                text.split(separator).map(Into::into).collect()
            };
            Ok(Item::own(parts))
        }),
        "title" => (Exactly(1), |given| Ok(Item::own(title(text_of(&given[0])?)))),
        "lower" => (Exactly(1), |given| {
            Ok(Item::own(text_of(&given[0])?.to_lowercase()))
        }),
        "upper" => (Exactly(1), |given| {
            Ok(Item::own(text_of(&given[0])?.to_uppercase()))
        }),
        "pad" => (Exactly(3), pad),
        "truncate" => (Exactly(2), truncate),
        _ => return None,
    })
}

/// The arguments of `html`, `js` and `urlquery` as one text.
fn joined(given: &[Item<'_>]) -> String {
    match given {
        [Item::Is(value, _)] if value.is_string() => value.as_str().unwrap_or_default().to_owned(),
        _ => printf::sprint(given),
    }
}

fn text_of<'a>(item: &'a Item<'_>) -> Result<&'a str, String> {
    item.value()
        .and_then(Value::as_str)
        .ok_or_else(|| format!("wrong type for value; expected string; got {}", item.type_name()))
}

fn integer_of(item: &Item<'_>) -> Result<i64, String> {
    item.value()
        .and_then(Value::as_i64)
        .ok_or_else(|| format!("wrong type for value; expected int; got {}", item.type_name()))
}

fn length<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    Ok(Item::own(match given[0].value() {
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(object)) => object.len(),
        None | Some(Value::Null) => match given[0] {
            Item::Is(_, Shape::List | Shape::Map) => 0,
            _ => return Err("len of nil pointer".into()),
        },
        Some(_) => return Err(format!("len of type {}", given[0].type_name())),
    }))
}

/// An index below `length`, or up to it where a slice may end.
fn position(item: &Item<'_>, length: usize, inclusive: bool) -> Result<usize, String> {
    let index = match item.value() {
        Some(Value::Number(number)) if number.as_i64().is_some() => number.as_i64().unwrap_or(0),
        None | Some(Value::Null) => return Err("cannot index slice/array with nil".into()),
        Some(_) => return Err(format!("cannot index slice/array with type {}", item.type_name())),
    };
    usize::try_from(index)
        .ok()
        .filter(|&index| index < length || inclusive && index == length)
        .ok_or_else(|| format!("index out of range: {index}"))
}

fn index<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    let mut item = given[0].clone();
    if matches!(item.value(), None | Some(Value::Null)) && !matches!(item, Item::Is(_, Shape::Map)) {
        return Err("index of untyped nil".into());
    }
    for key in &given[1..] {
        item = match item.value() {
            Some(Value::Array(list)) => {
                let index = position(key, list.len(), false)?;
                item.element(index).unwrap_or(Item::Missing)
            }
            Some(Value::String(text)) => Item::own(text.as_bytes()[position(key, text.len(), false)?]),
            Some(Value::Object(object)) => {
                let key = text_of(key)?;
                // What a map does not have is the zero value of what it has.
                let zero = match (&item, object.values().next()) {
                    (Item::Is(_, Shape::Map), Some(Value::String(_)) | None) => Item::own(""),
                    _ => Item::Missing,
                };
                item.get(key).unwrap_or(zero)
            }
            None | Some(Value::Null) => match item {
                Item::Is(_, Shape::Map) => Item::own(""),
                _ => return Err("index of nil pointer".into()),
            },
            Some(_) => return Err(format!("can't index item of type {}", item.type_name())),
        };
    }
    Ok(item)
}

fn slice<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    let bounds = |length: usize| -> Result<(usize, usize), String> {
        if given.len() > 4 {
            return Err(format!("too many slice indexes: {}", given.len() - 1));
        }
        let mut limits = [0, length, length];
        for (limit, item) in limits.iter_mut().zip(&given[1..]) {
            *limit = position(item, length, true)?;
        }
        for pair in [(limits[0], limits[1]), (limits[1], limits[2])] {
            if pair.0 > pair.1 {
                return Err(format!("invalid slice index: {} > {}", pair.0, pair.1));
            }
        }
        Ok((limits[0], limits[1]))
    };
    match given[0].value() {
        Some(Value::String(_)) if given.len() == 4 => Err("cannot 3-index slice a string".into()),
        Some(Value::String(text)) => {
            let (from, to) = bounds(text.len())?;
            // Half a character is shown as the replacement character, as a terminal would show it.
            Ok(Item::own(
                String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned(),
            ))
        }
        Some(Value::Array(list)) => {
            let (from, to) = bounds(list.len())?;
            let shape = match given[0] {
                Item::Is(_, shape) => shape,
                Item::Missing => Shape::Struct,
            };
            Ok(Item::Is(Cow::Owned(list[from..to].to_vec().into()), shape))
        }
        None | Some(Value::Null) => Err("slice of untyped nil".into()),
        Some(_) => Err(format!("can't slice item of type {}", given[0].type_name())),
    }
}

#[derive(PartialEq)]
enum Basic<'v> {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'v str),
    Nil,
    Other,
}

fn basic<'v>(item: &'v Item<'_>) -> Basic<'v> {
    match item.value() {
        None | Some(Value::Null) => Basic::Nil,
        Some(Value::Bool(value)) => Basic::Bool(*value),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(integer) => Basic::Integer(integer),
            None => Basic::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Some(Value::String(text)) => Basic::Text(text),
        Some(_) => Basic::Other,
    }
}

/// Whether the first argument equals any of the others.
fn equal(given: &[Item<'_>]) -> Result<bool, String> {
    if given.len() < 2 {
        return Err("missing argument for comparison".into());
    }
    let first = basic(&given[0]);
    for item in &given[1..] {
        let same = match (&first, basic(item)) {
            (Basic::Other, Basic::Nil) | (Basic::Nil, Basic::Other) => false,
            (Basic::Other, Basic::Other) => {
                return Err(format!("non-comparable type {}", given[0].type_name()));
            }
            (_, Basic::Nil) | (Basic::Nil, _) => first == basic(item),
            (one, two) if std::mem::discriminant(one) != std::mem::discriminant(&two) => {
                return Err("incompatible types for comparison".into());
            }
            (one, two) => *one == two,
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(given: &[Item<'_>]) -> Result<Ordering, String> {
    match (basic(&given[0]), basic(&given[1])) {
        (Basic::Integer(one), Basic::Integer(two)) => Ok(one.cmp(&two)),
        (Basic::Float(one), Basic::Float(two)) => Ok(one.partial_cmp(&two).unwrap_or(Ordering::Greater)),
        (Basic::Text(one), Basic::Text(two)) => Ok(one.cmp(two)),
        (Basic::Bool(_), Basic::Bool(_))
        | (Basic::Nil | Basic::Other, _)
        | (_, Basic::Nil | Basic::Other) => Err("invalid type for comparison".into()),
        _ => Err("incompatible types for comparison".into()),
    }
}

fn join<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    let separator = text_of(&given[1])?;
    let list = match given[0].value() {
        Some(Value::Array(list)) => list.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => {
            let got = given[0].type_name();
            return Err(format!("wrong type for value; expected []string; got {got}"));
        }
    };
    let parts: Vec<String> = list
        .iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            other => printf::sprint(&[Item::own(other.clone())]),
        })
        .collect();
    Ok(Item::own(parts.join(separator)))
}

/// Every word with a capital first letter.
fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            result.push(c);
        } else {
            result.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric() || c == '_';
    }
    result
}

fn pad<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    let text = text_of(&given[0])?;
    let spaces = |item| -> Result<String, String> {
        let count = integer_of(item)?;
        match usize::try_from(count) {
            Ok(width) if count <= WIDEST => Ok(" ".repeat(width)),
            _ => Err(format!("{count} is not between 0 and {WIDEST} spaces")),
        }
    };
    let (before, after) = (spaces(&given[1])?, spaces(&given[2])?);
    Ok(Item::own(if text.is_empty() {
        String::new()
    } else {
        format!("{before}{text}{after}")
    }))
}

fn truncate<'d>(given: &[Item<'d>]) -> Result<Item<'d>, String> {
    let text = text_of(&given[0])?;
    let length = integer_of(&given[1])?;
    let length = usize::try_from(length).map_err(|_| format!("{length} is not a length"))?;
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Ok(Item::own(&text[..end]))
}
