//! What a plain scalar means: YAML 1.1 as PyYAML has it, and for comparison YAML 1.2's core schema.

use serde_json::Value;

/// How a plain scalar was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// Its value.
    pub(crate) value: Value,
    /// Something the author of the file should know.
    pub(crate) note: Option<Note>,
}

/// Why a reading deserves a word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note {
    /// YAML 1.2 reads another value, this one.
    Differs(Value),
    /// A date or time in YAML 1.1, kept as text.
    Date,
    /// Infinity or not-a-number, kept as text because JSON numbers lack it.
    NotFinite,
    /// A whole number beyond 64 bits, kept with the precision of a float.
    Rounded,
}

impl Note {
    /// The sentence for a finding about `text`, and advice.
    pub(crate) fn words(&self, text: &str, read: &Value) -> (String, &'static str) {
        match self {
            Self::Differs(other) => (
                format!(
                    "`{text}` is read as {} (YAML 1.1, like PyYAML); YAML 1.2 reads {}",
                    described(read),
                    described(other)
                ),
                "write the value so that both read it alike, or quote it to keep the text",
            ),
            Self::Date => (
                format!("`{text}` is a date in YAML 1.1; it is kept as text"),
                "quote it to say that text is meant",
            ),
            Self::NotFinite => (
                format!("`{text}` is kept as text, because there is no such JSON number"),
                "many load generators take the plain text `inf` instead",
            ),
            Self::Rounded => (
                format!("`{text}` does not fit in 64 bits and is rounded"),
                "quote it to keep all digits",
            ),
        }
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => value.to_string(),
        Value::Number(_) => format!("the number {value}"),
        _ => "text".to_owned(),
    }
}

/// A number as JSON can hold it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// Without loss.
    Exact(Value),
    /// Too many digits.
    Rounded(Value),
}

/// Read `text` as one plain scalar. The error says why PyYAML refuses it.
pub(crate) fn read_plain(text: &str) -> Result<Reading, &'static str> {
    let (value, mut note) = match read_1_1(text)? {
        Kind::Value(value) => (value, None),
        Kind::Noted(value, note) => (value, Some(note)),
    };
    if note.is_none() {
        let other = read_1_2(text);
        if other != value {
            note = Some(Note::Differs(other));
        }
    }
    Ok(Reading { value, note })
}

enum Kind {
    Value(Value),
    Noted(Value, Note),
}

fn read_1_1(text: &str) -> Result<Kind, &'static str> {
    let as_text = || Value::String(text.to_owned());
    if is_null(text) {
        return Ok(Kind::Value(Value::Null));
    }
    if let Some(value) = boolean_spelling(text) {
        return Ok(Kind::Value(Value::Bool(value)));
    }
    if text == "=" {
        return Err("a lone `=` has a meaning of its own in YAML 1.1, which nothing supports");
    }
    if let Some(float) = float(text) {
        return Ok(match serde_json::Number::from_f64(float) {
            Some(number) => Kind::Value(Value::Number(number)),
            None => Kind::Noted(Value::String(not_finite(float).to_owned()), Note::NotFinite),
        });
    }
    if let Some(integer) = integer(text) {
        return match integer? {
            Number::Exact(value) => Ok(Kind::Value(value)),
            Number::Rounded(value) => Ok(Kind::Noted(value, Note::Rounded)),
        };
    }
    if is_timestamp(text) {
        return Ok(Kind::Noted(as_text(), Note::Date));
    }
    Ok(Kind::Value(as_text()))
}

/// How the text that stands for a number JSON lacks is spelled.
fn not_finite(float: f64) -> &'static str {
    match (float.is_nan(), float > 0.0) {
        (true, _) => ".nan",
        (false, true) => ".inf",
        (false, false) => "-.inf",
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A boolean in lower case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// A boolean in one of the three spellings YAML knows: `yes`, `Yes`, `YES`.
fn boolean_spelling(text: &str) -> Option<bool> {
    if text.len() > 5 {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let mut title = lower.clone();
    title.get_mut(..1)?.make_ascii_uppercase();
    let known = text == lower || text == title || text == text.to_ascii_uppercase();
    boolean(&lower).filter(|_| known)
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'_' || allowed(byte))
}

/// A whole number of YAML 1.1; the inner error is for spellings at which PyYAML itself fails (`0x_`).
pub(super) fn integer(text: &str) -> Option<Result<Number, &'static str>> {
    let (negative, body) = unsigned(text);
    let digits = |part: &str, radix: u32| {
        let digits: String = part.chars().filter(|c| *c != '_').collect();
        whole(negative, &digits, radix)
    };
    if let Some(binary) = body
        .strip_prefix("0b")
        .filter(|rest| all(rest, |b| b == b'0' || b == b'1'))
    {
        return Some(digits(binary, 2));
    }
    if let Some(hex) = body
        .strip_prefix("0x")
        .filter(|rest| all(rest, |b| b.is_ascii_hexdigit()))
    {
        return Some(digits(hex, 16));
    }
    if body == "0" {
        return Some(digits("0", 10));
    }
    if body
        .strip_prefix('0')
        .is_some_and(|rest| all(rest, |b| (b'0'..=b'7').contains(&b)))
    {
        return Some(digits(body, 8));
    }
    if !body.bytes().next().is_some_and(|b| (b'1'..=b'9').contains(&b)) {
        return None;
    }
    if all(body, |b| b.is_ascii_digit()) {
        return Some(digits(body, 10));
    }
    let total = sixties(body.split(':'))?;
    // Beyond 2^53 the exact value needs more than a sum of floats; nobody writes such a time of day.
    let rounded = total.abs() >= 9_007_199_254_740_992.0;
    let signed = if negative { -total } else { total };
    Some(Ok(if rounded {
        Number::Rounded(Value::from(signed))
    } else {
        Number::Exact(Value::from(signed as i64))
    }))
}

fn whole(negative: bool, digits: &str, radix: u32) -> Result<Number, &'static str> {
    if digits.is_empty() {
        return Err("a number without digits");
    }
    if let Ok(magnitude) = u64::from_str_radix(digits, radix) {
        if !negative {
            return Ok(Number::Exact(Value::from(magnitude)));
        }
        if let Some(value) = 0i64.checked_sub_unsigned(magnitude) {
            return Ok(Number::Exact(Value::from(value)));
        }
    }
    let magnitude = digits
        .chars()
        .filter_map(|c| c.to_digit(radix))
        .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit));
    let signed = if negative { -magnitude } else { magnitude };
    serde_json::Number::from_f64(signed)
        .map(|number| Number::Rounded(Value::Number(number)))
        .ok_or("a number with too many digits")
}

/// Parts of a number in base sixty: any digits first, then one or two digits below 60 each. At least two parts.
fn sixties<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<f64> {
    let first = parts
        .next()
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut total = plain_digits(first)?;
    let mut count = 1;
    for part in parts {
        let below_sixty = match part.as_bytes() {
            [ones] => ones.is_ascii_digit(),
            [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
            _ => false,
        };
        if !below_sixty {
            return None;
        }
        total = total * 60.0 + plain_digits(part)?;
        count += 1;
    }
    (count > 1).then_some(total)
}

fn plain_digits(text: &str) -> Option<f64> {
    all(text, |b| b.is_ascii_digit())
        .then(|| text.replace('_', ""))
        .and_then(|digits| digits.parse().ok())
}

/// A float of YAML 1.1: it has a dot, and a signed exponent if any.
fn float(text: &str) -> Option<f64> {
    let (negative, body) = unsigned(text);
    let sign = if negative { -1.0 } else { 1.0 };
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return Some(sign * f64::INFINITY);
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(f64::NAN);
    }
    let (before, after) = body.split_once('.')?;
    if before.contains(':') {
        let fraction = if after.is_empty() { 0.0 } else { fraction(after)? };
        return Some(sign * (sixties(before.split(':'))? + fraction));
    }
    let (digits, exponent) = match after.find(['e', 'E']) {
        Some(at) => after.split_at(at),
        None => (after, ""),
    };
    let starts_well = if before.is_empty() {
        // Without a digit before the dot there must be one behind it, and no sign.
        body.len() == text.len() && digits.starts_with(|c: char| c.is_ascii_digit())
    } else {
        before.starts_with(|c: char| c.is_ascii_digit()) && all(before, |b| b.is_ascii_digit())
    };
    let ends_well =
        (digits.is_empty() || all(digits, |b| b.is_ascii_digit())) && is_signed_exponent(exponent);
    if !(starts_well && ends_well) {
        return None;
    }
    body.replace('_', "").parse().ok().map(|value: f64| sign * value)
}

fn fraction(digits: &str) -> Option<f64> {
    all(digits, |b| b.is_ascii_digit())
        .then(|| format!("0.{}", digits.replace('_', "")))
        .and_then(|text| text.parse().ok())
}

fn is_signed_exponent(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [b'e' | b'E', b'+' | b'-', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// What `!!float` makes of `raw`: also whole numbers, and exponents without sign, as Python's own `float` does.
pub(super) fn tagged_float(raw: &str) -> Option<Value> {
    let value = float(raw).or_else(|| {
        let plain = raw.replace('_', "");
        let only_number = plain
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
        only_number.then(|| plain.parse().ok()).flatten()
    })?;
    Some(serde_json::Number::from_f64(value).map_or_else(|| Value::from(not_finite(value)), Value::Number))
}

/// Whether YAML 1.1 takes `text` for a date, with or without a time.
fn is_timestamp(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else {
        return false;
    };
    let Some((month, rest)) = rest.split_once('-') else {
        return false;
    };
    let digits_until = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(digits_until);
    if !(is_digits(year, 4, 4) && is_digits(month, 1, 2) && is_digits(day, 1, 2)) {
        return false;
    }
    if time.is_empty() {
        return month.len() == 2 && day.len() == 2;
    }
    let clock = match time.as_bytes().first() {
        Some(b'T' | b't') => &time[1..],
        Some(b' ' | b'\t') => time.trim_start_matches([' ', '\t']),
        _ => return false,
    };
    is_clock(clock)
}

fn is_clock(text: &str) -> bool {
    let seconds_end = text
        .find(|c: char| !(c.is_ascii_digit() || c == ':'))
        .unwrap_or(text.len());
    let (clock, rest) = text.split_at(seconds_end);
    let parts: Vec<&str> = clock.split(':').collect();
    let good = matches!(parts.as_slice(), [hour, minute, second]
        if is_digits(hour, 1, 2) && is_digits(minute, 2, 2) && is_digits(second, 2, 2));
    let after_fraction = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    good && is_zone(
        after_fraction.trim_start_matches([' ', '\t']),
        after_fraction.is_empty(),
    )
}

fn is_zone(text: &str, absent: bool) -> bool {
    if absent || text == "Z" {
        return true;
    }
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return false;
    };
    match offset.split_once(':') {
        Some((hours, minutes)) => is_digits(hours, 1, 2) && is_digits(minutes, 2, 2),
        None => is_digits(offset, 1, 2),
    }
}

fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// What the core schema of YAML 1.2 reads, to compare with.
fn read_1_2(text: &str) -> Value {
    if is_null(text) {
        return Value::Null;
    }
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let (negative, body) = unsigned(text);
    let radix_digits = [("0o", 8), ("0x", 16)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((text.strip_prefix(prefix)?, radix)));
    let number =
        if let Some((digits, radix)) = radix_digits.filter(|(digits, _)| !digits.contains(['_', '+', '-'])) {
            let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            valid.then(|| whole(false, digits, radix).ok()).flatten()
        } else if !body.is_empty() && body.bytes().all(|b| b.is_ascii_digit()) {
            whole(negative, body, 10).ok()
        } else if is_float_1_2(body) {
            let value: Option<f64> = body
                .parse()
                .ok()
                .map(|value: f64| if negative { -value } else { value });
            value
                .and_then(serde_json::Number::from_f64)
                .map(|number| Number::Exact(Value::Number(number)))
        } else {
            None
        };
    match number {
        Some(Number::Exact(value) | Number::Rounded(value)) => value,
        None => Value::String(text.to_owned()),
    }
}

fn is_float_1_2(body: &str) -> bool {
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(unsigned(&body[at + 1..]).1)),
        None => (body, None),
    };
    let digits_only = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let good_mantissa = match mantissa.split_once('.') {
        Some((before, after)) => {
            digits_only(before) && digits_only(after) && !(before.is_empty() && after.is_empty())
        }
        None => !mantissa.is_empty() && digits_only(mantissa),
    };
    good_mantissa && exponent.is_none_or(|digits| !digits.is_empty() && digits_only(digits))
}
