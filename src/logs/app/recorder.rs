//! The tracing layer: turns an event into text once, and hands the text to the sinks.

use super::sink::FileSink;
use crate::logs::redact;
use crate::text;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

pub(super) struct Recorder {
    pub(super) file: Arc<FileSink>,
    pub(super) changed: watch::Sender<u64>,
    pub(super) stderr: LevelFilter,
    pub(super) pane: bool,
}

/// A span's fields as text, kept with the span.
struct SpanFields(String);

/// Fields as `key=value`, the message first.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else if self.others.is_empty() {
            write!(self.others, "{}={value:?}", field.name())
        } else {
            write!(self.others, " {}={value:?}", field.name())
        };
    }
}

impl Fields {
    fn join(self) -> String {
        match (self.message.is_empty(), self.others.is_empty()) {
            (_, true) => self.message,
            (true, false) => self.others,
            (false, false) => format!("{} {}", self.message, self.others),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(SpanFields(fields.join()));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = context.span(id)
            && let Some(known) = span.extensions_mut().get_mut::<SpanFields>()
        {
            known.0.push(' ');
            known.0.push_str(&fields.join());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut message = String::new();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            message.push_str(span.name());
            if let Some(SpanFields(fields)) = span
                .extensions()
                .get()
                .filter(|fields: &&SpanFields| !fields.0.is_empty())
            {
                let _ = write!(message, "{{{fields}}}");
            }
            message.push_str(": ");
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        message.push_str(&fields.join());
        self.deliver(
            *event.metadata().level(),
            event.metadata().target(),
            &clean(&message),
        );
    }
}

impl Recorder {
    fn deliver(&self, level: Level, target: &str, message: &str) {
        let indented = message.replace('\n', "\n    ");
        let now = jiff::Timestamp::now();
        let line = format!("{now:.3} {level:<5} {target}: {indented}\n");
        self.file.write(line.as_bytes());
        if LevelFilter::from_level(level) <= self.stderr {
            // When stderr is closed there is nobody to tell.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
        if self.pane {
            tui_logger::Drain::new().log(
                &log::Record::builder()
                    .args(format_args!("{message}"))
                    .level(pane_level(level))
                    .target(target)
                    .build(),
            );
            tui_logger::move_events();
        }
        self.changed.send_modify(|count| *count += 1);
    }
}

/// Without secrets, and safe to print line by line.
fn clean(message: &str) -> String {
    let redacted = redact(message);
    let lines: Vec<_> = redacted.lines().map(text::sanitize).collect();
    lines.join("\n")
}

fn pane_level(level: Level) -> log::Level {
    match level {
        Level::ERROR => log::Level::Error,
        Level::WARN => log::Level::Warn,
        Level::INFO => log::Level::Info,
        Level::DEBUG => log::Level::Debug,
        Level::TRACE => log::Level::Trace,
    }
}
