//! Names that AWS gives and takes, checked before anything is made of them.
//!
//! All of them end up in JSON, HCL, TOML and in IAM patterns. None that passes here has a meaning of its own there: no
//! quote, no backslash, no `$`, no `*` and no `?`.

/// A bucket's name.
///
/// Source: Amazon S3 User Guide, "General purpose bucket naming rules".
pub(super) fn bucket(text: &str) -> Result<String, String> {
    if let Some(rest) = text.strip_prefix("s3://").or_else(|| text.split_once(":s3:::").map(|(_, rest)| rest))
    {
        let name = rest.split('/').next().unwrap_or_default();
        return Err(format!("the bucket's name alone is wanted: `{name}`"));
    }
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&text.len()) {
        Err("a bucket's name has 3 to 63 characters".to_owned())
    } else if !text.bytes().all(allowed) {
        Err("a bucket's name has lower-case letters, digits, full stops and hyphens only".to_owned())
    } else if !text.starts_with(is_end) || !text.ends_with(is_end) {
        Err("a bucket's name begins and ends with a letter or digit".to_owned())
    } else if text.contains("..") {
        Err("a bucket's name has no two full stops in a row".to_owned())
    } else if text.parse::<std::net::Ipv4Addr>().is_ok() {
        Err("a bucket's name cannot look like an IP address".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A folder in a bucket, without slashes at its ends; may be empty.
pub(super) fn folder(text: &str) -> Result<String, String> {
    let text = text.trim_matches('/');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'=' | b'+');
    if text.len() > 200 {
        Err("longer than the 200 characters that CloudTrail allows".to_owned())
    } else if !text.bytes().all(allowed) {
        Err("letters, digits, and - _ . / = + only: anything else would mean more in a policy".to_owned())
    } else if text.split('/').any(|part| part.is_empty() && !text.is_empty()) {
        Err("two slashes in a row".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// What lies before `AWSLogs/` in a trail's bucket.
pub(super) fn trail_prefix(text: &str) -> Result<String, String> {
    let text = folder(text)?;
    if text.split('/').any(|part| part == "AWSLogs") {
        return Err("what lies before AWSLogs/ is wanted, without it; leave the option out if nothing does"
            .to_owned());
    }
    Ok(text)
}

/// An account's number.
pub(super) fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account's id has 12 digits, without hyphens".to_owned())
    }
}

/// An organization's id.
///
/// Source: AWS Organizations API Reference, "Organization".
pub(super) fn organization(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("o-").unwrap_or_default();
    if (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an organization's id is o- and 10 to 32 lower-case letters and digits".to_owned())
    }
}

/// A queue's name, short enough that `-undelivered` can follow.
///
/// Source: Amazon SQS Developer Guide, "Amazon SQS standard queue quotas"; Amazon S3 User Guide, "Amazon S3 Event
/// Notifications" (no FIFO queues).
pub(super) fn queue(text: &str) -> Result<String, String> {
    if text.ends_with(".fifo") {
        Err("S3 sends notifications to no FIFO queue: a standard queue is needed".to_owned())
    } else if !(1..=68).contains(&text.len()) {
        Err("1 to 68 characters, so that `-undelivered` can follow".to_owned())
    } else if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        Err("a queue's name has letters, digits, hyphens and underscores only".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A region's name, such as `eu-west-1`.
pub(super) fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_region = match parts.as_slice() {
        [area, middle @ .., number] => {
            let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
            area.len() == 2
                && !middle.is_empty()
                && std::iter::once(area).chain(middle).all(word)
                && (1..=2).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    };
    if is_region {
        Ok(text.to_owned())
    } else if text.len() > 2
        && text.ends_with(|c: char| c.is_ascii_lowercase())
        && region(&text[..text.len() - 1]).is_ok()
    {
        Err(format!("that is an availability zone; its region is `{}`", &text[..text.len() - 1]))
    } else {
        Err("no region: one such as eu-west-1".to_owned())
    }
}

/// The ARN of a KMS key.
///
/// Source: AWS KMS Developer Guide, "Key identifiers (KeyId)".
pub(super) fn kms_key(text: &str) -> Result<String, String> {
    let arn = Arn::read(text).ok_or("no ARN of a key: arn:PARTITION:kms:REGION:ACCOUNT:key/ID")?;
    if arn.service == "kms" && arn.resource.starts_with("alias/") {
        return Err("that is an alias, which a policy does not resolve: give the key's own ARN \
             (`aws kms describe-key --key-id ALIAS --query KeyMetadata.Arn`)"
            .to_owned());
    }
    let id = arn.resource.strip_prefix("key/").unwrap_or_default();
    if arn.service == "kms" && !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(text.to_owned())
    } else {
        Err("no ARN of a key: arn:PARTITION:kms:REGION:ACCOUNT:key/ID".to_owned())
    }
}

/// The ARN of an SNS topic.
pub(super) fn topic(text: &str) -> Result<String, String> {
    let name = Arn::read(text).filter(|arn| arn.service == "sns").map_or("", |arn| arn.resource);
    let name = name.strip_suffix(".fifo").unwrap_or(name);
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        Ok(text.to_owned())
    } else {
        Err("no ARN of a topic: arn:PARTITION:sns:REGION:ACCOUNT:NAME".to_owned())
    }
}

/// The parts of an ARN that names a partition, a region and an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` when it is none, or has no region or account.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let ("arn", partition, service, in_region, of_account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?)
        else {
            return None;
        };
        region(in_region).ok()?;
        account(of_account).ok()?;
        Some(Self { partition, service, region: in_region, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Result<String, String>;

    #[test]
    fn what_is_taken_stays_as_it_is() {
        let long = "a".repeat(63);
        let cases: [(Check, &[&str]); 8] = [
            (bucket, &["abc", "my-trail.logs-1", &long, "1a2"]),
            (trail_prefix, &["", "a", "org/trail_1", "year=2026"]),
            (account, &["111122223333", "000000000000"]),
            (organization, &["o-abcde12345"]),
            (queue, &["bartizan-cloudtrail", "A_b-9"]),
            (region, &["eu-west-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "ap-southeast-12"]),
            (
                kms_key,
                &[
                    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                    "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
                ],
            ),
            (
                topic,
                &[
                    "arn:aws:sns:eu-west-1:111122223333:alerts",
                    "arn:aws-cn:sns:cn-north-1:111122223333:a.fifo",
                ],
            ),
        ];
        for (check, texts) in cases {
            for text in texts {
                assert_eq!(check(text).as_deref(), Ok(*text));
            }
        }
        assert_eq!(folder("/a/b/").as_deref(), Ok("a/b"));
    }

    #[test]
    fn what_is_refused_says_why() {
        let cases: [(Check, &str, &str); 33] = [
            (bucket, "ab", "3 to 63"),
            (bucket, &"a".repeat(64), "3 to 63"),
            (bucket, "Trail", "lower-case"),
            (bucket, "a_b", "lower-case"),
            (bucket, "a*b", "lower-case"),
            (bucket, "-ab", "begins and ends"),
            (bucket, "ab.", "begins and ends"),
            (bucket, "a..b", "full stops in a row"),
            (bucket, "192.168.1.1", "IP address"),
            (bucket, "s3://trail/AWSLogs", "`trail`"),
            (bucket, "arn:aws:s3:::trail/*", "`trail`"),
            (trail_prefix, "a/AWSLogs", "without it"),
            (trail_prefix, "a*", "mean more"),
            (trail_prefix, "a${b}", "mean more"),
            (trail_prefix, "a\"b", "mean more"),
            (trail_prefix, "a//b", "two slashes"),
            (trail_prefix, &"a".repeat(201), "200"),
            (account, "1111-2222-3333", "12 digits"),
            (account, "11112222333", "12 digits"),
            (organization, "o-short", "10 to 32"),
            (organization, "r-abcde12345", "o-"),
            (queue, "", "1 to 68"),
            (queue, "a.fifo", "FIFO"),
            (queue, "a b", "letters"),
            (queue, &"a".repeat(69), "1 to 68"),
            (region, "eu-west-1a", "`eu-west-1`"),
            (region, "eu", "no region"),
            (region, "eu-west-1/../x", "no region"),
            (kms_key, "arn:aws:kms:eu-west-1:111122223333:alias/trail", "alias"),
            (kms_key, "arn:aws:kms:*:111122223333:key/a", "no ARN"),
            (kms_key, "arn:aws:kms:eu-west-1:111122223333:key/*", "no ARN"),
            (topic, "arn:aws:sqs:eu-west-1:111122223333:a", "no ARN"),
            (topic, "arn:aws:sns:eu-west-1:111122223333:a:subscription", "no ARN"),
        ];
        for (check, text, part) in cases {
            let error = check(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
