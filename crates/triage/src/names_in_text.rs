//! Names of fields, parameters and calls in the text of a question.

/// Names in a text, each once, in the order of their first coming.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) fields: Vec<String>,
    pub(crate) parameters: Vec<String>,
    pub(crate) calls: Vec<String>,
}

/// First words of calls of AWS.
const VERBS: &[&str] = &[
    "Get",
    "List",
    "Describe",
    "Create",
    "Delete",
    "Put",
    "Update",
    "Attach",
    "Detach",
    "Assume",
    "Stop",
    "Start",
    "Run",
    "Modify",
    "Schedule",
    "Disable",
    "Enable",
    "Cancel",
    "Import",
    "Retire",
    "Revoke",
    "Restore",
    "Copy",
    "Share",
    "Add",
    "Remove",
    "Set",
    "Tag",
    "Untag",
    "Head",
    "Lookup",
    "Search",
    "Invoke",
    "Send",
    "Publish",
    "Register",
    "Deregister",
    "Replicate",
    "Encrypt",
    "Decrypt",
    "Generate",
    "ReEncrypt",
    "Sign",
    "Verify",
    "Connect",
    "Disconnect",
    "Console",
    "Associate",
    "Disassociate",
    "Authorize",
    "Terminate",
    "Reboot",
    "Deactivate",
    "Batch",
    "Leave",
    "Purchase",
    "Change",
    "Reset",
    "Resume",
    "Upload",
    "Rotate",
    "Switch",
];

/// Roots of fields of ECS and of the CloudTrail data stream.
const ROOTS: &[&str] = &[
    "aws",
    "cloud",
    "destination",
    "dns",
    "error",
    "event",
    "file",
    "group",
    "host",
    "http",
    "kibana",
    "network",
    "orchestrator",
    "process",
    "related",
    "rule",
    "source",
    "tls",
    "url",
    "user",
    "user_agent",
];

impl Names {
    pub(crate) fn of(text: &str) -> Self {
        let mut names = Self::default();
        for token in text.split(|c: char| !c.is_ascii_alphanumeric() && !"._@:".contains(c)) {
            if token == "@timestamp" {
                push(&mut names.fields, token);
                continue;
            }
            let token = token.trim_matches(['.', ':', '@']);
            // `s3:ListBuckets` names a call as policies write it.
            let last = token.rsplit(':').next().unwrap_or(token);
            if is_call(last) {
                push(&mut names.calls, last);
            } else if is_field(token) {
                push(&mut names.fields, token);
            }
        }
        for quoted in text.split('`').skip(1).step_by(2) {
            let name = quoted.split(['=', ':']).next().unwrap_or(quoted);
            let is_name = name.len() > 2
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().skip(1).any(|c| c.is_ascii_lowercase())
                && name.chars().any(|c| c.is_ascii_uppercase())
                && name.chars().all(|c| c.is_ascii_alphanumeric());
            // Services such as S3 write their parameters with a capital.
            if is_name && !is_call(name) && !name.ends_with("Exception") {
                push(&mut names.parameters, name);
            }
        }
        names
    }

    pub(crate) fn nothing(&self) -> bool {
        self.fields.is_empty() && self.parameters.is_empty() && self.calls.is_empty()
    }
}

fn is_call(token: &str) -> bool {
    let verb = VERBS.iter().any(|verb| {
        token.strip_prefix(verb).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    });
    let single = ["Decrypt", "Encrypt", "ReEncrypt"].contains(&token);
    (verb || single) && token.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_field(token: &str) -> bool {
    let mut parts = token.split('.');
    let root = parts.next().is_some_and(|root| ROOTS.contains(&root));
    let mut rest = parts.peekable();
    // An address such as `aws.amazon.com` is no field.
    root && rest.peek().is_some()
        && !token.ends_with(".com")
        && rest.all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn push(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}
