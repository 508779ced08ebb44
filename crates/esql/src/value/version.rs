//! Versions of software as bytes that stand in the order of the versions, with their text inside.
//!
//! Source: elastic/elasticsearch docs, "Version field type"; the order is that of [`matcher::version::Version`].

use matcher::version::Version;

/// The bytes of a version: they compare as the versions do, and [`decode`] gives the text back. Any text is a version
/// of some kind; the order of texts with a NUL inside may differ.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Version::new(text).sort_key();
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

/// The text of a version as it was written; empty for bytes that [`encode`] did not make.
pub fn decode(bytes: &[u8]) -> String {
    let text = || {
        let (rest, length) = bytes.split_last_chunk::<4>()?;
        let start = rest.len().checked_sub(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        String::from_utf8(rest.get(start..)?.to_vec()).ok()
    };
    text().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_stand_in_the_order_of_versions() {
        let ordered = [
            "1.2",
            "1.2.0-rc.1",
            "1.2.0-rc.2",
            "1.2.0-rc.10",
            "1.2.0-rc.x",
            "1.2.0",
            "1.2.0+b",
            "1.9.0",
            "1.10.0",
            "2.0.0",
            "",
            "1.2.x",
            "unknown",
        ];
        for pair in ordered.windows(2) {
            assert!(encode(pair[0]) < encode(pair[1]), "{pair:?}");
        }
        assert_eq!(decode(b""), "");
        assert_eq!(decode(&[0, 0, 0, 9]), "");
    }

    proptest! {
        #[test]
        fn bytes_compare_as_versions(a in "[0-9ab.+-]{0,8}", b in "[0-9ab.+-]{0,8}") {
            let versions = Version::new(&a).partial_cmp(&Version::new(&b));
            prop_assert_eq!(Some(encode(&a).cmp(&encode(&b))), versions);
            prop_assert_eq!(decode(&encode(&a)), a);
        }
    }
}
