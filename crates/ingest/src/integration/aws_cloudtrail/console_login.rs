//! `aws.cloudtrail.console_login`: how a person signed in to the console.

use serde_json::{Map, Value};

use super::moves::{put, put_object};

/// `console_login`, all of it under `additional_eventdata`; a flag is true for every answer but `No`, and missing without an answer.
pub(super) fn console_login(additional_event_data: Option<&Value>) -> Map<String, Value> {
    let raw = |key| additional_event_data.and_then(|data| data.get(key));
    let flag = |key| raw(key).map(|answer| answer != "No");
    let mut login = Map::new();
    put(&mut login, "mobile_version", flag("MobileVersion"));
    put(&mut login, "login_to", raw("LoginTo").cloned());
    put(&mut login, "mfa_used", flag("MFAUsed"));
    let mut fields = Map::new();
    put_object(&mut fields, "additional_eventdata", login);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_no_means_no() {
        let data =
            json!({"MobileVersion": "No", "MFAUsed": "Yes", "LoginTo": "https://console.example.org/"});
        let got = |data: Value| Value::Object(console_login(Some(&data)));
        let expected =
            json!({"mobile_version": false, "mfa_used": true, "login_to": "https://console.example.org/"});
        assert_eq!(got(data), json!({"additional_eventdata": expected}));
        assert_eq!(got(json!({"MFAUsed": "no"})), json!({"additional_eventdata": {"mfa_used": true}}));
        assert_eq!(got(json!({"x": 1})), json!({}));
        assert!(console_login(None).is_empty());
    }
}
