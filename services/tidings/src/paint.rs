//! Colour on a terminal, plain text in a pipe (and where `NO_COLOR` is set, no-color.org).

use std::{
    env,
    io::{IsTerminal, stdout},
};

/// The colours in use.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// As standard output wants it.
    pub fn stdout() -> Self {
        Self(stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// `text` with an SGR code, such as `1;31` for bold red.
    pub fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `text` in exactly `width` characters: cut with an ellipsis, or padded.
pub fn column(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length > width {
        let kept: String = text.chars().take(width.saturating_sub(1)).collect();
        format!("{}…", kept.trim_end()) + &" ".repeat(width.saturating_sub(kept.trim_end().chars().count() + 1))
    } else {
        format!("{text}{}", " ".repeat(width - length))
    }
}
