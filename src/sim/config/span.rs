//! Durations as people write them in flags, files and requests.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest duration that is taken: what is longer is a slip, and would overflow once it is scaled.
const LONGEST: Duration = Duration::from_hours(24);

/// A duration that reads `100ms`, `1.5s`, `1m30s`, and a bare number as milliseconds, as llm-d-inference-sim does. At
/// most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span(pub Duration);

/// Why text is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration of at most a day; write it like 100ms, 1.5s or 1m30s")]
pub struct NotADuration(String);

impl FromStr for Span {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotADuration(text.to_owned());
        let duration = match text.parse::<f64>() {
            Ok(milliseconds) => Duration::try_from_secs_f64(milliseconds / 1000.0).ok(),
            Err(_) => text
                .parse::<jiff::SignedDuration>()
                .ok()
                .and_then(|signed| Duration::try_from(signed).ok()),
        };
        duration
            .filter(|duration| *duration <= LONGEST)
            .map(Self)
            .ok_or_else(refused)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(f64),
            Text(String),
        }
        let text = match Given::deserialize(deserializer)? {
            Given::Number(milliseconds) => milliseconds.to_string(),
            Given::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Span>().unwrap().0;
        assert_eq!(read("100ms"), Duration::from_millis(100));
        assert_eq!(read("1.5s"), Duration::from_millis(1500));
        assert_eq!(read("1m30s"), Duration::from_secs(90));
        assert_eq!(read("250"), Duration::from_millis(250));
        for text in ["", "soon", "-1s", "-5", "NaN", "1e300", "25h", "1 parsec"] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(error.to_string().contains("100ms"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        for span in [0u64, 1, 999, 1500, 60_000, 5_400_000].map(|ms| Span(Duration::from_millis(ms))) {
            let text = serde_json::to_string(&span).unwrap();
            assert_eq!(serde_json::from_str::<Span>(&text).unwrap(), span, "{text}");
        }
        assert_eq!(
            serde_json::from_str::<Span>("20").unwrap().0,
            Duration::from_millis(20)
        );
    }
}
