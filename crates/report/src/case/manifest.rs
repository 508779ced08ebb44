//! The hashes of a case's files, in the format that `sha256sum -c` reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lines of hash, two spaces, name. Our names hold nothing that the format would have to escape.
pub(super) fn text(hashes: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, hash) in hashes {
        // Writing to a string can't fail.
        let _infallible = writeln!(text, "{hash}  {name}");
    }
    text
}

/// Reads a manifest of ours back: names and their hashes. `None` when it is not one, or a name leads out of the folder.
pub(super) fn parse(text: &str) -> Option<BTreeMap<String, String>> {
    text.lines()
        .map(|line| {
            let (hash, name) = line.split_once("  ")?;
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let file = name.strip_prefix("records/").unwrap_or(name);
            let is_ours = !file.is_empty()
                && file
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
                && !file.starts_with('.');
            (is_hash && is_ours).then(|| (name.to_owned(), hash.to_owned()))
        })
        .collect()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_leads_nowhere_else() {
        let hash = "0".repeat(64);
        let hashes = BTreeMap::from([
            ("README.txt".to_owned(), hash.clone()),
            ("records/a-1.json".to_owned(), hash.clone()),
        ]);
        assert_eq!(parse(&text(&hashes)), Some(hashes));
        for name in ["../x", "/etc/passwd", "records/../x", "records/.x", "a b", ""] {
            assert_eq!(parse(&format!("{hash}  {name}\n")), None, "{name}");
        }
        assert_eq!(parse("no manifest"), None);
    }
}
