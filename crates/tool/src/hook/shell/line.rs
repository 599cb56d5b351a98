//! What is said to bash and what it answers: fields that each end with NUL.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{Function, Variable};

/// `set COUNT (NAME VALUE)…`, without the word `set`.
pub(in crate::hook) fn variables_request(variables: &[(String, String)]) -> Vec<u8> {
    let usable: Vec<_> = variables.iter().filter(|(name, value)| is_variable(name) && !value.contains('\0')).collect();
    let mut request = field(&usable.len().to_string());
    for (name, value) in usable {
        request.extend(field(name));
        request.extend(field(value));
    }
    request
}

pub(in crate::hook) fn field(text: &str) -> Vec<u8> {
    let mut field = text.as_bytes().to_vec();
    field.push(0);
    field
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why a field did not come.
pub(super) enum Broken {
    /// The line broke.
    Line(io::Error),
    /// The time was up.
    Late,
}

/// The blocking line to bash. Bash answers only what it was asked, so nothing is left in the buffer when everything asked was read.
pub(super) struct Line<'a> {
    control: &'a mut UnixStream,
    until: Instant,
    buffer: VecDeque<u8>,
}

impl<'a> Line<'a> {
    /// The line until the time is up.
    pub(super) fn new(control: &'a mut UnixStream, time: Duration) -> Self {
        Self { control, until: Instant::now() + time, buffer: VecDeque::new() }
    }
    pub(super) fn send(&mut self, request: &[u8]) -> Result<(), Broken> {
        self.control.write_all(request).map_err(Broken::Line)
    }
    pub(super) fn field(&mut self) -> Result<String, Broken> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == 0) {
                bytes.extend(self.buffer.drain(..end));
                self.buffer.pop_front();
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            bytes.extend(self.buffer.drain(..));
            self.fill()?;
        }
    }
    fn fill(&mut self) -> Result<(), Broken> {
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or(Broken::Late)?;
        self.control.set_read_timeout(Some(left)).map_err(Broken::Line)?;
        let mut chunk = [0; 16 * 1024];
        match self.control.read(&mut chunk) {
            Ok(0) => Err(Broken::Line(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.buffer.extend(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Err(Broken::Late),
            Err(error) => Err(Broken::Line(error)),
        }
    }
    fn number(&mut self) -> Result<usize, Broken> {
        self.field()?.parse().map_err(|_| Broken::Line(io::ErrorKind::InvalidData.into()))
    }
    pub(super) fn variables(&mut self) -> Result<Vec<Variable>, Broken> {
        let mut variables = Vec::new();
        while self.field()? == "v" {
            let name = self.field()?;
            let count = self.number()?;
            let values = (0..count).map(|_| self.field()).collect::<Result<_, _>>()?;
            variables.push(Variable { name, values });
        }
        Ok(variables)
    }
    pub(super) fn functions(&mut self) -> Result<Vec<Function>, Broken> {
        let mut functions = Vec::new();
        while self.field()? == "f" {
            functions.push(Function { name: self.field()?, line: self.number()?, file: PathBuf::from(self.field()?) });
        }
        Ok(functions)
    }
}
