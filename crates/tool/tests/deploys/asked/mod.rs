//! Questions and commands to all hosts of a target.

mod console;
mod exec;
mod logs;
mod memory;
mod rpc;
mod status;
mod told;
