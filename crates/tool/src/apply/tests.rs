//! Plans carried out on real folders by real shells: facts are gathered, a plan is made of them, and the plan is obeyed.

mod both;
mod content;
mod deploy;
mod disks;
mod faults;
mod fleet;
mod folder;
mod hosts;
mod killed;
mod lease;
mod locks;
mod releases;
mod waves;
