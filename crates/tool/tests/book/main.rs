//! The pages of the book that show a session: each command is run in a project of its own, and what it prints is what the page shows.
//!
//! In a page a session is a block ```console; a line after `$ ` is a command, what follows is its output. A line `<!-- $ COMMAND -->` outside
//! of blocks is a command that readers don't see. What stands behind a prompt of IEx is typed into the console that the command begins. Times, sizes, versions of the toolchain, ids and counts of files differ from machine to
//! machine and are compared as such. `EDELIVER_BLESS=1 cargo test -p edeliver --test book` writes what was really printed into the pages.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod console;
#[path = "../ecto/sample.rs"]
mod ecto;
mod links;
mod page;
#[path = "../program/mod.rs"]
mod program;
mod session;
#[path = "../migrations/stand_in.rs"]
mod stand_in;
#[path = "../program/terminal.rs"]
mod terminal;

use edeliver_lab::samples;
use page::check;
use session::Session;

#[test]
fn the_first_hour_of_an_elixir_project_is_as_the_book_shows_it() {
    check("quick-start.md", &Session::new(samples::elixir, "hotapp-book"));
}

#[test]
fn the_first_hour_of_an_erlang_project_is_as_the_book_shows_it() {
    check("quick-start-erlang.md", &Session::new(samples::erlang, "relapp-book"));
}

#[test]
fn hot_upgrades_are_as_the_book_shows_them() {
    check("hot-upgrades.md", &Session::fleet("hot"));
}

#[test]
fn nodes_are_asked_as_the_book_shows_it() {
    let session = Session::fleet("asked");
    check("nodes.md", &session);
    check("states.md", &session);
    check("reports.md", &session);
}

#[test]
fn a_fleet_is_as_the_book_shows_it() {
    check("fleets.md", &Session::with_a_pause("fleet"));
}

#[test]
fn a_project_of_edeliver_1_is_deployed_as_the_book_shows_it() {
    check("from-edeliver-1.md", &Session::classic("hotapp-classic"));
}

#[test]
fn releases_are_kept_elsewhere_as_the_book_shows_it() {
    check("stores.md", &Session::shelf("shelf"));
}

#[test]
fn databases_are_migrated_as_the_book_shows_it() {
    check("migrations.md", &Session::repositories());
}
