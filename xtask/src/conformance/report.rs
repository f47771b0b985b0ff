//! The results of the suite, and our verdict on them.
//!
//! A scenario passes if it ran, if each of its checks succeeded, was skipped or is informational, and if at least one
//! check other than that of the message schema succeeded. A warning is a failure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Outcome;

/// This check succeeds for any message, so alone it proves nothing about a scenario.
const ANY_MESSAGE: &str = "wire-schema-valid";

/// The checks of the scenarios that ran, by the scenario's name.
#[derive(Debug, Default)]
pub(super) struct Report {
    scenarios: BTreeMap<String, Vec<Check>>,
}

/// The relevant members of one check.
#[derive(Debug, PartialEq)]
pub(super) struct Check {
    id: String,
    status: String,
    why: String,
}

impl Report {
    /// Adds the results of one scenario: the text of a `checks.json`.
    pub(super) fn add(&mut self, scenario: &str, text: &str) -> Outcome {
        let checks = checks(text).map_err(|error| format!("the results of {scenario}: {error}"))?;
        self.scenarios.entry(scenario.to_owned()).or_default().extend(checks);
        Ok(())
    }

    /// Adds a failure that the suite does not report as a check.
    pub(super) fn add_failure(&mut self, scenario: &str, why: &str) {
        let check = Check { id: "run".to_owned(), status: "FAILURE".to_owned(), why: why.to_owned() };
        self.scenarios.entry(scenario.to_owned()).or_default().push(check);
    }

    /// The scenarios that ran.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.scenarios.keys().map(String::as_str)
    }

    /// The reasons why a scenario did not pass. Empty if it passed.
    pub(super) fn faults(&self, scenario: &str) -> Vec<String> {
        let Some(checks) = self.scenarios.get(scenario) else { return vec!["it was not run".to_owned()] };
        let bad = checks.iter().filter(|check| !matches!(&*check.status, "SUCCESS" | "SKIPPED" | "INFO"));
        let mut faults: Vec<String> =
            bad.map(|check| format!("{} {}: {}", check.status, check.id, check.why)).collect();
        let proven = checks.iter().any(|check| check.status == "SUCCESS" && check.id != ANY_MESSAGE);
        if !proven && faults.is_empty() {
            faults.push("no check succeeded, so it proves nothing".to_owned());
        }
        faults
    }

    /// A summary line for these scenarios, all of which the suite requires, and one line per failure. A scenario that did
    /// not run is missing in the first number.
    pub(super) fn judge(&self, title: &str, scenarios: &[String]) -> (String, Vec<String>) {
        let mut failed = 0;
        let mut lines = Vec::new();
        for scenario in scenarios {
            let faults = self.faults(scenario);
            failed += usize::from(!faults.is_empty());
            lines.extend(faults.iter().map(|fault| format!("  {title}, {scenario}: {fault}")));
        }
        (format!("{title}: {} of {} required", scenarios.len() - failed, scenarios.len()), lines)
    }
}

fn checks(text: &str) -> Outcome<Vec<Check>> {
    let checks: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let check = |check: &Value| {
        let text = |key: &str| check.get(key).and_then(Value::as_str).map(str::to_owned);
        let (id, status) = text("id").zip(text("status")).ok_or("a check has no id or no status")?;
        let why = text("errorMessage").or_else(|| text("description")).unwrap_or_default();
        Ok(Check { id, status, why })
    };
    checks.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: &[(&str, &str)]) -> Report {
        let check = |(id, status): &(&str, &str)| {
            format!(
                r#"{{"id":"{id}","description":"does it","status":"{status}","details":{{"status":"x"}}}}"#
            )
        };
        let text = format!("[{}]", checks.iter().map(check).collect::<Vec<_>>().join(","));
        let mut report = Report::default();
        report.add("ping", &text).unwrap();
        report
    }

    #[test]
    fn a_scenario_passes_with_a_success_and_nothing_bad() {
        let report = report(&[
            ("ping", "SUCCESS"),
            ("more", "SKIPPED"),
            ("note", "INFO"),
            ("wire-schema-valid", "SUCCESS"),
        ]);
        assert_eq!(report.faults("ping"), Vec::<String>::new());
    }

    #[test]
    fn a_warning_fails() {
        let faults = report(&[("ping", "SUCCESS"), ("order", "WARNING")]).faults("ping");
        assert_eq!(faults, ["WARNING order: does it"]);
    }

    #[test]
    fn an_unknown_status_fails() {
        assert_eq!(report(&[("ping", "SUCCESS"), ("new", "MAYBE")]).faults("ping").len(), 1);
    }

    #[test]
    fn a_scenario_in_which_nothing_happened_fails() {
        for checks in
            [&[][..], &[("ping", "SKIPPED")], &[("note", "INFO")], &[("wire-schema-valid", "SUCCESS")]]
        {
            assert_eq!(
                report(checks).faults("ping"),
                ["no check succeeded, so it proves nothing"],
                "{checks:?}"
            );
        }
    }

    #[test]
    fn a_scenario_that_did_not_run_fails() {
        assert_eq!(report(&[("ping", "SUCCESS")]).faults("tools-list"), ["it was not run"]);
    }

    #[test]
    fn the_client_s_own_error_fails_the_scenario() {
        let mut report = report(&[("ping", "SUCCESS")]);
        report.add_failure("ping", "the client failed");
        assert_eq!(report.faults("ping"), ["FAILURE run: the client failed"]);
    }

    #[test]
    fn scenarios_are_counted_and_faults_are_listed() {
        let report = report(&[("ping", "SUCCESS")]);
        let (line, faults) =
            report.judge("conformance server X", &["ping".to_owned(), "tools-list".to_owned()]);
        assert_eq!(line, "conformance server X: 1 of 2 required");
        assert_eq!(faults, ["  conformance server X, tools-list: it was not run"]);
    }

    #[test]
    fn results_that_cannot_be_read_are_an_error() {
        let mut report = Report::default();
        for text in ["", "{}", r#"[{"id":"a"}]"#, "[1"] {
            assert!(report.add("ping", text).unwrap_err().contains("ping"), "{text}");
        }
    }
}
