//! Random draws that a seed repeats.

#[derive(Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("below n")
    }

    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn word<'t>(&mut self, choice: &[&'t str]) -> &'t str {
        choice[self.below(choice.len())]
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    /// Hexadecimal digits of at most `most` bytes: any, or such as a format would trip over.
    pub(crate) fn hex(&mut self, most: usize) -> String {
        const ODD: &[&str] = &[
            "", "00", "5C", "5C4E", "09", "0A", "0D0A", "27", "22", "60", "1A", "20", "FF", "25", "5C5C27",
            "4E554C4C",
        ];
        if self.one_in(3) {
            return self.word(ODD).to_string();
        }
        let length = if self.one_in(12) {
            most
        } else {
            self.below(most.min(24) + 1)
        };
        (0..length).map(|_| format!("{:02X}", self.byte())).collect()
    }

    /// A name of at most 64 characters that is never another's: `number` sets it apart.
    pub(crate) fn name(&mut self, number: usize) -> String {
        const PIECES: &[&str] = &[
            "t", "c", "ñandú", "select", "order", "`", "``", "\"", "'", ".", "%", "\\", " x", "日本", "ß",
            "İ", "#", "$", "-", "@", "/*", "*/", "--", ";", "\t", "?", ":a", "{f}", "[0]", "~", "=", "key",
        ];
        let mut name = String::new();
        if self.one_in(12) {
            name.push_str(&"n".repeat(61));
        } else {
            for _ in 0..self.between(1, 3) {
                name.push_str(self.word(PIECES));
            }
        }
        format!("{name}{number}")
    }
}
