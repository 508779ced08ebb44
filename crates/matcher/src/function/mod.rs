//! The functions and operators that compute a value from values.
//!
//! None of them fails: a null or a value of the wrong type gives null, where Elasticsearch would fail the search for
//! the latter. Source: elastic/elasticsearch x-pack/plugin/eql `expression/function/scalar` and
//! x-pack/plugin/ql `expression/predicate/operator/arithmetic`.

mod network;
mod number;
mod signature;
mod text;

use query::eql::ast::{ArithmeticOp, Function};

use crate::computed::Value;

pub use number::{arithmetic, negate};
pub use signature::{Kind, Signature, signature};

/// The value of a function; missing arguments count as null.
pub fn call<'a>(function: Function, fold: bool, args: &'a [Value<'a>]) -> Value<'a> {
    let arg = |at: usize| args.get(at).unwrap_or(&Value::Null);
    let value = match function {
        Function::Add => return arithmetic(ArithmeticOp::Add, arg(0), arg(1)),
        Function::Subtract => return arithmetic(ArithmeticOp::Subtract, arg(0), arg(1)),
        Function::Multiply => return arithmetic(ArithmeticOp::Multiply, arg(0), arg(1)),
        Function::Divide => return arithmetic(ArithmeticOp::Divide, arg(0), arg(1)),
        Function::Modulo => return arithmetic(ArithmeticOp::Modulo, arg(0), arg(1)),
        Function::Number => number::number(arg(0), args.get(1)),
        Function::Between => text::between(arg(0), arg(1), arg(2), args.get(3), fold),
        Function::Concat => text::concat(args),
        Function::String => arg(0).to_text().map(Value::Text),
        Function::Length => text::length(arg(0)),
        Function::Substring => text::substring(arg(0), arg(1), args.get(2)),
        Function::IndexOf => text::index_of(arg(0), arg(1), args.get(2), fold),
        Function::StartsWith => text::starts_with(arg(0), arg(1), fold).map(Value::Bool),
        Function::EndsWith => text::ends_with(arg(0), arg(1), fold).map(Value::Bool),
        Function::StringContains => text::string_contains(arg(0), arg(1), fold).map(Value::Bool),
        Function::CidrMatch => {
            network::cidr_match(arg(0), args.get(1..).unwrap_or_default()).map(Value::Bool)
        }
    };
    value.unwrap_or(Value::Null)
}
