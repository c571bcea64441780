//! Takes secrets out of text before it is shown, logged or written.
//!
//! Applied to everything the application logs itself, to lines of input files that findings show, and to values that
//! explanations tell. Logs written by other processes are theirs and stay byte-identical on disk.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a secret is replaced with.
pub const REDACTED: &str = "[redacted]";

/// Texts that stand where a token will be, and tell nothing.
pub const SENTINELS: [&str; 3] = ["REPLACE_TOKEN", "REPLACE_TOKEN_B64", "UkVQTEFDRV9UT0tFTg=="];

/// Each pattern has one group `s`, the secret itself. ASCII only, to keep the compiled patterns small.
const PATTERNS: &[&str] = &[
    // Tokens that are known by their shape, wherever they stand.
    r"(?-u)\b(?P<s>hf_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16})",
    r"(?-u)\b(?P<s>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)?)",
    // HTTP credentials.
    r"(?i-u)\b(bearer|basic)\s+(?P<s>[A-Za-z0-9._~+/=-]{6,})",
    r"(?-u)[a-z][a-z0-9+.-]*://[!-~--[:/@]]*:(?P<s>[!-~--[/@]]+)@",
    // Kubeconfig, environment variables, flags, YAML and JSON keys that name a secret.
    r#"(?i-u)(client-key-data|client-certificate-data|certificate-authority-data|[a-z0-9_-]*(token|password|passwd|secret|api[_-]?key|access[_-]?key|private[_-]?key))["']?[ \t]*[:=][ \t]*["']?(?P<s>[!-~--["',;}\[]]{6,})"#,
    r"(?i-u)--[a-z-]*(token|password|secret|api-key)\s+(?P<s>[!-~--[\-]][!-~]{5,})",
    r"(?-u)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<s>[ -~\s]*?)(-----END|$)",
];

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    PATTERNS
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
});

/// The text without tokens, passwords and keys: Hugging Face and other well-known tokens, bearer and basic
/// credentials, kubeconfig data, and values of keys that name a secret. Numbers under such keys stay, since
/// `max_token: 1024` is no secret.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for pattern in COMPILED.iter() {
        if let Some(replaced) = replace(pattern, &clean) {
            clean = Cow::Owned(replaced);
        }
    }
    clean
}

fn replace(pattern: &Regex, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for captures in pattern.captures_iter(text) {
        let Some(secret) = captures.name("s") else {
            continue;
        };
        let text_of = secret.as_str();
        let is_number = text_of.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_number || SENTINELS.contains(&text_of) {
            continue;
        }
        out.push_str(text.get(done..secret.start()).unwrap_or_default());
        out.push_str(REDACTED);
        done = secret.end();
    }
    (done > 0).then(|| {
        out.push_str(text.get(done..).unwrap_or_default());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in PATTERNS {
            Regex::new(pattern).unwrap();
        }
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn secrets_go() {
        for (text, clean) in [
            ("HF_TOKEN=hf_abcdefghijklmnop run", "HF_TOKEN=[redacted] run"),
            ("token hf_abcdefghijklmnop.", "token [redacted]."),
            (
                "Authorization: Bearer abc.def-123",
                "Authorization: Bearer [redacted]",
            ),
            ("client-key-data: LS0tLS1CRUdJTg==", "client-key-data: [redacted]"),
            (r#"{"apiKey": "s3cr3t-value"}"#, r#"{"apiKey": "[redacted]"}"#),
            ("https://user:pass@host/x", "https://user:[redacted]@host/x"),
            (
                "serve --api-key abcdef123 --port 1",
                "serve --api-key [redacted] --port 1",
            ),
            ("DB_PASSWORD='hunter22'", "DB_PASSWORD='[redacted]'"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc_def", "jwt [redacted]"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----",
            ),
        ] {
            assert_eq!(redact(text), clean);
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "max_token: 1024 output_tokens=128",
            "tokenizer: meta-llama/Llama-3",
            "token: 12345678",
            "http://127.0.0.1:8000/v1/models",
            "HF_TOKEN=[redacted]",
            "no secret here",
            "secret:\n  secretName: llmdbench-context",
            "token: REPLACE_TOKEN",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn redacting_twice_changes_nothing_more() {
        let once = redact("HF_TOKEN=hf_abcdefghijklmnop password: hunter22").into_owned();
        assert_eq!(redact(&once), once);
    }
}
