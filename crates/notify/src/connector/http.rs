//! One HTTP request and what its answer means: done, try again, or never.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Request, Url};

use crate::send::{MAX_EXCERPT, Redaction, SendError};

/// How much of an answer is read.
const MAX_ANSWER: usize = 16 * 1024;

/// An answer that says that the message was taken.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Sends a request and reads at most 16 KiB of the answer.
///
/// # Errors
/// No answer within the timeout, or one that is not 2xx. 408, 425, 429 and 5xx are worth trying again; redirects are not
/// followed, for the message would go where nobody said it should.
pub(super) async fn exchange(
    client: &Client,
    request: Request,
    timeout: Duration,
    redaction: &Redaction,
    now: Timestamp,
) -> Result<Answer, SendError> {
    let host = host(request.url());
    let exchange = async {
        let mut response =
            client.execute(request).await.map_err(|error| unreachable(&host, error, redaction))?;
        let status = response.status();
        let retry_after = retry_after(response.headers(), now);
        let mut body = Vec::new();
        // The status has decided; an answer that breaks off changes nothing.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MAX_ANSWER - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            return Ok(Answer { status: status.as_u16(), body });
        }
        let excerpt = redaction.excerpt(&body, MAX_EXCERPT);
        Err(SendError::Refused { host: host.clone(), status: status.as_u16(), excerpt, retry_after })
    };
    match tokio::time::timeout(timeout, exchange).await {
        Ok(result) => result,
        Err(_) => Err(SendError::TimedOut { host, timeout }),
    }
}

/// Scheme, host and port: the rest of an address may be secret.
pub(super) fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn unreachable(host: &str, error: reqwest::Error, redaction: &Redaction) -> SendError {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        reason = format!("{reason}: {inner}");
        source = inner.source();
    }
    SendError::Unreachable { host: host.to_owned(), reason: redaction.excerpt(&reason, MAX_EXCERPT) }
}

/// Seconds, or a date of HTTP.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}
