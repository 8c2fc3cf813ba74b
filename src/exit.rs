//! Exit statuses, and when each is used: public interface, for scripts.

use std::process::ExitCode;

/// How a run of sshdoctor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: nothing that was examined stands in the way; warnings, or a question that ssh will ask, included. Also the end
    /// of `explain`, `demo`, `--help` and `--version`.
    Clear,
    /// 1: a cause is named.
    Named,
    /// 2: the command line is not one that can be followed, or a file could not be written.
    Usage,
    /// 3: the evidence does not suffice; the report says what is missing.
    Undetermined,
    /// 130: interrupted; the verdict so far was printed.
    Interrupted,
}

impl Exit {
    /// The status of a run that ended with this cause as its verdict.
    pub(crate) fn of_cause(id: &str) -> Self {
        match id {
            "access-works" | "access-needs-answer" | "nothing-found" => Self::Clear,
            "undetermined" => Self::Undetermined,
            _ => Self::Named,
        }
    }

    /// The status of a run that asked about one key of which something was expected; `None`: it does not tell.
    pub(crate) fn of_expectation(as_expected: Option<bool>) -> Self {
        match as_expected {
            Some(true) => Self::Clear,
            Some(false) => Self::Named,
            None => Self::Undetermined,
        }
    }

    /// The number.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Named => 1,
            Self::Usage => 2,
            Self::Undetermined => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
