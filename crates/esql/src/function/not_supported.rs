//! Functions that are known and not supported.

use super::{Call, Function};
use crate::lower::Refused;
use crate::operand::Operand;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["categorize"], check: categorize },
    Function { names: &["tbucket"], check: tbucket },
];

fn categorize(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    let why =
        "its categories come from Elasticsearch's model of log texts; take texts apart with GROK or DISSECT";
    call.lowering.unsupported("CATEGORIZE", why, call.span)
}

fn tbucket(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.lowering.unsupported("TBUCKET", "name the column: BUCKET(@timestamp, 5 minutes)", call.span)
}
