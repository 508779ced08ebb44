//! Functions over encoded texts: Base64 and URLs.

use std::borrow::Cow;

use super::kind::Text;
use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::{Outcome, base64_text, url_text};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["from_base64"], check: |call| recode(call, base64_text::decode) },
    Function { names: &["to_base64"], check: |call| recode(call, |text| Ok(base64_text::encode(text))) },
    Function {
        names: &["url_decode"],
        check: |call| recode(call, |text| url_text::decode(text).map(Cow::into_owned)),
    },
    Function { names: &["url_encode"], check: |call| recode(call, |text| Ok(url_text::encode(text))) },
    Function {
        names: &["url_encode_component"],
        check: |call| recode(call, |text| Ok(url_text::encode_component(text))),
    },
];

fn recode(call: &mut Call<'_, '_>, f: fn(&str) -> Outcome<String>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.text(0)?;
    Ok(call.map1::<Text, Text>(arg, DataType::Keyword, move |text| f(text).map(Some)))
}
