//! `bartizan init aws`: what an AWS account needs so that `bartizan serve` is fed: a policy, Terraform and a configuration file.

mod aws_name;
mod template;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use respond::{PolicyScope, reading_policy, writing_policy};

use super::Context;
use crate::exit_status::ExitStatus;
use aws_name::Arn;

const EXAMPLES: &str = "\
Nothing is sent to AWS and nothing is looked up there.

Examples:
  bartizan init aws --bucket example-cloudtrail --account-id 111122223333 --region eu-west-1 \\
    --out bartizan-aws
  bartizan init aws --bucket example-cloudtrail --what terraform > bartizan.tf
  bartizan init aws --bucket example-cloudtrail --account-id 111122223333 --region eu-west-1 \\
    --organization o-abcde12345 \\
    --kms-key arn:aws:kms:eu-west-1:111122223333:key/ID --what iam-policy";

/// Arguments of `bartizan init aws`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The bucket that CloudTrail writes to
    #[arg(long, value_parser = aws_name::bucket)]
    bucket: String,
    /// What lies before `AWSLogs/` in the bucket
    #[arg(long, default_value = "", hide_default_value = true, value_parser = aws_name::trail_prefix)]
    prefix: String,
    /// The account of the bucket and the queue; without it only Terraform can be made, which finds it out
    #[arg(long, value_name = "ID", value_parser = aws_name::account)]
    account_id: Option<String>,
    /// The organization (`o-…`) whose trail it is: its folder comes before those of the accounts
    #[arg(long, value_name = "ID", value_parser = aws_name::organization)]
    organization: Option<String>,
    /// Read this account's files only; may be given several times. Without it: all of the organization, or else --account-id
    #[arg(long = "log-account", value_name = "ID", value_parser = aws_name::account)]
    log_accounts: Vec<String>,
    /// The name of the queue to be made
    #[arg(long, value_name = "NAME", default_value = "bartizan-cloudtrail", value_parser = aws_name::queue)]
    queue: String,
    /// The region of the queue, which is that of the bucket; without it only Terraform can be made
    #[arg(long, value_parser = aws_name::region)]
    region: Option<String>,
    /// The partition; without it that of the region
    #[arg(long, value_enum)]
    partition: Option<Partition>,
    /// The key with which the files are encrypted
    #[arg(long, value_name = "ARN", value_parser = aws_name::kms_key)]
    kms_key: Option<String>,
    /// How the queue learns of new files
    #[arg(long, value_enum, default_value_t = Delivery::S3)]
    delivery: Delivery,
    /// With `--delivery sns`: the topic that is told of new files, by the bucket or by CloudTrail
    #[arg(long, value_name = "ARN", value_parser = aws_name::topic)]
    notification_topic: Option<String>,
    /// Let Bartizan send alerts to this SNS topic
    #[arg(long, value_name = "ARN", value_parser = aws_name::topic)]
    alert_topic: Option<String>,
    /// Let Bartizan keep its events in this bucket, which must not be that of the trail
    #[arg(long, value_name = "BUCKET", value_parser = aws_name::bucket)]
    lake_bucket: Option<String>,
    /// The folder of the lake in its bucket
    #[arg(long, value_name = "PREFIX", default_value = "bartizan", value_parser = aws_name::folder)]
    lake_prefix: String,
    /// Also make the policies with which `bartizan respond` may act on the keys of the account given by --account-id
    #[arg(long, requires = "account_id")]
    respond: bool,
    /// What to make
    #[arg(long, value_enum, default_value_t = What::All)]
    what: What,
    /// Write files into this folder, instead of printing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files there that say something else
    #[arg(long, requires = "out")]
    force: bool,
}

/// Realms of AWS, each with its own accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Partition {
    Aws,
    AwsCn,
    AwsUsGov,
}

/// Ways of a notification from the bucket to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Delivery {
    /// From the bucket at once; replaces all other notifications of the bucket
    S3,
    /// Through a topic that is told already
    Sns,
    /// Through EventBridge, to be switched on at the bucket
    Eventbridge,
}

/// The files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The policy of the role or user that runs `bartizan serve`
    IamPolicy,
    /// The queues, who may send to them, the notification, the alarms and the policy
    Terraform,
    /// A configuration file for `bartizan serve`
    Config,
    /// All three
    All,
}

/// A file to be shown or written.
struct Made {
    name: &'static str,
    text: String,
}

pub(crate) fn run(args: &Args, context: Context) -> anyhow::Result<ExitStatus> {
    let partition = check(args)?;
    let values = template::Values::new(args, partition);
    let wants = |what| args.what == what || args.what == What::All;
    let mut files = Vec::new();
    if wants(What::IamPolicy) {
        files.push(Made { name: "bartizan-policy.json", text: template::iam_policy(&values)? });
    }
    if wants(What::Terraform) {
        files.push(Made { name: "bartizan.tf", text: template::terraform(&values) });
    }
    if wants(What::Config) {
        files.push(Made { name: "bartizan.toml", text: template::config(&values) });
    }
    if let Some(account) = args.account_id.as_deref().filter(|_| args.respond) {
        let scope = PolicyScope::Account { partition: partition.name(), account };
        let file = |name, policy: serde_json::Value| Made { name, text: format!("{policy:#}\n") };
        files.push(file("bartizan-respond-read.json", reading_policy(scope)));
        files.push(file("bartizan-respond.json", writing_policy(scope)));
    }
    match &args.out {
        Some(folder) => write_files(&files, folder, args.force, context)?,
        None => print_files(&files, context)?,
    }
    if wants(What::Terraform) && args.delivery == Delivery::S3 {
        context.printer.warn(format!(
            "`terraform apply` will replace all other notifications of the bucket {0}; look at them first: \
             `aws s3api get-bucket-notification-configuration --bucket {0}`, and see --delivery",
            args.bucket
        ));
    }
    if wants(What::Terraform) && args.delivery == Delivery::Eventbridge {
        context.printer.warn(format!(
            "Amazon EventBridge must be switched on for the bucket {}, in the S3 console under Properties",
            args.bucket
        ));
    }
    Ok(ExitStatus::Done)
}

/// What the arguments say together, and the partition that follows from them.
fn check(args: &Args) -> anyhow::Result<Partition> {
    let of_region = args.region.as_deref().map(Partition::of_region);
    let partition = args.partition.or(of_region).unwrap_or(Partition::Aws);
    if let (Some(region), Some(its)) = (&args.region, of_region)
        && its != partition
    {
        bail!("the region {region} is in the partition {}, not in {}", its.name(), partition.name());
    }
    let arns = [
        ("--kms-key", &args.kms_key),
        ("--alert-topic", &args.alert_topic),
        ("--notification-topic", &args.notification_topic),
    ];
    for (option, arn) in arns {
        if let Some(its) = arn.as_deref().and_then(Arn::read).map(|arn| arn.partition)
            && its != partition.name()
        {
            bail!("the ARN given by {option} is in the partition {its}, not in {}", partition.name());
        }
    }
    if args.what != What::Terraform {
        let (option, how) = match (&args.account_id, &args.region) {
            (None, _) => {
                ("--account-id", "`aws sts get-caller-identity --query Account --output text` prints it")
            }
            (_, None) => ("--region", "it is that of the bucket"),
            _ => ("", ""),
        };
        if !option.is_empty() {
            bail!(
                "the policy and the configuration name the queue: give {option} ({how}), or --what terraform, which \
                 finds it out by itself"
            );
        }
    }
    match (args.delivery, &args.notification_topic) {
        (Delivery::Sns, None) => bail!("with --delivery sns, give the topic by --notification-topic"),
        (Delivery::S3 | Delivery::Eventbridge, Some(_)) => {
            bail!("--notification-topic is for --delivery sns; alerts are sent to --alert-topic")
        }
        _ => {}
    }
    if args.lake_bucket.as_ref() == Some(&args.bucket) {
        bail!(
            "the lake needs a bucket of its own: whoever may write to that of the trail may delete evidence"
        );
    }
    if args.lake_prefix.is_empty() {
        bail!("--lake-prefix cannot be empty");
    }
    Ok(partition)
}

impl Partition {
    fn of_region(region: &str) -> Self {
        match region {
            _ if region.starts_with("cn-") => Self::AwsCn,
            _ if region.starts_with("us-gov-") => Self::AwsUsGov,
            _ => Self::Aws,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// What the names of AWS's endpoints end with.
    fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
            Self::AwsCn => "amazonaws.com.cn",
        }
    }
}

impl Delivery {
    fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sns => "sns",
            Self::Eventbridge => "eventbridge",
        }
    }
}

/// One file as it is, so that it can be piped; several with a line that names each.
fn print_files(files: &[Made], context: Context) -> anyhow::Result<()> {
    let mut out = context.printer.stdout();
    for file in files {
        if files.len() > 1 {
            writeln!(out, "# ==== {} ====", file.name)?;
        }
        write!(out, "{}", file.text)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes all of them, or none when one stands there already that says something else.
fn write_files(files: &[Made], folder: &Path, force: bool, context: Context) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for file in files {
        let path = folder.join(file.name);
        match fs::read(&path) {
            Ok(there) if force || there == file.text.as_bytes() => {}
            Ok(_) => {
                bail!("{} says something else; nothing was written. --force replaces it", path.display())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    let mut out = context.printer.stdout();
    for file in files {
        let path = folder.join(file.name);
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    out.flush()?;
    Ok(())
}
