//! Erlang as data and as protocol.
