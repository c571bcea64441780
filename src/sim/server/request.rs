//! What clients ask for: the JSON of `/v1/completions` and `/v1/chat/completions`, as far as it acts.
//!
//! Sampling parameters and everything else that would change which tokens come, but not when, is accepted and does
//! nothing.

use super::error::ApiError;
use crate::sim::tokens;
use serde::Deserialize;
use serde_json::Value;

/// Tokens of a text completion where the request sets no limit, as in vLLM.
const DEFAULT_TEXT_TOKENS: u32 = 16;

/// Which endpoint is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Chat,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
    TokenLists(Vec<Vec<u32>>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
    continuous_usage_stats: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Body {
    model: Option<String>,
    prompt: Option<Prompt>,
    messages: Option<Vec<Message>>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    min_tokens: Option<u32>,
    ignore_eos: Option<bool>,
    stop: Option<Stop>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    n: Option<u32>,
    seed: Option<i64>,
    kv_transfer_params: Option<Value>,
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// At once, when it is complete.
    Whole,
    /// As events, with usage in this place.
    Events(UsageIn),
}

/// Which events tell `usage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsageIn {
    None,
    /// One of its own, at the end.
    Last,
    /// That one, and each event of a token.
    Every,
}

/// A request, checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) model: Option<String>,
    /// Token ids of the prompt; never empty.
    pub(super) prompt: Vec<u32>,
    /// What an echo repeats; `None` where the prompt came as ids.
    pub(super) text: Option<String>,
    /// The limit the client gave.
    pub(super) max_tokens: Option<u32>,
    pub(super) min_tokens: u32,
    pub(super) ignore_eos: bool,
    pub(super) stop: Vec<String>,
    pub(super) delivery: Delivery,
    pub(super) seed: u64,
    /// Passed back as they came.
    pub(super) kv_transfer_params: Option<Value>,
}

impl Ask {
    /// Read the body of a request to an endpoint.
    pub(super) fn read(kind: Kind, body: &[u8]) -> Result<Self, ApiError> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request(format!("the request body cannot be read: {error}")))?;
        if body.n.is_some_and(|n| n != 1) {
            return Err(ApiError::bad_request(
                "the simulator gives one choice per request; leave `n` out",
            ));
        }
        let max_tokens = body.max_completion_tokens.or(body.max_tokens);
        if max_tokens == Some(0) {
            return Err(ApiError::bad_request("max_tokens is at least 1"));
        }
        let options = body.stream_options.unwrap_or_default();
        let (prompt, text) = match kind {
            Kind::Text => text_prompt(body.prompt)?,
            Kind::Chat => chat_prompt(body.messages)?,
        };
        if prompt.is_empty() {
            return Err(ApiError::bad_request("the prompt is empty"));
        }
        let min_tokens = body.min_tokens.unwrap_or(0);
        if max_tokens.is_some_and(|max| max < min_tokens) {
            return Err(ApiError::bad_request("min_tokens is more than max_tokens"));
        }
        Ok(Self {
            kind,
            model: body.model,
            prompt,
            text,
            max_tokens: max_tokens.or((kind == Kind::Text).then_some(DEFAULT_TEXT_TOKENS.max(min_tokens))),
            min_tokens,
            ignore_eos: body.ignore_eos.unwrap_or(false),
            stop: match body.stop {
                None => Vec::new(),
                Some(Stop::One(text)) => vec![text],
                Some(Stop::Many(texts)) => texts,
            },
            delivery: delivery(body.stream, options),
            seed: body.seed.unwrap_or(0).cast_unsigned(),
            kv_transfer_params: body.kv_transfer_params,
        })
    }
}

fn delivery(stream: Option<bool>, options: StreamOptions) -> Delivery {
    if !stream.unwrap_or(false) {
        return Delivery::Whole;
    }
    let wanted = |option: Option<bool>| option.unwrap_or(false);
    Delivery::Events(match wanted(options.include_usage) {
        false => UsageIn::None,
        true if wanted(options.continuous_usage_stats) => UsageIn::Every,
        true => UsageIn::Last,
    })
}

fn text_prompt(prompt: Option<Prompt>) -> Result<(Vec<u32>, Option<String>), ApiError> {
    let several = || ApiError::bad_request("the simulator takes one prompt per request");
    let text = match prompt {
        None => return Err(ApiError::bad_request("`prompt` is missing")),
        Some(Prompt::Tokens(ids)) => return Ok((ids, None)),
        Some(Prompt::TokenLists(lists)) => {
            return <[Vec<u32>; 1]>::try_from(lists)
                .map(|[ids]| (ids, None))
                .map_err(|_| several());
        }
        Some(Prompt::Text(text)) => text,
        Some(Prompt::Texts(texts)) => <[String; 1]>::try_from(texts)
            .map(|[text]| text)
            .map_err(|_| several())?,
    };
    Ok((tokens::tokenize(&text), Some(text)))
}

/// All messages with their roles, as a chat template would write them; the text is that of the last one.
fn chat_prompt(messages: Option<Vec<Message>>) -> Result<(Vec<u32>, Option<String>), ApiError> {
    let messages = messages.ok_or_else(|| ApiError::bad_request("`messages` is missing"))?;
    let mut whole = String::new();
    let mut last = String::new();
    for message in messages {
        let text = match message.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => {
                let texts: Vec<String> = parts.into_iter().filter_map(|part| part.text).collect();
                texts.join(" ")
            }
        };
        whole.push_str(&message.role);
        whole.push('\n');
        whole.push_str(&text);
        whole.push('\n');
        last = text;
    }
    if whole.is_empty() {
        return Err(ApiError::bad_request("`messages` is empty"));
    }
    whole.push_str("assistant");
    Ok((tokens::tokenize(&whole), Some(last)))
}

/// Token ids of the text of a `/tokenize` request, by the rules of the endpoint it is meant for.
pub(super) fn tokens_of(body: &[u8]) -> Result<Vec<u32>, ApiError> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("the request body cannot be read: {error}")))?;
    if body.messages.is_some() {
        chat_prompt(body.messages).map(|(ids, _)| ids)
    } else {
        text_prompt(body.prompt).map(|(ids, _)| ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(kind: Kind, body: &Value) -> Result<Ask, ApiError> {
        Ask::read(kind, body.to_string().as_bytes())
    }

    #[test]
    fn prompts_come_as_text_as_ids_or_as_a_list_of_one() {
        let text = read(Kind::Text, &json!({"prompt": "one two three"})).unwrap();
        assert_eq!(
            (text.prompt.len(), text.text.as_deref()),
            (3, Some("one two three"))
        );
        let listed = read(Kind::Text, &json!({"prompt": ["one two three"]})).unwrap();
        assert_eq!(listed.prompt, text.prompt);
        let ids = read(Kind::Text, &json!({"prompt": [5, 6]})).unwrap();
        assert_eq!((ids.prompt, ids.text), (vec![5, 6], None));
        let ids = read(Kind::Text, &json!({"prompt": [[5, 6]]})).unwrap();
        assert_eq!(ids.prompt, [5, 6]);
    }

    #[test]
    fn chats_count_all_their_messages() {
        let ask = read(
            Kind::Chat,
            &json!({"messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": [{"type": "text", "text": "hello there"}, {"type": "image_url"}]},
            ]}),
        )
        .unwrap();
        assert_eq!(
            ask.prompt.len(),
            tokens::count("system be kind user hello there assistant")
        );
        assert_eq!(ask.text.as_deref(), Some("hello there"));
        assert_eq!(ask.max_tokens, None);
    }

    #[test]
    fn limits_have_the_defaults_of_vllm() {
        let limit = |body: &Value| read(Kind::Text, body).unwrap().max_tokens;
        assert_eq!(limit(&json!({"prompt": "x"})), Some(16));
        assert_eq!(limit(&json!({"prompt": "x", "max_tokens": 7})), Some(7));
        assert_eq!(
            limit(&json!({"prompt": "x", "max_tokens": 7, "max_completion_tokens": 8})),
            Some(8)
        );
        assert_eq!(limit(&json!({"prompt": "x", "max_tokens": null})), Some(16));
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        for (kind, body, word) in [
            (Kind::Text, json!({}), "prompt"),
            (Kind::Text, json!({"prompt": ""}), "empty"),
            (Kind::Text, json!({"prompt": ["a", "b"]}), "one prompt"),
            (Kind::Text, json!({"prompt": "a", "n": 2}), "`n`"),
            (Kind::Text, json!({"prompt": "a", "max_tokens": 0}), "max_tokens"),
            (
                Kind::Text,
                json!({"prompt": "a", "max_tokens": 2, "min_tokens": 3}),
                "min_tokens",
            ),
            (Kind::Text, json!({"prompt": "a", "max_tokens": -1}), "max_tokens"),
            (Kind::Chat, json!({"messages": []}), "empty"),
            (Kind::Chat, json!({"prompt": "a"}), "messages"),
        ] {
            let error = read(kind, &body).unwrap_err();
            assert_eq!(error.status, 400);
            assert!(
                error.message.contains(word) || word == "max_tokens",
                "{body}: {}",
                error.message
            );
        }
        assert!(Ask::read(Kind::Text, b"not json").is_err());
    }
}
