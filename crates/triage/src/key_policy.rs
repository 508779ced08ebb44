//! Whom a key policy lets in.

use serde_json::Value;

use crate::findings::quoted;

/// Whom a key policy lets in, and whether the account keeps its own key.
pub(crate) fn policy_sentences(policy: &Value, account: Option<&str>) -> Vec<String> {
    let statements: Vec<&Value> = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    let mut let_in: Vec<String> = Vec::new();
    for statement in
        statements.iter().filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"))
    {
        match statement.get("Principal") {
            Some(Value::String(all)) => let_in.push(all.clone()),
            Some(Value::Object(kinds)) => {
                for value in kinds.values() {
                    match value {
                        Value::String(one) => let_in.push(one.clone()),
                        Value::Array(many) => {
                            let_in.extend(many.iter().filter_map(Value::as_str).map(str::to_owned))
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let_in.sort();
    let_in.dedup();
    let mut says = if let_in.is_empty() {
        vec!["The policy in the request lets nobody in.".to_owned()]
    } else {
        vec![format!("The policy in the request lets in {}.", quoted(&let_in))]
    };
    if let Some(account) = account {
        let root = format!(":iam::{account}:root");
        let has_root = let_in.iter().any(|name| name.ends_with(&root) || name == account || name == "*");
        says.push(if has_root {
            "The account's root principal is in it.".to_owned()
        } else {
            "The account's root principal is not in it, so the account may be locked out of its key."
                .to_owned()
        });
        let others: Vec<String> = let_in
            .iter()
            .filter(|name| account_of(name).is_some_and(|other| other != account))
            .cloned()
            .collect();
        if !others.is_empty() {
            says.push(format!("Of those, {} are in other accounts.", quoted(&others)));
        }
    }
    says
}

fn account_of(principal: &str) -> Option<&str> {
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(principal).filter(is_account).or_else(|| principal.split(':').nth(4).filter(is_account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_policies_let_in() {
        let statement = |principal: Value| serde_json::json!({ "Statement": [{ "Effect": "Allow", "Principal": principal }] });
        for (policy, expected) in [
            (
                statement(serde_json::json!({ "AWS": ["arn:aws:iam::111122223333:root", "444455556666"] })),
                "The policy in the request lets in `444455556666` and `arn:aws:iam::111122223333:root`. The account's root principal is in it. Of those, `444455556666` are in other accounts.",
            ),
            (
                statement(serde_json::json!({ "Service": "s3.amazonaws.com" })),
                "The policy in the request lets in `s3.amazonaws.com`. The account's root principal is not in it, so the account may be locked out of its key.",
            ),
            (
                serde_json::json!({ "Statement": { "Effect": "Deny", "Principal": "*" } }),
                "The policy in the request lets nobody in. The account's root principal is not in it, so the account may be locked out of its key.",
            ),
        ] {
            assert_eq!(policy_sentences(&policy, Some("111122223333")).join(" "), expected);
        }
    }
}
