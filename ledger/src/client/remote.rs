//! A log behind a URL, as C2SP tlog-tiles serves it.

use super::agent;
use crate::error::{Error, ErrorKind};
use crate::tile::{MAX_FILE_BYTES as MAX_BYTES, TileReader};
use std::time::Duration;
use ureq::Agent;

/// Waits before the second and third try of a request that failed on the way.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// Takes the scheme off, which is the same in capitals (RFC 3986, section 3.1).
fn split(url: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        let (begin, rest) = url.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some((scheme, rest))
    })
}

/// A log's URL prefix.
#[derive(Clone, Debug)]
pub struct Remote {
    prefix: String,
    agent: Agent,
}

impl Remote {
    /// Reads below `prefix`, an `http` or `https` URL.
    ///
    /// # Errors
    /// `ErrorKind::Malformed` for another text.
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) =
            split(prefix).filter(|(_, rest)| !rest.is_empty() && !rest.contains(['?', '#', ' ']))
        else {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("{prefix:?} is no URL of a log; it begins with https:// or http://"),
            ));
        };
        Ok(Self {
            prefix: format!("{scheme}{}", rest.trim_end_matches('/')),
            agent: agent(),
        })
    }

    /// Whether a text is meant as a URL, and not as a folder.
    #[must_use]
    pub fn is_url(text: &str) -> bool {
        split(text).is_some()
    }

    /// The prefix, without a slash at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A text below the prefix, such as `checkpoint` or `vkey`.
    ///
    /// # Errors
    /// As [`TileReader::read_tile`], and `ErrorKind::Malformed` when it is no text.
    pub fn text(&self, path: &str) -> Result<String, Error> {
        String::from_utf8(self.read_tile(path)?).map_err(|_| {
            Error::new(
                ErrorKind::Malformed,
                format!("{}/{path} is no text", self.prefix),
            )
        })
    }

    /// Sends bytes once and returns status and body; whether to send them again is the caller's to know.
    ///
    /// # Errors
    /// `ErrorKind::Storage` when nothing came back.
    pub fn post(&self, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Error> {
        let url = format!("{}/{path}", self.prefix);
        let failed = |error: ureq::Error| Error::new(ErrorKind::Storage, format!("{url}: {error}"));
        // The receiver waits for a public checkpoint, with its witnesses.
        let mut response = self
            .agent
            .post(&url)
            .config()
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .content_type("application/json")
            .send(body)
            .map_err(failed)?;
        let status = response.status().as_u16();
        let bytes = response
            .body_mut()
            .with_config()
            .limit(MAX_BYTES)
            .read_to_vec();
        Ok((status, bytes.map_err(failed)?))
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Error> {
        let failed = |what: String| Error::new(ErrorKind::Storage, format!("{url}: {what}"));
        let mut response = self
            .agent
            .get(url)
            .call()
            .map_err(|error| failed(error.to_string()))?;
        match response.status().as_u16() {
            200 => response
                .body_mut()
                .with_config()
                .limit(MAX_BYTES)
                .read_to_vec()
                .map_err(|error| failed(error.to_string())),
            404 | 410 => Err(Error::new(ErrorKind::Missing, format!("{url} is missing"))),
            429 | 503 => Err(Error::new(
                ErrorKind::Busy,
                format!("{url}: the log asks for a pause"),
            )),
            status => Err(failed(format!("the answer is {status}"))),
        }
    }
}

impl TileReader for Remote {
    fn read_tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        let url = format!("{}/{path}", self.prefix);
        for pause in PAUSES {
            match self.get(&url) {
                Err(error) if matches!(error.kind(), ErrorKind::Storage | ErrorKind::Busy) => {
                    std::thread::sleep(pause);
                }
                answer => return answer,
            }
        }
        self.get(&url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_the_same_in_capitals() {
        for (text, prefix) in [
            ("HTTP://shop.example/log/", "http://shop.example/log"),
            ("Https://shop.example", "https://shop.example"),
        ] {
            assert!(Remote::is_url(text));
            assert_eq!(Remote::new(text).expect("a URL").prefix(), prefix);
        }
        for text in ["http:/x", "https://", "ftp://x", "", "ä", "http://a b"] {
            assert!(Remote::new(text).is_err(), "{text:?}");
        }
    }
}
