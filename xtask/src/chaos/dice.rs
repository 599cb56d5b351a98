//! Chance that can be had again (splitmix64).

/// Numbers that follow from a seed.
pub(super) struct Dice(u64);

impl Dice {
    /// For one round of a seed: rounds do not depend on each other.
    pub(super) fn new(seed: u64, round: u32) -> Self {
        let mut dice = Self(seed ^ u64::from(round).wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.next();
        dice
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// Below this one.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).expect("it is below a small number")
    }
    /// One time in so many.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }
    /// One of them, each as often as its weight says.
    pub(super) fn of<T: Copy>(&mut self, choice: &[(u32, T)]) -> T {
        let mut at = self.below(choice.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in choice {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *one,
            }
        }
        unreachable!("it was below the sum of all weights")
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn weights_are_kept_and_chance_comes_again() {
        let throw = |seed| {
            let mut dice = Dice::new(seed, 1);
            (0..1_000).map(|_| dice.of(&[(9, 'a'), (0, 'b'), (1, 'c')])).collect::<String>()
        };
        let thrown = throw(7);
        assert_eq!((thrown.clone(), false), (throw(7), thrown == throw(8)));
        assert!((850..950).contains(&thrown.matches('a').count()) && !thrown.contains('b'), "{thrown}");
    }
}
