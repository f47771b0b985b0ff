//! Times that are left, as people read them.

use std::time::Duration;

/// A time in its largest fitting unit, rounded down: `45 s`, `10 min`, `8 h`.
pub(crate) fn span(time: Duration) -> String {
    match time.as_secs() {
        0 if !time.is_zero() => format!("{} ms", time.as_millis().max(1)),
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_never_shown_as_nothing() {
        let rows = [
            (0, "0 s"),
            (1, "1 ms"),
            (999, "999 ms"),
            (1_500, "1 s"),
            (45_000, "45 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (7_199_999, "119 min"),
            (7_200_000, "2 h"),
            (90_000_000, "25 h"),
        ];
        for (millis, shown) in rows {
            assert_eq!(span(Duration::from_millis(millis)), shown);
        }
    }
}
