//! Writes a tree for an engine.

use regex_syntax::{escape_into, hir::ClassUnicode};

use super::tree::{Anchor, Greed, LineBreaks, Node, Repeat};

/// What an expression is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The `regex` crate. The end before a final line break is the end of the text.
    Linear,
    /// The `regex` crate, leaving out what it does not know: everything that matches still matches, at the same place
    /// or before.
    Relaxed,
    /// `fancy-regex`.
    Backtracking,
}

/// Writes a tree; `None` when the target cannot express it.
pub(super) fn write(node: &Node, target: Target) -> Option<String> {
    let mut out = String::new();
    Writer { target, out: &mut out }.node(node)?;
    Some(out)
}

/// True when a place before a final line break matters somewhere.
pub(super) fn has_final_line_end(node: &Node) -> bool {
    match node {
        Node::Anchor(Anchor::FinalLineEnd(_)) => true,
        Node::Empty | Node::One(_) | Node::Anchor(_) | Node::SameAs { .. } => false,
        Node::Concat(nodes) | Node::Either(nodes) => nodes.iter().any(has_final_line_end),
        Node::Capture(inner) | Node::Repeat(inner, _) | Node::Atomic(inner) | Node::Look { inner, .. } => {
            has_final_line_end(inner)
        }
    }
}

struct Writer<'o> {
    target: Target,
    out: &'o mut String,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty => {}
            Node::One(class) => self.class(class),
            Node::Anchor(anchor) => return self.anchor(*anchor),
            Node::Concat(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
            }
            Node::Either(nodes) => {
                self.out.push_str("(?:");
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        self.out.push('|');
                    }
                    self.node(node)?;
                }
                self.out.push(')');
            }
            Node::Capture(inner) => self.wrapped("(", inner)?,
            Node::Repeat(inner, repeat) => self.repeat(inner, *repeat)?,
            Node::Look { behind, negated, inner } => match self.target {
                Target::Linear => return None,
                Target::Relaxed => {}
                Target::Backtracking => {
                    let open = match (behind, negated) {
                        (false, false) => "(?=",
                        (false, true) => "(?!",
                        (true, false) => "(?<=",
                        (true, true) => "(?<!",
                    };
                    self.wrapped(open, inner)?;
                }
            },
            Node::Atomic(inner) => match self.target {
                Target::Linear => return None,
                Target::Relaxed => self.wrapped("(?:", inner)?,
                Target::Backtracking => self.wrapped("(?>", inner)?,
            },
            Node::SameAs { groups, caseless } => match self.target {
                Target::Linear => return None,
                Target::Relaxed => self.out.push_str("(?s:.*)"),
                Target::Backtracking => {
                    self.out.push_str(if *caseless { "(?i:" } else { "(?:" });
                    for (index, group) in groups.iter().enumerate() {
                        if index > 0 {
                            self.out.push('|');
                        }
                        self.out.push('\\');
                        self.out.push_str(&group.to_string());
                    }
                    self.out.push(')');
                }
            },
        }
        Some(())
    }

    fn wrapped(&mut self, open: &str, inner: &Node) -> Option<()> {
        self.out.push_str(open);
        self.node(inner)?;
        self.out.push(')');
        Some(())
    }

    fn repeat(&mut self, inner: &Node, repeat: Repeat) -> Option<()> {
        let possessive = repeat.greed == Greed::Possessive;
        match self.target {
            Target::Linear if possessive => return None,
            Target::Backtracking if possessive => self.out.push_str("(?>"),
            _ => {}
        }
        match inner {
            // These stand in brackets of their own.
            Node::One(_) | Node::Capture(..) | Node::Either(_) => self.node(inner)?,
            _ => self.wrapped("(?:", inner)?,
        }
        match (repeat.least, repeat.most) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (least, None) => self.out.push_str(&format!("{{{least},}}")),
            (least, Some(most)) if least == most => self.out.push_str(&format!("{{{least}}}")),
            (least, Some(most)) => self.out.push_str(&format!("{{{least},{most}}}")),
        }
        if repeat.greed == Greed::Least {
            self.out.push('?');
        }
        if possessive && self.target == Target::Backtracking {
            self.out.push(')');
        }
        Some(())
    }

    fn anchor(&mut self, anchor: Anchor) -> Option<()> {
        const BREAK: &str = r"[\n\r\x{85}\x{2028}\x{2029}]";
        const WORD: &str = "[0-9A-Za-z_]";
        let expression = match (anchor, self.target) {
            (Anchor::TextStart, _) => r"\A".to_owned(),
            (Anchor::TextEnd, _) => r"\z".to_owned(),
            (Anchor::FinalLineEnd(_), Target::Linear) => r"\z".to_owned(),
            // Ruby has no start of a line at the very end; nothing but empty text could be matched there.
            (Anchor::LineStart(LineBreaks::Newline), Target::Linear | Target::Relaxed) => "(?m:^)".to_owned(),
            (Anchor::LineEnd(LineBreaks::Newline), Target::Linear | Target::Relaxed) => "(?m:$)".to_owned(),
            (Anchor::WordBorder { unicode: true, negated: false }, _) => r"\b".to_owned(),
            (Anchor::WordBorder { unicode: true, negated: true }, _) => r"\B".to_owned(),
            (Anchor::WordBorder { unicode: false, negated: false }, Target::Linear | Target::Relaxed) => {
                r"(?-u:\b)".to_owned()
            }
            (_, Target::Linear) => return None,
            (_, Target::Relaxed) => return Some(()),
            (Anchor::FinalLineEnd(LineBreaks::Newline), _) => r"(?:\z|(?=\n\z))".to_owned(),
            (Anchor::FinalLineEnd(LineBreaks::Any), _) => {
                format!(r"(?:\z|(?=\r\n\z)|(?<!\r)(?=\n\z)|(?!\n)(?={BREAK}\z))")
            }
            (Anchor::LineStart(LineBreaks::Newline), _) => r"(?:\A|(?<=\n)(?!\z))".to_owned(),
            (Anchor::LineEnd(LineBreaks::Newline), _) => r"(?:\z|(?=\n))".to_owned(),
            (Anchor::LineStart(LineBreaks::Any), _) => {
                format!(r"(?:\A|(?<={BREAK})(?<!\r)(?!\z)|(?<=\r)(?!\n)(?!\z))")
            }
            (Anchor::LineEnd(LineBreaks::Any), _) => {
                format!(r"(?:\z|(?<!\r)(?=\n)|(?!\n)(?={BREAK}))")
            }
            (Anchor::WordBorder { negated: false, .. }, _) => {
                format!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))")
            }
            (Anchor::WordBorder { negated: true, .. }, _) => {
                format!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))")
            }
        };
        self.out.push_str(&expression);
        Some(())
    }

    fn class(&mut self, class: &ClassUnicode) {
        if let [one] = class.ranges()
            && one.start() == one.end()
        {
            escape_into(one.start().encode_utf8(&mut [0; 4]), self.out);
            return;
        }
        // Nothing at all has no class of its own.
        if class.ranges().is_empty() {
            self.out.push_str(r"[^\x{0}-\x{10FFFF}]");
            return;
        }
        let mut others = class.clone();
        others.negate();
        let shorter = !others.ranges().is_empty() && others.ranges().len() < class.ranges().len();
        let (open, ranges) = if shorter { ("[^", others.ranges()) } else { ("[", class.ranges()) };
        self.out.push_str(open);
        for range in ranges {
            self.out.push_str(&format!(r"\x{{{:X}}}", u32::from(range.start())));
            if range.end() > range.start() {
                self.out.push_str(&format!(r"-\x{{{:X}}}", u32::from(range.end())));
            }
        }
        self.out.push(']');
    }
}
