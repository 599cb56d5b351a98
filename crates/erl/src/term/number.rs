//! Numbers: integers of any size and finite floats.

use std::cmp::Ordering;
use std::fmt;

/// An integer of any size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Integer(Repr);

/// `Big` holds only what `Small` cannot, so that equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    /// Absolute value as little-endian limbs without leading zeros.
    Big {
        negative: bool,
        limbs: Vec<u32>,
    },
}

/// Beyond so many limbs (8 KiB) numbers are printed in base 16: decimal takes quadratic time.
const MAX_DECIMAL_LIMBS: usize = 2048;

/// Longest number read from text, in digits; reading takes quadratic time, and no release file has such a number.
const MAX_DIGITS: usize = 1 << 14;

impl Integer {
    /// The integer of that sign and absolute value (little-endian bytes, any number of leading zeros).
    #[must_use]
    pub fn from_magnitude(negative: bool, little_endian: &[u8]) -> Self {
        let limb = |chunk: &[u8]| chunk.iter().rev().fold(0u32, |limb, byte| limb << 8 | u32::from(*byte));
        Self::from_limbs(negative, little_endian.chunks(4).map(limb).collect())
    }

    /// The integer written with `digits` (no sign, no underscores) in a base of 2..=36.
    ///
    /// None if there is no digit, one that is not of the base, or more than 16384 of them.
    #[must_use]
    pub fn from_digits(negative: bool, digits: &str, base: u32) -> Option<Self> {
        if digits.is_empty() || digits.len() > MAX_DIGITS || !(2..=36).contains(&base) {
            return None;
        }
        let mut limbs = Vec::new();
        for digit in digits.chars() {
            multiply_add(&mut limbs, base, digit.to_digit(base)?);
        }
        Some(Self::from_limbs(negative, limbs))
    }

    fn from_limbs(negative: bool, mut limbs: Vec<u32>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        match small(negative, &limbs) {
            Some(value) => Self(Repr::Small(value)),
            None => Self(Repr::Big { negative, limbs }),
        }
    }

    /// The value, if it fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Small(value) => Some(value),
            Repr::Big { .. } => None,
        }
    }

    /// Is it below zero?
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match self.0 {
            Repr::Small(value) => value < 0,
            Repr::Big { negative, .. } => negative,
        }
    }

    /// The absolute value, little-endian, without leading zeros.
    #[must_use]
    pub fn magnitude(&self) -> Vec<u8> {
        let mut bytes = match &self.0 {
            Repr::Small(value) => value.unsigned_abs().to_le_bytes().to_vec(),
            Repr::Big { limbs, .. } => limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect(),
        };
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes
    }
}

fn small(negative: bool, limbs: &[u32]) -> Option<i64> {
    if limbs.len() > 2 {
        return None;
    }
    let value = limbs.iter().rev().fold(0i128, |value, limb| value << 32 | i128::from(*limb));
    i64::try_from(if negative { -value } else { value }).ok()
}

/// `limbs = limbs * factor + carry`
fn multiply_add(limbs: &mut Vec<u32>, factor: u32, carry: u32) {
    let mut carry = u64::from(carry);
    for limb in limbs.iter_mut() {
        carry += u64::from(*limb) * u64::from(factor);
        *limb = carry as u32; // the low half; the high half is carried
        carry >>= 32;
    }
    if carry != 0 {
        limbs.push(carry as u32);
    }
}

/// `limbs = limbs / divisor`, returns the remainder.
fn divide(limbs: &mut Vec<u32>, divisor: u32) -> u32 {
    let mut remainder = 0u64;
    for limb in limbs.iter_mut().rev() {
        let value = remainder << 32 | u64::from(*limb);
        *limb = (value / u64::from(divisor)) as u32;
        remainder = value % u64::from(divisor);
    }
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    remainder as u32
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self(Repr::Small(value))
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => a.cmp(b),
            _ => other.is_negative().cmp(&self.is_negative()).then_with(|| {
                let (a, b) = (self.magnitude(), other.magnitude());
                let by_size = a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()));
                if self.is_negative() { by_size.reverse() } else { by_size }
            }),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As Erlang reads it: decimal, or `16#…` for numbers of more than about 20,000 digits.
impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr::Big { negative, limbs } = &self.0 else {
            return write!(f, "{}", self.to_i64().expect("what is not big is small"));
        };
        f.write_str(if *negative { "-" } else { "" })?;
        match limbs.len() {
            0..=MAX_DECIMAL_LIMBS => write_groups(f, &decimal_groups(limbs.clone()), 9, false),
            _ => write_groups(f, limbs, 8, true),
        }
    }
}

/// Groups of nine decimal digits, least significant first.
fn decimal_groups(mut limbs: Vec<u32>) -> Vec<u32> {
    let mut groups = Vec::new();
    while !limbs.is_empty() {
        groups.push(divide(&mut limbs, 1_000_000_000));
    }
    groups
}

fn write_groups(f: &mut fmt::Formatter<'_>, groups: &[u32], width: usize, hex: bool) -> fmt::Result {
    f.write_str(if hex { "16#" } else { "" })?;
    for (at, group) in groups.iter().rev().enumerate() {
        let width = if at == 0 { 0 } else { width };
        match hex {
            true => write!(f, "{group:0width$x}")?,
            false => write!(f, "{group:0width$}")?,
        }
    }
    Ok(())
}

/// A finite floating point number. `0.0` and `-0.0` differ, as they do from OTP 27 on.
#[derive(Debug, Clone, Copy)]
pub struct Float(f64);

impl Float {
    /// None for an infinity or NaN, which Erlang does not have.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl std::hash::Hash for Float {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The shortest digits that read back as the same number; Erlang demands a digit after the point.
impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        match text.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => {
                write!(f, "{mantissa}.0e{exponent}")
            }
            _ => f.write_str(&text),
        }
    }
}
