//! The engine: tap, packets, messages.
