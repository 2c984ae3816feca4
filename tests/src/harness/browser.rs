//! Chromium through its driver, with or without JavaScript; a test fails on any error in the console.

use super::{PATIENCE, is_so, until};
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A browser session with its own driver and profile.
pub(crate) struct Browser {
    driver: Child,
    pub(crate) page: Client,
    driver_url: String,
    _profile: TempDir,
}

/// Starts a driver. It picks a port by itself and gives up when another program takes that port in between, so a second
/// start is not a second chance for a test.
fn start_driver() -> (Child, u16) {
    for _ in 0..5 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        let lines = BufReader::new(driver.stdout.take().expect("an output")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        if let Some(port) = port {
            return (driver, port);
        }
        let _reaped = driver.wait();
    }
    panic!("chromedriver found no free port");
}

/// What was done with an element; one of a page that loaded itself again in between is looked for again.
fn of_this_page<T>(css: &str, done: Result<T, CmdError>) -> Result<T, String> {
    match done {
        Err(error) if error.is_stale_element_reference() => Err(format!("{css}: {error}")),
        done => Ok(done.unwrap_or_else(|error| panic!("{css}: {error}"))),
    }
}

impl Browser {
    pub(crate) async fn open(scripts: bool) -> Self {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().expect("a folder");
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1440,1200",
        ]
        .map(Into::into)
        .into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut preferences = Map::new();
        if !scripts {
            preferences.insert(
                "profile.managed_default_content_settings.javascript".into(),
                json!(2),
            );
        }
        let options = json!({ "args": arguments, "prefs": preferences });
        let capabilities: Map<String, Value> = [
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ]
        .into_iter()
        .collect();
        let url = format!("http://127.0.0.1:{port}");
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&url)
            .await
            .expect("a session");
        Self {
            driver,
            page,
            driver_url: url,
            _profile: profile,
        }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.page.goto(url).await.expect(url);
    }

    /// Opens a page and waits until its islands are awake.
    pub(crate) async fn goto_ready(&self, url: &str) {
        self.goto(url).await;
        self.see("html[data-ready]").await;
    }

    /// Waits for an element.
    pub(crate) async fn see(&self, css: &str) -> fantoccini::elements::Element {
        match self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
        {
            Ok(element) => element,
            Err(error) => {
                let (url, source) = (
                    self.page.current_url().await,
                    self.page.source().await.unwrap_or_default(),
                );
                panic!("{css} did not appear on {url:?}: {error}\n{source}")
            }
        }
    }

    /// Waits until no such element is on the page.
    pub(crate) async fn see_none(&self, css: &str) {
        until(PATIENCE, async || {
            let found = self.page.find_all(Locator::Css(css)).await;
            let gone = found.is_ok_and(|found| found.is_empty());
            is_so(
                gone,
                format!("{css} is on {:?}", self.page.current_url().await),
            )
        })
        .await;
    }

    /// Clicks an element; one that the page replaced in between is looked for again, and one that lies under what sticks to an edge is
    /// scrolled to first, as a person would.
    pub(crate) async fn click(&self, css: &str) {
        until(PATIENCE, async || match self.see(css).await.click().await {
            Err(error) if error.is_stale_element_reference() => Err(format!("{css}: {error}")),
            Err(CmdError::Standard(error))
                if error.error == ErrorStatus::ElementClickIntercepted =>
            {
                let scroll =
                    "document.querySelector(arguments[0])?.scrollIntoView({ block: 'nearest' })";
                let scrolled = self.page.execute(scroll, vec![json!(css)]).await;
                Err(format!("{css}: {error}, {scrolled:?}"))
            }
            done => {
                done.unwrap_or_else(|error| panic!("{css}: {error}"));
                Ok(())
            }
        })
        .await;
    }

    /// Clicks what leads to another page, and waits until the old one is gone.
    pub(crate) async fn follow(&self, css: &str) {
        let old = self.see("html").await;
        self.click(css).await;
        until(PATIENCE, async || {
            // A stale element means that the page it belonged to is gone.
            let gone = old.tag_name().await.is_err();
            is_so(
                gone,
                format!("{css} led nowhere from {:?}", self.page.current_url().await),
            )
        })
        .await;
    }

    /// Loads a page again until an attribute has a value: jobs and events take a moment.
    pub(crate) async fn see_value(&self, url: &str, css: &str, attribute: &str, wanted: &str) {
        until(PATIENCE, async || {
            self.goto(url).await;
            let value = self.attribute(css, attribute).await;
            is_so(
                value == wanted,
                format!("{url} {css} {attribute}: {value:?}, not {wanted:?}"),
            )
        })
        .await;
    }

    /// Waits, as an operator, until every call to the provider has been answered.
    pub(crate) async fn see_calls_done(&self, base: &str) {
        let desk = format!("{base}/operator");
        self.see_value(&desk, "#operations", "data-open", "0").await;
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        until(PATIENCE, async || {
            let element = self.see(css).await;
            let filled = match element.clear().await {
                Ok(()) => element.send_keys(text).await,
                Err(error) => Err(error),
            };
            of_this_page(css, filled)
        })
        .await;
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        until(PATIENCE, async || {
            of_this_page(css, self.see(css).await.text().await)
        })
        .await
    }

    pub(crate) async fn attribute(&self, css: &str, name: &str) -> String {
        let value = until(PATIENCE, async || {
            of_this_page(css, self.see(css).await.attr(name).await)
        });
        value.await.unwrap_or_default()
    }

    /// Downloads a file of this site with the browser's own session.
    pub(crate) async fn download(&self, css: &str) -> String {
        let href = self.attribute(css, "href").await;
        let script = "const done = arguments[arguments.length - 1]; fetch(arguments[0]).then(r => r.text()).then(done, e => done('failed: ' + e));";
        let value = self
            .page
            .execute_async(script, vec![json!(href)])
            .await
            .expect("a download");
        value.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn sign_up(&self, base: &str, name: &str) {
        self.goto(&format!("{base}/sign-up")).await;
        self.fill("#email", &format!("{name}@test.example")).await;
        self.fill("#handle", name).await;
        self.fill("#password", "correct horse").await;
        self.follow("main form button[type=submit]").await;
        self.see("#keys").await;
    }

    /// Ends the session; fails on errors in the console (a refused style, a missing island, a broken script).
    pub(crate) async fn close(mut self) {
        let session = self
            .page
            .session_id()
            .await
            .expect("an answer")
            .expect("a session");
        let request = reqwest::Client::new()
            .post(format!("{}/session/{session}/se/log", self.driver_url))
            .json(&json!({ "type": "browser" }));
        let answer: Value = request
            .send()
            .await
            .expect("the console")
            .json()
            .await
            .expect("the console");
        let logged = &answer["value"];
        let severe: Vec<String> = logged
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].to_string())
            .filter(|message| !message.contains("status of 4"))
            .collect();
        self.page.clone().close().await.expect("closed");
        let _gone = self.driver.kill();
        let _reaped = self.driver.wait();
        assert!(severe.is_empty(), "errors in the console: {severe:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _gone = self.driver.kill();
        let _reaped = self.driver.wait();
    }
}
