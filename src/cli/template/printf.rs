//! Go's fmt: how values print by themselves and under the verbs of `printf`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::escape::quoted;
use super::item::{Item, Shape, sorted};
use crate::base::units::go_duration;

/// Go ignores widths and precisions above this.
const WIDEST: usize = 1_000_000;

/// How deep values may nest in what is printed.
const DEEPEST: usize = 100;

/// One verb with its flags, such as `%-08.3f`.
#[derive(Clone, Copy, Default)]
struct Verb {
    letter: char,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// Structs are written with the names of their fields.
    names: bool,
}

impl Verb {
    fn plain() -> Self {
        Self {
            letter: 'v',
            ..Self::default()
        }
    }
}

/// What an action prints.
pub fn print(output: &mut String, item: &Item<'_>) {
    match item {
        Item::Missing => output.push_str("<no value>"),
        Item::Is(value, Shape::Free) if value.is_null() => output.push_str("<no value>"),
        _ => write_item(output, item, &Verb::plain(), 0),
    }
}

/// `fmt.Sprint`: spaces only between two operands of which neither is a string.
pub fn sprint(items: &[Item<'_>]) -> String {
    let is_text = |item: &Item<'_>| item.value().is_some_and(Value::is_string);
    let mut output = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 && !is_text(item) && !is_text(&items[index - 1]) {
            output.push(' ');
        }
        write_item(&mut output, item, &Verb::plain(), 0);
    }
    output
}

/// `fmt.Sprintln`: spaces between all operands, and a new line.
pub fn sprintln(items: &[Item<'_>]) -> String {
    let mut output = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            output.push(' ');
        }
        write_item(&mut output, item, &Verb::plain(), 0);
    }
    output.push('\n');
    output
}

/// `fmt.Sprintf`. Mistakes are written into the text, as Go does.
pub fn sprintf(format: &str, items: &[Item<'_>]) -> String {
    let mut output = String::new();
    let mut scan = Scan {
        rest: format,
        items,
        next: 0,
        reordered: false,
    };
    while let Some(start) = scan.rest.find('%') {
        output.push_str(&scan.rest[..start]);
        scan.rest = &scan.rest[start + 1..];
        scan.verb(&mut output);
    }
    output.push_str(scan.rest);
    if !scan.reordered && scan.next < items.len() {
        output.push_str("%!(EXTRA ");
        for (index, item) in items[scan.next..].iter().enumerate() {
            if index > 0 {
                output.push_str(", ");
            }
            output.push_str(item.type_name());
            if !matches!(item.value(), None | Some(Value::Null)) {
                output.push('=');
                write_item(&mut output, item, &Verb::plain(), 0);
            }
        }
        output.push(')');
    }
    output
}

struct Scan<'f, 'd> {
    rest: &'f str,
    items: &'f [Item<'d>],
    next: usize,
    /// An explicit `[n]` was used, so that unused arguments are no mistake.
    reordered: bool,
}

impl Scan<'_, '_> {
    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// One verb after its `%`.
    fn verb(&mut self, output: &mut String) {
        let mut verb = Verb::plain();
        loop {
            match self.rest.chars().next() {
                Some('+') => verb.plus = true,
                Some('-') => verb.minus = true,
                Some('#') => verb.sharp = true,
                Some(' ') => verb.space = true,
                Some('0') => verb.zero = true,
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        // Zeros would go to the right of what stands on the left.
        verb.zero &= !verb.minus;
        let mut good = self.argument_number();
        verb.width = self.number(output, "WIDTH");
        if self.eat('.') {
            good &= self.argument_number();
            verb.precision = Some(self.number(output, "PREC").unwrap_or(0));
        }
        good &= self.argument_number();
        let Some(letter) = self.rest.chars().next() else {
            output.push_str("%!(NOVERB)");
            return;
        };
        self.rest = &self.rest[letter.len_utf8()..];
        verb.letter = letter;
        if letter == 'v' && verb.plus {
            // With `v` a plus asks for field names, not for signs.
            (verb.plus, verb.names) = (false, true);
        }
        if letter == '%' {
            output.push('%');
        } else if !good {
            let _ = write!(output, "%!{letter}(BADINDEX)");
        } else if let Some(item) = self.items.get(self.next) {
            self.next += 1;
            write_item(output, item, &verb, 0);
        } else {
            let _ = write!(output, "%!{letter}(MISSING)");
        }
    }

    /// `[n]`; false if there is no argument of that number.
    fn argument_number(&mut self) -> bool {
        let Some(inner) = self.rest.strip_prefix('[') else {
            return true;
        };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            self.rest = inner;
            return false;
        };
        self.rest = &inner[end + 1..];
        match inner[..end].parse::<usize>() {
            Ok(number) if (1..=self.items.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            _ => false,
        }
    }

    /// Digits, or `*` for the next argument.
    fn number(&mut self, output: &mut String, what: &str) -> Option<usize> {
        if self.eat('*') {
            let value = self
                .items
                .get(self.next)
                .and_then(Item::value)
                .and_then(Value::as_u64);
            self.next += 1;
            let value = value
                .and_then(|value| usize::try_from(value).ok())
                .filter(|value| *value <= WIDEST);
            if value.is_none() {
                let _ = write!(output, "%!(BAD{what})");
            }
            return value;
        }
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok().filter(|value| *value <= WIDEST)
    }
}

/// Writes `text`, filled up to the width of `verb`.
fn fill(output: &mut String, text: &str, verb: &Verb) {
    let missing = verb.width.unwrap_or(0).saturating_sub(text.chars().count());
    if verb.minus {
        output.push_str(text);
        output.extend(std::iter::repeat_n(' ', missing));
    } else {
        let filler = if verb.zero { '0' } else { ' ' };
        output.extend(std::iter::repeat_n(filler, missing));
        output.push_str(text);
    }
}

fn bad_verb(output: &mut String, item: &Item<'_>, verb: &Verb) {
    let _ = write!(output, "%!{}(", verb.letter);
    match item.value() {
        None | Some(Value::Null) => output.push_str("<nil>"),
        Some(_) => {
            output.push_str(item.type_name());
            output.push('=');
            write_item(output, item, &Verb::plain(), DEEPEST / 2);
        }
    }
    output.push(')');
}

fn write_item(output: &mut String, item: &Item<'_>, verb: &Verb, depth: usize) {
    if verb.letter == 'T' {
        return fill(output, item.type_name(), &Verb { letter: 's', ..*verb });
    }
    if depth > DEEPEST {
        return output.push_str("...");
    }
    match (item.value(), item) {
        (Some(Value::Null), Item::Is(_, Shape::List)) => fill(output, "[]", verb),
        (Some(Value::Null), Item::Is(_, Shape::Map)) => fill(output, "map[]", verb),
        (None | Some(Value::Null), _) if verb.letter == 'v' => fill(output, "<nil>", verb),
        (Some(Value::Bool(value)), _) if matches!(verb.letter, 'v' | 't') => {
            fill(
                output,
                if *value { "true" } else { "false" },
                &Verb { zero: false, ..*verb },
            );
        }
        (Some(Value::Number(number)), Item::Is(_, Shape::Duration))
            if number.is_u64() && matches!(verb.letter, 'v' | 's') =>
        {
            let time = Duration::from_nanos(number.as_u64().unwrap_or_default());
            fill(output, &go_duration(time), verb);
        }
        (Some(Value::Number(number)), _) => {
            let text = match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => format_integer(integer, verb),
                (None, Some(float)) => format_float(float, verb),
                (None, None) => None,
            };
            match text {
                Some(text) => fill_number(output, &text, verb),
                None => bad_verb(output, item, verb),
            }
        }
        (Some(Value::String(text)), _) => match format_text(text, verb) {
            Some(text) => fill(output, &text, verb),
            None => bad_verb(output, item, verb),
        },
        (Some(Value::Array(list)), _) => {
            output.push('[');
            for index in 0..list.len() {
                if index > 0 {
                    output.push(' ');
                }
                write_item(
                    output,
                    &item.element(index).unwrap_or(Item::Missing),
                    verb,
                    depth + 1,
                );
            }
            output.push(']');
        }
        (Some(Value::Object(object)), _) if item.has_free_keys() => {
            output.push_str("map[");
            for (index, (key, _)) in sorted(object).into_iter().enumerate() {
                if index > 0 {
                    output.push(' ');
                }
                write_item(output, &Item::own(key.as_str()), verb, depth + 1);
                output.push(':');
                write_item(output, &item.get(key).unwrap_or(Item::Missing), verb, depth + 1);
            }
            output.push(']');
        }
        (Some(Value::Object(object)), _) => {
            output.push('{');
            for (index, key) in object.keys().enumerate() {
                if index > 0 {
                    output.push(' ');
                }
                if verb.names {
                    let _ = write!(output, "{key}:");
                }
                write_item(output, &item.get(key).unwrap_or(Item::Missing), verb, depth + 1);
            }
            output.push('}');
        }
        _ => bad_verb(output, item, verb),
    }
}

/// Like [`fill`], with zeros between the sign and the digits.
fn fill_number(output: &mut String, text: &str, verb: &Verb) {
    match text.strip_prefix(['+', '-', ' ']) {
        Some(digits) if verb.zero => {
            output.push_str(&text[..1]);
            let width = verb.width.map(|width| width.saturating_sub(1));
            fill(output, digits, &Verb { width, ..*verb });
        }
        _ => fill(output, text, verb),
    }
}

fn sign(negative: bool, verb: &Verb) -> &'static str {
    match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn format_integer(value: i64, verb: &Verb) -> Option<String> {
    let magnitude = value.unsigned_abs();
    let digits = match verb.letter {
        'v' | 'd' => magnitude.to_string(),
        'b' => format!("{magnitude:b}"),
        'o' | 'O' => format!("{magnitude:o}"),
        'x' => format!("{magnitude:x}"),
        'X' => format!("{magnitude:X}"),
        'c' | 'q' => {
            let c = u32::try_from(value)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or('\u{FFFD}');
            return Some(if verb.letter == 'c' {
                c.to_string()
            } else {
                quoted(c.encode_utf8(&mut [0; 4]), '\'', verb.plus)
            });
        }
        'U' => return Some(format!("U+{value:04X}")),
        _ => return None,
    };
    let prefix = match verb.letter {
        'O' => "0o",
        'o' if verb.sharp => "0",
        'b' if verb.sharp => "0b",
        'x' if verb.sharp => "0x",
        'X' if verb.sharp => "0X",
        _ => "",
    };
    let sign = sign(value < 0, verb);
    let wanted = match (verb.precision, verb.width) {
        (Some(0), _) if value == 0 => return Some(String::new()),
        (Some(precision), _) => precision,
        (None, Some(width)) if verb.zero => width.saturating_sub(sign.len()),
        _ => 0,
    };
    Some(format!("{sign}{prefix}{digits:0>wanted$}"))
}

fn format_float(value: f64, verb: &Verb) -> Option<String> {
    let magnitude = value.abs();
    let text = match verb.letter {
        'v' | 'g' | 'G' => general(magnitude, verb.precision),
        'f' | 'F' => format!("{magnitude:.*}", verb.precision.unwrap_or(6)),
        'e' | 'E' => go_exponent(&format!("{magnitude:.*e}", verb.precision.unwrap_or(6))),
        _ => return None,
    };
    let text = if verb.letter.is_ascii_uppercase() {
        text.to_uppercase()
    } else {
        text
    };
    Some(format!("{}{text}", sign(value.is_sign_negative(), verb)))
}

/// `%g`: an exponent only where it is below -4 or at least the precision, which counts as 6 for the shortest form.
fn general(magnitude: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        None => format!("{magnitude:e}"),
        Some(precision) => format!("{magnitude:.*e}", precision.max(1) - 1),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    let limit = match precision {
        None => 6,
        Some(precision) if precision as i32 > digits && digits > exponent => digits,
        Some(precision) => precision.max(1) as i32,
    };
    if exponent < -4 || exponent >= limit {
        return go_exponent(&format!("{mantissa}e{exponent}"));
    }
    let decimals = (digits - 1 - exponent).max(0) as usize;
    format!("{magnitude:.decimals$}")
}

/// Rust's `1e6` as Go's `1e+06`.
fn go_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

fn format_text(text: &str, verb: &Verb) -> Option<String> {
    let cut = || match verb.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    Some(match verb.letter {
        'v' if verb.sharp => quoted(text, '"', false),
        'v' | 's' => cut(),
        'q' => {
            let cut: String = cut();
            if verb.sharp && !cut.contains(['`', '\n', '\r']) {
                format!("`{cut}`")
            } else {
                quoted(&cut, '"', verb.plus)
            }
        }
        'x' | 'X' => {
            let bytes = text.as_bytes();
            let bytes = &bytes[..verb.precision.unwrap_or(bytes.len()).min(bytes.len())];
            let mut result = String::new();
            for (index, byte) in bytes.iter().enumerate() {
                if index > 0 && verb.space {
                    result.push(' ');
                }
                if verb.sharp && (index == 0 || verb.space) {
                    result.push_str(if verb.letter == 'x' { "0x" } else { "0X" });
                }
                let _ = if verb.letter == 'x' {
                    write!(result, "{byte:02x}")
                } else {
                    write!(result, "{byte:02X}")
                };
            }
            result
        }
        _ => return None,
    })
}
