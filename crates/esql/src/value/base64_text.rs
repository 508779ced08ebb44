//! Base64: `TO_BASE64`, `FROM_BASE64`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/convert/{ToBase64,FromBase64}.java; `java.util.Base64`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Outcome, Refusal};

/// A text that is no Base64.
pub const NOT_BASE64: Refusal = Refusal("text is no Base64");

/// Padding may be missing, and bits that do not matter may be set.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `TO_BASE64`, of the bytes of UTF-8.
pub fn encode(text: &str) -> String {
    ENGINE.encode(text)
}

/// `FROM_BASE64`: bytes that are no UTF-8 become replacement characters, as when Elasticsearch prints them.
pub fn decode(text: &str) -> Outcome<String> {
    let bytes = ENGINE.decode(text).map_err(|_| NOT_BASE64)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_decoded() {
        for (text, decoded) in [
            ("YmFydGl6YW4=", "bartizan"),
            ("YmFydGl6YW4", "bartizan"),
            ("w6k=", "é"),
            ("/w==", "\u{fffd}"),
            ("", ""),
        ] {
            assert_eq!(decode(text).as_deref(), Ok(decoded), "{text}");
        }
        for text in ["Y", "YmF y", "Ym-_", "====", "YmFydGl6YW4=x", "é"] {
            assert_eq!(decode(text), Err(NOT_BASE64), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(text in "\\PC{0,16}") {
            prop_assert_eq!(decode(&encode(&text)), Ok(text));
        }
    }
}
