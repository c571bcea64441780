//! How warm a number is among all of its kind: the ranges that cells are coloured by when they show numbers.

use super::model::Vital;
use super::pace;
use crate::engine::{AttemptState, CellState, Outcome, State};
use ratatui::style::Color;

/// Least and greatest value so far.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Range {
    least: f64,
    greatest: f64,
}

impl Range {
    /// Where a value is, from 0 to 1. What spans more than a decade is told apart by its logarithm, because latencies
    /// and throughputs do.
    fn place(self, value: f64) -> Option<f64> {
        let Self { least, greatest } = self;
        if !value.is_finite() || greatest <= least {
            return None;
        }
        let place = if least > 0.0 && greatest / least > 10.0 {
            (value / least).ln() / (greatest / least).ln()
        } else {
            (value - least) / (greatest - least)
        };
        Some(place.clamp(0.0, 1.0))
    }
}

/// The ranges of all numbers that cells can show, in the order of [`Vital::ALL`]. They only grow: a range that shrank
/// would recolour what the operator has just looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heat {
    ranges: [Option<Range>; Vital::ALL.len()],
}

impl Heat {
    /// From a whole state: at the start, and when the design changed.
    pub(crate) fn of(state: &State) -> Self {
        let mut heat = Self::default();
        for attempt in state.cells.iter().filter_map(|cell| cell.attempts.last()) {
            heat.learn(attempt);
        }
        heat
    }

    /// An attempt ended.
    pub(crate) fn learn(&mut self, attempt: &AttemptState) {
        for (vital, range) in Vital::ALL.iter().zip(&mut self.ranges) {
            let Some(value) = value_of(attempt, *vital).filter(|value| value.is_finite()) else {
                continue;
            };
            let before = range.unwrap_or(Range {
                least: value,
                greatest: value,
            });
            *range = Some(Range {
                least: before.least.min(value),
                greatest: before.greatest.max(value),
            });
        }
    }

    /// The colour of a number, from `scale`.
    pub(crate) fn colour(&self, vital: Vital, value: f64, scale: &[Color]) -> Option<Color> {
        let at = Vital::ALL.iter().position(|known| *known == vital)?;
        let place = self.ranges.get(at).copied().flatten()?.place(value)?;
        let last = scale.len().checked_sub(1)?;
        scale.get((place * last as f64).round() as usize).copied()
    }
}

/// What a cell shows of a kind of number: that of its last attempt.
pub(crate) fn value(cell: &CellState, vital: Vital) -> Option<f64> {
    value_of(cell.attempts.last()?, vital)
}

fn value_of(attempt: &AttemptState, vital: Vital) -> Option<f64> {
    match (vital, attempt.outcome.as_ref()?) {
        (Vital::Number(name, _), Outcome::Succeeded { vitals } | Outcome::Suspect { vitals, .. }) => {
            vitals.0.get(name).copied()
        }
        (Vital::Duration, _) => Some(pace::seconds_between(attempt.started_at, attempt.ended_at?)),
        (Vital::Number(..) | Vital::Status, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: [Color; 3] = [Color::Blue, Color::Green, Color::Red];

    #[test]
    fn least_is_coldest_and_wide_ranges_go_by_their_logarithm() {
        let heat = |least, greatest| {
            let mut heat = Heat::default();
            heat.ranges[1] = Some(Range { least, greatest });
            heat
        };
        let colour = |heat: &Heat, value| heat.colour(Vital::ALL[1], value, &SCALE);
        let narrow = heat(10.0, 20.0);
        assert_eq!(
            [10.0, 15.0, 20.0].map(|value| colour(&narrow, value)),
            [Some(Color::Blue), Some(Color::Green), Some(Color::Red)]
        );
        assert_eq!(colour(&heat(1.0, 10_000.0), 100.0), Some(Color::Green));
        assert_eq!(colour(&heat(5.0, 5.0), 5.0), None);
        assert_eq!(colour(&narrow, f64::NAN), None);
        assert_eq!(narrow.colour(Vital::ALL[1], 10.0, &[]), None);
    }

    #[test]
    fn ranges_come_from_the_cells_that_ended() {
        let sweep = crate::tui::fixtures::midway();
        let anew = Heat::of(sweep.state());
        assert!(anew.ranges[1].is_some() && anew.ranges[0].is_none());
        assert_eq!(sweep.model(80, 24).heat.ranges[1], anew.ranges[1]);
    }
}
