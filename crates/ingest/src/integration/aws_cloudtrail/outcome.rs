//! `event.outcome`: did the call succeed?

use std::borrow::Cow;

/// The outcome of an event.
///
/// An error code or an error message makes it a failure, whatever they say (`"200"` too). The answer to a console
/// login replaces that, in lower case: it is `success` or `failure` in practice, but any text is taken.
/// `console_login_response` is `responseElements.ConsoleLogin`; it is only looked at when the event is `ConsoleLogin`.
/// Values that count as absent (`""`, `"-"`, `"none"`) must be given as not present.
pub fn outcome(
    error_code_present: bool,
    error_message_present: bool,
    event_name: Option<&str>,
    console_login_response: Option<&str>,
) -> Cow<'static, str> {
    match console_login_response {
        Some(answer) if event_name == Some("ConsoleLogin") => match answer {
            "Success" => SUCCESS.into(),
            "Failure" => FAILURE.into(),
            other => other.to_lowercase().into(),
        },
        _ if error_code_present || error_message_present => FAILURE.into(),
        _ => SUCCESS.into(),
    }
}

const SUCCESS: &str = "success";
const FAILURE: &str = "failure";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_console_login_decides_before_errors_do() {
        for (code, message, name, answer, expected) in [
            (false, false, Some("RunInstances"), None, "success"),
            (true, false, Some("RunInstances"), None, "failure"),
            (false, true, Some("RunInstances"), None, "failure"),
            (false, true, None, None, "failure"),
            (false, true, Some("ConsoleLogin"), Some("Failure"), "failure"),
            (true, false, Some("ConsoleLogin"), Some("Success"), "success"),
            (true, false, Some("ConsoleLogin"), None, "failure"),
            (false, false, Some("ConsoleLogin"), Some("PENDING"), "pending"),
            (false, false, Some("CheckMfa"), Some("Failure"), "success"),
        ] {
            assert_eq!(outcome(code, message, name, answer), expected, "{name:?} {answer:?}");
        }
    }
}
