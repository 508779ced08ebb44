//! Event ids in sixteen bytes, as nearly all of them are UUIDs.

/// Of a UUID as CloudTrail writes it: small letters, with hyphens.
pub(crate) fn uuid_of(text: &str) -> Option<[u8; 16]> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut uuid = [0; 16];
    let mut digits = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let digit = match (place, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        uuid[digits / 2] = uuid[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(uuid)
}

pub(crate) fn text_of_uuid(uuid: [u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (place, byte) in uuid.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_prints_the_same_is_packed() {
        let id = "0123abcd-4567-89ab-cdef-0123456789ab";
        assert_eq!(uuid_of(id).map(text_of_uuid).as_deref(), Some(id));
        for not in [
            "",
            "0123ABCD-4567-89ab-cdef-0123456789ab",
            "0123abcd04567-89ab-cdef-0123456789ab",
            "0123abcd-4567",
        ] {
            assert_eq!(uuid_of(not), None, "{not}");
        }
    }
}
