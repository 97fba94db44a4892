//! How text is written for JSON, HTML, JavaScript, URLs and as a Go string.

use std::fmt::Write;

use serde_json::Value;

/// Compact JSON, with nothing escaped that need not be but the two separators that JavaScript once refused.
pub fn json(value: &Value) -> String {
    value
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

pub fn html(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => result.push('\u{FFFD}'),
            '"' => result.push_str("&#34;"),
            '\'' => result.push_str("&#39;"),
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            _ => result.push(c),
        }
    }
    result
}

pub fn js(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => result.push_str("\\\\"),
            '\'' => result.push_str("\\'"),
            '"' => result.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                let _ = write!(result, "\\u{:04X}", u32::from(c));
            }
            _ if is_printable(c) => result.push(c),
            _ => {
                let _ = write!(result, "\\u{:04X}", u32::from(c));
            }
        }
    }
    result
}

pub fn url_query(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => result.push('+'),
            b'-' | b'_' | b'.' | b'~' => result.push(byte as char),
            _ if byte.is_ascii_alphanumeric() => result.push(byte as char),
            _ => {
                let _ = write!(result, "%{byte:02X}");
            }
        }
    }
    result
}

/// A Go string or character constant between `quote`s; everything beyond ASCII is escaped when `ascii` is set.
pub fn quoted(text: &str, quote: char, ascii: bool) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push(quote);
    for c in text.chars() {
        match c {
            '\\' => result.push_str("\\\\"),
            _ if c == quote => result.extend(['\\', c]),
            '\x07' => result.push_str("\\a"),
            '\x08' => result.push_str("\\b"),
            '\x0c' => result.push_str("\\f"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\x0b' => result.push_str("\\v"),
            _ if is_printable(c) && (c.is_ascii() || !ascii) => result.push(c),
            _ if c < ' ' || c == '\x7f' => {
                let _ = write!(result, "\\x{:02x}", u32::from(c));
            }
            _ if u32::from(c) < 0x10000 => {
                let _ = write!(result, "\\u{:04x}", u32::from(c));
            }
            _ => {
                let _ = write!(result, "\\U{:08x}", u32::from(c));
            }
        }
    }
    result.push(quote);
    result
}

/// Roughly Go's `unicode.IsPrint`: no control character and no space but the plain one.
fn is_printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}'))
}
