//! Texts in URLs: `URL_ENCODE`, `URL_ENCODE_COMPONENT`, `URL_DECODE`.
//!
//! Source: elastic/elasticsearch x-pack/plugin/esql/src/main/java/org/elasticsearch/xpack/esql/expression/function/
//! scalar/convert/{UrlEncode,UrlEncodeComponent,UrlDecode}.java; `java.net.URLDecoder`.

use std::borrow::Cow;

use super::{Outcome, Refusal};

/// A `%` without two hexadecimal digits after it.
pub const BAD_ESCAPE: Refusal = Refusal("text is not URL-encoded");

/// `URL_ENCODE`: all but letters and digits of ASCII and `.`, `-`, `_`, `~` as bytes of UTF-8, `%E9`; a space as `+`.
pub fn encode(text: &str) -> String {
    encode_with(text, "+")
}

/// `URL_ENCODE_COMPONENT`: like [`encode`], a space as `%20`.
pub fn encode_component(text: &str) -> String {
    encode_with(text, "%20")
}

fn encode_with(text: &str, space: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push_str(space),
            b'.' | b'-' | b'_' | b'~' => encoded.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            byte => encoded.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    encoded
}

/// `URL_DECODE`: `+` is a space, bytes that are no UTF-8 become replacement characters.
pub fn decode(text: &str) -> Outcome<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit =
                    || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(BAD_ESCAPE);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).map_err(|_| BAD_ESCAPE)?
            }
            byte => byte,
        });
    }
    Ok(Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_encoded() {
        let table = [
            ("https://example.com/?x=a b&y=é*~", "https%3A%2F%2Fexample.com%2F%3Fx%3Da+b%26y%3D%C3%A9%2A~"),
            ("a-b_c.d", "a-b_c.d"),
            ("", ""),
        ];
        for (text, encoded) in table {
            assert_eq!(encode(text), encoded);
            assert_eq!(decode(encoded).as_deref(), Ok(text));
        }
        assert_eq!(encode_component("a b+c"), "a%20b%2Bc");
    }

    #[test]
    fn texts_are_decoded() {
        let table = [
            ("%41%62+c", "Ab c"),
            ("%e2%82%ac", "€"),
            ("%FF%41", "\u{fffd}A"),
            ("a/b?c", "a/b?c"),
            ("é%20", "é "),
        ];
        for (text, decoded) in table {
            assert_eq!(decode(text).as_deref(), Ok(decoded), "{text}");
        }
        for text in ["%", "%4", "%zz", "a%g1", "100% sure", "%-1"] {
            assert_eq!(decode(text), Err(BAD_ESCAPE), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(text in "\\PC{0,16}") {
            for encoded in [encode(&text), encode_component(&text)] {
                prop_assert_eq!(decode(&encoded).map(Cow::into_owned), Ok(text.clone()));
            }
        }
    }
}
