//! What a webhook is sent to: keeps every message.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// A message that came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The header that is the same whenever the message is sent again.
    pub(crate) delivery: String,
    /// The ids of the alerts that it is about.
    pub(crate) alerts: Vec<String>,
}

/// Listens until the test ends.
pub(crate) struct WebhookSink {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl WebhookSink {
    pub(crate) fn start() -> Self {
        Self::slow(Duration::ZERO)
    }

    /// Answers so long after it has kept a message.
    pub(crate) fn slow(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // Who sent it may be killed at any moment.
                std::thread::spawn(move || drop(take(stream, &kept, delay)));
            }
        });
        Self { url, received }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn take(
    mut stream: std::net::TcpStream,
    kept: &Mutex<Vec<Received>>,
    delay: Duration,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut delivery) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "bartizan-delivery" => delivery = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let id = |alert: &Value| alert["kibana.alert.uuid"].as_str().unwrap().to_owned();
    let alerts = body["alerts"].as_array().unwrap().iter().map(id).collect();
    kept.lock().unwrap().push(Received { delivery, alerts });
    std::thread::sleep(delay);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
