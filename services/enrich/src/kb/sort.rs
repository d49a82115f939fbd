//! Sorts more aliases than fit in memory: sorted runs on disk, merged at the end.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek as _, Write as _},
};

/// An alias of an entry; sorted by the alias, then the best known first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alias {
    /// Its table and its text.
    pub key: Box<[u8]>,
    pub fame: Reverse<u8>,
    pub entry: u32,
}

/// What an alias takes in memory besides its text.
const OVERHEAD: usize = 48;

/// Takes aliases in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    held: Vec<Alias>,
    bytes: usize,
    most: usize,
    runs: Vec<File>,
}

impl Sorter {
    /// Holds at most so many bytes in memory.
    pub fn new(most: usize) -> Self {
        Self { held: Vec::new(), bytes: 0, most, runs: Vec::new() }
    }

    pub fn push(&mut self, alias: Alias) -> io::Result<()> {
        self.bytes += alias.key.len() + OVERHEAD;
        self.held.push(alias);
        if self.bytes > self.most { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let mut run = BufWriter::new(tempfile::tempfile()?);
        for alias in self.held.drain(..) {
            run.write_all(&(alias.key.len() as u32).to_le_bytes())?;
            run.write_all(&alias.key)?;
            run.write_all(&[alias.fame.0])?;
            run.write_all(&alias.entry.to_le_bytes())?;
        }
        let mut run = run.into_inner()?;
        run.rewind()?;
        self.runs.push(run);
        self.bytes = 0;
        Ok(())
    }

    /// All of them in order, to `each`.
    pub fn merge(mut self, mut each: impl FnMut(Alias) -> io::Result<()>) -> io::Result<()> {
        self.held.sort_unstable();
        let mut runs: Vec<Box<dyn Iterator<Item = io::Result<Alias>>>> = vec![Box::new(self.held.into_iter().map(Ok))];
        runs.extend(self.runs.into_iter().map(|run| Box::new(Run(BufReader::new(run))) as _));
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            if let Some(alias) = run.next() {
                heads.push(Reverse((alias?, number)));
            }
        }
        while let Some(mut head) = heads.peek_mut() {
            let number = head.0.1;
            let least = match runs[number].next() {
                Some(next) => std::mem::replace(&mut head.0.0, next?),
                None => PeekMut::pop(head).0.0,
            };
            each(least)?;
        }
        Ok(())
    }
}

/// A run on disk.
struct Run(BufReader<File>);

impl Run {
    fn read(&mut self) -> io::Result<Alias> {
        let mut key = vec![0; self.number()? as usize].into_boxed_slice();
        self.0.read_exact(&mut key)?;
        let mut fame = [0];
        self.0.read_exact(&mut fame)?;
        Ok(Alias { key, fame: Reverse(fame[0]), entry: self.number()? })
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut number = [0; 4];
        self.0.read_exact(&mut number)?;
        Ok(u32::from_le_bytes(number))
    }
}

impl Iterator for Run {
    type Item = io::Result<Alias>;

    fn next(&mut self) -> Option<Self::Item> {
        match io::BufRead::fill_buf(&mut self.0) {
            Ok([]) => None,
            Ok(_) => Some(self.read()),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn runs_on_disk_change_nothing(
            aliases in prop::collection::vec(("[a-c]{0,3}", 0_u8..3, 0_u32..9), 0..60),
            most in 60_usize..2000,
        ) {
            let aliases: Vec<Alias> = aliases
                .into_iter()
                .map(|(key, fame, entry)| Alias { key: key.into_bytes().into(), fame: Reverse(fame), entry })
                .collect();
            let mut sorter = Sorter::new(most);
            aliases.iter().try_for_each(|alias| sorter.push(alias.clone())).unwrap();
            let mut sorted = Vec::new();
            sorter.merge(|alias| { sorted.push(alias); Ok(()) }).unwrap();
            let mut want = aliases;
            want.sort();
            prop_assert_eq!(sorted, want);
        }
    }
}
