//! The queue and the bucket against an emulator of AWS: `moto_server`, from the Python package `moto[server]`.
//!
//! A test starts the emulator, and itself again as a child whose environment leads there: what the sources know of it,
//! they know by the standard chain.
#![cfg(feature = "aws")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and say what did not run")]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::types::{Event, NotificationConfiguration, QueueConfiguration};
use aws_sdk_sqs::types::QueueAttributeName;
use bartizan_ingest as ingest;
use ecs::Timestamp;
use ingest::IngestError;
use ingest::decode::{Outcome, SkipReason};
use ingest::source::{
    AwsClients, AwsSettings, Delivery, LiveSource, S3PrefixSettings, S3PrefixSource, SqsSettings, SqsSource,
};
use serde_json::json;

struct Emulator {
    child: Child,
    address: String,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None`, with a word about it, when it is not installed.
fn start_emulator() -> Option<Emulator> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("moto_server");
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        println!("not run: moto_server is not installed (pip install 'moto[server]')");
        return None;
    };
    let mut emulator = Emulator { child, address: format!("127.0.0.1:{port}") };
    for _ in 0..600 {
        if TcpStream::connect(&emulator.address).is_ok() {
            return Some(emulator);
        }
        if emulator.child.try_wait().unwrap().is_some() {
            println!("not run: moto_server does not start (is the extra `server` installed?)");
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("moto_server does not answer");
}

/// Runs an ignored test of this file with an environment that leads to an emulator.
fn run_with_emulator(test: &str) {
    let Some(emulator) = start_emulator() else { return };
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("AWS_ENDPOINT_URL", format!("http://{}", emulator.address))
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .status()
        .unwrap();
    assert!(status.success(), "{test}: {status}");
}

#[test]
fn a_queue_is_read() {
    run_with_emulator("queue");
}

#[test]
fn a_bucket_is_polled() {
    run_with_emulator("bucket");
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn now() -> Timestamp {
    "2026-03-14T12:00:00Z".parse().unwrap()
}

struct Account {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Account {
    async fn new() -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self { s3: aws_sdk_s3::Client::from_conf(s3), sqs: aws_sdk_sqs::Client::new(&config) }
    }

    async fn make_bucket(&self, name: &str) {
        use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
        let place = BucketLocationConstraint::EuWest1;
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        self.s3.create_bucket().bucket(name).create_bucket_configuration(place).send().await.unwrap();
    }

    async fn put(&self, bucket: &str, key: &str) {
        let body = aws_sdk_s3::primitives::ByteStream::from(key.as_bytes().to_vec());
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
    }

    async fn delete(&self, bucket: &str, key: &str) {
        self.s3.delete_object().bucket(bucket).key(key).send().await.unwrap();
    }

    async fn send(&self, queue_url: &str, message: &serde_json::Value) {
        let body = message.to_string();
        self.sqs.send_message().queue_url(queue_url).message_body(body).send().await.unwrap();
    }

    /// Messages that are to be received, and those that are hidden.
    async fn messages(&self, queue_url: &str) -> (String, String) {
        let request = self.sqs.get_queue_attributes().queue_url(queue_url);
        let answer = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let attribute = |name| answer.attributes().unwrap()[&name].clone();
        (
            attribute(QueueAttributeName::ApproximateNumberOfMessages),
            attribute(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        )
    }
}

/// The keys that were delivered: the objects of these tests hold their own.
fn contents(delivery: &Delivery) -> Vec<String> {
    delivery.inputs.iter().map(|input| String::from_utf8(input.bytes.clone()).unwrap()).collect()
}

fn skipped(delivery: &Delivery) -> Vec<(String, SkipReason)> {
    let reason = |outcome: &Outcome| match outcome {
        Outcome::Skipped(reason) => reason.clone(),
        outcome => panic!("{outcome:?}"),
    };
    delivery.skipped.iter().map(|account| (account.name.clone(), reason(&account.outcome))).collect()
}

fn created(bucket: &str, key: &str, region: &str) -> serde_json::Value {
    json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": region,
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
    }]})
}

#[test]
#[ignore = "run by a_queue_is_read"]
fn queue() {
    run(async {
        let account = Account::new().await;
        let queue = account.sqs.create_queue().queue_name("trail").send().await.unwrap();
        let url = queue.queue_url().unwrap().to_owned();
        account.make_bucket("trail").await;
        account.make_bucket("other").await;
        let settings = SqsSettings {
            wait: Duration::ZERO,
            visibility: Duration::from_secs(3),
            retry_after: Duration::ZERO,
            most_receives: 3,
            most_bytes: 100,
            ..SqsSettings::new("queue", &url)
        };
        let clients = AwsClients::load(&AwsSettings::default()).await;
        let mut source = SqsSource::new(settings.clone(), clients.clone());
        assert_eq!(source.next(now()).await.unwrap(), None);

        // What S3 itself sends when notifications are set up, and of new objects.
        let notify = QueueConfiguration::builder()
            .queue_arn("arn:aws:sqs:eu-west-1:123456789012:trail")
            .events(Event::from("s3:ObjectCreated:*"))
            .build()
            .unwrap();
        let configuration = NotificationConfiguration::builder().queue_configurations(notify).build();
        let request = account.s3.put_bucket_notification_configuration().bucket("trail");
        request.notification_configuration(configuration).send().await.unwrap();
        let test = source.next(now()).await.unwrap().unwrap();
        assert!(
            matches!(&skipped(&test)[..], [(name, SkipReason::TestMessage)] if name.starts_with("queue message "))
        );
        source.done(test.receipt).await.unwrap();
        let key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/14/a b+c=é.json";
        account.put("trail", key).await;
        let first = source.next(now()).await.unwrap().unwrap();
        assert_eq!(contents(&first), [key]);
        assert_eq!(first.inputs[0].name, format!("s3://trail/{key}"));
        assert!(first.inputs[0].modified.is_some());
        assert_eq!((first.skipped.len(), first.set_aside.len()), (0, 0));

        // It stays hidden for as long as the work takes, and is deleted only then.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(source.next(now()).await.unwrap(), None);
        assert_eq!(account.messages(&url).await, ("0".to_owned(), "1".to_owned()));
        assert_eq!(source.visibility_failures(), 0);
        source.failed(first.receipt, "the disk is full").await.unwrap();
        let again = source.next(now()).await.unwrap().unwrap();
        assert_eq!(contents(&again), [key]);
        source.done(again.receipt).await.unwrap();
        assert_eq!(account.messages(&url).await, ("0".to_owned(), "0".to_owned()));

        // Wrapped by SNS and by EventBridge, of other buckets and regions, digests, removals, and what is too large.
        account.put("other", "k").await;
        account.put("other", &"x".repeat(101)).await;
        let plain = created("other", "k", "us-gov-west-1");
        let eventbridge = json!({
            "source": "aws.s3", "detail-type": "Object Created", "region": "eu-west-1",
            "detail": {"bucket": {"name": "other"}, "object": {"key": "k"}},
        });
        let sns = json!({"Type": "Notification", "TopicArn": "arn", "Message": plain.to_string()});
        let mut removed = plain.clone();
        removed["Records"][0]["eventName"] = json!("ObjectRemoved:Delete");
        let digest =
            created("other", "AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/d.json.gz", "eu-west-1");
        let large = created("other", &"x".repeat(101), "eu-west-1");
        for (message, inputs, reason) in [
            (plain, 1, None),
            (eventbridge, 1, None),
            (sns, 1, None),
            (removed, 0, Some("tells of ObjectRemoved:Delete, not of a new object")),
            (digest, 0, Some("a CloudTrail digest, not a log")),
            (large, 0, Some("more than 100 bytes after decompression")),
        ] {
            account.send(&url, &message).await;
            let delivery = source.next(now()).await.unwrap().unwrap();
            assert_eq!(contents(&delivery), vec!["k"; inputs], "{message}");
            let reasons: Vec<_> =
                skipped(&delivery).into_iter().map(|(_, reason)| reason.to_string()).collect();
            assert_eq!(reasons, Vec::from_iter(reason), "{message}");
            source.done(delivery.receipt).await.unwrap();
        }

        // Poison is set aside: at once, or when it was received often enough; and never stands in the way.
        account.send(&url, &json!({"some": "thing"})).await;
        let poison = source.next(now()).await.unwrap().unwrap();
        let [aside] = &poison.set_aside[..] else { panic!("{poison:?}") };
        assert_eq!((aside.source.as_str(), aside.reason.as_str()), ("queue", "not a notification of S3"));
        assert_eq!(aside.excerpt, r#"{"some":"thing"}"#);
        assert_eq!(account.messages(&url).await, ("0".to_owned(), "1".to_owned()), "not yet stored");
        source.done(poison.receipt).await.unwrap();
        account.send(&url, &created("other", "gone", "eu-west-1")).await;
        let missing = source.next(now()).await.unwrap().unwrap();
        let [aside] = &missing.set_aside[..] else { panic!("{missing:?}") };
        assert!(aside.reason.starts_with("s3://other/gone: NoSuchKey"), "{}", aside.reason);
        source.done(missing.receipt).await.unwrap();

        // What was received and not acknowledged comes again after a crash.
        account.send(&url, &created("other", "k", "eu-west-1")).await;
        assert_eq!(contents(&source.next(now()).await.unwrap().unwrap()), ["k"]);
        drop(source);
        let mut source = SqsSource::new(settings, clients);
        tokio::time::sleep(Duration::from_secs(4)).await;
        let delivery = source.next(now()).await.unwrap().unwrap();
        assert_eq!(contents(&delivery), ["k"]);
        source.done(delivery.receipt).await.unwrap();
        assert_eq!(account.messages(&url).await, ("0".to_owned(), "0".to_owned()));

        account.sqs.delete_queue().queue_url(&url).send().await.unwrap();
        assert!(matches!(source.next(now()).await, Err(IngestError::Source { .. })));
    });
}

#[test]
#[ignore = "run by a_bucket_is_polled"]
fn bucket() {
    run(async {
        let account = Account::new().await;
        account.make_bucket("trail").await;
        let settings = S3PrefixSettings {
            prefix: "p/".to_owned(),
            from: Some("2026-03-10".parse().unwrap()),
            most_attempts: 2,
            ..S3PrefixSettings::new("trail", "trail")
        };
        let clients = AwsClients::load(&AwsSettings::default()).await;
        let mut source = S3PrefixSource::new(settings.clone(), clients.clone(), None).unwrap();
        assert_eq!(source.next(now()).await.unwrap(), None, "an empty bucket");

        let key = |account: &str, region: &str, day: &str, name: &str| {
            format!("p/AWSLogs/{account}/CloudTrail/{region}/2026/03/{day}/{name}.json.gz")
        };
        let a = key("111122223333", "eu-west-1", "10", "a");
        let b = key("111122223333", "eu-west-1", "14", "b");
        let c = key("o-abc/444455556666", "cn-north-1", "13", "c");
        for key in [&a, &b, &c, &key("111122223333", "eu-west-1", "09", "before")] {
            account.put("trail", key).await;
        }
        account.put("trail", "p/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/14/d.json.gz").await;
        account.put("trail", "p/AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/03/14/f.gz").await;
        let mut deliveries = Vec::new();
        while let Some(delivery) = source.next(now()).await.unwrap() {
            deliveries.push(delivery);
        }
        assert_eq!(deliveries.iter().flat_map(contents).collect::<Vec<_>>(), [&*a, &*b, &*c]);
        assert_eq!(deliveries[0].inputs[0].name, format!("s3://trail/{a}"));

        // The oldest one could not be kept: a restart begins with it, whatever was kept since.
        source.failed(deliveries[0].receipt, "the disk is full").await.unwrap();
        source.done(deliveries[1].receipt).await.unwrap();
        source.done(deliveries[2].receipt).await.unwrap();
        let checkpoint = source.checkpoint().unwrap();
        let mut source = S3PrefixSource::new(settings.clone(), clients.clone(), Some(&checkpoint)).unwrap();
        let again = source.next(now()).await.unwrap().unwrap();
        assert_eq!(contents(&again), [&*a]);
        assert_eq!(source.next(now()).await.unwrap(), None);
        source.done(again.receipt).await.unwrap();

        // Late files of the last two days are found, earlier ones are not looked for.
        let late = key("111122223333", "eu-west-1", "13", "late");
        for key in [&late, &key("111122223333", "eu-west-1", "12", "too-late")] {
            account.put("trail", key).await;
        }
        let delivery = source.next(now()).await.unwrap().unwrap();
        assert_eq!(contents(&delivery), [&*late]);
        assert_eq!(source.next(now()).await.unwrap(), None);
        source.done(delivery.receipt).await.unwrap();
        let checkpoint = String::from_utf8(source.checkpoint().unwrap()).unwrap();
        assert!(!checkpoint.contains("2026/03/10"), "what is not listed is forgotten: {checkpoint}");

        // An object that goes away between listing and reading is set aside in the end.
        let gone = key("111122223333", "eu-west-1", "15", "gone");
        account.put("trail", &gone).await;
        source.poll(now()).await.unwrap();
        account.delete("trail", &gone).await;
        assert_eq!(source.next(now()).await.unwrap(), None);
        let delivery = source.next(now()).await.unwrap().unwrap();
        assert_eq!((delivery.set_aside.len(), delivery.set_aside[0].id.as_str()), (1, gone.as_str()));
        source.done(delivery.receipt).await.unwrap();
        assert_eq!(source.next(now()).await.unwrap(), None);

        let settings = S3PrefixSettings::new("trail", "nowhere");
        let mut source = S3PrefixSource::new(settings.clone(), clients.clone(), None).unwrap();
        assert!(matches!(source.next(now()).await, Err(IngestError::Source { .. })));
        let error = S3PrefixSource::new(settings, clients, Some(b"{}")).unwrap_err();
        assert!(matches!(error, IngestError::Checkpoint { .. }), "{error}");
    });
}
