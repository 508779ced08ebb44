#!/usr/bin/env python3
"""Writes records.ndjson and odd/ beside this script: the made-up CloudTrail records of `bartizan demo`.

Everything is invented: the account, names and ids are the kind that AWS uses in its documentation, addresses come from
the ranges that RFC 5737 keeps for documentation. The same records come out at every run. The story is in README.md.
"""

import datetime
import json
import pathlib
import random
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ACCOUNT = "111122223333"
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
DAY = datetime.datetime(2026, 3, 10, tzinfo=datetime.timezone.utc)
RANDOM = random.Random(20260310)

KNOWN_ADDRESS = "192.0.2.25"  # the runner that the automation user always calls from
OFFICE_ADDRESS = "198.51.100.14"
NEW_ADDRESS = "203.0.113.77"  # never seen before 11:36

AGENT_AUTOMATION = "Boto3/1.35.71 md/Botocore#1.35.71 ua/2.0 os/linux#6.1.112 md/arch#x86_64 lang/python#3.12.6 cfg/retry-mode#standard"
AGENT_INTRUDER = "aws-cli/2.22.12 md/awscrt#0.23.4 ua/2.0 os/linux#6.8.11-amd64 md/arch#x86_64 lang/python#3.12.6 md/prompt#off md/command#{}"
AGENT_TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.77.0 aws-sdk-go-v2/1.32.5"
AGENT_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
AGENT_APPLICATION = "aws-sdk-java/2.29.20 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.112 lang/java#21.0.5"

records = []


def hexadecimal(length):
    return "".join(RANDOM.choices("0123456789abcdef", k=length))


def unique_id():
    return str(uuid.UUID(int=RANDOM.getrandbits(128), version=4))


def example_id(prefix, length):
    middle = RANDOM.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=length - len(prefix) - 7)
    return prefix + "".join(middle) + "EXAMPLE"


def clock(text):
    parts = [int(part) for part in text.split(":")]
    return DAY + datetime.timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2] if len(parts) > 2 else 0)


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def long_date(moment):
    """A date inside a response, in the form that AWS writes there: `Mar 17, 2026, 12:00:00 AM`."""
    hour = moment.hour % 12 or 12
    return moment.strftime(f"%b {moment.day}, %Y, {hour}:%M:%S %p")


class Key:
    def __init__(self, region):
        self.region = region
        self.id = unique_id()
        self.arn = f"arn:aws:kms:{region}:{ACCOUNT}:key/{self.id}"
        self.material = hexadecimal(64)

    def resource(self):
        return [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": self.arn}]


CUSTOMER_DATA = Key(IRELAND)  # origin EXTERNAL: orders database and orders archive depend on it
BACKUPS = Key(IRELAND)
LEDGER = Key(VIRGINIA)
OLD_REPORTS = Key(IRELAND)  # scheduled last week by mistake, taken back today
PARTNER_FEED = Key(VIRGINIA)  # origin EXTERNAL, its material expires today as planned
STAGING_BYOK = Key(IRELAND)  # origin EXTERNAL
SECRETS = Key(IRELAND)

DATABASE, VOLUME = "db-EXAMPLEORDERS7QK2M4XWPLT5A", "vol-0" + hexadecimal(16)
ARCHIVE = "arn:aws:s3:::example-orders-archive"


class Role:
    def __init__(self, name, session, path=""):
        self.name, self.session, self.path = name, session, path
        self.id = example_id("AROA", 21)

    def arn(self):
        return f"arn:aws:iam::{ACCOUNT}:role/{self.path}{self.name}"

    def identity(self, moment, invoked_by=None, mfa="false"):
        identity = {
            "type": "AssumedRole",
            "principalId": f"{self.id}:{self.session}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/{self.session}",
            "accountId": ACCOUNT,
            "accessKeyId": example_id("ASIA", 20),
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": self.id, "arn": self.arn(), "accountId": ACCOUNT, "userName": self.name},
                "attributes": {"creationDate": stamp(moment - datetime.timedelta(minutes=RANDOM.randrange(2, 50))), "mfaAuthenticated": mfa},
            },
        }
        if invoked_by:
            identity["invokedBy"] = invoked_by
        return identity


class User:
    def __init__(self, name, access_key):
        self.name, self.access_key = name, access_key
        self.id = example_id("AIDA", 21)

    def arn(self):
        return f"arn:aws:iam::{ACCOUNT}:user/{self.name}"

    def identity(self, with_key=True):
        identity = {"type": "IAMUser", "principalId": self.id, "arn": self.arn(), "accountId": ACCOUNT}
        if with_key:
            identity["accessKeyId"] = self.access_key
        identity["userName"] = self.name
        return identity


APP_DEPLOY = Role("app-deploy", "deploy-pipeline")
APP_SERVER = Role("orders-api-instance", "i-0" + hexadecimal(16))
REPORT_FUNCTION = Role("orders-report-function", "orders-report")
PLATFORM_ADMIN = Role("data-platform-admin", "platform-operator")
AUDITOR = Role("config-auditor", "config-recorder")
RDS_ROLE = Role("AWSServiceRoleForRDS", "RDSInstance", "aws-service-role/rds.amazonaws.com/")
BACKUP_ROLE = Role("AWSServiceRoleForBackup", "AWSBackup-AWSServiceRoleForBackup", "aws-service-role/backup.amazonaws.com/")
SCALING_ROLE = Role("AWSServiceRoleForAutoScaling", "AutoScaling", "aws-service-role/autoscaling.amazonaws.com/")
AUTOMATION = User("ci-backup-automation", "AKIACIBACKUP0EXAMPLE")
OPERATOR = User("platform-operator", "AKIAOPERATOR0EXAMPLE")


def record(
    moment,
    identity,
    service,
    action,
    region,
    address,
    agent,
    request=None,
    response=None,
    *,
    error=None,
    additional=None,
    read_only=True,
    resources=None,
    kind="AwsApiCall",
    category="Management",
    service_event_details=None,
    tls_host=None,
):
    """Appends one record; keys come in the order in which CloudTrail writes them."""
    made = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": stamp(moment),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": action,
        "awsRegion": region,
        "sourceIPAddress": address,
        "userAgent": agent,
    }
    if error:
        made["errorCode"], made["errorMessage"] = error
    made["requestParameters"] = request
    made["responseElements"] = response
    if additional:
        made["additionalEventData"] = additional
    if kind == "AwsApiCall":
        made["requestID"] = unique_id()
    made["eventID"] = unique_id()
    made["readOnly"] = read_only
    if resources:
        made["resources"] = resources
    made["eventType"] = kind
    made["managementEvent"] = category == "Management"
    made["recipientAccountId"] = ACCOUNT
    if service_event_details:
        made["serviceEventDetails"] = service_event_details
    made["eventCategory"] = category
    if address[0].isdigit():
        host = tls_host or f"{service}.{region}.amazonaws.com"
        made["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    records.append(made)


def service_assumes(moment, service, role, region):
    principal = f"{service}.amazonaws.com"
    expires = moment + datetime.timedelta(hours=6)
    record(
        moment,
        {"type": "AWSService", "invokedBy": principal},
        "sts",
        "AssumeRole",
        region,
        principal,
        principal,
        {"roleArn": role.arn(), "roleSessionName": role.session},
        {
            "credentials": {
                "accessKeyId": example_id("ASIA", 20),
                "sessionToken": "IQoJb3JpZ2luX2VjEXAMPLETOKEN" + "".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40)) + "EXAMPLETOKEN==",
                "expiration": long_date(expires),
            }
        },
        resources=[{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": role.arn()}],
    )


def key_use(moment, action, key, identity, service, context, error=None):
    request = {"encryptionContext": context}
    if action == "Decrypt":
        request["encryptionAlgorithm"] = "SYMMETRIC_DEFAULT"
    else:
        request |= {"keyId": key.arn, "keySpec": "AES_256"}
    principal = f"{service}.amazonaws.com"
    record(
        moment,
        identity,
        "kms",
        action,
        key.region,
        principal,
        principal,
        request,
        error=error,
        additional=None if error else {"keyMaterialId": key.material},
        resources=key.resource(),
    )


def rds_use(moment, action, error=None):
    context = {"aws:rds:db-id": DATABASE, "aws:ebs:id": VOLUME}
    key_use(moment, action, CUSTOMER_DATA, RDS_ROLE.identity(moment, "rds.amazonaws.com"), "rds", context, error)


def archive_access(moment, action, number, refused=None):
    """A data event on an object of the archive, and the KMS call that S3 makes for it."""
    name = f"2026/03/order-{number:05}.json"
    error = None
    if refused:
        error = (f"KMS.{refused[0]}", refused[1])
    record(
        moment,
        APP_SERVER.identity(moment),
        "s3",
        action,
        IRELAND,
        "192.0.2.61",
        f"[{AGENT_APPLICATION}]",
        {"bucketName": "example-orders-archive", "Host": "example-orders-archive.s3.eu-west-1.amazonaws.com", "key": name},
        error=error,
        additional={
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0 if action == "GetObject" else RANDOM.randrange(900, 9000),
            "SSEApplied": "SSE_KMS",
            "AuthenticationMethod": "AuthHeader",
            "bytesTransferredOut": 0 if error or action == "PutObject" else RANDOM.randrange(900, 9000),
        },
        read_only=action == "GetObject",
        resources=[{"type": "AWS::S3::Object", "ARN": f"{ARCHIVE}/{name}"}, {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": ARCHIVE}],
        category="Data",
        tls_host="example-orders-archive.s3.eu-west-1.amazonaws.com",
    )
    key_use(
        moment,
        "Decrypt" if action == "GetObject" else "GenerateDataKey",
        CUSTOMER_DATA,
        APP_SERVER.identity(moment, "s3.amazonaws.com"),
        "s3",
        {"aws:s3:arn": f"{ARCHIVE}/{name}"},
        refused,
    )


def ledger_use(moment, error=None):
    context = {"aws:dynamodb:tableName": "example-payments-ledger", "aws:dynamodb:subscriberId": ACCOUNT}
    key_use(moment, "Decrypt", LEDGER, REPORT_FUNCTION.identity(moment, "dynamodb.amazonaws.com"), "dynamodb", context, error)


def backup_use(moment, error=None):
    context = {"aws:backup:backup-vault": f"arn:aws:backup:{IRELAND}:{ACCOUNT}:backup-vault:example-nightly"}
    key_use(moment, "GenerateDataKey", BACKUPS, BACKUP_ROLE.identity(moment, "backup.amazonaws.com"), "backup", context, error)


def automation_call(text, service, action, region, request=None, response=None, **more):
    record(clock(text), AUTOMATION.identity(), service, action, region, KNOWN_ADDRESS, AGENT_AUTOMATION, request, response, **more)


def intruder_call(text, service, action, region, request=None, response=None, **more):
    command = service + "." + "".join("-" + letter.lower() if letter.isupper() else letter for letter in action).strip("-")
    record(clock(text), AUTOMATION.identity(), service, action, region, NEW_ADDRESS, AGENT_INTRUDER.format(command), request, response, **more)


def denied(action, key):
    message = (
        f"User: {AUTOMATION.arn()} is not authorized to perform: kms:{action} on resource: {key.arn} "
        f"because no resource-based policy allows the kms:{action} action"
    )
    return ("AccessDenied", message)


def open_policy(sid):
    statement = {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": AUTOMATION.arn()}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Id": "key-policy", "Statement": [statement]}, indent=2)


def background():
    lost = clock("11:52:40")  # the material of CUSTOMER_DATA is gone
    pending_import = ("KMSInvalidStateException", f"{CUSTOMER_DATA.arn} is pending import.")
    for minute in range(0, 360, 24):
        moment = clock("08:01") + datetime.timedelta(minutes=minute, seconds=RANDOM.randrange(50))
        service_assumes(moment, "ec2", APP_SERVER, IRELAND)
        if minute % 48 == 0:
            service_assumes(moment + datetime.timedelta(seconds=9), "lambda", REPORT_FUNCTION, VIRGINIA)
        read = moment + datetime.timedelta(minutes=3, seconds=RANDOM.randrange(50))
        archive_access(read, "GetObject", RANDOM.randrange(1, 900), pending_import if read > lost else None)
    for number, minute in enumerate(range(5, 360, 45)):
        moment = clock("08:00") + datetime.timedelta(minutes=minute, seconds=RANDOM.randrange(50))
        archive_access(moment, "PutObject", 900 + number, pending_import if moment > lost else None)
        rds_moment = moment + datetime.timedelta(minutes=7)
        rds_use(rds_moment, "Decrypt" if number % 2 else "GenerateDataKey", pending_import if rds_moment > lost else None)
        ledger_moment = moment + datetime.timedelta(minutes=11)
        ledger_use(ledger_moment, ("DisabledException", f"{LEDGER.arn} is disabled.") if ledger_moment > clock("11:58:21") else None)
        backup_moment = moment + datetime.timedelta(minutes=13)
        pending_deletion = ("KMSInvalidStateException", f"{BACKUPS.arn} is pending deletion.")
        backup_use(backup_moment, pending_deletion if backup_moment > clock("11:56:03") else None)
        agent = "autoscaling.amazonaws.com"
        record(moment, SCALING_ROLE.identity(moment, agent), "ec2", "DescribeInstances", IRELAND, agent, agent, {"maxResults": 1000, "instancesSet": {}, "filterSet": {}})

    for hour, region in ((8, IRELAND), (10, VIRGINIA), (13, IRELAND)):
        moment = clock(f"{hour:02}:20:{RANDOM.randrange(60):02}")
        for offset, alarm in enumerate(("orders-api-errors", "orders-api-latency")):
            record(
                moment + datetime.timedelta(seconds=4 * offset),
                APP_DEPLOY.identity(moment),
                "monitoring",
                "PutMetricAlarm",
                region,
                "192.0.2.40",
                AGENT_TERRAFORM,
                {"alarmName": alarm, "metricName": "5XXError", "namespace": "AWS/ApiGateway", "statistic": "Sum", "period": 300, "threshold": 5.0, "evaluationPeriods": 1, "comparisonOperator": "GreaterThanThreshold"},
                read_only=False,
            )
        record(moment, APP_DEPLOY.identity(moment), "ec2", "DescribeInstances", region, "192.0.2.40", AGENT_TERRAFORM, {"instancesSet": {}, "filterSet": {"items": [{"name": "tag:service", "valueSet": {"items": [{"value": "orders-api"}]}}]}})
    for text in ("08:47:12", "12:47:15"):
        moment, agent = clock(text), "config.amazonaws.com"
        record(moment, AUDITOR.identity(moment, agent), "kms", "ListAliases", IRELAND, agent, agent, {"limit": 100})
        record(moment, AUDITOR.identity(moment, agent), "kms", "DescribeKey", IRELAND, agent, agent, {"keyId": CUSTOMER_DATA.arn}, resources=CUSTOMER_DATA.resource())
    moment = clock("09:15:33")
    context = {"PARAMETER_ARN": f"arn:aws:ssm:{IRELAND}:{ACCOUNT}:parameter/orders-api/feature-flags"}
    record(moment, APP_SERVER.identity(moment), "ssm", "GetParameter", IRELAND, "192.0.2.61", AGENT_APPLICATION, {"name": "/orders-api/feature-flags", "withDecryption": True})
    key_use(moment, "Decrypt", SECRETS, APP_SERVER.identity(moment, "ssm.amazonaws.com"), "ssm", context)


def console_work():
    """An operator logs in with a second factor, looks at keys, and takes back a deletion that was a mistake."""
    login = clock("09:02:11")
    record(
        login,
        OPERATOR.identity(with_key=False),
        "signin",
        "ConsoleLogin",
        IRELAND,
        OFFICE_ADDRESS,
        AGENT_BROWSER,
        None,
        {"ConsoleLogin": "Success"},
        additional={"LoginTo": "https://console.aws.amazon.com/kms/home", "MobileVersion": "No", "MFAUsed": "Yes", "MFAIdentifier": f"arn:aws:iam::{ACCOUNT}:mfa/platform-operator"},
        read_only=False,
        kind="AwsConsoleSignIn",
        tls_host="eu-west-1.signin.aws.amazon.com",
    )
    for text, action, request in (("09:04:31", "ListAliases", {"limit": 100}), ("09:04:32", "ListKeys", {"limit": 1000})):
        record(clock(text), PLATFORM_ADMIN.identity(clock(text), mfa="true"), "kms", action, IRELAND, OFFICE_ADDRESS, AGENT_BROWSER, request)
    for text, action, response in (
        ("09:06:02", "DescribeKey", None),
        ("09:07:45", "CancelKeyDeletion", {"keyId": OLD_REPORTS.arn}),
        ("09:08:10", "EnableKey", {"keyId": OLD_REPORTS.arn}),
    ):
        record(
            clock(text),
            PLATFORM_ADMIN.identity(clock(text), mfa="true"),
            "kms",
            action,
            IRELAND,
            OFFICE_ADDRESS,
            AGENT_BROWSER,
            {"keyId": OLD_REPORTS.id},
            response,
            read_only=action == "DescribeKey",
            resources=OLD_REPORTS.resource(),
        )


def service_acts():
    """Near misses: the service removes imported material by itself."""
    record(
        clock("10:00:00"),
        {"accountId": ACCOUNT, "invokedBy": "AWS Internal"},
        "kms",
        "DeleteExpiredKeyMaterial",
        VIRGINIA,
        "AWS Internal",
        "AWS Internal",
        read_only=False,
        resources=PARTNER_FEED.resource(),
        kind="AwsServiceEvent",
        service_event_details={"keyId": PARTNER_FEED.id, "keyMaterialId": PARTNER_FEED.material},
    )
    record(
        clock("10:31:07"),
        {"type": "AWSService", "invokedBy": "kms.amazonaws.com"},
        "kms",
        "DeleteImportedKeyMaterial",
        IRELAND,
        "kms.amazonaws.com",
        "kms.amazonaws.com",
        {"keyId": STAGING_BYOK.arn},
        {"keyId": STAGING_BYOK.arn, "keyMaterialId": STAGING_BYOK.material},
        read_only=False,
        resources=STAGING_BYOK.resource(),
    )


def automation_work():
    """What the automation user does every day, from its one address."""
    for text in ("08:10:04", "10:10:03"):
        name = f"example-orders-{text[:2]}"
        automation_call(text, "sts", "GetCallerIdentity", IRELAND)
        automation_call(
            text[:-2] + "06",
            "rds",
            "CreateDBSnapshot",
            IRELAND,
            {"dBSnapshotIdentifier": name, "dBInstanceIdentifier": "example-orders"},
            {"dBSnapshotIdentifier": name, "dBInstanceIdentifier": "example-orders", "status": "creating", "encrypted": True, "kmsKeyId": CUSTOMER_DATA.arn, "engine": "postgres"},
            read_only=False,
        )
        automation_call(text[:-2] + "31", "rds", "DescribeDBSnapshots", IRELAND, {"dBSnapshotIdentifier": name})


def intrusion():
    for text, service, action, region, request in (
        ("11:36:48", "sts", "GetCallerIdentity", VIRGINIA, None),
        ("11:37:20", "kms", "ListKeys", IRELAND, {"limit": 1000}),
        ("11:37:31", "kms", "ListAliases", IRELAND, {"limit": 100}),
        ("11:37:58", "kms", "ListKeys", VIRGINIA, {"limit": 1000}),
    ):
        intruder_call(text, service, action, region, request)
    for text, key in (("11:38:44", CUSTOMER_DATA), ("11:38:52", BACKUPS), ("11:39:03", LEDGER)):
        intruder_call(text, "kms", "DescribeKey", key.region, {"keyId": key.id}, resources=key.resource())
    for text, action, key in (("11:41:15", "DisableKey", CUSTOMER_DATA), ("11:41:52", "DeleteImportedKeyMaterial", CUSTOMER_DATA), ("11:42:30", "ScheduleKeyDeletion", BACKUPS)):
        intruder_call(text, "kms", action, key.region, error=denied(action, key), read_only=False)
    for text, key in (("11:46:09", CUSTOMER_DATA), ("11:47:33", BACKUPS), ("11:48:02", LEDGER)):
        intruder_call(
            text,
            "kms",
            "PutKeyPolicy",
            key.region,
            {"keyId": key.id, "policyName": "default", "policy": open_policy("Maintenance"), "bypassPolicyLockoutSafetyCheck": True},
            read_only=False,
            resources=key.resource(),
        )
    intruder_call(
        "11:50:17",
        "kms",
        "GetParametersForImport",
        IRELAND,
        {"keyId": CUSTOMER_DATA.id, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_4096"},
        resources=CUSTOMER_DATA.resource(),
    )
    intruder_call(
        "11:52:40",
        "kms",
        "DeleteImportedKeyMaterial",
        IRELAND,
        {"keyId": CUSTOMER_DATA.id},
        {"keyId": CUSTOMER_DATA.arn, "keyMaterialId": CUSTOMER_DATA.material},
        read_only=False,
        resources=CUSTOMER_DATA.resource(),
    )
    intruder_call(
        "11:56:03",
        "kms",
        "ScheduleKeyDeletion",
        IRELAND,
        {"keyId": BACKUPS.id, "pendingWindowInDays": 7},
        {"keyId": BACKUPS.arn, "keyState": "PendingDeletion", "deletionDate": long_date(clock("11:56:03") + datetime.timedelta(days=7)), "pendingWindowInDays": 7},
        read_only=False,
        resources=BACKUPS.resource(),
    )
    intruder_call("11:58:21", "kms", "DisableKey", VIRGINIA, {"keyId": LEDGER.id}, {"keyId": LEDGER.arn}, read_only=False, resources=LEDGER.resource())
    intruder_call(
        "12:03:55",
        "iam",
        "CreateAccessKey",
        VIRGINIA,
        {"userName": AUTOMATION.name},
        {"accessKey": {"accessKeyId": "AKIACIBACKUP1EXAMPLE", "status": "Active", "userName": AUTOMATION.name, "createDate": "Mar 10, 2026, 12:03:55 PM"}},
        read_only=False,
        tls_host="iam.amazonaws.com",
    )


def line(made):
    return json.dumps(made, separators=(",", ":"))


def main():
    background()
    console_work()
    service_acts()
    automation_work()
    intrusion()
    records.sort(key=lambda made: made["eventTime"])
    (HERE / "records.ndjson").write_text("".join(line(made) + "\n" for made in records))

    # CloudTrail delivers at least once: the minutes around the intrusion arrive a second time, in another file.
    again = [made for made in records if "2026-03-10T11:50" <= made["eventTime"] < "2026-03-10T12:00"]
    (HERE / "odd").mkdir(exist_ok=True)
    (HERE / "odd" / "duplicate_delivery.json").write_text('{"Records":[' + ",".join(map(line, again)) + "]}")
    print(f"{len(records)} records, {len(again)} of them once more in odd/duplicate_delivery.json")


if __name__ == "__main__":
    main()
