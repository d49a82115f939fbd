//! `GET /metrics`, `/health` and `/ready`: what Prometheus and Kubernetes ask a process.

use anyhow::Context as _;
use axum::{Router, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse as _, routing::get};
use prometheus::{Registry, TextEncoder};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::net::TcpListener;

/// Whether the process has what it needs to work; shared with [`serve`].
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// From now on it has.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Serves until the runtime ends; returns where.
pub async fn serve(listen: SocketAddr, registry: Registry, ready: Ready) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("metrics.listen = {listen}: can't listen there; port 0 takes any that is free"))?;
    let address = listener.local_addr()?;
    let metrics = move || async move {
        match TextEncoder::new().encode_to_string(&registry.gather()) {
            Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    };
    let is_ready = move || async move {
        if ready.0.load(Ordering::Acquire) {
            (StatusCode::OK, "ready\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
        }
    };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(|| async { "alive\n" }))
        .route("/ready", get(is_ready));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
