//! The Hugging Face token: whether there is one is part of a plan; the token itself never is.

use super::{Context, Notes};
use crate::plan::merge::{set, text};
use crate::text::SENTINELS;
use serde_json::Value;

/// Stands where the token goes when something is applied.
const TOKEN: &str = "REPLACE_TOKEN";
/// The same in base64.
const TOKEN_BASE64: &str = "UkVQTEFDRV9UT0tFTg==";

/// Whether a config brings a token of its own.
fn is_written(config: &Value) -> bool {
    let token = text(config, &["huggingface", "token"]);
    !token.is_empty() && !SENTINELS.contains(&token.as_str())
}

/// Put sentinels where the token goes, or nothing where there is none.
pub(super) fn sentinel(config: &mut Value, context: &Context, _: &mut Notes) {
    let enabled = context.token || is_written(config);
    let (token, base64) = if enabled { (TOKEN, TOKEN_BASE64) } else { ("", "") };
    for (key, value) in [
        ("enabled", Value::from(enabled)),
        ("token", token.into()),
        ("tokenBase64", base64.into()),
    ] {
        set(config, &["huggingface", key], value);
    }
}
