//! Judges and generators of the filters: they read and write JSON lines, and know no service.
