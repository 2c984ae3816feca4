//! An HTTP client by role: keeps cookies itself, follows nothing, reads forms off pages as a browser without scripts does.

use regex::Regex;
use reqwest::header::{HeaderMap, SET_COOKIE};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// One visitor.
pub(crate) struct Client {
    base: Mutex<String>,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The first capture of a pattern in the body.
    pub(crate) fn find(&self, pattern: &str) -> String {
        let found = Regex::new(pattern)
            .expect("a pattern")
            .captures(&self.body)
            .and_then(|captures| captures.get(1))
            .map(|found| found.as_str().to_owned());
        found.unwrap_or_else(|| panic!("{pattern} is not in {}", self.body))
    }
}

/// A form's fields with a fresh idempotency key, as a page that was just loaded has one, unless the test gives its own.
fn with_key(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut whole: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    if !fields.iter().any(|(name, _)| *name == "form_key") {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        whole.push((
            "form_key".into(),
            format!("{:016x}{key:016x}", std::process::id()),
        ));
    }
    whole
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            base: Mutex::new(base),
            http,
            cookies: Mutex::default(),
        }
    }

    /// A new account, signed in.
    pub(crate) async fn member(base: String, name: &str) -> Self {
        let client = Self::new(base);
        let answer = client
            .post(
                "/sign-up",
                &[
                    ("email", &format!("{name}@test.example")),
                    ("handle", name),
                    ("password", "correct horse"),
                ],
            )
            .await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base.lock().expect("no panic"))
    }

    /// Goes on with a server that was started again elsewhere.
    pub(crate) fn move_to(&self, base: String) {
        *self.base.lock().expect("no panic") = base;
    }

    /// Asks a server that may be dying; `None` when there is no whole answer.
    pub(crate) async fn try_get(&self, path: &str) -> Option<Answer> {
        self.try_send(self.http.get(self.at(path))).await
    }

    /// Sends a form to a server that may be dying; nobody knows what came of it when there is no answer.
    pub(crate) async fn try_post(&self, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let request = self.http.post(self.at(path));
        let request = request.header("sec-fetch-site", "same-origin");
        self.try_send(request.form(&with_key(fields))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.at(path))).await
    }

    /// Asks with a header of the test's choice.
    pub(crate) async fn get_with(&self, path: &str, header: (&str, &str)) -> Answer {
        let request = self.http.get(self.at(path));
        self.send(request.header(header.0, header.1)).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(
            self.http
                .post(self.at(path))
                .header("sec-fetch-site", "same-origin")
                .form(&with_key(fields)),
        )
        .await
    }

    /// A request with a header of the test's choice.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        header: (&str, &str),
        fields: &[(&str, &str)],
    ) -> Answer {
        self.send(
            self.http
                .post(self.at(path))
                .header(header.0, header.1)
                .form(fields),
        )
        .await
    }

    /// Sends one file as the field of a form, as browsers do (RFC 7578).
    pub(crate) async fn upload(&self, path: &str, field: &str, file: Vec<u8>) -> Answer {
        let mut body = format!(
            "--parts\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend(file);
        body.extend(b"\r\n--parts--\r\n");
        let request = self.http.post(self.at(path));
        let request = request
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "multipart/form-data; boundary=parts");
        self.send(request.body(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    async fn try_send(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .expect("no panic")
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header("cookie", cookies.join("; "))
            .send()
            .await
            .ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            let pair = line
                .to_str()
                .expect("text")
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies
                    .lock()
                    .expect("no panic")
                    .insert(name.into(), value.into());
            }
        }
        let bytes = response.bytes().await.ok()?;
        Some(Answer {
            status,
            headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}
