//! What carries the bytes of a connection: a TCP socket, a channel through a jump host, or a program's standard input and
//! output.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes in both directions; shutting it down ends our side of it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Stream for T {}

/// The stream of one connection.
pub(crate) type Carrier = Box<dyn Stream>;
