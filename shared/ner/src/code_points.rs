//! Places in a text as Python, and so spaCy, counts them: in Unicode code points.

/// Turns byte offsets into code points, reading the text once.
#[derive(Debug, Clone)]
pub struct CodePoints<'t> {
    text: &'t str,
    byte: usize,
    count: usize,
}

impl<'t> CodePoints<'t> {
    /// Of this text.
    pub fn new(text: &'t str) -> Self {
        Self { text, byte: 0, count: 0 }
    }

    /// How many code points precede a byte, which must be a boundary of a character. Quick where the next byte asked
    /// for is not before the last.
    pub fn before(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.count) = (0, 0);
        }
        self.count += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_code_points() {
        let mut points = CodePoints::new("é 🦀 x");
        assert_eq!([0, 2, 3, 7, 9, 3].map(|byte| points.before(byte)), [0, 1, 2, 3, 5, 2]);
    }
}
