//! Comparisons, LIKE, RLIKE, IN and arithmetic.

use datafusion::logical_expr::{Expr, Operator, binary_expr};
use matcher::{Fold, Glob};
use query::esql::ast::{ArithmeticOp, CompareOp, LikeOp, Literal};
use query::{Diagnostic, Span, Spanned};

use super::Call;
use super::kind::{Bool, Double, Integer, Long, Text, Unsigned};
use crate::DataType;
use crate::lower::{Lowering, Refused, balanced};
use crate::operand::Operand;
use crate::value::arithmetic;

/// Does a text fit one pattern?
type TextTest = Box<dyn Fn(&str) -> bool + Send + Sync>;

impl Lowering<'_> {
    /// `left == right` and the like: null when a side is null or has several values.
    pub(crate) fn compare(
        &mut self,
        op: CompareOp,
        left: Operand,
        right: Operand,
        span: Span,
    ) -> Result<Operand, Refused> {
        let (sides, data_type, _) = self.unify(vec![left, right], op.symbol())?;
        let ordered = matches!(op, CompareOp::Lt | CompareOp::Lte | CompareOp::Gt | CompareOp::Gte);
        if ordered && data_type == DataType::Boolean
            || data_type.is_time_span()
            || data_type == DataType::GeoPoint && ordered
        {
            let message = format!("{} values cannot be compared by {}", data_type.name(), op.symbol());
            return self.refuse(Diagnostic::error("esql::not-comparable", message).at(span));
        }
        let operator = match op {
            CompareOp::Eq => Operator::Eq,
            CompareOp::Ne => Operator::NotEq,
            CompareOp::Lt => Operator::Lt,
            CompareOp::Lte => Operator::LtEq,
            CompareOp::Gt => Operator::Gt,
            CompareOp::Gte => Operator::GtEq,
        };
        let mut sides = sides.into_iter().map(|side| self.single(side).expr).collect::<Vec<_>>().into_iter();
        let (Some(left), Some(right)) = (sides.next(), sides.next()) else { return Err(Refused) };
        Ok(Operand::single(binary_expr(left, operator, right), DataType::Boolean, span))
    }

    /// `value IN (…)`: true when one equals it, null when none does and something is null.
    pub(crate) fn is_in(
        &mut self,
        value: Operand,
        list: Vec<Operand>,
        negated: bool,
        span: Span,
    ) -> Result<Operand, Refused> {
        let mut all = vec![value];
        all.extend(list);
        let (all, _, _) = self.unify(all, "IN")?;
        let mut all =
            all.into_iter().map(|operand| self.single(operand).expr).collect::<Vec<_>>().into_iter();
        let Some(value) = all.next() else { return Err(Refused) };
        let equal = all.map(|item| binary_expr(value.clone(), Operator::Eq, item)).collect();
        let found = balanced(Operator::Or, equal);
        Ok(Operand::single(if negated { Expr::Not(Box::new(found)) } else { found }, DataType::Boolean, span))
    }

    /// `value LIKE "a*"` and `value RLIKE "a.*"`: of the whole value; case counts. `LIKE "*"` asks for a value only.
    pub(crate) fn like(
        &mut self,
        op: LikeOp,
        value: Operand,
        patterns: &[Spanned<String>],
        negated: bool,
        span: Span,
    ) -> Result<Operand, Refused> {
        let name = match op {
            LikeOp::Like => "LIKE",
            LikeOp::Rlike => "RLIKE",
        };
        let value = match self.coerce(value, DataType::Keyword) {
            Ok(value) => value,
            Err(value) => {
                let message = format!("{name} compares text, and this is {}", value.data_type.name());
                return self.refuse(
                    Diagnostic::error("esql::not-text", message)
                        .at(value.span)
                        .help("convert it with ::keyword"),
                );
            }
        };
        if op == LikeOp::Like && patterns.iter().any(|pattern| is_anything(&pattern.value)) {
            let expr = if negated { value.expr.is_null() } else { value.expr.is_not_null() };
            return Ok(Operand::single(expr, DataType::Boolean, span));
        }
        let mut tests: Vec<TextTest> = Vec::new();
        for pattern in patterns {
            tests.push(match op {
                LikeOp::Like => {
                    let glob = like_glob(&pattern.value);
                    Box::new(move |text| glob.matches(text))
                }
                LikeOp::Rlike => match matcher::lucene_regex::compile(&pattern.value, false) {
                    Ok(regex) => Box::new(move |text| regex.is_match(text)),
                    Err(error) => {
                        let message = format!("this is no regular expression: {error}");
                        return self.refuse(Diagnostic::error("esql::regex", message).at(pattern.span));
                    }
                },
            });
        }
        let value = self.single(value);
        let mut call = Call { lowering: self, name: "like", args: Vec::new(), options: None, span };
        let found = call.map1::<Text, Bool>(value.expr, DataType::Boolean, move |text| {
            Ok(Some(tests.iter().any(|test| test(text))))
        });
        Ok(if negated { Operand { expr: Expr::Not(Box::new(found.expr)), ..found } } else { found })
    }

    /// `left + right` and the like; null, with a warning, when the result does not fit its type, or of a division by
    /// zero. Whole numbers divide to whole numbers, towards zero.
    pub(crate) fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: Operand,
        right: Operand,
        span: Span,
    ) -> Result<Operand, Refused> {
        let is_temporal = |operand: &Operand| operand.data_type.is_date() || operand.data_type.is_time_span();
        if is_temporal(&left) || is_temporal(&right) {
            return self.date_arithmetic(op, left, right, span);
        }
        for side in [&left, &right] {
            if !(side.data_type.is_number() || side.is_null()) {
                let message = format!("{op} works on numbers, and this is {}", side.data_type.name());
                return self.refuse(Diagnostic::error("esql::not-a-number", message).at(side.span));
            }
        }
        // Whole numbers without a sign stay whole among themselves and meet others in `unsigned_long`.
        let (sides, data_type, _) = self.unify(vec![left, right], op.symbol())?;
        if data_type == DataType::Null {
            return Ok(Operand::null(DataType::Null, span));
        }
        let mut sides = sides.into_iter().map(|side| self.single(side).expr).collect::<Vec<_>>().into_iter();
        let (Some(left), Some(right)) = (sides.next(), sides.next()) else { return Err(Refused) };
        let args = [left, right];
        let mut call = Call { lowering: self, name: name_of(op), args: Vec::new(), options: None, span };
        Ok(match data_type {
            DataType::Integer => call.map2::<Integer, Integer, Integer>(args, data_type, move |a, b| {
                arithmetic::integers(op, a, b).map(Some)
            }),
            DataType::Long => call
                .map2::<Long, Long, Long>(args, data_type, move |a, b| arithmetic::longs(op, a, b).map(Some)),
            DataType::UnsignedLong => {
                call.map2::<Unsigned, Unsigned, Unsigned>(args, data_type, move |a, b| {
                    arithmetic::unsigned_longs(op, a, b).map(Some)
                })
            }
            _ => call.map2::<Double, Double, Double>(args, data_type, move |a, b| {
                arithmetic::doubles(op, a, b).map(Some)
            }),
        })
    }

    /// `-value`
    pub(crate) fn negate(&mut self, value: Operand, span: Span) -> Result<Operand, Refused> {
        if let Some(Literal::TimeSpan(length)) = &value.literal {
            let length = query::esql::ast::TimeSpan { count: length.count.saturating_neg(), ..*length };
            return Ok(Operand { literal: Some(Literal::TimeSpan(length)), span, ..value });
        }
        let zero = self.literal(&Literal::Integer(0), span)?;
        self.arithmetic(ArithmeticOp::Subtract, zero, value, span)
    }
}

fn name_of(op: ArithmeticOp) -> &'static str {
    match op {
        ArithmeticOp::Add => "add",
        ArithmeticOp::Subtract => "subtract",
        ArithmeticOp::Multiply => "multiply",
        ArithmeticOp::Divide => "divide",
        ArithmeticOp::Modulo => "modulo",
    }
}

/// True for `*`, `**` and so on.
fn is_anything(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*')
}

/// `*` is any text, `?` one character, `\` takes the next character as it is.
fn like_glob(pattern: &str) -> Glob {
    use matcher::glob::Piece;
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let piece = match character {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => {
                text.push(characters.next().unwrap_or('\\'));
                continue;
            }
            other => {
                text.push(other);
                continue;
            }
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(piece);
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Glob::new(pieces, Fold::None)
}
