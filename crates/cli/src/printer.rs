//! Where output goes and how: data to stdout or a file, everything else to stderr, colour only where it is wanted.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::ColorChoice;

/// What was decided once about output, from the arguments, the environment (`NO_COLOR`) and the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    stdout_color: bool,
    stderr_color: bool,
    progress: bool,
}

/// Text styles; every text must do without them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    /// Headings.
    Heading,
    /// What should worry: errors, critical and high severity.
    Alarm,
    /// What deserves a look: warnings, medium severity.
    Caution,
    /// What may be skipped when reading.
    Faint,
}

impl Printer {
    /// Decides about colour and progress.
    pub(crate) fn new(color: ColorChoice, progress: bool) -> Self {
        let wanted = |is_terminal: bool, automatic: anstream::ColorChoice| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && automatic != anstream::ColorChoice::Never,
        };
        Self {
            stdout_color: wanted(io::stdout().is_terminal(), anstream::AutoStream::choice(&io::stdout())),
            stderr_color: wanted(io::stderr().is_terminal(), anstream::AutoStream::choice(&io::stderr())),
            progress: progress && io::stderr().is_terminal(),
        }
    }

    /// Whether a progress bar may be drawn on stderr.
    pub(crate) fn draws_progress(&self) -> bool {
        self.progress
    }

    /// Stdout, for data.
    pub(crate) fn stdout(&self) -> Output {
        Output {
            writer: Box::new(BufWriter::new(io::stdout())),
            color: self.stdout_color,
            width: io::stdout().is_terminal().then(terminal_width).flatten(),
            is_stdout: true,
        }
    }

    /// Stdout, or a file that replaces what stood there.
    pub(crate) fn output(&self, file: Option<&Path>) -> anyhow::Result<Output> {
        let Some(path) = file else { return Ok(self.stdout()) };
        let file = File::create(path).with_context(|| format!("cannot write to {}", path.display()))?;
        Ok(Output { writer: Box::new(BufWriter::new(file)), color: false, width: None, is_stdout: false })
    }

    /// Stderr, for everything that is no data.
    pub(crate) fn stderr(&self) -> Output {
        Output {
            writer: Box::new(io::stderr()),
            color: self.stderr_color,
            width: io::stderr().is_terminal().then(terminal_width).flatten(),
            is_stdout: false,
        }
    }

    /// Tells the operator on stderr about something that did not stop the run. That nobody listens is no failure.
    pub(crate) fn warn(&self, message: impl fmt::Display) {
        let mut stderr = self.stderr();
        let label = stderr.paint(Paint::Caution, "warning");
        let _nobody_listens = writeln!(stderr, "{label}: {}", visible(&message.to_string()));
    }

    /// Tells the operator on stderr why the command ends: the message and its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut stderr = self.stderr();
        let label = stderr.paint(Paint::Alarm, "error");
        let mut text = format!("{label}: {}\n", visible(&error.to_string()));
        for cause in error.chain().skip(1) {
            text.push_str(&format!("  because: {}\n", visible(&cause.to_string())));
        }
        let _nobody_listens = stderr.write_all(text.as_bytes());
    }
}

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// A place to write to.
pub(crate) struct Output {
    writer: Box<dyn Write + Send>,
    color: bool,
    width: Option<u16>,
    is_stdout: bool,
}

impl Output {
    /// The text in a style, where colour is wanted.
    pub(crate) fn paint(&self, paint: Paint, text: impl fmt::Display) -> String {
        if !self.color {
            return text.to_string();
        }
        let style = match paint {
            Paint::Heading => Style::new().bold(),
            Paint::Alarm => AnsiColor::Red.on_default().bold(),
            Paint::Caution => AnsiColor::Yellow.on_default(),
            Paint::Faint => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Whether colour is wanted.
    pub(crate) fn is_colored(&self) -> bool {
        self.color
    }

    /// Columns of the terminal; `None` when it is none.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }

    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe if self.is_stdout => io::Error::new(error.kind(), ClosedPipe),
            _ => error,
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.writer.write(bytes);
        self.told(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.writer.flush();
        self.told(result)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("is_stdout", &self.is_stdout).finish_non_exhaustive()
    }
}

/// Whoever read our stdout has seen enough: `bartizan … | head`.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output closed it")]
struct ClosedPipe;

/// True when nothing failed but that the reader of stdout closed it.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        io.is_some_and(|inner| inner.is::<ClosedPipe>())
    })
}

/// A text of unknown origin made safe to show: characters that a terminal would act on, or that turn the order of the
/// text, appear as escapes. Logs are written by attackers too.
pub(crate) fn visible(text: &str) -> String {
    if !text.chars().any(acts_on_terminal) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if acts_on_terminal(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn acts_on_terminal(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// As [`visible`], but line breaks and tabs stay.
pub(crate) fn visible_lines(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| line.split('\t').map(visible).collect::<Vec<_>>().join("\t")).collect();
    lines.join("\n")
}

/// `1 file`, `2 files`: a count with its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// A number with commas between its thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown_as_escapes() {
        for (text, shown) in [
            ("curl/8.1", "curl/8.1"),
            ("Zoë 例", "Zoë 例"),
            ("\u{1b}[2J\u{7}gone", "\\u{1b}[2J\\u{7}gone"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("ab\u{202e}dc", "ab\\u{202e}dc"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\tb\r\n\u{1b}c"), "a\tb\n\\u{1b}c");
    }

    #[test]
    fn numbers_have_commas() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), shown);
        }
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(1_000, "file", "files"), "1,000 files");
    }

    #[test]
    fn a_closed_pipe_is_known_through_all_wrappers() {
        let closed = io::Error::new(io::ErrorKind::BrokenPipe, ClosedPipe);
        assert!(is_closed_pipe(&anyhow::Error::from(engine::EngineError::Sink(closed)).context("hunting")));
        let other = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(!is_closed_pipe(&anyhow::Error::from(other)));
    }
}
