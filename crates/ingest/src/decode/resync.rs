//! Where a record may begin: what the search for the next one after a fault goes by.

use super::scan;

/// Whether a brace after `before` may begin an element: after a comma, a bracket or a line break.
pub(super) fn follows_a_value(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(64)..];
    for byte in near.iter().rev() {
        match byte {
            b'\n' | b',' | b'[' | b']' | b'}' => return true,
            b' ' | b'\t' | b'\r' => {}
            _ => return false,
        }
    }
    false
}

/// Whether the object at `start` has a key that only records and their wrappers have, and how far that was read.
pub(super) fn has_record_key(bytes: &[u8], start: usize, depth_cap: u32) -> (bool, usize) {
    let mut at = scan::skip_space(bytes, start + 1);
    loop {
        let Some(b'"') = bytes.get(at) else { return (false, at) };
        let Some((key_end, _)) = scan::string(bytes, at) else { return (false, bytes.len()) };
        let key = &bytes[at + 1..key_end - 1];
        at = scan::skip_space(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return (false, at);
        }
        if matches!(key, b"eventVersion" | b"@timestamp" | b"CloudTrailEvent" | b"_source" | b"detail-type") {
            return (true, at);
        }
        at = scan::skip_space(bytes, at + 1);
        at = match bytes.get(at) {
            Some(b'{' | b'[') => match scan::container(bytes, at, depth_cap) {
                Ok(found) => found.end,
                Err(_) => return (false, bytes.len()),
            },
            Some(b'"') => match scan::string(bytes, at) {
                Some((end, _)) => end,
                None => return (false, bytes.len()),
            },
            _ => scan::scalar(bytes, at),
        };
        at = scan::skip_space(bytes, at);
        match bytes.get(at) {
            Some(b',') => at = scan::skip_space(bytes, at + 1),
            _ => return (false, at),
        }
    }
}
