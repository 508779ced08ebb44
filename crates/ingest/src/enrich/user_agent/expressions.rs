//! The expressions of uap-core, each compiled when an agent first asks for it.
//!
//! There are more than a thousand, and compiling them all takes a tenth of a second: longer than many a run. An agent
//! is tried with the few whose required texts it has.

use std::sync::LazyLock;

use ua_parser::{Regexes, device, os, user_agent};

use super::required_text::RequiredTexts;

/// The vendored expressions; see the folder's README for their origin.
pub(super) const REGEXES: &str = include_str!("../../../data/uap-core/regexes.json");

/// The expressions that tell browsers, operating systems and devices apart.
pub(super) struct Expressions {
    browsers: ExpressionList<user_agent::Extractor<'static>>,
    systems: ExpressionList<os::Extractor<'static>>,
    devices: ExpressionList<device::Extractor<'static>>,
}

/// What an agent is, as far as it is known.
pub(super) struct Extracted<'a> {
    pub(super) browser: Option<user_agent::ValueRef<'a>>,
    pub(super) system: Option<os::ValueRef<'a>>,
    pub(super) device: Option<device::ValueRef<'a>>,
}

/// Expressions of one kind. The first that matches counts.
struct ExpressionList<E> {
    required: RequiredTexts,
    /// Of each expression an extractor with it alone; `None` inside when it does not compile.
    extractors: Vec<LazyLock<Option<E>, Compile<E>>>,
}

type Compile<E> = Box<dyn FnOnce() -> Option<E> + Send>;

impl<E: 'static> ExpressionList<E> {
    fn new<P: Send + 'static>(
        parsers: Vec<P>,
        regex: impl Fn(&P) -> &str,
        compile: fn(P) -> Option<E>,
    ) -> Self {
        let required = RequiredTexts::of(parsers.iter().map(regex));
        let lazily = |parser| LazyLock::new(Box::new(move || compile(parser)) as Compile<E>);
        Self { required, extractors: parsers.into_iter().map(lazily).collect() }
    }

    fn first<'a, V>(&'a self, agent: &str, extract: impl Fn(&'a E) -> Option<V>) -> Option<V> {
        let candidates = self.required.may_match(agent).into_iter();
        candidates.filter_map(|number| self.extractors.get(number)?.as_ref()).find_map(extract)
    }
}

impl Expressions {
    /// Reads the vendored expressions. A test holds that all of them can be read and compiled.
    pub(super) fn new() -> Self {
        let none = || Regexes { user_agent_parsers: vec![], os_parsers: vec![], device_parsers: vec![] };
        let regexes: Regexes<'static> = serde_json::from_str(REGEXES).unwrap_or_else(|_| none());
        Self {
            browsers: ExpressionList::new(
                regexes.user_agent_parsers,
                |parser| &parser.regex,
                |parser| user_agent::Builder::new().push(parser).ok()?.build().ok(),
            ),
            systems: ExpressionList::new(
                regexes.os_parsers,
                |parser| &parser.regex,
                |parser| os::Builder::new().push(parser).ok()?.build().ok(),
            ),
            devices: ExpressionList::new(
                regexes.device_parsers,
                |parser| &parser.regex,
                |parser| device::Builder::new().push(parser).ok()?.build().ok(),
            ),
        }
    }

    /// What the first expression of each kind that matches says of an agent.
    pub(super) fn extract<'a>(&'a self, agent: &'a str) -> Extracted<'a> {
        Extracted {
            browser: self.browsers.first(agent, |one| one.extract(agent)),
            system: self.systems.first(agent, |one| one.extract(agent)),
            device: self.devices.first(agent, |one| one.extract(agent)),
        }
    }
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
        let Expressions { browsers, systems, devices } = &*ONE_BY_ONE;
        assert!(browsers.extractors.len() > 100 && browsers.extractors.iter().all(|one| one.is_some()));
        assert!(systems.extractors.len() > 100 && systems.extractors.iter().all(|one| one.is_some()));
        assert!(devices.extractors.len() > 100 && devices.extractors.iter().all(|one| one.is_some()));
    }

    #[test]
    fn few_expressions_are_tried_with_an_agent() {
        let agent = "aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0-1 exe/x86_64 command/kms.disable-key";
        let devices = &ONE_BY_ONE.devices;
        let tried = devices.required.may_match(agent).len();
        assert!(tried < devices.extractors.len() / 10, "{tried} of {}", devices.extractors.len());
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
