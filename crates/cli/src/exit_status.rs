//! What the process tells its caller when it ends.

use std::process::ExitCode;

/// The exit status of every command; the numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything that was asked for was done. A reader that closed the pipe early is no failure.
    Done = 0,
    /// Alerts at or above `--fail-on`.
    AlertsFound = 1,
    /// A rule could not run, or nothing could be verified; with `--strict` also a rule of a type that cannot be run
    /// yet, an input that was not read whole, or a file that no signature proves.
    CouldNotRun = 2,
    /// A wrong argument or setting, or surroundings in which the command cannot work (a full disk, a missing file).
    Usage = 3,
}

impl ExitStatus {
    /// A test of a rule failed, or a rule has none although tests are required.
    pub(crate) const TESTS_FAILED: Self = Self::AlertsFound;

    /// A file was changed after CloudTrail delivered it, or is missing.
    pub(crate) const FILES_INVALID: Self = Self::AlertsFound;
    /// A guard refused a step of a response, or its call failed.
    pub(crate) const RESPONSE_NOT_DONE: Self = Self::CouldNotRun;

    /// The graver of two: what could not run outweighs what was found.
    pub(crate) fn or(self, other: Self) -> Self {
        if self as u8 >= other as u8 { self } else { other }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}
