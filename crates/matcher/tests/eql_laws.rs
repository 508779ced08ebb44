//! What must hold of every EQL condition and every document.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bartizan_matcher as matcher;
use ecs::{Catalog, Document, FieldTable, Known, Timestamp};
use matcher::{FilterId, Matcher, Predicate, Resolver, Schema};
use proptest::prelude::*;
use query::eql::ast::{
    ArithmeticOp, Category, CompareOp, EventFilter, Expr, FieldRef, Function, Literal, MatchOp,
};
use query::{Span, Spanned};

const FIELDS: &str = "
-  keyword  kw*
-  text     text
-  ip       addr
-  date     at
-  long     num*
-  double   real
-  boolean  flag
-  version  ver
-  flattened flat
";
const NAMES: [&str; 11] =
    ["kw", "text", "addr", "at", "num", "real", "flag", "ver", "flat", "other", "other.part"];
const TEXTS: [&str; 10] =
    ["", "a", "AB", "é😀", "a*", "10.0.0.0/8", "10.0.0.1", "1970-01-01", "0x1F", "1.2.0-rc.1"];
const FUNCTIONS: [(Function, usize, usize); 16] = [
    (Function::Add, 2, 2),
    (Function::Between, 3, 4),
    (Function::CidrMatch, 2, 3),
    (Function::Concat, 1, 3),
    (Function::Divide, 2, 2),
    (Function::EndsWith, 2, 2),
    (Function::IndexOf, 2, 3),
    (Function::Length, 1, 1),
    (Function::Modulo, 2, 2),
    (Function::Multiply, 2, 2),
    (Function::Number, 1, 2),
    (Function::StartsWith, 2, 2),
    (Function::String, 1, 1),
    (Function::StringContains, 2, 2),
    (Function::Substring, 2, 3),
    (Function::Subtract, 2, 2),
];

fn at<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::new(0, 1))
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        (-3..6i64).prop_map(Literal::Int),
        any::<i64>().prop_map(Literal::Int),
        any::<f64>().prop_filter("literals are finite", |f| f.is_finite()).prop_map(Literal::Float),
        proptest::sample::select(&TEXTS[..]).prop_map(|text| Literal::Text(text.to_owned())),
        ".{0,4}".prop_map(Literal::Text),
    ]
}

fn compare_op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::{Eq, Gt, Gte, Lt, Lte, Ne};
    proptest::sample::select(vec![Eq, Ne, Lt, Lte, Gt, Gte])
}

/// Trees of any shape, also such as no author would write: types need not fit.
fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (0..NAMES.len(), any::<bool>())
            .prop_map(|(name, optional)| Expr::Field(FieldRef { name: NAMES[name].into(), optional })),
        literal().prop_map(Expr::Literal),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let one = inner.clone().prop_map(|e| Box::new(at(e)));
        let many = proptest::collection::vec(inner.clone().prop_map(at), 2..4);
        let function =
            proptest::sample::select(&FUNCTIONS[..]).prop_flat_map(move |(function, least, most)| {
                let args = proptest::collection::vec(inner.clone().prop_map(at), least..=most);
                (args, any::<bool>()).prop_map(move |(args, fold)| Expr::Call {
                    function: at(function),
                    fold,
                    args,
                })
            });
        let match_op = {
            use MatchOp::{Colon, Like, LikeFold, Regex, RegexFold};
            proptest::sample::select(vec![Colon, Like, LikeFold, Regex, RegexFold])
        };
        let arithmetic = {
            use ArithmeticOp::{Add, Divide, Modulo, Multiply, Subtract};
            proptest::sample::select(vec![Add, Subtract, Multiply, Divide, Modulo])
        };
        prop_oneof![
            many.clone().prop_map(Expr::And),
            many.clone().prop_map(Expr::Or),
            one.clone().prop_map(Expr::Not),
            one.clone().prop_map(Expr::Negate),
            (compare_op(), one.clone(), one.clone()).prop_map(|(op, left, right)| Expr::Compare {
                op,
                left,
                right
            }),
            (match_op, one.clone(), proptest::collection::vec(literal().prop_map(at), 1..3))
                .prop_map(|(op, value, patterns)| Expr::Match { op, value, patterns }),
            (one.clone(), many, any::<bool>(), any::<bool>())
                .prop_map(|(value, list, fold, negated)| Expr::In { value, list, fold, negated }),
            (arithmetic, one.clone(), one).prop_map(|(op, left, right)| Expr::Arithmetic { op, left, right }),
            function,
        ]
    })
}

fn document() -> impl Strategy<Value = Document> {
    let value = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-3..6i64).prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-2.0..2.0).prop_map(|f: f64| f.into()),
        proptest::sample::select(&TEXTS[..]).prop_map(Into::into),
        ".{0,4}".prop_map(Into::into),
    ];
    let values = proptest::collection::vec(value, 0..3).prop_map(serde_json::Value::from);
    proptest::collection::vec((0..NAMES.len() - 1, values), 0..6).prop_map(|fields| {
        let mut document = Document::new();
        fields.into_iter().for_each(|(name, values)| document.set(NAMES[name], values));
        document
    })
}

fn resolve(expr: Expr, schema: Schema, table: &mut FieldTable) -> Predicate {
    let catalog = Catalog::parse([FIELDS]).unwrap();
    let filter = EventFilter { category: at(Category::Any), condition: at(expr) };
    Resolver::new(&catalog, table, Timestamp::UNIX_EPOCH)
        .eql_filter(&filter, "event.category", schema)
        .predicate
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(at(expr)))
}

fn schema() -> impl Strategy<Value = Schema> {
    prop_oneof![Just(Schema::Open), Just(Schema::Closed)]
}

/// Does the predicate negate, or consist of, no more than one computed leaf or constant?
fn is_group_of_index_leaves(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Leaf(_) => true,
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().all(is_group_of_index_leaves),
        Predicate::Not(part) => is_group_of_index_leaves(part),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn a_full_view_always_knows_and_a_negation_never_holds_beside_it(
        expr in expr(), document in document(), schema in schema()
    ) {
        let mut table = FieldTable::new();
        let (itself, negated) =
            (resolve(expr.clone(), schema, &mut table), resolve(not(expr.clone()), schema, &mut table));
        let view = document.view(&table);
        let (yes, no) = (itself.eval(&view), negated.eval(&view));
        prop_assert!(yes != Known::Unknown && no != Known::Unknown);
        // What is computed may hold with one value and its negation with another.
        if is_group_of_index_leaves(&itself) {
            prop_assert_ne!(yes, no, "{:?} {:?}", expr, document);
        }
        // A double negation is none.
        let twice = resolve(not(not(expr.clone())), schema, &mut table);
        prop_assert_eq!(twice.eval(&document.view(&table)), yes, "{:?} {:?}", expr, document);
        matcher::explain(&itself, &document.view(&table), &table);
    }

    #[test]
    fn groups_are_two_valued(a in expr(), b in expr(), document in document()) {
        let mut table = FieldTable::new();
        // Beside a plain field that is no constant; the group is true or false, never null.
        let beside = |e: Expr| {
            let plain = Expr::Compare {
                op: CompareOp::Eq,
                left: Box::new(at(Expr::Field(FieldRef { name: "kw".into(), optional: false }))),
                right: Box::new(at(Expr::Literal(Literal::Text("a".into())))),
            };
            vec![at(e), at(plain)]
        };
        let mut passes = |expr: Expr| {
            let predicate = resolve(expr, Schema::Open, &mut table);
            predicate.eval(&document.view(&table)) == Known::Yes
        };
        let or = Expr::Or(beside(a.clone()));
        prop_assert_ne!(passes(or.clone()), passes(not(or.clone())));
        prop_assert_eq!(passes(or), passes(a.clone()) || passes(beside(b.clone()).remove(1).value));
        // In a conjunction a constant null is all that is left, of which the negation is null too.
        let and = Expr::And(vec![at(a.clone()), at(b.clone())]);
        prop_assert_eq!(passes(and.clone()), passes(a) && passes(b));
        prop_assert!(!(passes(and.clone()) && passes(not(and))));
    }

    #[test]
    fn a_shared_look_finds_what_each_condition_finds_alone(
        exprs in proptest::collection::vec(expr(), 1..6),
        documents in proptest::collection::vec(document(), 1..4),
    ) {
        let mut table = FieldTable::new();
        let filters: Vec<Predicate> =
            exprs.into_iter().map(|expr| resolve(expr, Schema::Open, &mut table)).collect();
        let stream = Matcher::new(filters.clone()).for_stream(&table, |_| true, |_| true);
        let mut memo = stream.memo();
        for document in documents {
            let view = document.view(&table);
            let together: Vec<usize> = {
                let verdict = stream.look(&view, &mut memo);
                stream.settle(verdict, &view).into_iter().map(FilterId::index).collect()
            };
            let alone: Vec<usize> =
                (0..filters.len()).filter(|i| filters[*i].eval(&view) == Known::Yes).collect();
            prop_assert_eq!(together, alone);
        }
    }
}
