//! Conversions: `::` and the functions `TO_…`. Each value is converted by itself.
//!
//! Source: elastic/elasticsearch docs/reference/query-languages/esql/functions-operators/type-conversion-functions.md.

use query::Span;
use query::esql::ast::{Literal, OptionValue};

use super::kind::{Bool, Bytes, Double, Integer, Long, Millis, Nanos, Text, Unsigned};
use super::{Call, Function};
use crate::DataType;
use crate::lower::{Lowering, Refused};
use crate::operand::Operand;
use crate::value::ip::LeadingZeros;
use crate::value::{date, geo_point, ip, number, time_span, version};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function { names: &["to_boolean", "to_bool"], check: |call| convert_to(call, DataType::Boolean) },
    Function {
        names: &["to_date_nanos", "to_datenanos"],
        check: |call| convert_to(call, DataType::DateNanos),
    },
    Function { names: &["to_dateperiod"], check: |call| convert_to(call, DataType::DatePeriod) },
    Function { names: &["to_datetime", "to_dt"], check: |call| convert_to(call, DataType::Date) },
    Function { names: &["to_double", "to_dbl"], check: |call| convert_to(call, DataType::Double) },
    Function { names: &["to_integer", "to_int"], check: |call| convert_to(call, DataType::Integer) },
    Function { names: &["to_ip"], check: to_ip },
    Function { names: &["to_long"], check: |call| convert_to(call, DataType::Long) },
    Function { names: &["to_string", "to_str"], check: |call| convert_to(call, DataType::Keyword) },
    Function { names: &["to_text"], check: |call| convert_to(call, DataType::Text) },
    Function { names: &["to_timeduration"], check: |call| convert_to(call, DataType::TimeDuration) },
    Function {
        names: &["to_unsigned_long", "to_ulong", "to_ul"],
        check: |call| convert_to(call, DataType::UnsignedLong),
    },
    Function { names: &["to_version", "to_ver"], check: |call| convert_to(call, DataType::Version) },
];

fn convert_to(call: &mut Call<'_, '_>, data_type: DataType) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let value = call.args[0].clone();
    call.convert(value, data_type)
}

/// A text, and `{"leading_zeros": "reject"}`, `"octal"` or `"decimal"`.
fn to_ip(call: &mut Call<'_, '_>) -> Result<Operand, Refused> {
    call.arity(1..=1)?;
    let value = call.args[0].clone();
    let Some(options) = call.options.filter(|options| !options.is_empty()) else {
        return call.convert(value, DataType::Ip);
    };
    let mut zeros = LeadingZeros::Reject;
    for option in options {
        let known = match (option.key.value.as_str(), &option.value.value) {
            ("leading_zeros", OptionValue::Literal(Literal::Text(name))) => LeadingZeros::parse(name),
            _ => None,
        };
        let Some(known) = known else {
            let message = "TO_IP takes the option \"leading_zeros\": \"reject\", \"octal\" or \"decimal\"";
            return call.refuse(0, "esql::option", message.to_owned());
        };
        zeros = known;
    }
    if !value.data_type.is_text() {
        return call.convert(value, DataType::Ip);
    }
    Ok(call.map_each::<Text, Bytes>(value, DataType::Ip, move |text| {
        ip::parse_with(text, zeros).map(|address| Some(address.to_vec()))
    }))
}

impl Lowering<'_> {
    /// The value as another type: each value by itself, null with a warning where it has no such value.
    pub(crate) fn convert(
        &mut self,
        value: Operand,
        data_type: DataType,
        span: Span,
    ) -> Result<Operand, Refused> {
        let mut call = Call { lowering: self, name: "convert", args: Vec::new(), options: None, span };
        call.convert(value, data_type)
    }
}

impl Call<'_, '_> {
    /// The value as another type, in the place of the call.
    pub(super) fn convert(&mut self, value: Operand, to: DataType) -> Result<Operand, Refused> {
        let from = value.data_type;
        let same = from == to || from.is_text() && to.is_text();
        if same || value.is_null() {
            return self.same_values(value, to);
        }
        if to.is_time_span() {
            return self.convert_to_time_span(&value, to);
        }
        Ok(match to {
            DataType::Boolean => match from {
                DataType::Keyword | DataType::Text => {
                    self.map_each::<Text, Bool>(value, to, |text| Ok(Some(number::text_to_boolean(text))))
                }
                DataType::Integer => self.map_each::<Integer, Bool>(value, to, |x| Ok(Some(x != 0))),
                DataType::Long => self.map_each::<Long, Bool>(value, to, |x| Ok(Some(x != 0))),
                DataType::UnsignedLong => self.map_each::<Unsigned, Bool>(value, to, |x| Ok(Some(x != 0))),
                DataType::Double => self.map_each::<Double, Bool>(value, to, |x| Ok(Some(x != 0.0))),
                _ => return self.no_conversion(&value, to),
            },
            DataType::Integer => {
                match from {
                    DataType::Boolean => self.map_each::<Bool, Integer>(value, to, |x| Ok(Some(x.into()))),
                    DataType::Keyword | DataType::Text => self
                        .map_each::<Text, Integer>(value, to, |text| number::text_to_integer(text).map(Some)),
                    DataType::Long => {
                        self.map_each::<Long, Integer>(value, to, |x| number::long_to_integer(x).map(Some))
                    }
                    DataType::Date => {
                        self.map_each::<Millis, Integer>(value, to, |x| number::long_to_integer(x).map(Some))
                    }
                    DataType::UnsignedLong => self.map_each::<Unsigned, Integer>(value, to, |x| {
                        number::unsigned_long_to_integer(x).map(Some)
                    }),
                    DataType::Double => self
                        .map_each::<Double, Integer>(value, to, |x| number::double_to_integer(x).map(Some)),
                    _ => return self.no_conversion(&value, to),
                }
            }
            DataType::Long => match from {
                DataType::Boolean => self.map_each::<Bool, Long>(value, to, |x| Ok(Some(x.into()))),
                DataType::Keyword | DataType::Text => {
                    self.map_each::<Text, Long>(value, to, |text| number::text_to_long(text).map(Some))
                }
                DataType::Integer => self.map_each::<Integer, Long>(value, to, |x| Ok(Some(x.into()))),
                DataType::Date => self.map_each::<Millis, Long>(value, to, |x| Ok(Some(x))),
                DataType::DateNanos => self.map_each::<Nanos, Long>(value, to, |x| Ok(Some(x))),
                DataType::UnsignedLong => {
                    self.map_each::<Unsigned, Long>(value, to, |x| number::unsigned_long_to_long(x).map(Some))
                }
                DataType::Double => {
                    self.map_each::<Double, Long>(value, to, |x| number::double_to_long(x).map(Some))
                }
                _ => return self.no_conversion(&value, to),
            },
            DataType::UnsignedLong => match from {
                DataType::Boolean => self.map_each::<Bool, Unsigned>(value, to, |x| Ok(Some(x.into()))),
                DataType::Keyword | DataType::Text => self.map_each::<Text, Unsigned>(value, to, |text| {
                    number::text_to_unsigned_long(text).map(Some)
                }),
                DataType::Integer => self.map_each::<Integer, Unsigned>(value, to, |x| {
                    number::long_to_unsigned_long(x.into()).map(Some)
                }),
                DataType::Long => {
                    self.map_each::<Long, Unsigned>(value, to, |x| number::long_to_unsigned_long(x).map(Some))
                }
                DataType::Date => self
                    .map_each::<Millis, Unsigned>(value, to, |x| number::long_to_unsigned_long(x).map(Some)),
                DataType::Double => self.map_each::<Double, Unsigned>(value, to, |x| {
                    number::double_to_unsigned_long(x).map(Some)
                }),
                _ => return self.no_conversion(&value, to),
            },
            DataType::Double => match from {
                DataType::Boolean => {
                    self.map_each::<Bool, Double>(value, to, |x| Ok(Some(f64::from(u8::from(x)))))
                }
                DataType::Keyword | DataType::Text => {
                    self.map_each::<Text, Double>(value, to, |text| number::text_to_double(text).map(Some))
                }
                DataType::Integer => self.map_each::<Integer, Double>(value, to, |x| Ok(Some(x.into()))),
                DataType::Long => self.map_each::<Long, Double>(value, to, |x| Ok(Some(x as f64))),
                DataType::UnsignedLong => {
                    self.map_each::<Unsigned, Double>(value, to, |x| Ok(Some(x as f64)))
                }
                DataType::Date => self.map_each::<Millis, Double>(value, to, |x| Ok(Some(x as f64))),
                _ => return self.no_conversion(&value, to),
            },
            DataType::Keyword | DataType::Text => match from {
                DataType::Boolean => self.map_each::<Bool, Text>(value, to, |x| Ok(Some(x.to_string()))),
                DataType::Integer => self.map_each::<Integer, Text>(value, to, |x| Ok(Some(x.to_string()))),
                DataType::Long => self.map_each::<Long, Text>(value, to, |x| Ok(Some(x.to_string()))),
                DataType::UnsignedLong => {
                    self.map_each::<Unsigned, Text>(value, to, |x| Ok(Some(x.to_string())))
                }
                DataType::Double => {
                    self.map_each::<Double, Text>(value, to, |x| Ok(Some(number::double_to_text(x))))
                }
                DataType::Date => {
                    self.map_each::<Millis, Text>(value, to, |x| date::millis_to_text(x).map(Some))
                }
                DataType::DateNanos => {
                    self.map_each::<Nanos, Text>(value, to, |x| date::nanos_to_text(x).map(Some))
                }
                DataType::Ip => self.map_each::<Bytes, Text>(value, to, |bytes| Ok(Some(ip::to_text(bytes)))),
                DataType::Version => {
                    self.map_each::<Bytes, Text>(value, to, |bytes| Ok(Some(version::decode(bytes))))
                }
                DataType::GeoPoint => return self.same_values(value, to),
                _ => return self.no_conversion(&value, to),
            },
            DataType::Date => match from {
                DataType::Keyword | DataType::Text => {
                    self.map_each::<Text, Millis>(value, to, |text| date::parse_millis(text).map(Some))
                }
                DataType::Integer => self.map_each::<Integer, Millis>(value, to, |x| Ok(Some(x.into()))),
                DataType::Long => self.map_each::<Long, Millis>(value, to, |x| Ok(Some(x))),
                DataType::UnsignedLong => self
                    .map_each::<Unsigned, Millis>(value, to, |x| number::unsigned_long_to_long(x).map(Some)),
                DataType::Double => {
                    self.map_each::<Double, Millis>(value, to, |x| number::double_to_long(x).map(Some))
                }
                DataType::DateNanos => {
                    self.map_each::<Nanos, Millis>(value, to, |x| Ok(Some(date::nanos_to_millis(x))))
                }
                _ => return self.no_conversion(&value, to),
            },
            DataType::DateNanos => match from {
                DataType::Keyword | DataType::Text => {
                    self.map_each::<Text, Nanos>(value, to, |text| date::parse_nanos(text).map(Some))
                }
                DataType::Date => {
                    self.map_each::<Millis, Nanos>(value, to, |x| date::millis_to_nanos(x).map(Some))
                }
                DataType::Long => {
                    self.map_each::<Long, Nanos>(value, to, |x| date::checked_nanos(x).map(Some))
                }
                DataType::UnsignedLong => self
                    .map_each::<Unsigned, Nanos>(value, to, |x| number::unsigned_long_to_long(x).map(Some)),
                DataType::Double => self.map_each::<Double, Nanos>(value, to, |x| {
                    number::double_to_long(x).and_then(date::checked_nanos).map(Some)
                }),
                _ => return self.no_conversion(&value, to),
            },
            DataType::Ip if from.is_text() => self.map_each::<Text, Bytes>(value, to, |text| {
                ip::parse(text).map(|address| Some(address.to_vec()))
            }),
            DataType::Version if from.is_text() => {
                self.map_each::<Text, Bytes>(value, to, |text| Ok(Some(version::encode(text))))
            }
            DataType::GeoPoint if from.is_text() => self.map_each::<Text, Text>(value, to, |text| {
                geo_point::parse(text).map(|point| Some(point.to_text()))
            }),
            _ => return self.no_conversion(&value, to),
        })
    }

    /// What is of the type already, or null.
    fn same_values(&mut self, value: Operand, to: DataType) -> Result<Operand, Refused> {
        let span = self.span;
        let literal = if to.is_time_span() { value.literal.clone() } else { None };
        if value.data_type == DataType::GeoPoint {
            return Ok(Operand { data_type: to, span, literal, ..value });
        }
        match self.lowering.coerce(value, to) {
            Ok(value) => Ok(Operand { span, literal, ..value }),
            Err(value) => self.no_conversion(&value, to),
        }
    }

    /// A constant text as a constant length of time.
    fn convert_to_time_span(&mut self, value: &Operand, to: DataType) -> Result<Operand, Refused> {
        let Some(text) = value.literal_text() else { return self.no_conversion(value, to) };
        match time_span::parse(text) {
            Ok(length) if time_span::is_period(length) == (to == DataType::DatePeriod) => {
                self.lowering.literal(&Literal::TimeSpan(length), self.span)
            }
            _ => {
                let message = format!("\"{text}\" cannot be read as {}", to.name());
                self.lowering.refuse(query::Diagnostic::error("esql::constant", message).at(value.span))
            }
        }
    }

    fn no_conversion<T>(&mut self, value: &Operand, to: DataType) -> Result<T, Refused> {
        let message = format!("there is no conversion from {} to {}", value.data_type.name(), to.name());
        self.lowering.refuse(query::Diagnostic::error("esql::no-conversion", message).at(self.span))
    }
}
