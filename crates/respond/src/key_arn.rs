//! A KMS key by its whole ARN: the only way to name one here, since an id alone leaves open whose key it is.

use std::fmt;
use std::str::FromStr;

use crate::RespondError;

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    text: String,
    partition: (usize, usize),
    region: (usize, usize),
    account: (usize, usize),
    id: usize,
}

impl KeyArn {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub fn partition(&self) -> &str {
        &self.text[self.partition.0..self.partition.1]
    }

    /// Where the key lies, for example `eu-west-1`.
    pub fn region(&self) -> &str {
        &self.text[self.region.0..self.region.1]
    }

    /// The account that owns the key, 12 digits.
    pub fn account(&self) -> &str {
        &self.text[self.account.0..self.account.1]
    }

    /// The id: a UUID, or `mrk-` and 32 hex digits.
    pub fn id(&self) -> &str {
        &self.text[self.id..]
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for KeyArn {
    type Err = RespondError;

    fn from_str(text: &str) -> Result<Self, RespondError> {
        let refused = |reason| Err(RespondError::NoKeyArn { text: text.to_owned(), reason });
        let mut ends = text.match_indices(':').map(|(at, _)| at);
        let (Some(a), Some(b), Some(c), Some(d), Some(e)) =
            (ends.next(), ends.next(), ends.next(), ends.next(), ends.next())
        else {
            return refused("it is not a whole ARN");
        };
        if &text[..a] != "arn" || &text[b + 1..c] != "kms" {
            return refused("it does not begin with arn:PARTITION:kms:");
        }
        let is_name = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !is_name(&text[a + 1..b]) || !is_name(&text[c + 1..d]) {
            return refused("its partition or Region is none");
        }
        let account = &text[d + 1..e];
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return refused("its account is not 12 digits");
        }
        let resource = &text[e + 1..];
        if resource.starts_with("alias/") {
            return refused("it names an alias, which may point elsewhere by now");
        }
        let Some(id) = resource.strip_prefix("key/") else { return refused("it names no key") };
        let is_id =
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_id {
            return refused("its key id is none");
        }
        Ok(Self {
            text: text.to_owned(),
            partition: (a + 1, b),
            region: (c + 1, d),
            account: (d + 1, e),
            id: text.len() - id.len(),
        })
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_arns_of_keys_are_read() {
        let arn: KeyArn = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef"
            .parse()
            .unwrap();
        assert_eq!(
            (arn.partition(), arn.region(), arn.account(), arn.id()),
            ("aws-cn", "cn-north-1", "111122223333", "mrk-0123456789abcdef0123456789abcdef")
        );
        for bad in [
            "",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/a",
            "arn:aws:kms:eu-west-1:111122223333:alias/a",
            "arn:aws:kms:eu-west-1:111122223333:key/",
            "arn:aws:kms:eu-west-1:111122223333:key/a b",
            "arn:aws:kms:eu-west-1:111122223333:key/a:b",
            "arn:aws:kms:eu-west-1:11112222333:key/a",
            "arn:aws:kms::111122223333:key/a",
            "arn:aws:kms:eu-west-1/..:111122223333:key/a",
            "arn:aws:s3:eu-west-1:111122223333:key/a",
            " arn:aws:kms:eu-west-1:111122223333:key/a",
        ] {
            assert!(bad.parse::<KeyArn>().is_err(), "{bad}");
        }
    }
}
