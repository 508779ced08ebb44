//! An aggregate over Arrow arrays as DataFusion calls it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

/// Makes the accumulator of one group.
pub(crate) type Start = Arc<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>;

/// An aggregate whose constants were bound when the query was checked.
pub(crate) struct ArrayAggregate {
    name: &'static str,
    /// Tells apart aggregates of one name with other constants.
    number: usize,
    returns: ArrowType,
    state: Vec<ArrowType>,
    signature: Signature,
    start: Start,
}

impl ArrayAggregate {
    /// `state` are the types of what the accumulator's `state` gives. `number` must differ from that of every other
    /// aggregate with other constants in the same plan.
    pub(crate) fn make(
        name: &'static str,
        number: usize,
        arguments: usize,
        returns: ArrowType,
        state: Vec<ArrowType>,
        start: Start,
    ) -> Arc<AggregateUDF> {
        let signature = Signature::any(arguments, Volatility::Immutable);
        Arc::new(AggregateUDF::new_from_impl(Self { name, number, returns, state, signature, start }))
    }
}

impl AggregateUDFImpl for ArrayAggregate {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> Result<ArrowType> {
        Ok(self.returns.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok((self.start)())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |(index, data_type): (usize, &ArrowType)| {
            Arc::new(Field::new(format!("{}[{index}]", args.name), data_type.clone(), true))
        };
        Ok(self.state.iter().enumerate().map(field).collect())
    }
}

impl fmt::Debug for ArrayAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.number)
    }
}

impl PartialEq for ArrayAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.number == other.number && self.returns == other.returns
    }
}

impl Eq for ArrayAggregate {}

impl Hash for ArrayAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name, self.number).hash(state);
    }
}
