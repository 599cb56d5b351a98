//! A sample project of the demo, and edeliver used in it.

use std::{error::Error, process::ExitStatus};

use edeliver_lab::samples::{self, Sample};

use super::stage::Stage;

/// A sample application in git with versions 0.1.0 and 0.2.0, and its edeliver.toml.
pub(super) struct Project<'a> {
    stage: &'a Stage,
    sample: Sample,
    title: &'static str,
}

impl<'a> Project<'a> {
    /// The Elixir application, built by `mix release`.
    pub(super) fn elixir(stage: &'a Stage) -> Result<Self, Box<dyn Error>> {
        Self::make(stage, "an Elixir application (mix release)", "elixir", samples::elixir)
    }
    /// The Erlang application, built by rebar3.
    pub(super) fn erlang(stage: &'a Stage) -> Result<Self, Box<dyn Error>> {
        Self::make(stage, "an Erlang application (rebar3)", "erlang", samples::erlang)
    }
    fn make(
        stage: &'a Stage,
        title: &'static str,
        folder: &str,
        sample: fn(&std::path::Path, &str) -> Result<Sample, samples::SampleError>,
    ) -> Result<Self, Box<dyn Error>> {
        let dir = stage.project_folder(folder);
        let failed = |error: samples::SampleError| format!("no sample project: {error}");
        sample(&dir, "0.1.0").map_err(failed)?;
        let sample = sample(&dir, "0.2.0").map_err(failed)?;
        // Watched for as long as it takes to look, not for as long as one should.
        let toml = format!("app = \"{}\"\n\n[upgrade]\nsoak = \"2s\"\n\n{}", sample.app, stage.hosts_toml(sample.app));
        sample.write("edeliver.toml", &toml).map_err(failed)?;
        sample.commit("how it is deployed").map_err(failed)?;
        Ok(Self { stage, sample, title })
    }
    /// For headings.
    pub(super) fn title(&self) -> &str {
        self.title
    }
    /// Commits and tags a version whose counter can't take over the state of the one before.
    pub(super) fn broken(&self, version: &str) -> Result<(), Box<dyn Error>> {
        let (file, from, to) = match self.sample.app {
            "hotapp" => (
                "lib/hotapp/counter.ex",
                "def code_change(_vsn, state, _extra), do: {:ok, state}",
                "def code_change(_vsn, state, _extra), do: raise \"can't read #{inspect(state)}\"",
            ),
            _ => (
                "src/relapp_counter.erl",
                "code_change(_Vsn, State, _Extra) ->\n    {ok, State}.",
                "code_change(_Vsn, State, _Extra) ->\n    error({cannot_read, State}).",
            ),
        };
        let make = || {
            self.sample.set_version(version)?;
            self.sample.edit(file, from, to)?;
            self.sample.commit("a code_change that fails")?;
            self.sample.git(&["tag", "--force", &format!("v{version}")])
        };
        make().map(|_| ()).map_err(|error: samples::SampleError| format!("no broken version: {error}").into())
    }
    /// Calls the application's counter so many times on the nodes of a target; the last answer is shown.
    pub(super) fn count(&self, target: &str, times: usize) -> Result<(), Box<dyn Error>> {
        let call = if self.sample.app == "hotapp" { "Hotapp.count()" } else { "relapp:count()" };
        (0..times).try_for_each(|_| self.edeliver(&format!("rpc {call} {target}")))
    }
    /// Types a command, shows it and what it says.
    pub(super) fn edeliver(&self, words: &str) -> Result<(), Box<dyn Error>> {
        match self.typed(words)?.success() {
            true => Ok(()),
            false => Err(format!("`edeliver {words}` failed").into()),
        }
    }
    /// The same for a command that is to fail.
    pub(super) fn edeliver_fails(&self, words: &str) -> Result<(), Box<dyn Error>> {
        match self.typed(words)?.success() {
            false => Ok(()),
            true => Err(format!("`edeliver {words}` was to fail, and did not").into()),
        }
    }
    fn typed(&self, words: &str) -> Result<ExitStatus, Box<dyn Error>> {
        println!("$ edeliver {words}");
        let status = self.command(words).status().map_err(|e| format!("edeliver can't be started: {e}"))?;
        println!();
        Ok(status)
    }
    fn command(&self, words: &str) -> std::process::Command {
        let mut command = self.stage.edeliver();
        command.args(words.split(' ')).current_dir(&self.sample.dir);
        command
    }
}

impl Drop for Project<'_> {
    /// Nodes on lab hosts go with the lab; those in folders of this machine have to be stopped.
    fn drop(&mut self) {
        if self.stage.is_local() {
            for target in ["staging", "production"] {
                let _ = self.command(&format!("stop {target} --yes")).output();
            }
        }
    }
}
