//! Rows of which ssh's transcript alone leads to another verdict than the login itself, and why that is as good as it gets.

/// The row, and why.
pub(crate) const EXCEPTIONS: &[(&str, &str)] = &[];
