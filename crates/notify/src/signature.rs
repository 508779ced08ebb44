//! The signature of a webhook, so that a receiver can tell that a message came from here, now, and unchanged.
//!
//! The header `bartizan-signature` is `t=<seconds since 1970>,v1=<hex>`, where the hex is the HMAC-SHA256 of the secret
//! over the seconds in decimal, a full stop, and the body's bytes as they came.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that carries it.
pub const HEADER: &str = "bartizan-signature";

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The header is not `t=…,v1=…`.
    #[error("the signature cannot be read")]
    Unreadable,
    /// Too long ago, or too far ahead: it may be a copy of an old message.
    #[error("the signature is too old or too new")]
    Stale,
    /// Another secret, another body or another time.
    #[error("the signature does not belong to this message")]
    Wrong,
}

/// The header's value for a body that is sent at `seconds` since 1970.
pub fn sign(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    let digest = mac(secret, seconds, body).map(|mac| mac.finalize().into_bytes());
    let hex: String = digest.into_iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// Checks a header as a receiver should: the time first, then the digest in constant time.
///
/// # Errors
/// It does not hold, or was made more than `tolerance` seconds before or after `now`.
pub fn verify(
    secret: &[u8],
    header: &str,
    body: &[u8],
    now: i64,
    tolerance: i64,
) -> Result<(), SignatureFault> {
    let (seconds, hex) = header
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .and_then(|(seconds, hex)| Some((seconds.parse::<i64>().ok()?, hex)))
        .ok_or(SignatureFault::Unreadable)?;
    if now.abs_diff(seconds) > tolerance.unsigned_abs() {
        return Err(SignatureFault::Stale);
    }
    let digest: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    let digest = digest.ok_or(SignatureFault::Unreadable)?;
    let mac = mac(secret, seconds, body).ok_or(SignatureFault::Wrong)?;
    mac.verify_slice(&digest).map_err(|_| SignatureFault::Wrong)
}

/// `None` for no secret of any length; HMAC takes them all.
fn mac(secret: &[u8], seconds: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_openssl_computes() {
        // printf '1785000000.{"a":1}' | openssl dgst -sha256 -hmac key
        assert_eq!(
            sign(b"key", 1_785_000_000, br#"{"a":1}"#),
            "t=1785000000,v1=af852b0a9c1de5531447f29f0f4fbe4d35cad5956dedb77c7f8e63361c491d87"
        );
    }

    #[test]
    fn it_holds_for_this_secret_body_and_time_alone() {
        let header = sign(b"key", 1000, b"body");
        assert_eq!(verify(b"key", &header, b"body", 1300, 300), Ok(()));
        assert_eq!(verify(b"key", &header, b"body", 1301, 300), Err(SignatureFault::Stale));
        assert_eq!(verify(b"key", &header, b"body", 699, 300), Err(SignatureFault::Stale));
        assert_eq!(verify(b"other", &header, b"body", 1000, 300), Err(SignatureFault::Wrong));
        assert_eq!(verify(b"key", &header, b"other", 1000, 300), Err(SignatureFault::Wrong));
        let later = header.replace("t=1000", "t=1001");
        assert_eq!(verify(b"key", &later, b"body", 1001, 300), Err(SignatureFault::Wrong));
        for unreadable in ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=0", "t=1000,v1=é"] {
            assert_eq!(
                verify(b"key", unreadable, b"body", 1000, 300),
                Err(SignatureFault::Unreadable),
                "{unreadable}"
            );
        }
    }
}
