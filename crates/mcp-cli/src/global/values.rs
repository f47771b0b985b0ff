//! How values of options are written: times, eras, assignments, log levels.

use std::time::Duration;

use mcp_core::client::EraMode;
use mcp_core::message::ProtocolVersion;
use mcp_core::session::LogLevel;

pub(super) fn era(text: &str) -> Result<EraMode, String> {
    match text.split_once('=') {
        None if text == "auto" => Ok(EraMode::Auto),
        None if text == "modern" => Ok(EraMode::Modern),
        None if text == "legacy" => Ok(EraMode::Legacy(ProtocolVersion::LATEST_LEGACY)),
        Some(("legacy", version)) => match ProtocolVersion::parse(version) {
            Some(version) if version.is_legacy() => Ok(EraMode::Legacy(version)),
            Some(_) => Err(format!("{version} is not a legacy revision: write `modern`")),
            None => Err(format!("unknown revision {version}: {}", legacy_revisions())),
        },
        _ => Err("auto, modern, legacy, or legacy=VERSION".to_owned()),
    }
}

fn legacy_revisions() -> String {
    let legacy = ProtocolVersion::ALL.iter().filter(|version| version.is_legacy());
    let names: Vec<&str> = legacy.map(|version| version.as_str()).collect();
    names.join(", ")
}

/// A number with a unit; without one, seconds. Zero means no limit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a time: write 500ms, 30s, 2m or 1h");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let time = Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| bad())?;
    Ok(if time.is_zero() { Duration::MAX } else { time })
}

/// A number of bytes. Zero would refuse every message.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 byte".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("expected a number of bytes".to_owned()),
    }
}

pub(crate) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

pub(crate) fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).ok_or_else(|| {
        "expected debug, info, notice, warning, error, critical, alert or emergency".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_zero_is_no_limit() {
        let rows = [("500ms", 500), ("2s", 2000), ("1.5", 1500), ("2m", 120_000), ("1h", 3_600_000)];
        for (text, millis) in rows {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(duration("0"), Ok(Duration::MAX));
        for text in ["", "s", "-1s", "1d", "1e99h", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_of_no_bytes_is_refused() {
        assert_eq!(bytes("1"), Ok(1));
        for text in ["0", "-1", "1k", ""] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn eras_are_named_and_legacy_has_versions() {
        assert_eq!(era("legacy"), Ok(EraMode::Legacy(ProtocolVersion::V2025_11_25)));
        assert_eq!(era("legacy=2024-11-05"), Ok(EraMode::Legacy(ProtocolVersion::V2024_11_05)));
        assert!(era("legacy=2026-07-28").is_err() && era("legacy=2025").is_err() && era("new").is_err());
    }
}
