//! The expressions of uap-core, each compiled when an agent first asks for it.
//!
//! There are more than a thousand, and compiling them all takes a tenth of a second: longer than many a run. An agent
//! is tried with the few whose required texts it has.

use std::sync::LazyLock;

use ua_parser::{Regexes, device, os, user_agent};

use super::required_text::RequiredText;

/// The vendored expressions; see the folder's README for their origin.
pub(super) const REGEXES: &str = include_str!("../../../data/uap-core/regexes.json");

/// The expressions that tell browsers, operating systems and devices apart.
#[derive(Default)]
pub(super) struct Expressions {
    browsers: Vec<Expression<user_agent::Extractor<'static>>>,
    systems: Vec<Expression<os::Extractor<'static>>>,
    devices: Vec<Expression<device::Extractor<'static>>>,
}

/// What an agent is, as far as it is known.
pub(super) struct Extracted<'a> {
    pub(super) browser: Option<user_agent::ValueRef<'a>>,
    pub(super) system: Option<os::ValueRef<'a>>,
    pub(super) device: Option<device::ValueRef<'a>>,
}

struct Expression<E> {
    /// `None` when it must be tried with every agent.
    required: Option<RequiredText>,
    /// An extractor with this expression alone; `None` inside when it does not compile.
    extractor: LazyLock<Option<E>, Compile<E>>,
}

type Compile<E> = Box<dyn FnOnce() -> Option<E> + Send>;

impl<E> Expression<E> {
    fn new(regex: &str, compile: impl FnOnce() -> Option<E> + Send + 'static) -> Self {
        Self { required: RequiredText::of(regex), extractor: LazyLock::new(Box::new(compile)) }
    }

    fn may_match(&self, lower: &str) -> bool {
        // Required texts say nothing of letters beyond ASCII.
        !lower.is_ascii() || self.required.as_ref().is_none_or(|required| required.may_match(lower))
    }
}

impl Expressions {
    /// Reads the vendored expressions. A test holds that all of them can be read and compiled.
    pub(super) fn new() -> Self {
        let Ok(regexes) = serde_json::from_str::<Regexes<'static>>(REGEXES) else { return Self::default() };
        let browser = |parser: user_agent::Parser<'static>| {
            Expression::new(&parser.regex.clone(), move || {
                user_agent::Builder::new().push(parser).ok()?.build().ok()
            })
        };
        let system = |parser: os::Parser<'static>| {
            Expression::new(&parser.regex.clone(), move || os::Builder::new().push(parser).ok()?.build().ok())
        };
        let device = |parser: device::Parser<'static>| {
            Expression::new(&parser.regex.clone(), move || {
                device::Builder::new().push(parser).ok()?.build().ok()
            })
        };
        Self {
            browsers: regexes.user_agent_parsers.into_iter().map(browser).collect(),
            systems: regexes.os_parsers.into_iter().map(system).collect(),
            devices: regexes.device_parsers.into_iter().map(device).collect(),
        }
    }

    /// What the first expression of each kind that matches says of an agent.
    pub(super) fn extract<'a>(&'a self, agent: &'a str) -> Extracted<'a> {
        let lower = agent.to_ascii_lowercase();
        Extracted {
            browser: first(&self.browsers, &lower, |one| one.extract(agent)),
            system: first(&self.systems, &lower, |one| one.extract(agent)),
            device: first(&self.devices, &lower, |one| one.extract(agent)),
        }
    }
}

fn first<'a, E, V>(
    expressions: &'a [Expression<E>],
    lower: &str,
    extract: impl Fn(&'a E) -> Option<V>,
) -> Option<V> {
    let candidates = expressions.iter().filter(|expression| expression.may_match(lower));
    candidates.filter_map(|expression| expression.extractor.as_ref()).find_map(extract)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ua_parser::Extractor;

    /// All expressions compiled at once, as the library means it.
    static ALL_AT_ONCE: LazyLock<Extractor<'static>> = LazyLock::new(|| {
        let regexes: Regexes<'static> = serde_json::from_str(REGEXES).unwrap();
        Extractor::try_from(regexes).unwrap()
    });

    static ONE_BY_ONE: LazyLock<Expressions> = LazyLock::new(Expressions::new);

    #[test]
    fn every_expression_compiles() {
        assert!(!ONE_BY_ONE.browsers.is_empty() && !ONE_BY_ONE.systems.is_empty());
        assert!(ONE_BY_ONE.browsers.iter().all(|one| one.extractor.is_some()));
        assert!(ONE_BY_ONE.systems.iter().all(|one| one.extractor.is_some()));
        assert!(ONE_BY_ONE.devices.iter().all(|one| one.extractor.is_some()));
    }

    #[test]
    fn few_expressions_are_tried_with_an_agent() {
        let lower = "aws-cli/2.15.0 python/3.11.6 linux/6.1.0-1 exe/x86_64 command/kms.disable-key";
        let devices = &ONE_BY_ONE.devices;
        let tried = devices.iter().filter(|expression| expression.may_match(lower)).count();
        assert!(tried < devices.len() / 10, "{tried} of {}", devices.len());
    }

    /// A text that the expression may well match: its literals, with something for what else it asks for.
    fn likely_match(expression: &str) -> String {
        let mut text = expression.replace("\\d", "1").replace("\\w", "x").replace("\\s", " ");
        text = text.replace("[^;/]", "y").replace(".*", " ");
        text.chars().filter(|c| !"()?:|*+\\^$[]{}".contains(*c)).collect()
    }

    fn agent() -> impl Strategy<Value = String> {
        let regexes: serde_json::Value = serde_json::from_str(REGEXES).unwrap();
        let lists = regexes.as_object().unwrap().values().flat_map(|list| list.as_array().unwrap());
        let texts: Vec<String> = lists.map(|one| likely_match(one["regex"].as_str().unwrap())).collect();
        let part = prop_oneof![
            4 => prop::sample::select(texts),
            1 => "[A-Z][a-z]{2,8}/[0-9]{1,3}\\.[0-9]{1,3}",
            1 => Just("\u{212a}indle \u{17f}afari".to_owned()),
        ];
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn one_by_one_says_what_all_at_once_says(agent in agent()) {
            let found = ONE_BY_ONE.extract(&agent);
            let (browser, system, device) = ALL_AT_ONCE.extract(&agent);
            prop_assert_eq!(found.browser, browser);
            prop_assert_eq!(found.system, system);
            prop_assert_eq!(found.device, device);
        }
    }
}
