//! Whose network address a request comes from, for rate limits.
//!
//! The one rule: what a header says counts only as far as machines say it that the operator named. Everybody else could write anything.

use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Once;

/// `X-Forwarded-For`: each machine on the way appends whom it heard the request from.
const FORWARDED_FOR: &str = "x-forwarded-for";

static UNNAMED: Once = Once::new();

/// The machines in front of the shop that say truly whom they speak for.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses and blocks, separated by commas: `10.0.0.7, fd00::/8`.
    ///
    /// # Errors
    /// The part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let nets = parts.map(|part| {
            let one = part
                .parse::<IpAddr>()
                .map(|one| IpNet::from(one.to_canonical()));
            let net = one.or_else(|_| part.parse::<IpNet>());
            // Everybody is nobody to be trusted.
            net.ok()
                .filter(|net| net.prefix_len() > 0)
                .ok_or_else(|| part.to_owned())
        });
        nets.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a machine is one of them.
    #[must_use]
    pub fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The address that a request comes from: the last one that a trusted machine heard and that is not trusted itself.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        // Bytes, not text: a part that is none ends the search there, and hides nothing that stands after it.
        let said = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for said in said {
            if !self.include(client) {
                break;
            }
            match str::from_utf8(said)
                .ok()
                .and_then(|said| parse_forwarded(said.trim()))
            {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    /// Says once that a machine of this network passes requests on and is not named: all its visitors would be one for the limits.
    pub fn notice(&self, peer: IpAddr, headers: &HeaderMap) {
        let passed_on = headers.contains_key(FORWARDED_FOR);
        if passed_on && is_near(peer.to_canonical()) && !self.include(peer) {
            UNNAMED.call_once(|| {
                tracing::warn!(
                    %peer,
                    "requests come through a proxy that is not named, so that all visitors count as one: set SEEDMARK_TRUSTED_PROXIES"
                );
            });
        }
    }
}

/// An address, with or without a port, as proxies write them.
fn parse_forwarded(text: &str) -> Option<IpAddr> {
    let plain = text.trim_start_matches('[').trim_end_matches(']');
    plain.parse().ok().or_else(|| {
        text.parse::<std::net::SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    })
}

fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// What counts as one visitor: an address of the old kind, a /64 of the new, of which one machine has as many as it likes.
#[must_use]
pub fn one_visitor(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        old => old,
    }
}

#[cfg(test)]
mod tests {
    use super::{TrustedProxies, one_visitor};
    use axum::http::{HeaderMap, HeaderValue};
    use std::net::IpAddr;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_named_machines_say_whom_they_speak_for() {
        let trusted = TrustedProxies::parse("10.0.0.7, fd00::/8,").expect("proxies");
        for (peer, said, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.7", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.7", &["198.51.100.1"], "198.51.100.1"),
            // What the visitor wrote stands first, what our proxy heard last.
            ("10.0.0.7", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.7", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.7", &["198.51.100.1, fd00::2"], "198.51.100.1"),
            ("10.0.0.7", &["nonsense, fd00::2"], "fd00::2"),
            ("10.0.0.7", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.7", &["198.51.100.1:5000"], "198.51.100.1"),
            (
                "10.0.0.7",
                &["6.6.6.6", "\u{e9}, 198.51.100.1"],
                "198.51.100.1",
            ),
            ("10.0.0.7", &["6.6.6.6", "\u{e9}"], "10.0.0.7"),
            ("10.0.0.7", &[], "10.0.0.7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in said {
                let line = HeaderValue::from_bytes(line.as_bytes()).expect("a value");
                headers.append("x-forwarded-for", line);
            }
            assert_eq!(
                trusted.client(ip(peer), &headers),
                ip(expected),
                "{peer} {said:?}"
            );
        }
        for wrong in ["10.0.0.0/33", "0.0.0.0/0", "::/0", "proxy"] {
            assert_eq!(TrustedProxies::parse(wrong).expect_err("no block"), wrong);
        }
    }

    #[test]
    fn a_machine_with_many_addresses_is_one_visitor() {
        for (address, visitor) in [
            ("2001:db8:7:1:aa::9", "2001:db8:7:1::"),
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(one_visitor(ip(address)), ip(visitor));
        }
    }
}
