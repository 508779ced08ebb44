//! Where a rule was read: the file, its format, and the rule's place in it.

use std::path::PathBuf;

use query::Span;

/// Where a rule, exception list or exception item was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file as it was named by the user, or `built-in/<name>` for the pack that comes with the program.
    pub path: PathBuf,
    /// What the file is written in.
    pub format: Format,
    /// Bytes of the file that hold the rule: all of a TOML file, one object of a JSON or NDJSON file.
    pub span: Span,
    /// The line on which `span` starts; the first is 1.
    pub line: usize,
}

/// The formats in which rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A rule file of elastic/detection-rules.
    Toml,
    /// The objects of Kibana's API: an export (NDJSON), one object, or an array of them.
    Json,
}

impl Origin {
    /// A whole text in the given format.
    pub fn whole(path: impl Into<PathBuf>, format: Format, text: &str) -> Self {
        Self { path: path.into(), format, span: Span::new(0, text.len()), line: 1 }
    }
}
