//! The plan of a row, and how two rows differ: asked for, shown, closed.

use super::Effect;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::planpane::{Done, PlanPane};
use crate::tui::plans::{Answer, Query, Question};

/// Show the plan of the row under the cursor.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(setup) = model.cursor.setup else {
        model.complain("a plan is that of a row: go to one of its cells, or to its header");
        return Vec::new();
    };
    ask(model, Question::Plan(setup))
}

/// Mark the row under the cursor; if another one is marked, show how they differ.
pub(super) fn compare(model: &mut Model) -> Vec<Effect> {
    let Some(setup) = model.cursor.setup else {
        model.complain("rows are compared: go to a cell of one, or to its header");
        return Vec::new();
    };
    match model.compared.take() {
        Some(marked) if marked == setup => {
            model.say("no row is marked any more");
            Vec::new()
        }
        Some(marked) => ask(model, Question::Difference(marked, setup)),
        None if !model.has_plans => without_plans(model),
        None => {
            model.compared = Some(setup);
            model.say(format!(
                "row {} is marked: d on another row shows how they differ, d here forgets it",
                setup.0 + 1
            ));
            Vec::new()
        }
    }
}

fn ask(model: &mut Model, question: Question) -> Vec<Effect> {
    if !model.has_plans {
        return without_plans(model);
    }
    model.plans_asked += 1;
    let query = Query {
        id: model.plans_asked,
        question,
    };
    model.plan = Some(PlanPane::new(query));
    vec![Effect::Plan(query)]
}

fn without_plans(model: &mut Model) -> Vec<Effect> {
    model.complain("there are no plans to look at: this screen only watches the sweep");
    Vec::new()
}

/// Show what was found, if it is still asked for.
pub(super) fn take(model: &mut Model, answer: Answer) {
    match &mut model.plan {
        Some(plan) => plan.take(answer),
        None => model.dirty = false,
    }
}

/// Whether an action was one for the pane.
pub(super) fn act(model: &mut Model, action: Action) -> bool {
    let Some(plan) = &mut model.plan else {
        return false;
    };
    match plan.act(action) {
        Done::Yes => true,
        Done::Close => {
            model.plan = None;
            true
        }
        Done::No => {
            // Whoever wants to see logs does not want to see the plan any longer.
            if matches!(action, Action::Logs | Action::AppLog) {
                model.plan = None;
            }
            // What moves within a pane has nothing to move in those behind this one.
            !is_for_all(action)
        }
    }
}

/// Whether an action means something while a plan hides the panes.
fn is_for_all(action: Action) -> bool {
    matches!(
        action,
        Action::Logs
            | Action::AppLog
            | Action::Summary
            | Action::Help
            | Action::Mouse
            | Action::Redraw
            | Action::Interrupt
            | Action::Suspend
    )
}
