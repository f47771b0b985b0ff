//! What a check has found, as a table, as JSON, and as JUnit.

use mcp_core::message::RawJson;

use super::rules::Rule;
use crate::terminal::style::Style;
use crate::terminal::table::Table;
use crate::text::{self, counted};

/// How wide the column of observations may be.
const SEEN: usize = 90;

/// What came of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// The server breaks it, and what was seen.
    Failed(String),
    /// The server breaks a recommendation, and what was seen.
    Warned(String),
    /// It was not checked, and why.
    Skipped(String),
}

impl Outcome {
    /// The word for it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome::Passed => "ok",
            Outcome::Failed(_) => "fault",
            Outcome::Warned(_) => "warning",
            Outcome::Skipped(_) => "skipped",
        }
    }

    fn seen(&self) -> &str {
        match self {
            Outcome::Passed => "",
            Outcome::Failed(seen) | Outcome::Warned(seen) | Outcome::Skipped(seen) => seen,
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static Rule,
    /// The revision that was spoken, or nothing.
    pub(crate) spoken: String,
    pub(crate) outcome: Outcome,
}

/// Everything that a check has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// Notes what came of a rule.
    pub(crate) fn note(&mut self, rule: &'static Rule, spoken: &str, outcome: Outcome) {
        self.findings.push(Finding { rule, spoken: spoken.to_owned(), outcome });
    }

    /// Passed if `seen` is `None`; else a fault, or a warning where the rule is a recommendation.
    pub(crate) fn judge(&mut self, rule: &'static Rule, spoken: &str, seen: Option<String>) {
        let outcome = match seen {
            None => Outcome::Passed,
            Some(seen) if rule.must => Outcome::Failed(seen),
            Some(seen) => Outcome::Warned(seen),
        };
        self.note(rule, spoken, outcome);
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        self.findings.iter().filter(|finding| finding.outcome.word() == word).count()
    }

    /// The table, a remedy for everything that is wrong, and the totals.
    pub(crate) fn render(&self, style: Style) -> String {
        let mut table = Table::new(["rule", "revision", "result", "what must hold, and what was seen"]);
        for finding in &self.findings {
            let seen = finding.outcome.seen();
            let what = match &finding.outcome {
                Outcome::Passed => finding.rule.what.to_owned(),
                _ => format!("{}: {}", finding.rule.what, text::headline(seen, SEEN)),
            };
            table.row([finding.rule.id, &finding.spoken, finding.outcome.word(), &what]);
        }
        let mut out = table.render(style);
        let mut listed: Vec<&str> = Vec::new();
        for finding in &self.findings {
            let wrong = matches!(finding.outcome, Outcome::Failed(_) | Outcome::Warned(_));
            if wrong && !listed.contains(&finding.rule.id) {
                if listed.is_empty() {
                    out.push_str("\nwhat to do\n");
                }
                listed.push(finding.rule.id);
                out.push_str(&format!("  {}: {}\n", finding.rule.id, finding.rule.remedy));
            }
        }
        out.push_str(&format!("\n{}\n", self.totals()));
        out
    }

    /// The last line.
    pub(crate) fn totals(&self) -> String {
        format!(
            "{}: {} ok, {}, {}, {} skipped",
            counted(self.findings.len(), "rule"),
            self.count("ok"),
            counted(self.count("fault"), "fault"),
            counted(self.count("warning"), "warning"),
            self.count("skipped"),
        )
    }

    pub(crate) fn json(&self) -> RawJson {
        let text = |text: &str| RawJson::string(text);
        let count = |word: &str| RawJson::integer(i64::try_from(self.count(word)).unwrap_or(i64::MAX));
        let findings = self.findings.iter().map(|finding| {
            let mut members = vec![
                ("rule", text(finding.rule.id)),
                ("revision", text(&finding.spoken)),
                ("result", text(finding.outcome.word())),
                ("requirement", text(finding.rule.what)),
            ];
            if !finding.outcome.seen().is_empty() {
                members.push(("seen", text(finding.outcome.seen())));
            }
            if matches!(finding.outcome, Outcome::Failed(_) | Outcome::Warned(_)) {
                members.push(("remedy", text(finding.rule.remedy)));
            }
            RawJson::object(members)
        });
        RawJson::object([
            ("faults", count("fault")),
            ("warnings", count("warning")),
            ("passed", count("ok")),
            ("skipped", count("skipped")),
            ("findings", RawJson::array(findings)),
        ])
    }

    /// JUnit XML: a test case for each rule; warnings are passed cases with their text.
    pub(crate) fn junit(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push_str(&format!(
            "<testsuite name=\"mcp check\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
            self.findings.len(),
            self.count("fault"),
            self.count("skipped")
        ));
        for finding in &self.findings {
            let revision = if finding.spoken.is_empty() { "any" } else { &finding.spoken };
            let name = xml(&format!("{} {}", finding.rule.id, finding.rule.what));
            out.push_str(&format!("  <testcase classname=\"{}\" name=\"{name}\"", xml(revision)));
            let seen = xml(finding.outcome.seen());
            match &finding.outcome {
                Outcome::Passed => out.push_str("/>\n"),
                Outcome::Failed(_) => out.push_str(&format!(
                    "><failure message=\"{seen}\">{}</failure></testcase>\n",
                    xml(finding.rule.remedy)
                )),
                Outcome::Warned(_) => {
                    out.push_str(&format!("><system-out>warning: {seen}</system-out></testcase>\n"));
                }
                Outcome::Skipped(_) => {
                    out.push_str(&format!("><skipped message=\"{seen}\"/></testcase>\n"));
                }
            }
        }
        out.push_str("</testsuite>\n");
        out
    }
}

/// Text for XML, without the characters that XML does not have.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.judge(&rules::ORIGIN, "2025-11-25", Some("200 <ok> & \"fine\" \u{1b}[2J".to_owned()));
        report.judge(&rules::IDS, "2025-11-25", None);
        report.note(&rules::HOST, "", Outcome::Skipped("not on this machine".to_owned()));
        report.judge(&rules::AT_END, "", Some("SIGTERM".to_owned()));
        report
    }

    #[test]
    fn a_fault_has_its_remedy_and_is_counted() {
        let report = report();
        let shown = report.render(Style::plain());
        assert!(shown.contains(rules::ORIGIN.remedy) && !shown.contains('\u{1b}'), "{shown}");
        assert!(shown.ends_with("4 rules: 1 ok, 1 fault, 1 warning, 1 skipped\n"), "{shown}");
        let json: serde_json::Value = report.json().deserialize().unwrap();
        assert_eq!(json["faults"], 1);
        assert_eq!(json["findings"][0]["rule"], "SEC-S-001");
    }

    #[test]
    fn junit_is_xml_whatever_a_server_says() {
        let shown = report().junit();
        assert!(shown.contains("tests=\"4\" failures=\"1\" skipped=\"1\""), "{shown}");
        assert!(shown.contains("&lt;ok&gt; &amp; &quot;fine&quot;") && !shown.contains('\u{1b}'), "{shown}");
    }
}
