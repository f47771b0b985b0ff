//! Colour, or none: decided once for each stream.

use std::io::IsTerminal;

use crate::global::ColorWhen;

/// Whether text gets colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    color: bool,
}

impl Style {
    /// No colour.
    pub(crate) fn plain() -> Style {
        Style { color: false }
    }

    /// For this stream. `NO_COLOR` counts where it is set and not empty (no-color.org).
    pub(crate) fn for_stream(when: ColorWhen, stream: &impl IsTerminal) -> Style {
        let wanted = match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Style { color: wanted }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For titles.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// For what went wrong.
    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// For what went well.
    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }
}
