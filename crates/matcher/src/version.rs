//! Software versions in the order of Elasticsearch's `version` field.
//!
//! Source: Elasticsearch docs, "Version field type".

use std::cmp::Ordering;

/// A version. Numbers compare as numbers and a pre-release comes before its release, as in Semantic Versioning;
/// what is no version comes after all that are, in order of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// `1.2.3`; empty when the text is no version.
    numbers: Vec<u64>,
    /// `rc.1` of `1.2.3-rc.1`.
    pre_release: Option<Vec<Identifier>>,
    /// The whole, for what the rest does not tell apart.
    text: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(Box<str>),
}

impl Version {
    /// Reads a version; any text is one of some kind.
    pub fn new(text: &str) -> Self {
        let no_version = || Self { numbers: Vec::new(), pre_release: None, text: text.into() };
        let release = text.split_once('+').map_or(text, |(release, _)| release);
        let (numbers, pre_release) = match release.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release)),
            None => (release, None),
        };
        let Some(numbers) = numbers.split('.').map(digits).collect::<Option<Vec<u64>>>() else {
            return no_version();
        };
        let identifier = |part: &str| digits(part).map_or(Identifier::Text(part.into()), Identifier::Number);
        let pre_release = pre_release.map(|p| p.split('.').map(identifier).collect());
        Self { numbers, pre_release, text: text.into() }
    }

    /// Bytes that stand in the order of the versions, but for what only the text tells apart. None is the beginning of
    /// another, as long as no text has a NUL.
    pub fn sort_key(&self) -> Vec<u8> {
        if !self.is_version() {
            return vec![1];
        }
        let mut key = vec![0];
        for number in &self.numbers {
            key.push(1);
            key.extend(number.to_be_bytes());
        }
        key.push(0);
        let Some(pre_release) = &self.pre_release else {
            key.push(1);
            return key;
        };
        key.push(0);
        for identifier in pre_release {
            match identifier {
                Identifier::Number(number) => {
                    key.push(1);
                    key.extend(number.to_be_bytes());
                }
                Identifier::Text(text) => {
                    key.push(2);
                    key.extend_from_slice(text.as_bytes());
                    key.push(0);
                }
            }
        }
        key.push(0);
        key
    }

    fn is_version(&self) -> bool {
        !self.numbers.is_empty()
    }
}

fn digits(part: &str) -> Option<u64> {
    if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let by_release = other.is_version().cmp(&self.is_version()).then_with(|| {
            self.numbers.cmp(&other.numbers).then_with(|| match (&self.pre_release, &other.pre_release) {
                (Some(a), Some(b)) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            })
        });
        Some(by_release.then_with(|| self.text.cmp(&other.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        let ordered = [
            "1.2",
            "1.2.0-rc.1",
            "1.2.0-rc.2",
            "1.2.0-rc.10",
            "1.2.0-rc.x",
            "1.2.0",
            "1.9.0",
            "1.10.0",
            "2.0.0",
            "1.2.x",
            "unknown",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(Version::new(a).partial_cmp(&Version::new(b)), Some(i.cmp(&j)), "{a} {b}");
                let by_key = (Version::new(a).sort_key(), a).cmp(&(Version::new(b).sort_key(), b));
                assert_eq!(by_key, i.cmp(&j), "{a} {b}");
            }
        }
    }
}
