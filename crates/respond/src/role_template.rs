//! The role that is assumed in each account, as one text for all accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::{KeyArn, RespondError};

/// The ARN of a role in which `{partition}` and `{account}` stand for those of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTemplate(String);

impl RoleTemplate {
    /// The role for a key.
    pub fn role_for(&self, key: &KeyArn) -> String {
        self.0.replace("{partition}", key.partition()).replace("{account}", key.account())
    }

    /// The account of the role for a key: the key's own, unless the template names one.
    pub fn account_for(&self, key: &KeyArn) -> String {
        self.role_for(key).split(':').nth(4).unwrap_or_default().to_owned()
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleTemplate {
    type Err = RespondError;

    fn from_str(text: &str) -> Result<Self, RespondError> {
        let refused = || RespondError::NoRoleArn { text: text.to_owned() };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, role] = parts[..] else { return Err(refused()) };
        let is_partition = partition == "{partition}" || partition.starts_with("aws");
        let is_account =
            account == "{account}" || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
        let name = role.strip_prefix("role/").ok_or_else(refused)?;
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b));
        if arn != "arn" || service != "iam" || !region.is_empty() || !is_partition || !is_account || !is_name
        {
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for RoleTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for RoleTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_the_role_of_the_keys_account() {
        let key: KeyArn = "arn:aws-cn:kms:cn-north-1:111122223333:key/a".parse().unwrap();
        let template: RoleTemplate =
            "arn:{partition}:iam::{account}:role/security/bartizan-respond".parse().unwrap();
        assert_eq!(template.role_for(&key), "arn:aws-cn:iam::111122223333:role/security/bartizan-respond");
        assert_eq!(template.account_for(&key), "111122223333");
        let fixed: RoleTemplate = "arn:aws:iam::444455556666:role/r".parse().unwrap();
        assert_eq!(fixed.account_for(&key), "444455556666");
        for bad in [
            "",
            "bartizan-respond",
            "arn:aws:iam::{region}:role/r",
            "arn:aws:iam::{account}:user/r",
            "arn:aws:iam::{account}:role/",
        ] {
            assert!(bad.parse::<RoleTemplate>().is_err(), "{bad}");
        }
    }
}
