//! The syntax of names, as API servers check it.

fn dns_syntax(part: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !part.is_empty() && part.chars().all(fits) && !part.starts_with('-') && !part.ends_with('-')
}

/// A word of a host name, as namespaces and containers are called: at most 63 of `a-z 0-9 -`.
pub(super) fn dns_label(text: &str) -> Result<(), &'static str> {
    if text.len() > 63 {
        return Err("is longer than 63 characters");
    }
    if dns_syntax(text) {
        Ok(())
    } else {
        Err("must be of lower-case letters, digits and inner `-`")
    }
}

/// A DNS label that begins with a letter, as services are called.
pub(super) fn service_name(text: &str) -> Result<(), &'static str> {
    dns_label(text)?;
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("must begin with a letter");
    }
    Ok(())
}

/// Words of a host name joined by dots, as most objects are called: at most 253 characters.
pub(super) fn dns_subdomain(text: &str) -> Result<(), &'static str> {
    if text.len() > 253 {
        return Err("is longer than 253 characters");
    }
    if text.split('.').all(dns_syntax) {
        Ok(())
    } else {
        Err("must be of lower-case letters, digits, and inner `-` and `.`")
    }
}

/// A name that can stand in a URL, as roles are called: `system:node` is one.
pub(super) fn path_segment(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text == "." || text == ".." || text.contains(['/', '%']) {
        return Err("must not be `.` or `..`, nor hold `/` or `%`");
    }
    Ok(())
}

/// The part of a key behind its prefix; also a label's value where it is not empty.
fn qualified(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let outer = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63 && text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer)
}

/// The key of a label or an annotation: an optional DNS prefix with `/`, then a name.
pub(super) fn label_key(text: &str) -> Result<(), &'static str> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if prefix.is_some_and(|prefix| dns_subdomain(prefix).is_err()) {
        return Err("has a prefix before `/` that is no DNS name in lower case");
    }
    if qualified(name) {
        Ok(())
    } else {
        Err("must have at most 63 letters, digits, `-`, `_` or `.`, first and last a letter or digit")
    }
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || qualified(text) {
        return Ok(());
    }
    if text.len() > 63 {
        return Err("is longer than 63 characters");
    }
    Err("must be of letters, digits, `-`, `_` or `.`, first and last a letter or digit")
}

/// The name of a port: at most 15 of `a-z 0-9 -`, one of them a letter.
pub(super) fn port_name(text: &str) -> Result<(), &'static str> {
    if text.len() > 15 {
        return Err("is longer than 15 characters");
    }
    if dns_label(text).is_err() || text.contains("--") || !text.contains(|c: char| c.is_ascii_lowercase()) {
        return Err("must be of lower-case letters, digits and single inner `-`, with a letter in it");
    }
    Ok(())
}

/// The name of an environment variable.
pub(super) fn env_name(text: &str) -> Result<(), &'static str> {
    let fits = |c: char| (' '..='~').contains(&c) && c != '=';
    if text.is_empty() || !text.chars().all(fits) {
        return Err("must be of printable ASCII characters without `=`");
    }
    Ok(())
}

/// A key in the data of a `ConfigMap` or `Secret`, which becomes a file's name.
pub(super) fn data_key(text: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 253 || text == "." || text.starts_with("..") || !text.chars().all(fits)
    {
        return Err("must be of letters, digits, `-`, `_` or `.`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> Result<(), &'static str>;

    #[test]
    fn names_are_taken_or_refused_as_an_api_server_does() {
        let long = "a".repeat(64);
        let cases: [(Rule, &[&str], &[&str]); 9] = [
            (
                dns_label,
                &["a", "0a", "a-b"],
                &["", "-a", "a-", "A", "a.b", "a_b", &long],
            ),
            (service_name, &["a0"], &["0a", "a.b"]),
            (
                dns_subdomain,
                &["a.b-c.0", &long],
                &["", "a..b", ".a", "a.", "A.b", "a/b", "a.-b"],
            ),
            (
                path_segment,
                &["system:node", "A b"],
                &["", ".", "..", "a/b", "a%"],
            ),
            (
                label_key,
                &["a", "A_b.c", "x.io/y"],
                &["", "/a", "a/", "X.io/y", "a/b/c", "-a", &long],
            ),
            (label_value, &["", "a", "A.b_c"], &["-a", "a b", "a/b", &long]),
            (
                port_name,
                &["http", "a-1"],
                &["", "80", "a--b", "Http", "sixteen-letters-"],
            ),
            (env_name, &["A", "a.b-c", "1A", "A B"], &["", "A=B", "ä"]),
            (
                data_key,
                &["a.yaml", ".x", "A_b"],
                &["", ".", "..", "..a", "a/b", "a b"],
            ),
        ];
        for (rule, good, bad) in cases {
            for text in good {
                assert_eq!(rule(text), Ok(()), "{text}");
            }
            for text in bad {
                assert!(rule(text).is_err(), "{text}");
            }
        }
    }
}
