//! Reads a regular expression of a dialect: alternatives, what follows each other, single signs.

use query::{Diagnostic, Span};

use super::{
    flags::{Dialect, Flags},
    tree::{Anchor, Node},
};

/// Groups within groups, as deep as the engines allow with room to spare.
const DEEPEST: usize = 30;

/// What an expression and those it refers to have in common.
#[derive(Debug, Default)]
pub(in crate::pattern) struct Shared {
    /// Of the groups whose place is remembered, the names, in order; Java's may have none.
    pub(in crate::pattern) groups: Vec<Option<String>>,
    /// Patterns by name that are being read, the outermost first.
    pub(in crate::pattern) references: Vec<String>,
    /// How many references were resolved.
    pub(in crate::pattern) resolved: usize,
    /// Numbers of groups that are referred to, and where.
    pub(super) numbered_references: Vec<(usize, Span)>,
}

/// Reads `%{…}` of GROK, which stands at the parser's place; `None` in other dialects.
pub(in crate::pattern) type ReadReference = fn(&mut Parser<'_, '_>) -> Result<Node, Diagnostic>;

pub(in crate::pattern) struct Parser<'p, 's> {
    pub(in crate::pattern) text: &'p str,
    pub(in crate::pattern) position: usize,
    pub(in crate::pattern) shared: &'s mut Shared,
    pub(in crate::pattern) reference: Option<ReadReference>,
    /// Where faults are shown when the text is not what the author wrote.
    pub(in crate::pattern) shown_at: Option<Span>,
    pub(super) flags: Flags,
    pub(super) depth: usize,
}

impl<'p, 's> Parser<'p, 's> {
    pub(in crate::pattern) fn new(dialect: Dialect, text: &'p str, shared: &'s mut Shared) -> Self {
        let flags = Flags::new(dialect);
        Self { text, position: 0, shared, reference: None, shown_at: None, flags, depth: 0 }
    }

    /// A parser for a text that is put in the place of a reference, at `span` of what the author wrote.
    pub(in crate::pattern) fn inside<'a>(&'a mut self, text: &'a str, span: Span) -> Parser<'a, 'a> {
        let shown_at = Some(self.shown_at.unwrap_or(span));
        let (flags, depth, reference) = (self.flags, self.depth, self.reference);
        Parser { text, position: 0, shared: self.shared, reference, shown_at, flags, depth }
    }

    /// Reads the whole text.
    pub(in crate::pattern) fn parse(mut self) -> Result<Node, Diagnostic> {
        let node = self.alternatives()?;
        if self.position < self.text.len() {
            let at = self.position;
            return Err(self
                .fault("esql::regex-group", "a group is closed here that was not opened", at, at + 1)
                .help("write `\\)` for the sign itself"));
        }
        let groups = self.shared.groups.len();
        if self.shown_at.is_none()
            && let Some((number, span)) =
                self.shared.numbered_references.iter().find(|(number, _)| *number > groups)
        {
            let message = format!("there is no group {number}");
            return Err(Diagnostic::error("esql::regex-reference", message).at(*span));
        }
        Ok(node)
    }

    /// Up to the end of the group or of the text.
    pub(super) fn alternatives(&mut self) -> Result<Node, Diagnostic> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let at = self.position;
            return Err(self.fault("esql::regex-depth", "groups are nested too deeply", at, at));
        }
        let mut nodes = vec![self.sequence()?];
        while self.take("|") {
            nodes.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(Node::either(nodes))
    }

    fn sequence(&mut self) -> Result<Node, Diagnostic> {
        let mut nodes = Vec::new();
        loop {
            self.skip_comments();
            let start = self.position;
            match self.peek() {
                None | Some('|' | ')') => return Ok(Node::concat(nodes)),
                _ => {}
            }
            if self.flags.dialect == Dialect::Java && self.take("\\Q") {
                // What repeats a quotation repeats its last character.
                nodes.extend(self.quotation().chars().map(|c| self.literal(c)));
                let Some(last) = nodes.pop() else { continue };
                nodes.push(self.quantified(last, start)?);
                continue;
            }
            let node = self.unit(start)?;
            let node = self.quantified(node, start)?;
            nodes.push(node);
        }
    }

    /// One sign, class or group.
    fn unit(&mut self, start: usize) -> Result<Node, Diagnostic> {
        if self.rest().starts_with("%{")
            && let Some(reference) = self.reference
        {
            return reference(self);
        }
        let Some(c) = self.next() else { return Ok(Node::Empty) };
        Ok(match c {
            '.' => Node::One(self.flags.dot()),
            '^' if self.flags.lines => Node::Anchor(Anchor::LineStart(self.flags.line_breaks())),
            '^' => Node::Anchor(Anchor::TextStart),
            '$' if self.flags.lines => Node::Anchor(Anchor::LineEnd(self.flags.line_breaks())),
            '$' => Node::Anchor(Anchor::FinalLineEnd(self.flags.line_breaks())),
            '(' => self.group(start)?,
            '[' => Node::One(self.bracketed(start)?),
            '\\' => self.escape(start)?,
            '*' | '+' | '?' => {
                return Err(self
                    .fault("esql::regex-repeat", format!("`{c}` has nothing to repeat"), start, self.position)
                    .help(format!("write `\\{c}` for the sign itself")));
            }
            '{' if self.flags.dialect == Dialect::Java => {
                return Err(self
                    .fault("esql::regex-repeat", "`{` has nothing to repeat", start, self.position)
                    .help("write `\\{` for the sign itself"));
            }
            other => self.literal(other),
        })
    }

    /// A character for itself, in any case when case does not matter.
    pub(super) fn literal(&self, c: char) -> Node {
        Node::One(self.flags.fold(super::tree::set([c])))
    }

    /// White space and comments of `(?x)`.
    pub(super) fn skip_comments(&mut self) {
        while self.flags.extended {
            match self.peek() {
                Some(c) if c.is_ascii_whitespace() || c == '\x0B' => {
                    self.next();
                }
                Some('#') => while self.next().is_some_and(|c| c != '\n') {},
                _ => break,
            }
        }
    }

    pub(in crate::pattern) fn rest(&self) -> &'p str {
        self.text.get(self.position..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += c.len_utf8();
        Some(c)
    }

    /// Takes the text if it stands here.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.position += text.len();
        }
        here
    }

    /// Takes what stands before the next `end`, and `end` too.
    pub(super) fn take_until(&mut self, end: char) -> Option<&'p str> {
        let (inside, _) = self.rest().split_once(end)?;
        self.position += inside.len() + end.len_utf8();
        Some(inside)
    }

    pub(in crate::pattern) fn span(&self, start: usize, end: usize) -> Span {
        self.shown_at.unwrap_or(Span::new(start.min(self.text.len()), end.min(self.text.len())))
    }

    pub(in crate::pattern) fn fault(
        &self,
        code: &'static str,
        message: impl Into<String>,
        start: usize,
        end: usize,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(self.span(start, end))
    }

    pub(super) fn not_supported(&self, what: &str, start: usize) -> Diagnostic {
        self.fault("esql::regex-not-supported", format!("{what} is not supported"), start, self.position)
    }
}
