//! The e-mail connector: one mail a message, by SMTP.

use std::time::Duration;

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};

use super::{check_timeout, usual_timeout};
use crate::error::ConfigError;
use crate::message::{Email, Message};
use crate::secret::SecretRef;
use crate::send::{MAX_EXCERPT, Receipt, SendError, Sending};

/// Settings of a mail server and of the mails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The mail server's name, which its certificate must bear.
    pub host: String,
    /// 587 for STARTTLS, 465 for TLS and 25 for none when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted; STARTTLS when missing.
    #[serde(default)]
    pub security: Security,
    /// Whom to log in as; with a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where the password lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// `alerts@example.org` or `Alerts <alerts@example.org>`.
    pub from: String,
    /// Who gets mails of actions that name nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// What we call ourselves in EHLO; the host of `from` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_name: Option<String>,
    /// How long the whole exchange may take: 1 to 300, 15 when missing.
    #[serde(default = "usual_timeout")]
    pub timeout_seconds: u32,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Plain at first, then encrypted; a server that cannot is refused.
    #[default]
    StartTls,
    /// Encrypted from the start.
    Tls,
    /// Not at all.
    None,
}

impl EmailConfig {
    pub(super) fn check(&self, at: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        check_timeout(self.timeout_seconds, at)?;
        if self.host.is_empty() || self.host.contains(['/', ':', '@', ' ']) {
            return Err(ConfigError::value(
                at("host"),
                "must be the name of a mail server, without scheme and port",
            ));
        }
        check_mailbox(&self.from).map_err(|reason| ConfigError::value(at("from"), reason))?;
        for to in &self.to {
            check_mailbox(to).map_err(|reason| ConfigError::value(at("to"), reason))?;
        }
        match (&self.user, &self.password) {
            (Some(_), None) => {
                return Err(ConfigError::value(at("password"), "is missing: there is a `user`"));
            }
            (None, Some(_)) => {
                return Err(ConfigError::value(at("user"), "is missing: there is a `password`"));
            }
            _ => {}
        }
        let is_local = self.host == "localhost" || self.host.starts_with("127.");
        if self.security == Security::None && self.password.is_some() && !is_local {
            return Err(ConfigError::value(
                at("security"),
                "is `none`, so that the password would be sent in clear text: use `starttls` or `tls`",
            ));
        }
        Ok(())
    }

    pub(crate) async fn send(
        &self,
        email: &Email,
        message: &Message,
        sending: &mut Sending<'_>,
    ) -> Result<Receipt, SendError> {
        let host = self.host.clone();
        let invalid = |reason: String| SendError::invalid(reason);
        let (mail, from) = self.mail(email, message, sending.now).map_err(invalid)?;
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        let tls = || TlsParameters::new(host.clone()).map_err(|error| SendError::invalid(error.to_string()));
        let (tls, usual_port) = match self.security {
            Security::StartTls => (Tls::Required(tls()?), 587),
            Security::Tls => (Tls::Wrapper(tls()?), 465),
            Security::None => (Tls::None, 25),
        };
        let hello = self.hello_name.clone().unwrap_or_else(|| from.email.domain().to_owned());
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(self.port.unwrap_or(usual_port))
            .tls(tls)
            .hello_name(ClientId::Domain(hello))
            .timeout(Some(timeout));
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            transport = transport.credentials(Credentials::new(user.clone(), sending.secret(password)?));
        }
        let transport = transport.build();
        let sent = tokio::time::timeout(timeout, transport.send(mail)).await;
        match sent {
            Err(_) => Err(SendError::TimedOut { host, timeout }),
            Ok(Ok(answer)) => {
                let text = answer.message().collect::<Vec<_>>().join(" ");
                let text = sending.redaction.excerpt(&text, 100);
                Ok(Receipt::new(message, format!("SMTP {} {text}", answer.code())))
            }
            Ok(Err(error)) => {
                let reason = sending.redaction.excerpt(&chain(&error), MAX_EXCERPT);
                match error.status() {
                    Some(code) => Err(SendError::Smtp { host, code: code.to_string(), reason }),
                    None if error.is_timeout() => Err(SendError::TimedOut { host, timeout }),
                    None => Err(SendError::Unreachable { host, reason }),
                }
            }
        }
    }

    fn mail(
        &self,
        email: &Email,
        message: &Message,
        now: Timestamp,
    ) -> Result<(lettre::Message, Mailbox), String> {
        let from: Mailbox = self.from.parse().map_err(|_| "`from` is no mail address".to_owned())?;
        let to = if email.to.is_empty() && email.cc.is_empty() && email.bcc.is_empty() {
            &self.to
        } else {
            &email.to
        };
        let mailboxes = |texts: &[String]| -> Result<Vec<Mailbox>, String> {
            texts
                .iter()
                .map(|text| text.parse().map_err(|_| format!("`{text}` is no mail address")))
                .collect()
        };
        let (to, cc, bcc) = (mailboxes(to)?, mailboxes(&email.cc)?, mailboxes(&email.bcc)?);
        let everyone = to.iter().chain(&cc).chain(&bcc).map(|mailbox| mailbox.email.clone()).collect();
        let envelope = Envelope::new(Some(from.email.clone()), everyone).map_err(|_| {
            "nobody gets the mail: name somebody in `to` of the connector or of the action".to_owned()
        })?;
        let mut builder = lettre::Message::builder()
            .from(from.clone())
            .date(now.into())
            // The same whenever the same message is sent again, so that mailboxes may show it once.
            .message_id(Some(format!("<{}@{}>", message.key, from.email.domain())))
            .subject(email.subject.replace(['\r', '\n'], " "))
            .envelope(envelope);
        for mailbox in to {
            builder = builder.to(mailbox);
        }
        for mailbox in cc {
            builder = builder.cc(mailbox);
        }
        let mail = match &email.html {
            Some(html) => {
                builder.multipart(MultiPart::alternative_plain_html(email.text.clone(), html.clone()))
            }
            None => builder.body(email.text.clone()),
        };
        Ok((mail.map_err(|error| error.to_string())?, from))
    }
}

pub(crate) fn check_mailbox(text: &str) -> Result<(), String> {
    match text.parse::<Mailbox>() {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(format!("`{text}` is no mail address: write name@example.org or Name <name@example.org>"))
        }
    }
}

fn chain(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
