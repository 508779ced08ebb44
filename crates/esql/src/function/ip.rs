//! Functions over addresses.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::Result as PlanResult;
use datafusion::logical_expr::Expr;

use super::kind::{Bool, Bytes, Integer, Kind, Text, as_kind, get};
use super::{Answer, Call, Function, Refusal};
use crate::DataType;
use crate::lower::Refused;
use crate::operand::Operand;
use crate::value::ip::{self, BAD_PREFIX, Block, NOT_AN_IP};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["cidr_match"], check: cidr_match },
    Function { names: &["ip_prefix"], check: ip_prefix },
];

/// An address and at least one block: true when one holds it; null when one is null.
fn cidr_match(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(2..=usize::MAX)?;
    let address = call.typed(0, DataType::Ip)?;
    let mut constants = Vec::new();
    let mut columns: Vec<Expr> = Vec::new();
    for index in 1..call.args.len() {
        let text = call.text(index)?;
        match call.read_constant(index, Block::parse)? {
            Some(block) => constants.push(block),
            None => columns.push(text),
        }
    }
    let held = move |address: &[u8], blocks: &[Option<&str>]| -> Answer<bool> {
        let address = ip::from_bytes(address).ok_or(NOT_AN_IP)?;
        let mut found = constants.iter().any(|block| block.contains(address));
        for block in blocks {
            let Some(block) = block else { return Ok(None) };
            found |= Block::parse(block)?.contains(address);
        }
        Ok(Some(found))
    };
    if columns.is_empty() {
        return Ok(call.map1::<Bytes, Bool>(address, DataType::Boolean, move |address| held(address, &[])));
    }
    let counter = call.lowering.warnings.counter(call.span);
    let body = move |args: &[ArrayRef], rows: usize| -> PlanResult<ArrayRef> {
        let addresses = as_kind::<Bytes>(&args[0])?;
        let blocks = args[1..].iter().map(as_kind::<Text>).collect::<PlanResult<Vec<_>>>()?;
        Ok(Bool::collect((0..rows).map(|row| {
            let blocks: Vec<_> = blocks.iter().map(|blocks| get::<Text>(blocks, row)).collect();
            held(get::<Bytes>(addresses, row)?, &blocks).unwrap_or_else(|Refusal(reason)| {
                counter.add(reason, 1);
                None
            })
        })))
    };
    let args = std::iter::once(address).chain(columns).collect();
    Ok(call.compute(args, DataType::Boolean, false, Arc::new(body)))
}

/// An address, and how many of its first bits stay: of IPv4, and of IPv6.
fn ip_prefix(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(3..=3)?;
    for index in [1, 2] {
        if call.args[index].literal.is_some() && !call.args[index].is_null() {
            let bits = call.constant_integer(index)?;
            let most = if index == 1 { 32 } else { 128 };
            if !(0..=most).contains(&bits) {
                return call.refuse(index, "esql::constant", format!("{}: 0 to {most}", BAD_PREFIX.reason()));
            }
        }
    }
    let args =
        [call.typed(0, DataType::Ip)?, call.typed(1, DataType::Integer)?, call.typed(2, DataType::Integer)?];
    Ok(call.map3::<Bytes, Integer, Integer, Bytes>(args, DataType::Ip, |address, v4, v6| {
        let address = ip::from_bytes(address).ok_or(NOT_AN_IP)?;
        ip::prefix(address, v4, v6).map(|prefix| Some(prefix.to_vec()))
    }))
}
