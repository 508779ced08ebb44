//! The files of `deploy/aws`, with values in the place of `@names@`.

use anyhow::Context as _;
use serde_json::Value;

use super::aws_name::Arn;
use super::{Args, Partition};

const IAM_POLICY: &str = include_str!("../../../../../deploy/aws/iam-policy.json");
const TERRAFORM: &str = include_str!("../../../../../deploy/aws/bartizan.tf");
const CONFIG: &str = include_str!("../../../../../deploy/aws/bartizan.toml");

/// Statements that are there only when the value that they are about is.
const OPTIONAL_STATEMENTS: [(&str, &str); 4] = [
    ("DecryptCloudTrailFiles", "kms_key"),
    ("PublishAlerts", "alert_topic"),
    ("KeepTheLake", "lake_bucket"),
    ("ListTheLake", "lake_bucket"),
];

/// What stands for which name. What was not given is empty.
pub(super) struct Values {
    texts: Vec<(&'static str, String)>,
    /// The folders of accounts, from the bucket's root on, without a slash at the end.
    account_folders: Vec<String>,
    log_accounts: Vec<String>,
}

impl Values {
    pub(super) fn new(args: &Args, partition: Partition) -> Self {
        let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
        let logs_folder = match args.prefix.as_str() {
            "" => "AWSLogs".to_owned(),
            prefix => format!("{prefix}/AWSLogs"),
        };
        let root = match &args.organization {
            Some(organization) => format!("{logs_folder}/{organization}"),
            None => logs_folder.clone(),
        };
        let accounts = match (&args.log_accounts[..], &args.organization) {
            ([], Some(_)) => vec!["*".to_owned()],
            ([], None) => vec![or_empty(&args.account_id)],
            (accounts, _) => accounts.to_vec(),
        };
        let kms_key_region = args.kms_key.as_deref().and_then(Arn::read).map_or("", |arn| arn.region);
        Self {
            account_folders: accounts.iter().map(|account| format!("{root}/{account}")).collect(),
            log_accounts: args.log_accounts.clone(),
            texts: vec![
                ("partition", partition.name().to_owned()),
                ("dns_suffix", partition.dns_suffix().to_owned()),
                ("bucket", args.bucket.clone()),
                ("prefix", args.prefix.clone()),
                ("logs_folder", logs_folder),
                ("account_id", or_empty(&args.account_id)),
                ("organization", or_empty(&args.organization)),
                ("queue", args.queue.clone()),
                ("region", or_empty(&args.region)),
                ("kms_key", or_empty(&args.kms_key)),
                ("kms_key_region", kms_key_region.to_owned()),
                ("delivery", args.delivery.name().to_owned()),
                ("notification_topic", or_empty(&args.notification_topic)),
                ("alert_topic", or_empty(&args.alert_topic)),
                ("lake_bucket", or_empty(&args.lake_bucket)),
                ("lake_prefix", args.lake_prefix.clone()),
            ],
        }
    }

    fn is_given(&self, name: &str) -> bool {
        self.texts.iter().any(|(known, text)| *known == name && !text.is_empty())
    }

    fn fill(&self, text: &str) -> String {
        self.texts
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
    }

    /// Fills the texts of a JSON value. One about accounts' folders becomes a list when there are several.
    fn fill_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) if text.contains("@account_folder@") => {
                let one =
                    |folder: &String| Value::String(self.fill(&text.replace("@account_folder@", folder)));
                match &self.account_folders[..] {
                    [folder] => one(folder),
                    folders => Value::Array(folders.iter().map(one).collect()),
                }
            }
            Value::String(text) => Value::String(self.fill(&text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.fill_json(item)).collect()),
            Value::Object(object) => {
                Value::Object(object.into_iter().map(|(key, value)| (key, self.fill_json(value))).collect())
            }
            other => other,
        }
    }
}

/// The policy, as JSON.
pub(super) fn iam_policy(values: &Values) -> anyhow::Result<String> {
    let mut policy: Value = serde_json::from_str(IAM_POLICY).context("the template of the policy")?;
    if let Some(Value::Array(statements)) = policy.get_mut("Statement") {
        statements.retain(|statement| {
            let sid = statement.get("Sid").and_then(Value::as_str);
            let needed = OPTIONAL_STATEMENTS.iter().find(|(optional, _)| sid == Some(*optional));
            needed.is_none_or(|(_, name)| values.is_given(name))
        });
    }
    let mut text = serde_json::to_string_pretty(&values.fill_json(policy))?;
    text.push('\n');
    Ok(text)
}

/// Terraform: the values as defaults of its variables.
pub(super) fn terraform(values: &Values) -> String {
    let accounts: Vec<String> = values.log_accounts.iter().map(|account| format!("\"{account}\"")).collect();
    values.fill(&TERRAFORM.replace("\"@log_accounts@\"", &accounts.join(", ")))
}

/// The configuration file. A line that ends with `# @if NAME@` or `# @unless NAME@` stays when that was given, or was not.
pub(super) fn config(values: &Values) -> String {
    let mut text = String::new();
    for line in CONFIG.lines() {
        let (kept, line) =
            match line.rsplit_once("# @").and_then(|(line, rest)| Some((line, rest.strip_suffix('@')?))) {
                Some((line, condition)) => match condition.split_once(' ') {
                    Some(("if", name)) => (values.is_given(name), line.trim_end()),
                    Some(("unless", name)) => (!values.is_given(name), line.trim_end()),
                    _ => (true, line),
                },
                None => (true, line),
            };
        if kept {
            text.push_str(&values.fill(line));
            text.push('\n');
        }
    }
    text
}
