//! From a request to an answer: how long it is, what it says, and its JSON.

use super::request::{Ask, Kind};
use crate::sim::config::Mode;
use crate::sim::metrics::Ending;
use crate::sim::model::Record;
use crate::sim::tokens::{self, Answer};
use serde_json::{Value, json};

/// Median length of an answer that nothing cuts short, tokens.
const NATURAL_MEDIAN: f64 = 200.0;
/// Standard deviation of the logarithm of that length.
const NATURAL_SPREAD: f64 = 0.6;

/// An answer before its tokens are there.
#[derive(Debug, Clone)]
pub(super) struct Script {
    answer: Answer,
    /// Tokens of it.
    pub(super) output: u32,
    /// How it ends.
    pub(super) ending: Ending,
    /// The stop string that ends it.
    stop_reason: Option<String>,
    /// Bytes of text that are shown: a stop string is not.
    shown: usize,
}

impl Script {
    /// The answer to a request. `room` is how many tokens the context has left for it, at least 1.
    ///
    /// Everything is settled before the first token: text and length depend on the seed and the prompt alone, never on
    /// when the request comes.
    pub(super) fn write(ask: &Ask, mode: Mode, seed: u64, room: u32) -> Self {
        let limit = ask.max_tokens.unwrap_or(room).min(room).max(1);
        let seed = seed ^ tokens::mix(ask.seed);
        let prompt = tokens::fingerprint(&ask.prompt);
        let echo = (mode == Mode::Echo).then_some(ask.text.as_deref()).flatten();
        let natural = match echo {
            Some(text) => tokens::count(text) as u32,
            None => natural_length(seed ^ prompt),
        };
        let output = if ask.ignore_eos && echo.is_none() {
            limit
        } else {
            natural.max(ask.min_tokens).clamp(1, limit)
        };
        let ending = if output == limit {
            Ending::Length
        } else {
            Ending::Stop
        };
        let answer = match echo {
            Some(text) => Answer::echo(text, output),
            None => Answer::generate(seed, prompt, output),
        };
        let mut script = Self {
            shown: usize::MAX,
            stop_reason: None,
            output,
            ending,
            answer,
        };
        script.stop_at(&ask.stop, ask.min_tokens);
        script
    }

    /// End at the first stop string that begins after `from` tokens.
    fn stop_at(&mut self, stops: &[String], from: u32) {
        let stops = stops.iter().filter(|stop| !stop.is_empty());
        let text = self.answer.text(self.output as usize);
        let after: usize = (0..from as usize).map(|at| self.answer.piece(at).len()).sum();
        let found = stops
            .filter_map(|stop| {
                let at = text.get(after..)?.find(stop.as_str())?;
                Some((after + at, stop))
            })
            .min_by_key(|(at, _)| *at);
        let Some((at, stop)) = found else {
            return;
        };
        let mut length = 0;
        let ends = at + stop.len();
        let tokens = (0..self.output as usize)
            .position(|token| {
                length += self.answer.piece(token).len();
                length >= ends
            })
            .map_or(self.output, |last| last as u32 + 1);
        self.output = tokens;
        self.ending = Ending::Stop;
        self.shown = at;
        self.stop_reason = Some(stop.clone());
    }

    /// The whole answer, for the hashes of its blocks.
    pub(super) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The text of one token as it is shown; `before` is the length of what came before it, and is moved on.
    pub(super) fn piece(&self, at: u32, before: &mut usize) -> &str {
        let piece = self.answer.piece(at as usize);
        let left = self.shown.saturating_sub(*before);
        *before += piece.len();
        // A stop string may begin in the middle of a character's token, never of a character.
        piece.get(..left.min(piece.len())).unwrap_or_default()
    }

    fn text(&self) -> String {
        let mut before = 0;
        (0..self.output).map(|at| self.piece(at, &mut before)).collect()
    }

    /// `stop_reason` as vLLM gives it: the stop string, or null.
    pub(super) fn stop_reason(&self) -> Value {
        json!(self.stop_reason)
    }
}

/// Log-normal, seeded.
fn natural_length(seed: u64) -> u32 {
    let length = NATURAL_MEDIAN * (NATURAL_SPREAD * tokens::normal(tokens::mix(seed ^ 0x4C65))).exp();
    length.clamp(1.0, 1e6) as u32
}

/// `usage` after `completion` tokens.
pub(super) fn usage(prompt: usize, completion: u32, cached: u32) -> Value {
    json!({
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion as usize,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    })
}

/// What every part of an answer repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) id: String,
    /// The name the model was asked for by.
    pub(super) model: String,
    /// Seconds since 1970.
    pub(super) created: i64,
}

/// The body of an answer that is not streamed.
pub(super) fn whole(ask: &Ask, script: &Script, record: &Record, heading: &Heading) -> Value {
    let ending = json!({
        "index": 0,
        "logprobs": null,
        "finish_reason": script.ending.name(),
        "stop_reason": script.stop_reason(),
    });
    let mut choice = ending;
    let object = match ask.kind {
        Kind::Text => {
            set(&mut choice, "text", json!(script.text()));
            "text_completion"
        }
        Kind::Chat => {
            set(
                &mut choice,
                "message",
                json!({"role": "assistant", "content": script.text(), "tool_calls": []}),
            );
            "chat.completion"
        }
    };
    json!({
        "id": heading.id,
        "object": object,
        "created": heading.created,
        "model": heading.model,
        "choices": [choice],
        "usage": usage(ask.prompt.len(), record.generated, record.cached),
        "kv_transfer_params": ask.kv_transfer_params,
    })
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: &Value) -> Ask {
        Ask::read(Kind::Text, body.to_string().as_bytes()).unwrap()
    }

    fn script(body: &Value) -> Script {
        Script::write(&ask(body), Mode::Random, 7, 100_000)
    }

    #[test]
    fn with_ignore_eos_an_answer_is_as_long_as_its_limit() {
        let script = script(&json!({"prompt": "a", "max_tokens": 400, "ignore_eos": true}));
        assert_eq!((script.output, script.ending), (400, Ending::Length));
        assert_eq!(tokens::count(&script.text()), 400);
    }

    #[test]
    fn else_it_has_a_seeded_length_within_its_bounds() {
        let lengths: Vec<u32> = (0..200)
            .map(|i| script(&json!({"prompt": [i], "max_tokens": 300, "min_tokens": 20})).output)
            .collect();
        assert!(lengths.iter().all(|length| (20..=300).contains(length)));
        assert!(lengths.iter().filter(|length| **length < 300).count() > 100);
        assert!(lengths.windows(2).any(|pair| pair[0] != pair[1]));
        let again = script(&json!({"prompt": [0], "max_tokens": 300, "min_tokens": 20}));
        assert_eq!(again.output, lengths[0]);
    }

    #[test]
    fn the_context_bounds_every_answer() {
        let ask = ask(&json!({"prompt": "a", "max_tokens": 400, "ignore_eos": true}));
        assert_eq!(Script::write(&ask, Mode::Random, 7, 30).output, 30);
    }

    #[test]
    fn a_stop_string_ends_the_answer_and_is_not_shown() {
        let whole = script(&json!({"prompt": "a", "max_tokens": 50, "ignore_eos": true}));
        let text = whole.text();
        let fifth = tokens::pieces(&text).nth(5).unwrap().to_owned();
        let body =
            json!({"prompt": "a", "max_tokens": 50, "ignore_eos": true, "stop": [fifth, "never there"]});
        let stopped = script(&body);
        assert_eq!((stopped.output, stopped.ending), (6, Ending::Stop));
        assert_eq!(stopped.text(), text[..text.find(&fifth).unwrap()]);
        assert_eq!(stopped.stop_reason(), json!(fifth));
        let later = script(
            &json!({"prompt": "a", "max_tokens": 50, "ignore_eos": true, "min_tokens": 10, "stop": fifth}),
        );
        assert!(later.output > 10);
    }

    #[test]
    fn an_echo_repeats_the_prompt() {
        let ask = ask(&json!({"prompt": "say it again please", "max_tokens": 3}));
        let script = Script::write(&ask, Mode::Echo, 7, 100);
        assert_eq!(script.text(), " say it again");
        let longer = Ask {
            max_tokens: Some(50),
            ..ask
        };
        let script = Script::write(&longer, Mode::Echo, 7, 100);
        assert_eq!(
            (script.text().as_str(), script.ending),
            (" say it again please", Ending::Stop)
        );
    }
}
