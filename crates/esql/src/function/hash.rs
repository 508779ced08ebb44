//! Functions that hash texts.

use super::kind::Text;
use super::{Call, Function};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::hash::HashAlgorithm;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["hash"], check: hash },
    Function { names: &["md5"], check: |call| hash_by(call, HashAlgorithm::Md5) },
    Function { names: &["sha1"], check: |call| hash_by(call, HashAlgorithm::Sha1) },
    Function { names: &["sha256"], check: |call| hash_by(call, HashAlgorithm::Sha256) },
];

fn hash_by(call: &mut Call<'_, '_>, algorithm: HashAlgorithm) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let arg = call.text(0)?;
    Ok(call.map1::<Text, Text>(arg, DataType::Keyword, move |text| Ok(Some(algorithm.hash(text)))))
}

/// The name of an algorithm, and a text.
fn hash(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=2)?;
    let args = [call.text(0)?, call.text(1)?];
    if let Some(algorithm) = call.read_constant(0, HashAlgorithm::parse)? {
        let [_, text] = args;
        return Ok(
            call.map1::<Text, Text>(text, DataType::Keyword, move |text| Ok(Some(algorithm.hash(text))))
        );
    }
    Ok(call.map2::<Text, Text, Text>(args, DataType::Keyword, |name, text| {
        HashAlgorithm::parse(name).map(|algorithm| Some(algorithm.hash(text)))
    }))
}
