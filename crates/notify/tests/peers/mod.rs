//! The other sides of the tests: an HTTP server and an SMTP server that answer as they are told, and fixed secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_notify as notify;
use notify::secret::{Secret, SecretRef, Secrets};
use notify::{SecretError, Transports};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Secrets of the "environment".
pub(crate) struct FixedSecrets(pub(crate) BTreeMap<String, String>);

impl Secrets for FixedSecrets {
    fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) => match self.0.get(name) {
                Some(value) => Secret::new(value, reference),
                None => Err(SecretError::NoVariable { name: name.clone() }),
            },
            SecretRef::File(path) => {
                Err(SecretError::File { path: path.clone(), source: std::io::Error::other("no files here") })
            }
        }
    }
}

pub(crate) fn transports() -> Transports {
    Transports {
        http: notify::http_client(&notify::HttpSettings::default()).unwrap(),
        #[cfg(feature = "aws")]
        aws: None,
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What to say to a request; nothing at all without a text.
pub(crate) struct Answer(Option<String>);

impl Answer {
    pub(crate) fn new(status: u16, headers: &str, body: &str) -> Self {
        Self(Some(format!(
            "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )))
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::new(200, "", body)
    }

    pub(crate) fn silent() -> Self {
        Self(None)
    }
}

/// An HTTP server that gives its answers in order, one a connection.
pub(crate) struct HttpPeer {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl HttpPeer {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let mut headers = BTreeMap::new();
                loop {
                    let mut header = String::new();
                    stream.read_line(&mut header).await.unwrap();
                    let Some((name, value)) = header.trim_end().split_once(": ") else { break };
                    headers.insert(name.to_ascii_lowercase(), value.to_owned());
                }
                let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                seen.lock().await.push(Request { line: line.trim_end().to_owned(), headers, body });
                match answer.0 {
                    // The other side may have read enough and gone.
                    Some(text) => drop(stream.write_all(text.as_bytes()).await),
                    None => std::future::pending().await,
                }
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.requests.lock().await.clone()
    }
}

/// An SMTP server that takes one connection, and answers the end of the data as it is told.
pub(crate) struct SmtpPeer {
    pub(crate) port: u16,
    heard: Arc<Mutex<String>>,
}

impl SmtpPeer {
    pub(crate) async fn start(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let (kept, answer) = (Arc::clone(&heard), answer.to_owned());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 peer ESMTP\r\n").await.unwrap();
            let mut in_data = false;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                kept.lock().await.push_str(&line);
                let command = line.trim_end();
                let reply = match command {
                    "." if in_data => {
                        in_data = false;
                        answer.as_str()
                    }
                    _ if in_data => continue,
                    "DATA" => {
                        in_data = true;
                        "354 go on"
                    }
                    "QUIT" => "221 bye",
                    _ if command.starts_with("EHLO") => "250-peer\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                    _ if command.starts_with("AUTH") => "235 ok",
                    _ => "250 ok",
                };
                if stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        Self { port, heard }
    }

    pub(crate) async fn heard(&self) -> String {
        self.heard.lock().await.clone()
    }
}
