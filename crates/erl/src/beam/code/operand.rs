//! Operands of instructions, as `beam_asm:encode_arg/2` writes them.

/// An operand, as far as somebody asks for its value. Lists stand flat: their length, then their elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// A number without a type: a size, the index of an import or of a fun.
    Number(u32),
    /// An atom by its place in the table, from 1; 0 is `[]`.
    Atom(u32),
    /// A register that holds arguments and results.
    X(u32),
    /// A place in the code.
    Label(u32),
    /// A constant by its place in the table, from 0.
    Literal(u32),
    /// So many operands follow.
    List(u32),
    /// Something else: an integer, a stack slot, a floating point register, an allocation.
    Other,
}

/// Why an operand can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end too early, or say what the compiler never writes.
    Damaged,
    /// A form of operands that this reader does not know.
    Unknown,
}

/// The value of an operand that is not a number has 28 bits in ERTS; integers may be as long as they like.
const TOO_LARGE: u32 = u32::MAX;

/// Bytes of code from which operands are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.0.split_first().ok_or(Stop::Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    /// Appends one operand, or a list with its elements.
    pub(super) fn operand(&mut self, into: &mut Vec<Operand>) -> Result<(), Stop> {
        let first = self.byte()?;
        match (first & 0b111, first) {
            (7, 0x17) => self.list(into),
            (7, other) => self.extended(other).map(|operand| into.push(operand)),
            _ => self.simple(first).map(|operand| into.push(operand)),
        }
    }

    fn list(&mut self, into: &mut Vec<Operand>) -> Result<(), Stop> {
        let len = self.number()?;
        into.push(Operand::List(len));
        for _ in 0..len {
            // No list has lists in it, so nothing nests.
            let operand = match self.byte()? {
                first if first & 0b111 == 7 => self.extended(first)?,
                first => self.simple(first)?,
            };
            into.push(operand);
        }
        Ok(())
    }

    /// Forms that came after the first seven: floating point registers, allocations, literals, registers with types (OTP 25).
    fn extended(&mut self, first: u8) -> Result<Operand, Stop> {
        match first {
            0x27 => self.number().map(|_| Operand::Other),
            0x37 => {
                // So many words, floats and funs, each a kind and a count.
                for _ in 0..self.number()? {
                    self.number()?;
                    self.number()?;
                }
                Ok(Operand::Other)
            }
            0x47 => self.number().map(Operand::Literal),
            0x57 => {
                let first = self.byte()?;
                let register = self.simple(first)?;
                self.number()?;
                Ok(register)
            }
            _ => Err(Stop::Unknown),
        }
    }

    fn number(&mut self) -> Result<u32, Stop> {
        let first = self.byte()?;
        match self.simple(first)? {
            Operand::Number(number) => Ok(number),
            _ => Err(Stop::Damaged),
        }
    }

    fn simple(&mut self, first: u8) -> Result<Operand, Stop> {
        let value = self.value(first)?;
        let operand = match first & 0b111 {
            0 => Operand::Number(value),
            2 => Operand::Atom(value),
            3 => Operand::X(value),
            5 => Operand::Label(value),
            1 | 4 | 6 => return Ok(Operand::Other), // integers, stack slots, characters
            _ => return Err(Stop::Damaged),
        };
        if value == TOO_LARGE { Err(Stop::Damaged) } else { Ok(operand) }
    }

    /// Four bits in the first byte; eleven in two; or a length and as many bytes. What has more than 32 bits is [`TOO_LARGE`].
    fn value(&mut self, first: u8) -> Result<u32, Stop> {
        match first & 0b1_1000 {
            0b0_0000 | 0b1_0000 => Ok(u32::from(first >> 4)),
            0b0_1000 => Ok(u32::from(first >> 5) << 8 | u32::from(self.byte()?)),
            _ => {
                let len = self.len(first)?;
                let (bytes, rest) = self.0.split_at_checked(len).ok_or(Stop::Damaged)?;
                self.0 = rest;
                let value = bytes.iter().try_fold(0u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)));
                Ok(value.unwrap_or(TOO_LARGE))
            }
        }
    }

    /// Two to eight bytes by three bits of the first; more than that by a number of its own.
    fn len(&mut self, first: u8) -> Result<usize, Stop> {
        match first >> 5 {
            7 => {
                let first = self.byte()?;
                // A length whose own length is written this way would be larger than any file.
                if first & 0b111 != 0 || first == 0b1111_1000 {
                    return Err(Stop::Damaged);
                }
                let more = self.value(first)?;
                usize::try_from(more).ok().and_then(|more| more.checked_add(9)).ok_or(Stop::Damaged)
            }
            short => Ok(usize::from(short) + 2),
        }
    }
}
