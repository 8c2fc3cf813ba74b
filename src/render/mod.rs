//! How a report looks: bytes; nothing is decided here.
