//! A bucket whose new objects are told to a queue, in an emulator of AWS: `moto_server`, of the package `moto[server]`.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::request;

const BUCKET: &str = "trail";
const REGION: &str = "eu-west-1";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:trail";

pub(crate) struct AwsEmulator {
    child: Child,
    address: String,
    pub(crate) queue_url: String,
}

impl Drop for AwsEmulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl AwsEmulator {
    /// `None`, with a word about it, when it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let port = free_port();
        let mut command = Command::new("moto_server");
        command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            println!("not run: moto_server is not installed (pip install 'moto[server]')");
            return None;
        };
        let mut emulator = Self { child, address: format!("127.0.0.1:{port}"), queue_url: String::new() };
        for _ in 0..600 {
            if TcpStream::connect(&emulator.address).is_ok() {
                emulator.set_up();
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

    /// What leads the standard chain to the emulator.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Another bucket, of which the queue hears nothing.
    pub(crate) fn make_bucket(&self, name: &str) {
        let place = format!(
            "<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        self.s3("PUT", &format!("/{name}"), place.as_bytes());
    }

    /// Puts an object into the bucket, which tells the queue.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.put_into(BUCKET, key, bytes);
    }

    /// Puts an object into some bucket; the key as a URL has it.
    pub(crate) fn put_into(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.s3("PUT", &format!("/{bucket}/{key}"), bytes);
    }

    /// A bucket that tells a topic of SNS, to which the queue is subscribed; `is_raw` without SNS's envelope.
    pub(crate) fn make_bucket_with_topic(&self, name: &str, is_raw: bool) {
        self.make_bucket(name);
        let topic = format!("arn:aws:sns:{REGION}:123456789012:{name}");
        self.sns(&format!("Action=CreateTopic&Name={name}"));
        let raw = match is_raw {
            true => "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true",
            false => "",
        };
        self.sns(&format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={QUEUE}{raw}"));
        self.notify(name, &told_by("Topic", &topic));
    }

    /// A bucket that tells EventBridge, of which a rule sends new objects to the queue.
    pub(crate) fn make_bucket_with_event_bus(&self, name: &str) {
        self.make_bucket(name);
        let pattern = json!({"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}).to_string();
        self.events("PutRule", &json!({"Name": name, "EventPattern": pattern}));
        self.events("PutTargets", &json!({"Rule": name, "Targets": [{"Id": "queue", "Arn": QUEUE}]}));
        self.notify(name, "<EventBridgeConfiguration></EventBridgeConfiguration>");
    }

    /// The bodies of the messages in the queue, which stay there and visible.
    pub(crate) fn look_at_messages(&self) -> Vec<Value> {
        let ask = json!({"QueueUrl": self.queue_url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0});
        let answer = self.sqs("ReceiveMessage", &ask);
        let body = |message: &Value| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
        answer["Messages"].as_array().unwrap().iter().map(body).collect()
    }

    /// Tells the queue again of an object, as queues do now and then.
    pub(crate) fn tell_again(&self, key: &str) {
        let message = json!({"Records": [{
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": REGION,
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}},
        }]});
        self.sqs("SendMessage", &json!({"QueueUrl": self.queue_url, "MessageBody": message.to_string()}));
    }

    /// How many messages the queue has, those under way included.
    pub(crate) fn messages(&self) -> u64 {
        let answer =
            self.sqs("GetQueueAttributes", &json!({"QueueUrl": self.queue_url, "AttributeNames": ["All"]}));
        let number = |name: &str| answer["Attributes"][name].as_str().unwrap().parse::<u64>().unwrap();
        number("ApproximateNumberOfMessages") + number("ApproximateNumberOfMessagesNotVisible")
    }

    fn set_up(&mut self) {
        let queue = self.sqs("CreateQueue", &json!({"QueueName": "trail"}));
        self.queue_url = queue["QueueUrl"].as_str().unwrap().to_owned();
        self.make_bucket(BUCKET);
        self.notify(BUCKET, &told_by("Queue", QUEUE));
    }

    fn notify(&self, bucket: &str, configuration: &str) {
        let whole = format!("<NotificationConfiguration>{configuration}</NotificationConfiguration>");
        self.s3("PUT", &format!("/{bucket}?notification"), whole.as_bytes());
    }

    fn s3(&self, method: &str, path: &str, body: &[u8]) {
        let headers = [("Authorization", credential("s3")), ("x-amz-date", "20260310T100000Z".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        request(&self.address, method, path, &headers, body).unwrap().ok();
    }

    fn sqs(&self, action: &str, body: &Value) -> Value {
        self.json("sqs", &format!("AmazonSQS.{action}"), "application/x-amz-json-1.0", body)
    }

    fn events(&self, action: &str, body: &Value) {
        self.json("events", &format!("AWSEvents.{action}"), "application/x-amz-json-1.1", body);
    }

    fn json(&self, service: &str, target: &str, content_type: &str, body: &Value) -> Value {
        let credential = credential(service);
        let headers = [
            ("Authorization", credential.as_str()),
            ("X-Amz-Target", target),
            ("Content-Type", content_type),
        ];
        request(&self.address, "POST", "/", &headers, body.to_string().as_bytes()).unwrap().ok().json()
    }

    fn sns(&self, form: &str) {
        let credential = credential("sns");
        let headers =
            [("Authorization", credential.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("{form}&Version=2010-03-31");
        request(&self.address, "POST", "/", &headers, body.as_bytes()).unwrap().ok();
    }
}

/// A bucket's configuration that tells a queue or topic of new objects.
fn told_by(kind: &str, arn: &str) -> String {
    format!(
        "<{kind}Configuration><Id>new</Id><{kind}>{arn}</{kind}><Event>s3:ObjectCreated:*</Event></{kind}Configuration>"
    )
}

/// The emulator reads service and region from it, and does not check the signature.
fn credential(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260310/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// A port of the loopback that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
