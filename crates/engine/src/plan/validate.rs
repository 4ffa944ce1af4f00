use std::collections::BTreeMap;
use std::fmt;

use super::{FORMAT, OnFailure, Phase, Plan, StepKind, StepSpec, Undo};

/// A plan that must not be run, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan is not valid: {}", list(.problems))]
pub struct PlanError {
    /// Never empty.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The step concerned, if it is one.
    pub step: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "step {step}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl Plan {
    /// Checks everything that can be said about a plan without looking at the world.
    ///
    /// # Errors
    /// All problems at once.
    pub fn validate(&self) -> Result<(), PlanError> {
        let mut found = Vec::new();
        self.check_head(&mut found);
        self.check_steps(&mut found);
        self.check_order(&mut found);
        self.check_references(&mut found);
        if found.is_empty() {
            Ok(())
        } else {
            Err(PlanError { problems: found })
        }
    }

    fn check_head(&self, found: &mut Vec<Problem>) {
        let mut say = |what: String| found.push(Problem { step: None, what });
        if self.format != FORMAT {
            say(format!(
                "plan format {} is not known (this version knows {FORMAT}); make the plan again",
                self.format
            ));
        }
        for (name, value) in [
            ("service", &self.service),
            ("environment", &self.environment),
            ("dialect", &self.database.dialect),
        ] {
            if value.is_empty() {
                say(format!("{name} is empty"));
            }
        }
        for (name, digest) in &self.inputs {
            if digest.len() != 64
                || !digest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            {
                say(format!(
                    "input {name} is not pinned by a SHA-256 (64 lower-case hex digits): {digest:?}"
                ));
            }
        }
        if self.steps.is_empty() {
            say("there are no steps".to_owned());
        }
    }

    fn check_steps(&self, found: &mut Vec<Problem>) {
        let mut seen = BTreeMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            let mut say = |what: String| found.push(problem(step, what));
            if !well_named(&step.id) {
                say("an id is made of lower-case letters, digits, '_', '.' and '-', at most 80".to_owned());
            }
            if let Some(first) = seen.insert(step.id.as_str(), index) {
                say(format!(
                    "the id is used twice (steps {} and {})",
                    first + 1,
                    index + 1
                ));
            }
            if step.effect.trim().is_empty() {
                say("the effect is not said".to_owned());
            }
            if step.undo.how().is_some_and(|how| how.trim().is_empty()) {
                say("how it is undone is not said".to_owned());
            }
            if step.on_failure == (OnFailure::Retry { times: 0 }) {
                say("retry zero times: say rollback".to_owned());
            }
            match (&step.kind, &step.undo) {
                (StepKind::Fence, Undo::None) => {
                    say("a fence needs an undo, or a rollback would leave it on".into())
                }
                (StepKind::Lift, Undo::None | Undo::Last { .. }) => {
                    say("a lift is undone in its turn (reverse), before what the fence protects".into());
                }
                (
                    StepKind::Statement {
                        undo_sql: Some(_), ..
                    },
                    Undo::None,
                ) => {
                    say("it has undo SQL that nothing would run: say undo reverse".into());
                }
                (StepKind::Backfill { batch: 0, .. }, _) => say("a batch of no rows".into()),
                _ => {}
            }
        }
    }

    fn check_order(&self, found: &mut Vec<Problem>) {
        for pair in self.steps.windows(2) {
            if pair[1].phase < pair[0].phase {
                found.push(problem(
                    &pair[1],
                    format!("phase {:?} after phase {:?}", pair[1].phase, pair[0].phase).to_lowercase(),
                ));
            }
        }
        let fences: Vec<usize> = self.positions(|kind| matches!(kind, StepKind::Fence));
        let lifts: Vec<usize> = self.positions(|kind| matches!(kind, StepKind::Lift));
        for extra in fences.iter().skip(1).chain(lifts.iter().skip(1)) {
            found.push(problem(&self.steps[*extra], "there is one already".to_owned()));
        }
        let (fence, lift) = match (fences.first(), lifts.first()) {
            (None, None) => return,
            (Some(&fence), None) => {
                return found.push(problem(
                    &self.steps[fence],
                    "the plan never lifts this fence".to_owned(),
                ));
            }
            (None, Some(&lift)) => {
                return found.push(problem(&self.steps[lift], "there is no fence to lift".to_owned()));
            }
            (Some(&fence), Some(&lift)) => (fence, lift),
        };
        if lift < fence {
            found.push(problem(
                &self.steps[lift],
                "the lift comes before the fence".to_owned(),
            ));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let wrong = match step.phase {
                Phase::Prepare => index >= fence,
                Phase::Window => index < fence || index > lift,
                Phase::After => index < lift,
            };
            if wrong {
                found.push(problem(
                    step,
                    "prepare steps come before the fence, window steps between fence and lift, after steps from the \
                     lift on"
                        .to_owned(),
                ));
            }
        }
    }

    fn check_references(&self, found: &mut Vec<Problem>) {
        for (index, step) in self.steps.iter().enumerate() {
            let (wanted, what, fits): (&str, &str, fn(&StepKind) -> bool) = match &step.kind {
                StepKind::Prove { backup }
                | StepKind::VerifyBackup { backup, .. }
                | StepKind::OffSite { backup, .. } => (backup, "an earlier backup step", |kind| {
                    matches!(kind, StepKind::Backup { .. })
                }),
                StepKind::SameDigest { as_at, .. } => (as_at, "an earlier step", |_| true),
                _ => continue,
            };
            if !self.steps[..index]
                .iter()
                .any(|earlier| earlier.id == wanted && fits(&earlier.kind))
            {
                found.push(problem(step, format!("{wanted:?} is not {what}")));
            }
        }
    }

    fn positions(&self, wanted: fn(&StepKind) -> bool) -> Vec<usize> {
        self.steps
            .iter()
            .enumerate()
            .filter(|(_, step)| wanted(&step.kind))
            .map(|(index, _)| index)
            .collect()
    }
}

fn problem(step: &StepSpec, what: String) -> Problem {
    Problem {
        step: Some(step.id.clone()),
        what,
    }
}

fn well_named(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 80
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-'))
}
