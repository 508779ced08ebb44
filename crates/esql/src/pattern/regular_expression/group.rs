//! Reads what stands in round brackets: groups, look-around, atomic groups and flags.

use query::Diagnostic;

use super::{flags::Dialect, parser::Parser, tree::Node};

impl Parser<'_, '_> {
    /// Reads a group whose `(`, at `start`, was taken.
    pub(super) fn group(&mut self, start: usize) -> Result<Node, Diagnostic> {
        let java = self.flags.dialect == Dialect::Java;
        if !self.take("?") {
            // As Ruby does when there are named groups, and GROK without names has no output.
            return if java { self.capture(None, start) } else { self.enclosed(start) };
        }
        if self.take("<=") {
            return self.look(true, false, start);
        }
        if self.take("<!") {
            return self.look(true, true, start);
        }
        match self.next() {
            Some(':') => self.enclosed(start),
            Some('=') => self.look(false, false, start),
            Some('!') => self.look(false, true, start),
            Some('>') => Ok(Node::Atomic(Box::new(self.enclosed(start)?))),
            Some('<') => {
                let name = self.group_name('>', start)?;
                self.capture(Some(name), start)
            }
            Some('#') if !java => match self.take_until(')') {
                Some(_) => Ok(Node::Empty),
                None => Err(self.unclosed(start)),
            },
            Some('~') if !java => Err(self.not_supported("an absent operator `(?~…)`", start)),
            Some('(') if !java => Err(self.not_supported("a condition `(?(…)…)`", start)),
            Some('\'') if !java => {
                let name = self.group_name('\'', start)?;
                self.capture(Some(name), start)
            }
            Some(_) => {
                // Back to the letter of the flag.
                self.position = start + "(?".len();
                self.flags_group(start)
            }
            None => Err(self.unclosed(start)),
        }
    }

    fn capture(&mut self, name: Option<String>, start: usize) -> Result<Node, Diagnostic> {
        self.shared.groups.push(name);
        Ok(Node::Capture(Box::new(self.enclosed(start)?)))
    }

    fn look(&mut self, behind: bool, negated: bool, start: usize) -> Result<Node, Diagnostic> {
        let inner = Box::new(self.enclosed(start)?);
        // Both dialects refuse it, and an engine would look at the whole text again and again.
        if behind && inner.longest().is_none_or(|longest| longest > 255) {
            return Err(self
                .fault("esql::regex-look-behind", "how far to look back has no limit", start, self.position)
                .help("a look-behind may have `{1,20}`, but no `*` or `+`"));
        }
        Ok(Node::Look { behind, negated, inner })
    }

    /// Reads up to the `)` that closes the group; flags set inside end with it.
    fn enclosed(&mut self, start: usize) -> Result<Node, Diagnostic> {
        let flags = self.flags;
        let node = self.alternatives()?;
        self.flags = flags;
        if self.take(")") { Ok(node) } else { Err(self.unclosed(start)) }
    }

    /// `(?i)`, `(?i-s)` and `(?i:…)`, behind the `?`.
    fn flags_group(&mut self, start: usize) -> Result<Node, Diagnostic> {
        let before = self.flags;
        let mut on = true;
        loop {
            let at = self.position;
            match self.next() {
                Some('-') if on => on = false,
                Some(':') => {
                    // The flags hold inside, and end where it is closed.
                    let node = self.enclosed(start);
                    self.flags = before;
                    return node;
                }
                // In Ruby the flags hold over all alternatives that follow in this group.
                Some(')') if self.flags.dialect == Dialect::Oniguruma => return self.alternatives(),
                Some(')') => return Ok(Node::Empty),
                Some(flag) => {
                    if !self.flags.set(flag, on) {
                        let message = format!("a group cannot begin with `(?{flag}`");
                        return Err(self
                            .fault("esql::regex-flag", message, at, self.position)
                            .help("write `(?:…)` for a group, `(?<name>…)` for one with a name, `(?i)` for any case"));
                    }
                }
                None => return Err(self.unclosed(start)),
            }
        }
    }

    /// The name of a group up to `end`.
    fn group_name(&mut self, end: char, start: usize) -> Result<String, Diagnostic> {
        let at = self.position;
        let Some(name) = self.take_until(end) else { return Err(self.unclosed(start)) };
        let java = self.flags.dialect == Dialect::Java;
        let fits = |name: &str| {
            if java {
                name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            } else {
                !name.is_empty()
                    && !name.starts_with(|c: char| c.is_ascii_digit())
                    && !name.contains([')', '(', '<'])
            }
        };
        if !fits(name) {
            let help = if java {
                "a name has letters and digits, and begins with a letter"
            } else {
                "a name is not empty, and does not begin with a digit"
            };
            let message = format!("`{name}` cannot be the name of a group");
            return Err(self.fault("esql::regex-group-name", message, at, self.position).help(help));
        }
        if java && self.shared.groups.iter().any(|group| group.as_deref() == Some(name)) {
            let message = format!("there are two groups with the name `{name}`");
            return Err(self.fault("esql::regex-group-name", message, at, self.position));
        }
        Ok(name.to_owned())
    }

    fn unclosed(&self, start: usize) -> Diagnostic {
        self.fault("esql::regex-group", "this group is not closed", start, start + 1)
            .help("close it with `)`, or write `\\(` for the sign itself")
    }
}
