//! Reads one input from a stream, such as standard input.

use std::io::Read;

use crate::decode::{Limits, SkipReason};

/// The name of standard input in the ledger.
pub const NAME: &str = "standard input";

/// Reads the whole stream into `buffer`, replacing what was in it, one byte past [`Limits::decompressed_bytes`] at
/// most: `decode` then reports the cap. What was read before an error stays in `buffer` and can be decoded; the error
/// is then the reason why it is not all.
pub fn read(stream: impl Read, limits: &Limits, buffer: &mut Vec<u8>) -> Result<(), SkipReason> {
    buffer.clear();
    let cap = (limits.decompressed_bytes as u64).saturating_add(1);
    match stream.take(cap).read_to_end(buffer) {
        Ok(_) => Ok(()),
        Err(error) => Err(SkipReason::Unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_an_error_is_kept() {
        struct Failing(bool);
        impl Read for Failing {
            fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(std::io::Error::other("gone"));
                }
                to[0] = b'{';
                Ok(1)
            }
        }
        let mut buffer = vec![1, 2, 3];
        let result = read(Failing(false), &Limits::default(), &mut buffer);
        assert_eq!(result, Err(SkipReason::Unreadable("gone".to_owned())));
        assert_eq!(buffer, b"{");
    }

    #[test]
    fn reads_no_more_than_the_cap_can_use() {
        let limits = Limits { decompressed_bytes: 10, ..Limits::default() };
        let mut buffer = Vec::new();
        read(std::io::repeat(b'x'), &limits, &mut buffer).unwrap();
        assert_eq!(buffer.len(), 11);
    }
}
