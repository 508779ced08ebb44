//! The investigation guide of a rule: the sections and questions in its Markdown.

use crate::rule::Rule;

/// A guide, taken apart. Text before the first heading stands in a section without a title.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guide {
    /// In the order of the text.
    pub sections: Vec<Section>,
}

/// A heading and what follows it, up to the next heading of any level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What the section is for, as far as its title tells.
    pub kind: SectionKind,
    /// 1 to 6, the number of `#`; 0 for text before the first heading.
    pub level: u8,
    /// The heading without its `#`; empty for text before the first heading.
    pub title: String,
    /// List items of any depth, without their marks; lines that continue an item are joined by a blank.
    pub items: Vec<String>,
    /// Everything that is no list item: paragraphs as they stand, without blank lines at either end.
    pub text: String,
}

/// What a section of a guide is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// Questions to answer and steps to take.
    Investigation,
    /// Known causes that are no attack.
    FalsePositives,
    /// What to do when it is an attack.
    Response,
    /// Anything else.
    Other,
}

impl Guide {
    /// The guide of a rule; empty when it has none.
    pub fn of(rule: &Rule) -> Self {
        Self::parse(rule.note.as_deref().unwrap_or_default())
    }

    /// Takes Markdown apart. Headings within fenced code are text.
    pub fn parse(markdown: &str) -> Self {
        let mut guide = Self::default();
        let mut fenced = false;
        let mut in_item = false;
        for line in markdown.lines() {
            let trimmed = line.trim();
            if trimmed.starts_with("```") {
                fenced = !fenced;
            }
            if let Some((level, title)) = heading(trimmed).filter(|_| !fenced) {
                guide.sections.push(Section::new(level, title));
                in_item = false;
                continue;
            }
            if guide.sections.is_empty() {
                if trimmed.is_empty() {
                    continue;
                }
                guide.sections.push(Section::new(0, ""));
            }
            let Some(section) = guide.sections.last_mut() else { continue };
            let item = list_item(trimmed).filter(|_| !fenced);
            let continued = in_item && !trimmed.is_empty() && line.starts_with([' ', '\t']);
            match (item, section.items.last_mut()) {
                (Some(item), _) => {
                    section.items.push(item.to_owned());
                    in_item = true;
                }
                (None, Some(last)) if continued => {
                    last.push(' ');
                    last.push_str(trimmed);
                }
                _ => {
                    in_item &= trimmed.is_empty();
                    section.text.push_str(line);
                    section.text.push('\n');
                }
            }
        }
        for section in &mut guide.sections {
            section.text = section.text.trim().to_owned();
        }
        guide
    }

    /// The items of all sections of one kind, in order.
    pub fn items(&self, kind: SectionKind) -> impl Iterator<Item = &str> {
        self.sections.iter().filter(move |s| s.kind == kind).flat_map(|s| s.items.iter().map(String::as_str))
    }
}

impl Section {
    fn new(level: u8, title: &str) -> Self {
        Self { kind: kind_of(title), level, title: title.to_owned(), items: Vec::new(), text: String::new() }
    }
}

/// Guides have no fixed titles; these words are the ones in use.
fn kind_of(title: &str) -> SectionKind {
    let title = title.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| title.contains(word));
    if has(&["false positive", "benign"]) {
        SectionKind::FalsePositives
    } else if has(&["response", "remediation", "containment", "recovery"]) {
        SectionKind::Response
    } else if has(&["investigat", "question", "triage", "analysis"]) {
        SectionKind::Investigation
    } else {
        SectionKind::Other
    }
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let title = line[level..].strip_prefix(' ')?;
    let level = u8::try_from(level).ok().filter(|level| (1..=6).contains(level))?;
    Some((level, title.trim().trim_end_matches('#').trim_end()))
}

fn list_item(line: &str) -> Option<&str> {
    if let Some(rest) =
        line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).or_else(|| line.strip_prefix("+ "))
    {
        return Some(rest.trim());
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line[digits..].strip_prefix(['.', ')'])?.strip_prefix(' ')?;
    (digits > 0).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_is_taken_apart() {
        let guide = Guide::parse(
            "\nBefore.\n\n## Triage\n\n### Questions to answer\n\n1. Who did it,\n   and from where?\n2. What for?\n   - In which account?\n\n\
             Some text.\n\n```\n# no heading\n- no item\n```\n\n### False positives\n* Rotation\n\n## Response\n- Re-import\n",
        );
        let seen: Vec<_> = guide.sections.iter().map(|s| (s.level, s.title.as_str(), s.kind)).collect();
        assert_eq!(
            seen,
            [
                (0, "", SectionKind::Other),
                (2, "Triage", SectionKind::Investigation),
                (3, "Questions to answer", SectionKind::Investigation),
                (3, "False positives", SectionKind::FalsePositives),
                (2, "Response", SectionKind::Response),
            ]
        );
        assert_eq!(guide.sections[0].text, "Before.");
        let questions: Vec<_> = guide.items(SectionKind::Investigation).collect();
        assert_eq!(questions, ["Who did it, and from where?", "What for?", "In which account?"]);
        assert!(guide.sections[2].text.starts_with("Some text."));
        assert!(guide.sections[2].text.contains("# no heading"));
        assert_eq!(guide.items(SectionKind::FalsePositives).collect::<Vec<_>>(), ["Rotation"]);
        assert_eq!(guide.items(SectionKind::Response).collect::<Vec<_>>(), ["Re-import"]);
    }

    #[test]
    fn no_guide_has_no_sections() {
        assert_eq!(Guide::parse("  \n\n"), Guide::default());
    }

    proptest::proptest! {
        #[test]
        fn no_word_of_a_guide_is_lost(markdown in "([#*\\-0-9.` a-cé]{0,8}\n?){0,12}") {
            let guide = Guide::parse(&markdown);
            let kept: usize = guide.sections.iter()
                .map(|s| s.title.matches('c').count() + s.text.matches('c').count() + s.items.join(" ").matches('c').count())
                .sum();
            proptest::prop_assert_eq!(kept, markdown.matches('c').count());
        }
    }
}
