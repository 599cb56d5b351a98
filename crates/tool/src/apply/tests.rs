//! Plans carried out on real folders by real shells: facts are gathered, a plan is made of them, and the plan is obeyed.

mod deploy;
mod faults;
mod fleet;
mod folder;
mod hosts;
mod killed;
mod lease;
mod releases;
mod waves;
