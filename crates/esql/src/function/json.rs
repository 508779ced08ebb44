//! Functions over texts of JSON.

use std::borrow::Cow;

use super::kind::Text;
use super::{Answer, Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::json_path::JsonPath;

pub(crate) const FUNCTIONS: &[Function] = &[Function { names: &["json_extract"], check: json_extract }];

/// A text of JSON, and a path.
fn json_extract(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.text(0)?, call.text(1)?];
    let extract = |path: &JsonPath, json: &str| -> Answer<String> {
        path.extract(json).map(|value| value.map(Cow::into_owned))
    };
    if let Some(path) = call.read_constant(1, JsonPath::new)? {
        let [json, _] = args;
        return Ok(call.map1::<Text, Text>(json, DataType::Keyword, move |json| extract(&path, json)));
    }
    Ok(call.map2::<Text, Text, Text>(args, DataType::Keyword, move |json, path| {
        extract(&JsonPath::new(path)?, json)
    }))
}
