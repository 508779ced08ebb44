//! `tls.*` from the record's `tlsDetails`.

use serde_json::{Map, Value};

use super::moves::{move_keys, put, put_object, take_object};

/// `tls`, and `aws.cloudtrail.tls_details`.
///
/// A version such as `TLSv1.3` becomes protocol `tls` and version `1.3`; one without a `v` is taken whole. CloudTrail
/// sometimes sends the literal `tlsVersion` as the version: then nothing in the details is real.
pub(super) fn tls(record: &mut Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut tls, mut details) = (Map::new(), Map::new());
    let mut raw = take_object(record, "tlsDetails");
    match raw.remove("tlsVersion") {
        Some(Value::String(version)) if version == "tlsVersion" => return (tls, details),
        Some(Value::String(version)) => match version.split_once('v') {
            Some((protocol, number)) => {
                put(&mut tls, "version_protocol", (!protocol.is_empty()).then(|| protocol.to_lowercase()));
                put(&mut tls, "version", (!number.is_empty()).then_some(number));
            }
            None => put(&mut tls, "version", Some(version)),
        },
        other => put(&mut tls, "version", other),
    }
    move_keys(&mut raw, &mut tls, &[("cipherSuite", "cipher")]);
    let mut client = Map::new();
    move_keys(&mut raw, &mut client, &[("clientProvidedHostHeader", "server_name")]);
    put_object(&mut tls, "client", client);
    move_keys(&mut raw, &mut details, &[("keyExchange", "key_exchange")]);
    (tls, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_split_at_the_v() {
        for (details, expected) in [
            (
                json!({"tlsVersion": "TLSv1.3", "cipherSuite": "c", "clientProvidedHostHeader": "h", "keyExchange": "k"}),
                json!([{"version_protocol": "tls", "version": "1.3", "cipher": "c", "client": {"server_name": "h"}}, {"key_exchange": "k"}]),
            ),
            (json!({"tlsVersion": "1.2"}), json!([{"version": "1.2"}, {}])),
            (json!({"tlsVersion": "tlsVersion", "cipherSuite": "cipherSuite"}), json!([{}, {}])),
            (json!({"cipherSuite": "c"}), json!([{"cipher": "c"}, {}])),
        ] {
            let mut record = Map::new();
            record.insert("tlsDetails".to_owned(), details.clone());
            let (tls, key_exchange) = tls(&mut record);
            assert_eq!(json!([tls, key_exchange]), expected, "{details}");
        }
    }
}
