//! Counts passed, failed and skipped tests, from nextest's JUnit report and from the output of libtest.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use crate::Outcome;

/// A test whose program is missing prints this and passes.
const SKIPPED: &str = "SKIPPED: ";

/// The results of a test run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    /// The names of failed tests, and the kind of failure if known.
    pub(crate) failures: Vec<String>,
    /// The reasons that tests printed for skipping.
    pub(crate) skips: BTreeSet<String>,
    /// How many tests printed such a reason. They are included in `passed`.
    pub(crate) skipped: usize,
}

impl Counts {
    /// Reads a JUnit report of nextest.
    pub(crate) fn of_junit(text: &str) -> Counts {
        let mut counts = Counts::default();
        for case in text.split("<testcase ").skip(1) {
            if let Some((_, failure)) = case.split_once("<failure") {
                let name = attribute(case, "name").unwrap_or_default();
                let kind = attribute(failure, "type").unwrap_or_default();
                let suite = attribute(case, "classname").unwrap_or_default();
                counts.failures.push(format!("{suite} {name} ({kind})"));
                continue;
            }
            counts.passed += 1;
            let skips = case.lines().filter_map(|line| line.split_once(SKIPPED)).map(|(_, what)| plain(what));
            let skips: Vec<String> = skips.collect();
            counts.skipped += usize::from(!skips.is_empty());
            counts.skips.extend(skips);
        }
        counts.failed = counts.failures.len();
        counts
    }

    /// Prints what was skipped, what failed, and the total. See [`Counts::verdict`].
    pub(crate) fn report(&self) -> Outcome {
        println!();
        for skip in &self.skips {
            println!("{SKIPPED}{skip}");
        }
        for failure in &self.failures {
            println!("FAILED: {failure}");
        }
        println!("{}", self.total());
        self.verdict()
    }

    /// It is an error if a test failed or none was run.
    fn verdict(&self) -> Outcome {
        match (self.failed, self.passed) {
            (0, 0) => Err("no test was run".to_owned()),
            (0, _) => Ok(()),
            (failed, _) => Err(format!("{failed} tests failed")),
        }
    }

    fn total(&self) -> String {
        let (passed, skipped) = (self.passed - self.skipped, self.skipped + self.ignored);
        format!("total: {passed} passed, {} failed, {skipped} skipped", self.failed)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }
}

/// Reads the output of libtest line by line.
#[derive(Debug, Default)]
pub(crate) struct Libtest {
    pub(crate) counts: Counts,
    /// The tests that have been running for more than a minute.
    pub(crate) slow: Vec<String>,
}

impl Libtest {
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            let number = |what: &str| {
                let words: Vec<&str> = result.split([' ', ';', '.']).collect();
                let at = words.iter().position(|word| *word == what)?;
                words.get(at.checked_sub(1)?)?.parse::<usize>().ok()
            };
            self.counts.passed += number("passed").unwrap_or(0);
            self.counts.failed += number("failed").unwrap_or(0);
            self.counts.ignored += number("ignored").unwrap_or(0);
            self.slow.clear();
        } else if let Some(test) = line.strip_prefix("test ") {
            if let Some((name, _)) = test.split_once(" has been running for over ") {
                self.slow.push(name.to_owned());
            } else if let Some((name, result)) = test.rsplit_once(" ... ") {
                self.slow.retain(|slow| slow != name);
                if result.starts_with("FAILED") {
                    self.counts.failures.push(name.to_owned());
                }
            }
        }
    }
}

/// The value of an attribute of the element in which the text begins.
fn attribute(text: &str, name: &str) -> Option<String> {
    let element = text.split_once('>').map_or(text, |(element, _)| element);
    // The space excludes `classname` when `name` is sought.
    let element = format!(" {element}");
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| plain(value))
}

/// The text up to the next tag, with XML escapes resolved.
fn plain(text: &str) -> String {
    let text = text.split('<').next().unwrap_or_default();
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="2" errors="0">
    <testsuite name="a" tests="4" disabled="0" errors="0" failures="2">
        <testcase name="one" classname="a" timestamp="x" time="0.002">
            <system-out>running 1 test
test one ... ok</system-out>
        </testcase>
        <testcase name="two" classname="a::it" timestamp="x" time="0.002">
            <failure message="thread &apos;two&apos; panicked" type="test failure with exit code 101">left</failure>
            <system-out>SKIPPED: not counted</system-out>
        </testcase>
        <testcase name="three" classname="a" timestamp="x" time="180.0">
            <failure type="test timeout"/>
        </testcase>
        <testcase name="four" classname="a" timestamp="x" time="0.1"><system-out>SKIPPED: four: node &lt;20&gt; is missing
SKIPPED: four: npm is missing</system-out></testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn a_junit_report_is_counted_and_failures_have_names() {
        let counts = Counts::of_junit(JUNIT);
        assert_eq!(counts.total(), "total: 1 passed, 2 failed, 1 skipped");
        assert_eq!(
            counts.failures,
            ["a::it two (test failure with exit code 101)", "a three (test timeout)"]
        );
        let skips: Vec<&str> = counts.skips.iter().map(String::as_str).collect();
        assert_eq!(skips, ["four: node <20> is missing", "four: npm is missing"]);
        assert_eq!(counts.verdict().unwrap_err(), "2 tests failed");
    }

    #[test]
    fn a_run_without_a_test_fails() {
        assert_eq!(Counts::of_junit("<testsuites/>").verdict().unwrap_err(), "no test was run");
    }

    #[test]
    fn results_of_several_binaries_are_added() {
        let mut read = Libtest::default();
        for line in [
            "test src/lib.rs - a (line 3) ... ok",
            "test src/lib.rs - b (line 9) ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.1s",
            "test c has been running for over 60 seconds",
            "test d has been running for over 60 seconds",
            "test c ... ok",
        ] {
            read.line(line);
        }
        assert_eq!(read.slow, ["d"]);
        read.line(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
        );
        assert_eq!(read.counts.total(), "total: 4 passed, 1 failed, 2 skipped");
        assert_eq!(read.counts.failures, ["src/lib.rs - b (line 9)"]);
        assert!(read.slow.is_empty());

        let mut sum = Counts::of_junit(JUNIT);
        sum += read.counts;
        assert_eq!(sum.total(), "total: 5 passed, 3 failed, 3 skipped");
    }
}
