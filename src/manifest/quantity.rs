//! Amounts of a resource, as Kubernetes writes them: `500m`, `1.5Gi`, `2e3`.

/// What a quantity looks like.
pub(super) const HELP: &str =
    "a quantity is a number with one of m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or e3";

/// The amount `text` stands for, in base units (cores, bytes, pieces); the error says what is wrong with it.
///
/// Precise enough to compare a request with a limit, not to add up.
pub(super) fn parse(text: &str) -> Result<f64, &'static str> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(digits);
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return Err("it does not begin with a number");
    }
    let number: f64 = number.parse().map_err(|_| "its number cannot be read")?;
    let factor = factor(suffix).ok_or("its unit is not known")?;
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    Ok(sign * number * factor)
}

fn factor(suffix: &str) -> Option<f64> {
    let decimal = |power: i32| Some(10f64.powi(power));
    let binary = |power: i32| Some(1024f64.powi(power));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            decimal(exponent.parse::<i8>().ok()?.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        for (text, amount) in [
            ("0", 0.0),
            ("500m", 0.5),
            ("1.5Gi", 1.5 * 1024.0 * 1024.0 * 1024.0),
            ("2e3", 2000.0),
            ("2E", 2e18),
            ("1E3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1k", -1000.0),
            ("+100M", 1e8),
        ] {
            let read = parse(text).unwrap();
            assert!((read - amount).abs() <= amount.abs() * 1e-12, "{text}: {read}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "", "Gi", "1 Gi", "1GB", "1gi", "1K", "1.2.3", "1e", "1e3.5", "e3", "--1", "auto", "1e999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
