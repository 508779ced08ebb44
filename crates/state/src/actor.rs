//! Who changes something: each change in the audit trail has one.

/// Who makes a change, as the audit trail names them, for example `token:deploy` or `system:rules-folder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    name: String,
}

impl Actor {
    /// Somebody who showed an API token of this name.
    pub fn token(name: &str) -> Self {
        Self { name: format!("token:{name}") }
    }

    /// A part of the server itself, for example `scheduler`.
    pub fn system(part: &str) -> Self {
        Self { name: format!("system:{part}") }
    }

    /// Somebody at the command line of the server's own machine.
    pub fn command_line() -> Self {
        Self { name: "system:command-line".to_owned() }
    }

    /// The name as the audit trail shows it.
    pub fn name(&self) -> &str {
        &self.name
    }
}
