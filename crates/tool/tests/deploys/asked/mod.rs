//! Questions and commands to all hosts of a target.

mod exec;
mod logs;
mod rpc;
mod status;
