//! Judges and generators of the filters: they read and write JSON lines, and know no service.
//!
//! Copies: [`news`] makes articles of its own language or reads yours, [`copies`] makes copies of them in the ways in
//! which real copies differ, [`stream`] mixes both into a stream whose truth each item carries, and [`clusters`]
//! compares what a filter found with that truth; [`lines`] reads their files. [`traffic`] is much text for measuring speed.
//! Names: [`entities`] compares with labels by hand.
//!
//! ```sh
//! generate_news --kind snippets | tidings dedup | judge_dedup
//! ```

pub mod clusters;
pub mod copies;
pub mod dice;
pub mod entities;
pub mod lines;
pub mod news;
pub mod stream;
pub mod traffic;
mod words;
