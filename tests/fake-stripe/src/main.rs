//! `fake-stripe [PORT]`: serves the stand-in until Ctrl-C, for the Node SDK and for trying it by hand.

use std::time::{SystemTime, UNIX_EPOCH};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_s = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0));
    let fake = fake_stripe::FakeStripe::start(port.unwrap_or(0), now_s).await?;
    println!("{}", fake.url);
    tokio::signal::ctrl_c().await
}
