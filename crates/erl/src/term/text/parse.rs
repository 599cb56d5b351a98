//! Tokens to terms: what `erl_parse:normalise/1` makes of an expression that needs no evaluation.

use super::binary;
use super::error::{ParseError, ParseErrorKind, Position};
use super::lex::{Kind, Lexer, Token};
use crate::term::{Atom, Export, Float, Integer, MAX_DEPTH, Term};
use std::collections::BTreeMap;

/// All terms of a file, each with its full stop.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, ParseError> {
    let mut parser = Parser::new(text)?;
    let mut terms = Vec::new();
    while parser.token.kind != Kind::End {
        terms.push(parser.term()?);
        parser.expect(&Kind::Dot, "`.` after the term")?;
    }
    Ok(terms)
}

/// One term, with or without a full stop.
pub(super) fn term(text: &str) -> Result<Term, ParseError> {
    let mut parser = Parser::new(text)?;
    let term = parser.term()?;
    parser.take(&Kind::Dot)?;
    parser.expect(&Kind::End, "the end of the text")?;
    Ok(term)
}

/// One token ahead of the reader.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, ParseError> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self { lexer, token, depth: 0 })
    }

    pub(super) fn at(&self) -> Position {
        self.token.at
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.token.kind
    }

    /// The token at hand; the next one takes its place.
    pub(super) fn advance(&mut self) -> Result<Kind, ParseError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next).kind)
    }

    fn take(&mut self, wanted: &Kind) -> Result<bool, ParseError> {
        let found = self.token.kind == *wanted;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn take_punct(&mut self, sign: &'static str) -> Result<bool, ParseError> {
        self.take(&Kind::Punct(sign))
    }

    fn expect(&mut self, wanted: &Kind, expected: &'static str) -> Result<(), ParseError> {
        if self.take(wanted)? { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(super) fn expect_punct(&mut self, sign: &'static str, expected: &'static str) -> Result<(), ParseError> {
        self.expect(&Kind::Punct(sign), expected)
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
        ParseErrorKind::Unexpected { expected, found: self.token.kind.describe() }.at(self.at())
    }

    /// A term, one level deeper.
    pub(super) fn term(&mut self) -> Result<Term, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseErrorKind::TooDeep.at(self.at()));
        }
        self.depth += 1;
        let term = self.simple_or_compound();
        self.depth -= 1;
        term
    }

    fn simple_or_compound(&mut self) -> Result<Term, ParseError> {
        match self.kind() {
            Kind::Punct("{") => self.tuple(),
            Kind::Punct("[") => self.list(),
            Kind::Punct("#") => self.map(),
            Kind::Punct("<<") => binary::parse(self),
            Kind::Punct("(") => self.parenthesised(),
            Kind::Punct("-") => self.signed(true),
            Kind::Punct("+") => self.signed(false),
            Kind::Str(_) => self.string().map(|text| Term::string(&text)),
            Kind::Reserved("fun") => self.export(),
            _ => self.simple(),
        }
    }

    fn simple(&mut self) -> Result<Term, ParseError> {
        let term = match self.kind() {
            Kind::Atom(name) => Term::Atom(name.clone()),
            Kind::Integer(value) => Term::Integer(value.clone()),
            Kind::Float(value) => Term::Float(*value),
            Kind::Char(c) => Term::from(i64::from(u32::from(*c))),
            Kind::Bin(text) => Term::binary(text.as_bytes()),
            _ => return Err(self.unexpected("a term")),
        };
        self.advance()?;
        Ok(term)
    }

    fn signed(&mut self, negative: bool) -> Result<Term, ParseError> {
        self.advance()?;
        let value = match self.kind() {
            Kind::Integer(_) | Kind::Float(_) | Kind::Char(_) => self.simple()?,
            _ => return Err(self.unexpected("a number after the sign")),
        };
        Ok(match value {
            Term::Integer(value) if negative => Term::Integer(Integer::from_magnitude(true, &value.magnitude())),
            Term::Float(value) if negative => Term::Float(Float::new(-value.get()).expect("finite before, finite after")),
            value => value,
        })
    }

    /// Strings beside each other are one.
    pub(super) fn string(&mut self) -> Result<String, ParseError> {
        let mut text = String::new();
        while let Kind::Str(part) = self.kind() {
            text.push_str(part);
            self.advance()?;
        }
        Ok(text)
    }

    fn parenthesised(&mut self) -> Result<Term, ParseError> {
        self.advance()?;
        let term = self.term()?;
        self.expect_punct(")", "`)`")?;
        Ok(term)
    }

    fn tuple(&mut self) -> Result<Term, ParseError> {
        self.advance()?;
        if self.take_punct("}")? {
            return Ok(Term::Tuple(Vec::new()));
        }
        let elements = self.comma_separated(Self::term)?;
        self.expect_punct("}", "`,` or `}`")?;
        Ok(Term::Tuple(elements))
    }

    fn list(&mut self) -> Result<Term, ParseError> {
        self.advance()?;
        if self.take_punct("]")? {
            return Ok(Term::List(Vec::new()));
        }
        let elements = self.comma_separated(Self::term)?;
        let tail = if self.take_punct("|")? { self.term()? } else { Term::List(Vec::new()) };
        self.expect_punct("]", "`,`, `|` or `]`")?;
        Ok(Term::improper(elements, tail))
    }

    /// Of equal keys the last one counts.
    fn map(&mut self) -> Result<Term, ParseError> {
        self.advance()?;
        self.expect_punct("{", "`{` of a map")?;
        if self.take_punct("}")? {
            return Ok(Term::Map(BTreeMap::new()));
        }
        let pairs = self.comma_separated(Self::association)?;
        self.expect_punct("}", "`,` or `}`")?;
        Ok(Term::Map(pairs.into_iter().collect()))
    }

    fn association(&mut self) -> Result<(Term, Term), ParseError> {
        let key = self.term()?;
        self.expect_punct("=>", "`=>`")?;
        Ok((key, self.term()?))
    }

    pub(super) fn comma_separated<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ParseError>) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.take_punct(",")? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `fun module:function/arity`; other funs are code, not terms.
    fn export(&mut self) -> Result<Term, ParseError> {
        self.advance()?;
        let module = self.name()?;
        self.expect_punct(":", "`:` after the module")?;
        let function = self.name()?;
        self.expect_punct("/", "`/` after the function")?;
        let at = self.at();
        let arity = self.simple()?.as_i64().and_then(|arity| u8::try_from(arity).ok());
        let arity = arity.ok_or(ParseErrorKind::BadInteger.at(at))?;
        Ok(Term::Export(Export { module, function, arity }))
    }

    pub(super) fn name(&mut self) -> Result<Atom, ParseError> {
        match self.kind() {
            Kind::Atom(name) => {
                let name = name.clone();
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.unexpected("an atom")),
        }
    }
}
