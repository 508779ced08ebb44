//! A function over Arrow arrays as DataFusion calls it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What a function does: arrays of one length, and that length, to an array of that length.
pub(crate) type Body = Arc<dyn Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync>;

/// A function whose constants (patterns, units) were bound when the query was checked.
pub(crate) struct ArrayFunction {
    name: &'static str,
    /// Tells apart functions of one name with other constants; each checked call has a number of its own.
    number: usize,
    returns: ArrowType,
    signature: Signature,
    body: Body,
}

impl ArrayFunction {
    /// A call of a function that depends on its arguments alone. `number` must differ from that of every other call
    /// with other constants in the same plan.
    pub(crate) fn call(
        name: &'static str,
        number: usize,
        returns: ArrowType,
        args: Vec<Expr>,
        body: Body,
    ) -> Expr {
        Self::with_volatility(name, number, returns, args, body, Volatility::Immutable)
    }

    /// A call of a function that reads something which changes from run to run.
    pub(crate) fn call_anew(name: &'static str, number: usize, returns: ArrowType, body: Body) -> Expr {
        Self::with_volatility(name, number, returns, Vec::new(), body, Volatility::Volatile)
    }

    fn with_volatility(
        name: &'static str,
        number: usize,
        returns: ArrowType,
        args: Vec<Expr>,
        body: Body,
        volatility: Volatility,
    ) -> Expr {
        let signature = if args.is_empty() {
            Signature::nullary(volatility)
        } else {
            Signature::any(args.len(), volatility)
        };
        let function = Self { name, number, returns, signature, body };
        ScalarUDF::new_from_impl(function).call(args)
    }
}

impl ScalarUDFImpl for ArrayFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> Result<ArrowType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant =
            !args.args.is_empty() && args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|value| value.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let answer = (self.body)(&arrays, rows)?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?));
        }
        Ok(ColumnarValue::Array(answer))
    }
}

impl fmt::Debug for ArrayFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.number)
    }
}

impl PartialEq for ArrayFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.number == other.number && self.returns == other.returns
    }
}

impl Eq for ArrayFunction {}

impl Hash for ArrayFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name, self.number).hash(state);
    }
}
