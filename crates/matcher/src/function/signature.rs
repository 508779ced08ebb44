//! What each function takes and yields, for finding mistakes before a query runs.

use query::eql::ast::Function;

/// A kind of value, as far as it is known before there is an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything, or not known.
    Any,
    /// True or false.
    Truth,
    /// A number.
    Number,
    /// An instant; it may be compared with text that names one.
    Date,
    /// Text; also an address or a version.
    Text,
}

/// The arguments and the result of a function.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// The kinds of the arguments; the last one goes for all that follow.
    pub args: &'static [Kind],
    /// What it yields.
    pub result: Kind,
}

impl Kind {
    /// May a value of one kind stand where the other is wanted?
    pub fn fits(self, other: Kind) -> bool {
        self == other
            || self == Kind::Any
            || other == Kind::Any
            || matches!((self, other), (Kind::Date, Kind::Text) | (Kind::Text, Kind::Date))
    }

    /// In words, for a message.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Any => "any value",
            Kind::Truth => "true or false",
            Kind::Number => "a number",
            Kind::Date => "a date",
            Kind::Text => "text",
        }
    }
}

/// What a function takes and yields.
pub fn signature(function: Function) -> Signature {
    use Kind::{Any, Number, Text, Truth};
    let (args, result): (&'static [Kind], Kind) = match function {
        Function::Add | Function::Subtract | Function::Multiply | Function::Divide | Function::Modulo => {
            (&[Number, Number], Number)
        }
        Function::Between => (&[Text, Text, Text, Truth], Text),
        Function::CidrMatch => (&[Text, Text], Truth),
        Function::Concat => (&[Any], Text),
        Function::EndsWith | Function::StartsWith | Function::StringContains => (&[Text, Text], Truth),
        Function::IndexOf => (&[Text, Text, Number], Number),
        Function::Length => (&[Text], Number),
        Function::Number => (&[Text, Number], Number),
        Function::String => (&[Any], Text),
        Function::Substring => (&[Text, Number, Number], Text),
    };
    Signature { args, result }
}
