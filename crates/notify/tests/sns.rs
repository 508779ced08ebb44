//! Delivery to Amazon SNS, against moto's server; says so when moto is not installed.
#![cfg(feature = "aws")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "the servers are for other tests")]
mod peers;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use bartizan_notify as notify;
use notify::{Connector, SendError, Transports};
use peers::FixedSecrets;
use serde_json::json;

/// A server that ends with the test.
struct Moto(Child);

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIATEST", "test", None, None, "test",
        )))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

fn connector(topic: &str) -> Connector {
    Connector::from_json(&json!({"id": "c", "type": "sns", "config": {"topic_arn": topic}})).unwrap()
}

async fn start(port: u16) -> Option<Moto> {
    // Without a shim in between: what is started must be what is stopped.
    let child = Command::new("python3")
        .args(["-c", "import sys; from moto.server import main; sys.exit(main(sys.argv[1:]))"])
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut moto = Moto(child);
    for _ in 0..300 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(moto);
        }
        if moto.0.try_wait().ok()?.is_some() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

#[tokio::test]
async fn a_topic_gets_the_message_and_a_missing_topic_is_an_error() {
    let port = port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let now = "2026-07-25T12:00:00Z".parse().unwrap();
    let mut transports: Transports = peers::transports();
    let secrets = FixedSecrets(BTreeMap::new());
    let there = connector("arn:aws:sns:eu-central-1:123456789012:alerts");
    let message = notify::test_message(&there, now).unwrap();

    let error = notify::send(&there, &message, &secrets, &transports, now).await.unwrap_err();
    assert!(!error.is_retryable() && error.to_string().contains("credentials"), "{error}");
    transports.aws = Some(config(&endpoint));
    let error = notify::send(&there, &message, &secrets, &transports, now).await.unwrap_err();
    assert!(error.is_retryable(), "nobody listens: {error}");

    let Some(_moto) = start(port).await else {
        println!("not run: moto's server (PyPI, moto[server]) is not installed for python3");
        return;
    };
    let in_region = config(&endpoint).into_builder().region(Region::new("eu-central-1")).build();
    let client = aws_sdk_sns::Client::new(&in_region);
    client.create_topic().name("alerts").send().await.unwrap();
    let receipt = notify::send(&there, &message, &secrets, &transports, now).await.unwrap();
    assert!(receipt.detail.starts_with("SNS message id "), "{}", receipt.detail);

    let missing = connector("arn:aws:sns:eu-central-1:123456789012:missing");
    let error = notify::send(&missing, &message, &secrets, &transports, now).await.unwrap_err();
    assert!(matches!(&error, SendError::Sns { is_retryable: false, .. }), "{error:?}");
}
