//! Numbers of things.

/// `1 fault`, `2 faults`, for a noun whose plural ends in `s`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "fault")), ["0 faults", "1 fault", "2 faults"]);
    }
}
