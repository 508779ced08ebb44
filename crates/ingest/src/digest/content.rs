//! Reads a file for verification: the hash of its uncompressed content, and what a digest says.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use memchr::memmem;
use sha2::{Digest, Sha256};

use super::digest_file::{DigestFile, Sha256Hash};
use super::object_key;
use crate::decode::Limits;

/// A file that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it lies, with `/` or `\` between folders; only its end matters.
    pub path: String,
    /// What is in it.
    pub content: FileContent,
}

/// What is in a file. All hashes are those of the uncompressed content, which is what CloudTrail hashes and signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// A digest.
    Digest {
        /// What it says.
        digest: Box<DigestFile>,
        /// Of its content.
        hash: Sha256Hash,
    },
    /// By its name or by its keys a digest, but it cannot be read as one.
    BrokenDigest {
        /// Why not.
        reason: String,
    },
    /// Anything else: a log file.
    Other {
        /// Of its content.
        hash: Sha256Hash,
    },
    /// It cannot be read to its end, or not be decompressed.
    Unreadable {
        /// Why not.
        reason: String,
    },
}

impl LocalFile {
    /// A file that could not be opened, or is none.
    pub fn unreadable(path: &str, reason: String) -> Self {
        let content = unreadable(object_key::is_digest_path(path), reason);
        Self { path: path.to_owned(), content }
    }
}

/// A digest names a few hundred log files. One larger than this is none.
const DIGEST_BYTES: usize = 64 << 20;

/// Where the keys of a digest are looked for; CloudTrail writes them first.
const HEAD_BYTES: usize = 4 << 10;

/// Reads a file to its end, in constant memory but for digests. Gzip is undone where the first bytes say so, whatever
/// the name; every member counts, and bytes behind the last one make the file unreadable, as they would hide from the
/// hash. `limits` caps the decompressed bytes. Never fails: what goes wrong is in the content.
pub fn read_file(path: &str, stream: impl Read, limits: &Limits) -> LocalFile {
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let content = match stream.fill_buf() {
        Ok([0x1f, 0x8b, ..]) => read_content(path, MultiGzDecoder::new(stream), limits),
        Ok(_) => read_content(path, stream, limits),
        Err(error) => return LocalFile::unreadable(path, error.to_string()),
    };
    LocalFile { path: path.to_owned(), content }
}

fn read_content(path: &str, mut stream: impl Read, limits: &Limits) -> FileContent {
    let named_digest = object_key::is_digest_path(path);
    let (mut sha256, mut length) = (Sha256::new(), 0);
    // Whole for what may be a digest, else its head alone.
    let mut kept = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return unreadable(named_digest, format!("after {length} bytes: {error}")),
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        sha256.update(bytes);
        length += read;
        if length > limits.decompressed_bytes {
            let reason = format!("more than {} bytes after decompression", limits.decompressed_bytes);
            return unreadable(named_digest, reason);
        }
        if kept.len() < HEAD_BYTES || (kept.len() <= DIGEST_BYTES && (named_digest || has_keys(&kept))) {
            kept.extend_from_slice(bytes);
        }
    }
    let hash = Sha256Hash(sha256.finalize().into());
    if !named_digest && !has_keys(&kept) {
        return FileContent::Other { hash };
    }
    if kept.len() < length {
        return FileContent::BrokenDigest { reason: format!("{length} bytes are too many for a digest") };
    }
    match DigestFile::read(&kept) {
        Ok(digest) => FileContent::Digest { digest: Box::new(digest), hash },
        Err(_) if !named_digest => FileContent::Other { hash },
        Err(reason) => FileContent::BrokenDigest { reason },
    }
}

fn unreadable(named_digest: bool, reason: String) -> FileContent {
    if named_digest { FileContent::BrokenDigest { reason } } else { FileContent::Unreadable { reason } }
}

/// Whether this is the beginning of a digest, whatever the file's name.
fn has_keys(head: &[u8]) -> bool {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    memmem::find(head, b"\"digestS3Object\"").is_some() && memmem::find(head, b"\"Records\"").is_none()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn content(path: &str, bytes: &[u8]) -> FileContent {
        read_file(path, bytes, &Limits::default()).content
    }

    #[test]
    fn the_uncompressed_content_is_hashed_to_its_last_byte() {
        let hash = |content: &[u8]| FileContent::Other { hash: Sha256Hash(Sha256::digest(content).into()) };
        let text = br#"{"Records":[]}"#;
        assert_eq!(content("a.json", text), hash(text));
        assert_eq!(content("a.json.gz", &gzip(text)), hash(text));
        assert_eq!(content("", b""), hash(b""));
        // What is appended as a member of its own is content as well.
        let appended = [gzip(text), gzip(b"more")].concat();
        assert_eq!(content("a.json.gz", &appended), hash(br#"{"Records":[]}more"#));
    }

    #[test]
    fn what_would_hide_from_the_hash_makes_a_file_unreadable() {
        let whole = gzip(&b"{\"Records\":[]}".repeat(1000));
        let is_unreadable = |bytes: &[u8]| {
            matches!(content("a.json.gz", bytes), FileContent::Unreadable { .. })
                && matches!(
                    content("1_CloudTrail-Digest_r_t_h_x.json.gz", bytes),
                    FileContent::BrokenDigest { .. }
                )
        };
        for after in [&b"{}"[..], b"\0", b"\x1f\x8b", b"\x1f", &[0; 100]] {
            assert!(is_unreadable(&[&whole[..], after].concat()), "{after:?}");
        }
        for cut in [5, 10, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
            assert!(is_unreadable(&whole[..cut]), "{cut}");
        }
        let limits = Limits { decompressed_bytes: 100, ..Limits::default() };
        let file = read_file("a.json.gz", &whole[..], &limits);
        let reason = "more than 100 bytes after decompression".to_owned();
        assert_eq!(file.content, FileContent::Unreadable { reason });
    }

    #[test]
    fn digests_are_known_by_name_or_content() {
        let digest = br#"{"awsAccountId":"1","digestStartTime":"","digestEndTime":"","digestS3Bucket":"b",
            "digestS3Object":"o","digestPublicKeyFingerprint":"f","digestSignatureAlgorithm":"x","logFiles":[]}"#;
        for path in ["any", "1_CloudTrail-Digest_r_t_h_x.json.gz"] {
            assert!(matches!(content(path, digest), FileContent::Digest { .. }), "{path}");
        }
        assert!(matches!(content("any", b"{\"digestS3Object\":1}"), FileContent::Other { .. }));
        let named = content("1_CloudTrail-Digest_r_t_h_x.json.gz", b"{}");
        assert!(matches!(named, FileContent::BrokenDigest { .. }), "{named:?}");
        let log = br#"{"Records":[{"requestParameters":{"digestS3Object":"o"}}]}"#;
        assert!(matches!(content("any", log), FileContent::Other { .. }));
    }
}
