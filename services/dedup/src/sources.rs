//! Who published what is remembered: each publisher's name once, for as long as one of its items is.

use std::collections::HashMap;
use tidings_model::Publisher;
use xxhash_rust::xxh3::Xxh3;

/// A publisher, by number.
pub(crate) type Source = u32;
type Names = (Option<Box<str>>, Option<Box<str>>);

/// Publishers by number, with how many items each has.
#[derive(Default)]
pub(crate) struct Sources {
    /// By hash of name and domain. Of two with one hash, which never happens, the later is held once per item.
    numbers: HashMap<u64, Source>,
    list: Vec<(Names, u32)>,
    free: Vec<Source>,
}

impl Sources {
    /// The number of a publisher with this name and domain; one item more has it.
    pub fn hold(&mut self, name: Option<&str>, domain: Option<&str>) -> Source {
        let known = self.numbers.get(&hash(name, domain)).copied();
        if let Some(number) = known.filter(|number| self.names(*number) == (name, domain)) {
            self.list[number as usize].1 += 1;
            return number;
        }
        let entry = ((name.map(Box::from), domain.map(Box::from)), 1);
        let number = self.free.pop().unwrap_or(self.list.len() as Source);
        match self.list.get_mut(number as usize) {
            Some(place) => *place = entry,
            None => self.list.push(entry),
        }
        self.numbers.insert(hash(name, domain), number);
        number
    }

    /// One item less has it.
    pub fn release(&mut self, source: Source) {
        let (names, count) = &mut self.list[source as usize];
        *count -= 1;
        if *count == 0 {
            let (name, domain) = std::mem::take(names);
            let hash = hash(name.as_deref(), domain.as_deref());
            if self.numbers.get(&hash) == Some(&source) {
                self.numbers.remove(&hash);
            }
            self.free.push(source);
        }
    }

    /// Name and domain.
    pub fn names(&self, source: Source) -> (Option<&str>, Option<&str>) {
        let (name, domain) = &self.list[source as usize].0;
        (name.as_deref(), domain.as_deref())
    }

    /// As records write it.
    pub fn publisher(&self, source: Source) -> Option<Publisher> {
        let (name, domain) = self.names(source);
        let publisher = Publisher { name: name.map(str::to_owned), domain: domain.map(str::to_owned) };
        publisher.label().is_some().then_some(publisher)
    }

    /// How many publishers are held.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }
}

fn hash(name: Option<&str>, domain: Option<&str>) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [name, domain] {
        // absent and empty differ, and so does where a part ends
        hasher.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hasher.update(part.unwrap_or_default().as_bytes());
    }
    hasher.digest()
}

/// Whether two publishers, by name and domain, are one; `None` where either is unknown.
pub(crate) fn same_publisher(
    (name, domain): (Option<&str>, Option<&str>),
    (other_name, other_domain): (Option<&str>, Option<&str>),
) -> Option<bool> {
    let same = |a: Option<&str>, b: Option<&str>| a.zip(b).map(|(a, b)| a.eq_ignore_ascii_case(b));
    match (same(domain, other_domain), same(name, other_name)) {
        (None, None) => None,
        (domain, name) => Some(domain == Some(true) || name == Some(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_is_held_once_and_until_its_last_item_goes() {
        let mut sources = Sources::default();
        let a = sources.hold(Some("Star"), None);
        assert_eq!(a, sources.hold(Some("Star"), None));
        let b = sources.hold(Some("Star"), Some("star.example"));
        assert!(a != b && sources.names(b) == (Some("Star"), Some("star.example")));
        sources.release(a);
        assert_eq!(sources.len(), 2);
        sources.release(a);
        assert_eq!((sources.len(), sources.hold(None, Some("x.example"))), (1, a));
        assert_eq!(sources.publisher(a).and_then(|publisher| publisher.domain).as_deref(), Some("x.example"));
    }

    #[test]
    fn publishers_are_one_by_domain_or_by_name() {
        for (a, b, expected) in [
            ((Some("A"), None), (Some("a"), None), Some(true)),
            ((Some("A"), Some("a.example")), (Some("B"), Some("a.example")), Some(true)),
            ((Some("A"), None), (Some("B"), None), Some(false)),
            ((Some("A"), None), (None, Some("a.example")), None),
            ((None, None), (None, None), None),
        ] {
            assert_eq!(same_publisher(a, b), expected);
        }
    }
}
