//! The generated policies, word by word.

use bartizan_respond::{KeyArn, PolicyScope, assume_policy, reading_policy, trust_policy, writing_policy};

#[test]
fn policies_are_as_expected() {
    let keys: Vec<KeyArn> = ["b", "a", "b"]
        .map(|id| format!("arn:aws:kms:eu-west-1:111122223333:key/{id}").parse().unwrap())
        .into();
    let account = PolicyScope::Account { partition: "aws-cn", account: "111122223333" };
    let roles = ["arn:aws:iam::111122223333:role/bartizan-respond".to_owned()];
    let all = [
        ("reading, of keys", reading_policy(PolicyScope::Keys(&keys))),
        ("reading, of an account", reading_policy(account)),
        ("writing, of keys", writing_policy(PolicyScope::Keys(&keys))),
        ("writing, of an account", writing_policy(account)),
        ("assuming", assume_policy(&roles)),
        ("trust", trust_policy("arn:aws:iam::444455556666:role/bartizan")),
    ];
    let text: String = all
        .iter()
        .map(|(name, policy)| format!("{name}\n{}\n", serde_json::to_string_pretty(policy).unwrap()))
        .collect();
    assert_eq!(text, include_str!("policies.txt"));
}
