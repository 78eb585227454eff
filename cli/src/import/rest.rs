//! A running registry.

use std::time::Duration;

use anyhow::Context as _;
use muster_registry::portable::{self, Answer, Replay, Source};
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

use crate::progress::Bar;

const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a request is sent that does not get through.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);
const ACCEPT: &str = "application/vnd.schemaregistry.v1+json, application/json;q=0.5";

/// Copies the registry at `url`.
pub async fn copy(url: &str, replay: &mut Replay, bar: &mut Bar) -> anyhow::Result<()> {
    let base: Url = url.parse().with_context(|| format!("{url:?} is no URL"))?;
    anyhow::ensure!(matches!(base.scheme(), "http" | "https"), "{url:?} is no URL of a registry");
    let client = Client::builder().timeout(TIMEOUT).build().context("cannot start an HTTP client")?;
    let base = base.as_str().trim_end_matches('/').to_owned();
    let mut source = Registry { client, base };
    portable::copy(&mut source, replay, &mut |done, total| bar.show(done, total)).await?;
    Ok(())
}

struct Registry {
    client: Client,
    base: String,
}

impl Source for Registry {
    type Error = std::io::Error;

    async fn get(&mut self, path: &str) -> Result<Answer, Self::Error> {
        let mut attempt = 1;
        loop {
            match self.try_get(path).await {
                Err((_, true)) if attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                Err((reason, _)) => return Err(std::io::Error::other(reason)),
                Ok(answer) => return Ok(answer),
            }
        }
    }
}

impl Registry {
    /// One attempt; an error says whether another may help.
    async fn try_get(&self, path: &str) -> Result<Answer, (String, bool)> {
        let request = self.client.get(format!("{}{path}", self.base)).header("accept", ACCEPT);
        let response = request.send().await.map_err(|error| (chain(&error.without_url()), true))?;
        let status = response.status();
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(Answer::Absent),
            StatusCode::OK => {
                let body = response.bytes().await.map_err(|error| (chain(&error.without_url()), true))?;
                let value: Value =
                    serde_json::from_slice(&body).map_err(|error| (error.to_string(), false))?;
                Ok(Answer::Ok(value))
            }
            _ => Err((format!("status {status}"), status.is_server_error() || status.as_u16() == 429)),
        }
    }
}

/// An error with its causes, in one line and without the URL, which may hold a password.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
