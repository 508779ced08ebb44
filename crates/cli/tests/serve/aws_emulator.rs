//! A bucket whose new objects are told to a queue, in an emulator of AWS: `moto_server`, of the package `moto[server]`.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::request;

const BUCKET: &str = "trail";
const REGION: &str = "eu-west-1";

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
        self.s3("PUT", &format!("/{BUCKET}/{key}"), bytes);
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
        let notify = format!(
            "<NotificationConfiguration><QueueConfiguration><Id>trail</Id>\
             <Queue>arn:aws:sqs:{REGION}:123456789012:trail</Queue><Event>s3:ObjectCreated:*</Event>\
             </QueueConfiguration></NotificationConfiguration>"
        );
        self.s3("PUT", &format!("/{BUCKET}?notification"), notify.as_bytes());
    }

    fn s3(&self, method: &str, path: &str, body: &[u8]) {
        let headers = [("Authorization", credential("s3")), ("x-amz-date", "20260310T100000Z".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        request(&self.address, method, path, &headers, body).unwrap().ok();
    }

    fn sqs(&self, action: &str, body: &Value) -> Value {
        let (target, credential) = (format!("AmazonSQS.{action}"), credential("sqs"));
        let headers = [
            ("Authorization", credential.as_str()),
            ("X-Amz-Target", &target),
            ("Content-Type", "application/x-amz-json-1.0"),
        ];
        request(&self.address, "POST", "/", &headers, body.to_string().as_bytes()).unwrap().ok().json()
    }
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
