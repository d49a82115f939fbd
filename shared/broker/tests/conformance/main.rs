//! What a broker must do for us, asked with real clients. The embedded broker runs in this process, each case
//! on its own, on a free port in a fresh directory.
//!
//! With `KAFKA_BROKERS=host:port` the cases that don't concern the embedded broker alone run against that
//! one instead; it must not make topics by itself (`auto.create.topics.enable=false`).

#![allow(clippy::unwrap_used)] // every line here is a test

mod admin;
mod cleaning;
mod clients;
mod cluster;
mod connection;
mod disk;
mod fuzz;
mod groups;
mod kcat;
mod measure;
mod python;
mod records;
mod requests;
mod restart;
mod transactions;
mod wire;
