//! Packages that stand for Ecto.

use std::{fs, path::Path};

/// What the libraries of Ecto are called besides `ecto_sql`, in which all of the stand-in is.
const OTHERS: [&str; 5] = ["ecto", "postgrex", "db_connection", "decimal", "telemetry"];
const MIX: &str = include_str!("ecto_sql/mix.exs");

/// Writes them into a folder of libraries.
pub(crate) fn write(libraries: &Path) {
    write_file(&libraries.join("ecto_sql/mix.exs"), MIX);
    write_file(&libraries.join("ecto_sql/lib/ecto.ex"), include_str!("ecto_sql/lib/ecto.ex"));
    for name in OTHERS {
        package(libraries, name, "");
    }
}

/// Writes a package without code; `more` goes into its project.
pub(crate) fn package(dir: &Path, name: &str, more: &str) {
    let mix = MIX.replace("ecto_sql", name).replace("EctoSQL", &format!("Package.{}", name.to_uppercase()));
    write_file(&dir.join(name).join("mix.exs"), &mix.replace("elixir: \"~> 1.14\"", &format!("elixir: \"~> 1.14\"{more}")));
}

/// Writes a file with its folders.
pub(crate) fn write_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
