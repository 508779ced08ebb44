# What Bartizan needs of an AWS account in which CloudTrail already writes to a bucket: a queue that learns of each new
# log file, a second queue for messages that nobody could handle, and a policy for whoever runs `bartizan serve`.
#
# Made by `bartizan init aws`. The defaults below are what it was asked for; every one of them can be overridden.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "region" {
  description = "Where the queue is made: for delivery = s3 the region of the bucket. Empty: what the AWS settings say."
  type        = string
  default     = "@region@"
}

variable "account_id" {
  description = "The account of the bucket and the queue. With it, credentials of any other account are refused."
  type        = string
  default     = "@account_id@"
}

variable "bucket" {
  description = "The bucket that CloudTrail writes to."
  type        = string
  default     = "@bucket@"
}

variable "prefix" {
  description = "What lies before AWSLogs/ in that bucket, without slashes at its ends; mostly nothing."
  type        = string
  default     = "@prefix@"
}

variable "organization" {
  description = "The id of the organization (o-...) whose trail it is; empty when the trail is that of one account."
  type        = string
  default     = "@organization@"
}

variable "log_accounts" {
  description = "The accounts whose files are read. Empty: all of the organization, or else the account in which this runs."
  type        = list(string)
  default     = ["@log_accounts@"]
}

variable "queue" {
  description = "The name of the queue; that for undeliverable messages is called the same with -undelivered behind it."
  type        = string
  default     = "@queue@"
}

variable "kms_key" {
  description = "The ARN of the KMS key with which the files in the bucket are encrypted; empty when there is none."
  type        = string
  default     = "@kms_key@"
}

variable "alert_topic" {
  description = "The ARN of an SNS topic that Bartizan may send alerts to; empty when it sends them elsewhere."
  type        = string
  default     = "@alert_topic@"
}

variable "lake_bucket" {
  description = "The bucket in which Bartizan keeps its events; empty when it keeps them on its own disk."
  type        = string
  default     = "@lake_bucket@"
}

variable "lake_prefix" {
  description = "The folder of the lake in that bucket, without slashes at its ends."
  type        = string
  default     = "@lake_prefix@"
}

# WARNING. A bucket has ONE notification configuration. With "s3" this file owns it: `terraform apply` REPLACES whatever
# other notifications the bucket has, without a word about them in the plan. Look first:
#   aws s3api get-bucket-notification-configuration --bucket BUCKET
# If that prints anything, choose "sns" (the topic that is told already) or "eventbridge" (which can be switched on
# beside other notifications: S3 console, Properties, Amazon EventBridge), or add the queue where the others are managed.
variable "delivery" {
  description = "How the queue learns of new files: s3 (replaces the bucket's other notifications), sns or eventbridge."
  type        = string
  default     = "@delivery@"
  validation {
    condition     = contains(["s3", "sns", "eventbridge"], var.delivery)
    error_message = "One of s3, sns and eventbridge."
  }
}

variable "notification_topic" {
  description = "With delivery = sns: the ARN of the topic that is told of new files, by the bucket or by CloudTrail."
  type        = string
  default     = "@notification_topic@"
}

variable "alarm_actions" {
  description = "ARNs, for example of an SNS topic, that are told when messages were set aside or wait for long."
  type        = list(string)
  default     = []
}

variable "instance_profile" {
  description = "Make a role and an instance profile, for Bartizan on EC2."
  type        = bool
  default     = false
}

provider "aws" {
  region              = var.region == "" ? null : var.region
  allowed_account_ids = var.account_id == "" ? null : [var.account_id]
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  bucket_arn   = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket}"
  logs_folder  = var.prefix == "" ? "AWSLogs" : "${var.prefix}/AWSLogs"
  root         = var.organization == "" ? local.logs_folder : "${local.logs_folder}/${var.organization}"
  all_accounts = var.organization == "" ? [data.aws_caller_identity.current.account_id] : ["*"]
  log_accounts = length(var.log_accounts) > 0 ? var.log_accounts : local.all_accounts
  # A notification's prefix knows no wildcard: the whole organization is everything below its folder.
  watched = [for account in local.log_accounts : account == "*" ? "${local.root}/" : "${local.root}/${account}/CloudTrail/"]

  # Who may put messages on the queue: nobody but the bucket, the topic or the EventBridge rule, one of the three. The
  # ARN of a bucket names no account, so that it is asked for beside it; the other two ARNs name theirs.
  senders = {
    s3          = { service = "s3.amazonaws.com", arn = local.bucket_arn, accounts = [data.aws_caller_identity.current.account_id] }
    sns         = { service = "sns.amazonaws.com", arn = var.notification_topic, accounts = [] }
    eventbridge = { service = "events.amazonaws.com", arn = one(aws_cloudwatch_event_rule.new_files[*].arn), accounts = [] }
  }
  sender = local.senders[var.delivery]
}

# --- The queues -------------------------------------------------------------------------------------------------------

resource "aws_sqs_queue" "files" {
  name                       = var.queue
  message_retention_seconds  = 1209600 # 14 days, the most that SQS allows: so long may Bartizan be away
  visibility_timeout_seconds = 300     # Bartizan extends it while it works
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  # Bartizan sets aside by itself, and visibly, what it cannot read. This is for messages that come again for hours. More
  # than 5, or messages go before Bartizan says what is wrong with them.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.undelivered.arn
    maxReceiveCount     = 200
  })
}

resource "aws_sqs_queue" "undelivered" {
  name                      = "${var.queue}-undelivered"
  message_retention_seconds = 1209600 # counted from when the message first came, not from when it was moved here
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_redrive_allow_policy" "undelivered" {
  queue_url = aws_sqs_queue.undelivered.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.files.arn]
  })
}

data "aws_iam_policy_document" "files_queue" {
  statement {
    sid       = "OnlyThisSender"
    effect    = "Allow"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.files.arn]
    principals {
      type        = "Service"
      identifiers = [local.sender.service]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.sender.arn]
    }
    dynamic "condition" {
      for_each = local.sender.accounts
      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.files.arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue_policy" "files" {
  queue_url = aws_sqs_queue.files.id
  policy    = data.aws_iam_policy_document.files_queue.json
  lifecycle {
    precondition {
      condition     = var.delivery != "sns" || var.notification_topic != ""
      error_message = "With delivery = sns, notification_topic must name the topic."
    }
  }
}

# --- How the queue learns of new files: one of three -------------------------------------------------------------------

# Replaces all other notifications of the bucket: see the warning at the variable.
resource "aws_s3_bucket_notification" "new_files" {
  count  = var.delivery == "s3" ? 1 : 0
  bucket = var.bucket
  dynamic "queue" {
    for_each = local.watched
    content {
      queue_arn     = aws_sqs_queue.files.arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = queue.value
      filter_suffix = ".json.gz"
    }
  }
  depends_on = [aws_sqs_queue_policy.files]
}

resource "aws_sns_topic_subscription" "new_files" {
  count                = var.delivery == "sns" ? 1 : 0
  topic_arn            = var.notification_topic
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.files.arn
  raw_message_delivery = true
  depends_on           = [aws_sqs_queue_policy.files]
}

resource "aws_cloudwatch_event_rule" "new_files" {
  count       = var.delivery == "eventbridge" ? 1 : 0
  name        = var.queue
  description = "New CloudTrail files for Bartizan"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.bucket] }
      object = { key = [for folder in local.watched : { prefix = folder }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "new_files" {
  count      = var.delivery == "eventbridge" ? 1 : 0
  rule       = one(aws_cloudwatch_event_rule.new_files[*].name)
  arn        = aws_sqs_queue.files.arn
  depends_on = [aws_sqs_queue_policy.files]
}

# --- Nothing is set aside in silence -----------------------------------------------------------------------------------

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${var.queue}-undelivered"
  alarm_description   = "Messages about CloudTrail files were set aside: no rule has seen these files."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.undelivered.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  alarm_name          = "${var.queue}-waiting"
  alarm_description   = "A CloudTrail file waits for more than half an hour: Bartizan does not run, or does not keep up."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.files.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1800
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

# --- What Bartizan itself may do ---------------------------------------------------------------------------------------

# The same as `bartizan init aws --what iam-policy` prints.
data "aws_iam_policy_document" "bartizan" {
  statement {
    sid       = "ReadCloudTrailFiles"
    actions   = ["s3:GetObject"]
    resources = [for account in local.log_accounts : "${local.bucket_arn}/${local.root}/${account}/CloudTrail/*"]
  }
  statement {
    sid       = "ListCloudTrailFiles"
    actions   = ["s3:ListBucket"]
    resources = [local.bucket_arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${local.logs_folder}/*"]
    }
  }
  statement {
    sid = "WorkThroughTheQueue"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:GetQueueAttributes",
    ]
    resources = [aws_sqs_queue.files.arn]
  }
  dynamic "statement" {
    for_each = var.kms_key == "" ? [] : [var.kms_key]
    content {
      sid       = "DecryptCloudTrailFiles"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${split(":", statement.value)[3]}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
  dynamic "statement" {
    for_each = var.alert_topic == "" ? [] : [var.alert_topic]
    content {
      sid       = "PublishAlerts"
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }
  dynamic "statement" {
    for_each = var.lake_bucket == "" ? [] : [var.lake_bucket]
    content {
      sid       = "KeepTheLake"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      resources = ["arn:${data.aws_partition.current.partition}:s3:::${statement.value}/${var.lake_prefix}/*"]
    }
  }
  dynamic "statement" {
    for_each = var.lake_bucket == "" ? [] : [var.lake_bucket]
    content {
      sid       = "ListTheLake"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${data.aws_partition.current.partition}:s3:::${statement.value}"]
    }
  }
}

resource "aws_iam_policy" "bartizan" {
  name        = var.queue
  description = "What bartizan serve needs: to read CloudTrail files and to work through its queue."
  policy      = data.aws_iam_policy_document.bartizan.json
}

resource "aws_iam_role" "bartizan" {
  count = var.instance_profile ? 1 : 0
  name  = var.queue
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "bartizan" {
  count      = var.instance_profile ? 1 : 0
  role       = one(aws_iam_role.bartizan[*].name)
  policy_arn = aws_iam_policy.bartizan.arn
}

resource "aws_iam_instance_profile" "bartizan" {
  count = var.instance_profile ? 1 : 0
  name  = var.queue
  role  = one(aws_iam_role.bartizan[*].name)
}

# --- What the configuration file needs ---------------------------------------------------------------------------------

output "queue_url" {
  description = "For `queue_url` in the configuration of bartizan serve."
  value       = aws_sqs_queue.files.url
}

output "undelivered_queue_url" {
  description = "Where messages are that nobody could handle."
  value       = aws_sqs_queue.undelivered.url
}

output "policy_arn" {
  description = "To be attached to the role or user that runs bartizan serve."
  value       = aws_iam_policy.bartizan.arn
}

output "instance_profile" {
  description = "With instance_profile = true: what the EC2 instance is given."
  value       = one(aws_iam_instance_profile.bartizan[*].name)
}
