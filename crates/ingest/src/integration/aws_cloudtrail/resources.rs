//! `aws.cloudtrail.resources`: the record's resources without duplicates.

use serde_json::{Map, Value};

use super::java_string::{hash_map_order, java_string};

/// The resources with `ARN` as `arn` and `accountId` as `account_id`.
///
/// Elements that are no objects are dropped. Of resources that agree in ARN, account and type the last one stays.
/// They come in the order of a Java HashMap whose keys are these three, joined. Anything but a list stays as it is.
/// `None` when nothing is left.
pub(super) fn resources(raw: Value) -> Option<Value> {
    let items = match raw {
        Value::Array(items) => items,
        other => return Some(other),
    };
    let mut by_key: Map<String, Value> = Map::with_capacity(items.len());
    for item in items {
        let Value::Object(mut resource) = item else { continue };
        for (raw, field) in [("ARN", "arn"), ("accountId", "account_id")] {
            if let Some(value) = resource.remove(raw) {
                resource.insert(field.to_owned(), value);
            }
        }
        let part = |name| resource.get(name).map(java_string).unwrap_or_default();
        let key = format!("{}_{}_{}", part("arn"), part("account_id"), part("type"));
        by_key.insert(key, Value::Object(resource));
    }
    let order = hash_map_order(by_key.keys().map(String::as_str));
    let mut resources: Vec<Value> = by_key.into_iter().map(|(_, resource)| resource).collect();
    let resources: Vec<Value> =
        order.into_iter().filter_map(|i| resources.get_mut(i).map(Value::take)).collect();
    (!resources.is_empty()).then_some(Value::Array(resources))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(raw: Value) -> Value {
        resources(raw).unwrap()
    }

    #[test]
    fn names_change_and_other_keys_stay() {
        assert_eq!(
            list(json!([{"ARN": "arn:a", "accountId": "1", "type": "T", "ARNPrefix": "p"}, "text"])),
            json!([{"arn": "arn:a", "account_id": "1", "type": "T", "ARNPrefix": "p"}])
        );
        assert_eq!(list(json!({"ARN": "arn:a"})), json!({"ARN": "arn:a"}));
        assert_eq!(resources(json!(["text"])), None);
    }

    #[test]
    fn the_last_of_equal_resources_stays() {
        assert_eq!(
            list(json!([{"ARN": "arn:a", "x": 1}, {"arn": "arn:a", "x": 2}])),
            json!([{"arn": "arn:a", "x": 2}])
        );
    }

    /// The keys are `a__` and `p__`; their hashes end in buckets 0 and 1 of 16.
    #[test]
    fn the_order_is_that_of_a_hash_map() {
        assert_eq!(list(json!([{"ARN": "p"}, {"ARN": "a"}])), json!([{"arn": "a"}, {"arn": "p"}]));
    }
}
