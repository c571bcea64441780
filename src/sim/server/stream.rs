//! Answers as server-sent events, one per token.
//!
//! What does not change from token to token is written once per request. Tokens that came together leave together, in
//! one write, still as one event each.

use super::answer::{Heading, Script, usage};
use super::request::{Ask, Kind, UsageIn};
use crate::sim::driver::{Progress, Seen};
use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use std::time::Duration;

/// An answer that stops on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stall {
    /// Tokens before it.
    pub(super) after: u32,
    /// Real time until it goes on.
    pub(super) time: Duration,
}

/// Why a stream breaks off.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the simulation ended before the answer")]
pub(super) struct BrokenOff;

/// An answer under way.
#[derive(Debug)]
pub(super) struct Feed {
    ask: Ask,
    script: Script,
    progress: Progress,
    usage_in: UsageIn,
    stall: Option<Stall>,
    frame: Frame,
    sent: u32,
    /// Bytes of text sent.
    length: usize,
    done: bool,
}

/// The parts of an event around the text.
#[derive(Debug)]
struct Frame {
    /// Up to `"choices":`.
    head: String,
    /// Between that and the text.
    before: &'static str,
    /// After the text, while the answer goes on.
    after: &'static str,
}

impl Frame {
    fn new(kind: Kind, heading: &Heading) -> Self {
        let (object, before, after) = match kind {
            Kind::Text => (
                "text_completion",
                r#"[{"index":0,"text":"#,
                r#","logprobs":null,"finish_reason":null,"stop_reason":null}]"#,
            ),
            Kind::Chat => (
                "chat.completion.chunk",
                r#"[{"index":0,"delta":{"content":"#,
                r#"},"logprobs":null,"finish_reason":null}]"#,
            ),
        };
        let head = format!(
            r#"data: {{"id":{},"object":"{object}","created":{},"model":{},"choices":"#,
            json!(heading.id),
            heading.created,
            json!(heading.model)
        );
        Self { head, before, after }
    }
}

impl Feed {
    pub(super) fn new(
        ask: Ask,
        script: Script,
        progress: Progress,
        usage_in: UsageIn,
        stall: Option<Stall>,
        heading: &Heading,
    ) -> Self {
        Self {
            frame: Frame::new(ask.kind, heading),
            ask,
            script,
            progress,
            usage_in,
            stall,
            sent: 0,
            length: 0,
            done: false,
        }
    }

    /// The body of the response.
    pub(super) fn events(self) -> impl Stream<Item = Result<Bytes, BrokenOff>> {
        futures::stream::unfold(self, |mut feed| async move {
            if feed.done {
                return None;
            }
            let next = feed.next().await;
            feed.done |= next.is_err();
            Some((next, feed))
        })
    }

    async fn next(&mut self) -> Result<Bytes, BrokenOff> {
        if let Some(stall) = self.stall.filter(|stall| self.sent >= stall.after) {
            self.stall = None;
            tokio::time::sleep(stall.time).await;
        }
        let seen = self.progress.beyond(self.sent).await.ok_or(BrokenOff)?;
        let until = self
            .stall
            .map_or(seen.tokens, |stall| stall.after.min(seen.tokens));
        let mut text = String::with_capacity(256 * (until - self.sent) as usize);
        while self.sent < until {
            self.token(&mut text, &seen);
        }
        if self.sent >= self.script.output {
            self.done = true;
            self.end(&mut text, &seen);
        }
        Ok(Bytes::from(text))
    }

    /// The event of the next token; with the first of a chat, the one that names the role.
    fn token(&mut self, text: &mut String, seen: &Seen) {
        if self.sent == 0 && self.ask.kind == Kind::Chat {
            let role = r#"[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]"#;
            self.event(text, seen, 0, |text| text.push_str(role));
        }
        let piece = json!(self.script.piece(self.sent, &mut self.length)).to_string();
        self.sent += 1;
        if self.sent == self.script.output {
            let last = self.last_choice(&piece);
            self.event(text, seen, self.sent, |text| text.push_str(&last));
        } else {
            let (before, after) = (self.frame.before, self.frame.after);
            self.event(text, seen, self.sent, |text| {
                text.push_str(before);
                text.push_str(&piece);
                text.push_str(after);
            });
        }
    }

    fn last_choice(&self, piece: &str) -> String {
        let (before, middle) = match self.ask.kind {
            Kind::Text => (self.frame.before, ""),
            Kind::Chat => (self.frame.before, "}"),
        };
        format!(
            r#"{before}{piece}{middle},"logprobs":null,"finish_reason":"{}","stop_reason":{}}}]"#,
            self.script.ending.name(),
            self.script.stop_reason()
        )
    }

    fn event(&self, text: &mut String, seen: &Seen, completion: u32, choices: impl FnOnce(&mut String)) {
        text.push_str(&self.frame.head);
        choices(text);
        if self.usage_in == UsageIn::Every {
            text.push_str(",\"usage\":");
            text.push_str(&self.usage(seen, completion).to_string());
        }
        text.push_str("}\n\n");
    }

    fn end(&self, text: &mut String, seen: &Seen) {
        if self.usage_in != UsageIn::None {
            text.push_str(&self.frame.head);
            text.push_str("[],\"usage\":");
            text.push_str(&self.usage(seen, self.sent).to_string());
            text.push_str("}\n\n");
        }
        text.push_str("data: [DONE]\n\n");
    }

    fn usage(&self, seen: &Seen, completion: u32) -> Value {
        let cached = seen.record.map_or(0, |record| record.cached);
        usage(self.ask.prompt.len(), completion, cached)
    }
}
