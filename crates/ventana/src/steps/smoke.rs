//! `smoke`: asks the running service. Every check can fail: a status, a value or an empty answer is an error.

use crate::config::{Check, Config};
use crate::error::Failure;
use crate::host::process::Service;
use crate::host::{clock, http};
use crate::world::World;
use engine::StepError;
use engine::plan::Checks;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a service may take to become healthy, in seconds, unless configured.
const WITHIN: u64 = 30;

pub(super) struct Smoke<'a> {
    pub(super) world: &'a World,
    pub(super) checks: Checks,
}

/// Waits until `/healthz` answers 200 (and, where `release` is given, names that release).
pub fn wait_healthy(
    config: &Config,
    release: Option<&str>,
    stop: &dyn Fn() -> bool,
) -> Result<Value, Failure> {
    let Some(smoke) = &config.file.smoke else {
        return Ok(Value::Null);
    };
    let url = format!("{}/healthz", smoke.url.trim_end_matches('/'));
    let within = smoke.within.unwrap_or(WITHIN);
    let late = clock::deadline(within);
    let mut last;
    loop {
        match http::ask("GET", &url, None, None) {
            Ok(answer) if answer.status == 200 => {
                let health = answer.json().unwrap_or(Value::Null);
                let named = health.get("release").and_then(Value::as_str).map(str::to_string);
                // A service that does not name its release is taken at its word.
                if release.is_none() || named.is_none() || named.as_deref() == release {
                    return Ok(health);
                }
                last = format!(
                    "it runs release {}",
                    named.unwrap_or_else(|| "without a name".into())
                );
            }
            Ok(answer) => last = format!("it answers {}", answer.status),
            Err(failure) => last = failure.message,
        }
        // A process that has ended answers nobody: no need to wait for it.
        if Service::of(config).is_some_and(|s| s.has_ended()) {
            last = "its process has ended".into();
            break;
        }
        if stop() {
            // The run goes on from here with `resume`: asking to stop is no failure of the service.
            return Err(Failure::failed(
                engine::fault::INTERRUPTED,
                "interrupted while waiting for the service",
            ));
        }
        if late() {
            break;
        }
        clock::pause(25);
    }
    let said = Service::of(config).map(|s| s.last_lines(5)).unwrap_or_default();
    let said = if said.is_empty() {
        String::new()
    } else {
        format!("; its last lines: {said}")
    };
    Err(Failure::failed(
        "unhealthy",
        format!("the service is not healthy within {within} s: {last}{said}"),
    )
    .hint("see the service's log; `ventana smoke` asks again"))
}

/// Asks `/healthz` once.
pub fn health(config: &Config) -> Result<Value, Failure> {
    let Some(smoke) = &config.file.smoke else {
        return Ok(Value::Null);
    };
    let url = format!("{}/healthz", smoke.url.trim_end_matches('/'));
    let answer = http::ask("GET", &url, None, None)?;
    if answer.status == 200 {
        return Ok(answer.json().unwrap_or(Value::Null));
    }
    Err(
        Failure::failed("unhealthy", format!("{url} answers {}", answer.status))
            .hint("see the service's log"),
    )
}

/// Asks every check that reads (or, with `writes`, every one that writes) in order; returns what each answered.
pub fn ask_all(config: &Config, release: Option<&str>, writes: bool) -> Result<Vec<Value>, Failure> {
    let Some(smoke) = &config.file.smoke else {
        return Ok(Vec::new());
    };
    let token = match &smoke.token {
        Some(token) => Some(http::mint(
            token,
            &config.secret(&token.secret_env)?,
            clock::now().as_second(),
        )),
        None => None,
    };
    let mut saved: BTreeMap<String, String> = BTreeMap::new();
    saved.insert("release".into(), release.unwrap_or_default().into());
    let mut done = Vec::new();
    // Reading checks are asked in both cases: writing ones use what they saved.
    for check in smoke.check.iter().filter(|c| writes || !c.write) {
        let url = format!("{}{}", smoke.url.trim_end_matches('/'), fill(&check.path, &saved));
        let body = check.body.as_ref().map(|b| fill_value(b, &saved));
        let token = token.as_ref().filter(|_| check.token);
        let answer = http::ask(&check.method, &url, token, body.as_ref())?;
        judge(check, &answer, release, &mut saved)?;
        done.push(json!({ "check": check.name, "status": answer.status, "bytes": answer.body.len() }));
    }
    Ok(done)
}

fn judge(
    check: &Check,
    answer: &http::Answer,
    release: Option<&str>,
    saved: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let wrong = |what: String| Failure::failed("smoke", format!("check {:?} failed: {what}", check.name));
    if answer.status != check.status {
        let said: String = answer.body.chars().take(200).collect();
        return Err(wrong(format!(
            "status {} instead of {}: {said}",
            answer.status, check.status
        )));
    }
    if check.expect.is_empty() && check.not_empty.is_none() && check.save.is_empty() {
        return Ok(());
    }
    let body = answer
        .json()
        .ok_or_else(|| wrong("the answer is not JSON".into()))?;
    for (pointer, wanted) in &check.expect {
        let wanted = match (wanted.as_str(), release) {
            (Some("{release}"), None) => continue,
            (Some("{release}"), Some(release)) => Value::from(release),
            _ => wanted.clone(),
        };
        let found = body.pointer(pointer);
        if found != Some(&wanted) {
            let found = found.map_or("nothing".into(), Value::to_string);
            return Err(wrong(format!("{pointer} is {found}, {wanted} expected")));
        }
    }
    if let Some(pointer) = &check.not_empty {
        let filled = match body.pointer(pointer) {
            Some(Value::Array(a)) => !a.is_empty(),
            Some(Value::Object(o)) => !o.is_empty(),
            _ => false,
        };
        if !filled {
            return Err(wrong(format!("{pointer:?} is empty")));
        }
    }
    for (name, pointer) in &check.save {
        let value = body
            .pointer(pointer)
            .ok_or_else(|| wrong(format!("{pointer} is not in the answer")))?;
        saved.insert(
            name.clone(),
            value.as_str().map_or_else(|| value.to_string(), str::to_string),
        );
    }
    Ok(())
}

fn fill(text: &str, saved: &BTreeMap<String, String>) -> String {
    saved.iter().fold(text.to_string(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

fn fill_value(value: &Value, saved: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, saved)),
        Value::Array(items) => items.iter().map(|v| fill_value(v, saved)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| (k.clone(), fill_value(v, saved)))
            .collect(),
        other => other.clone(),
    }
}

impl Step for Smoke<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        let config = &self.world.config;
        match config.file.smoke.as_ref().and_then(|s| s.token.as_ref()) {
            Some(token) => config.secret(&token.secret_env).map(drop).map_err(super::nothing),
            None => Ok(()),
        }
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let config = &self.world.config;
        let release = cx.plan().release.as_ref().map(|r| r.to.as_str());
        let health = wait_healthy(config, release, &|| cx.interrupted()).map_err(super::nothing)?;
        let checks = ask_all(config, release, self.checks == Checks::Write).map_err(super::maybe)?;
        Ok(json!({ "health": health, "checks": checks }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::half_done())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests;
