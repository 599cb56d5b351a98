//! Wanted manifest minus what a host has: what to send, what to copy, what is there already.
