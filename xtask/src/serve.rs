//! `cargo xtask serve`: from a clean clone to a shop that answers.

use crate::run::say;
use crate::{built, root, runtime, target};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A page of a server that is busy takes a while.
const PATIENCE: Duration = Duration::from_secs(20);

struct Options {
    port: u16,
    data: String,
    database_url: Option<String>,
    release: bool,
    demo: bool,
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        port: 4610,
        data: "data".into(),
        database_url: None,
        release: false,
        demo: true,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--port" => options.port = value()?.parse().context("--port needs a number")?,
            "--data" => options.data = value()?.clone(),
            "--database-url" => options.database_url = Some(value()?.clone()),
            "--release" => options.release = true,
            "--no-demo" => options.demo = false,
            other => bail!("serve does not know {other:?}"),
        }
    }
    Ok(options)
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    let library = runtime::ensure(true)?;
    built::web()?;
    built::server(options.release)?;
    let server = target()
        .join(if options.release { "release" } else { "debug" })
        .join("seedmark-server");
    let mut command = Command::new(server);
    command
        .current_dir(root())
        .env("ORT_DYLIB_PATH", library)
        .args([
            "serve",
            "--site",
            &target().join("site").to_string_lossy(),
            "--data",
            &options.data,
            "--port",
            &options.port.to_string(),
        ])
        .stdout(Stdio::piped());
    if std::env::var_os("SEEDMARK_LOG").is_none() {
        command.env("SEEDMARK_LOG", "warn");
    }
    if let Some(url) = &options.database_url {
        command.args(["--database-url", url]);
    }
    if !options.demo {
        command.arg("--no-demo");
    }
    let mut child = command.spawn().context("cannot start the server")?;
    announce(&mut child, options.demo)?;
    // Ctrl-C reaches the whole process group: the server stops by itself, and we end with it.
    let status = child.wait()?;
    if !status.success() {
        bail!("the server ended ({status})");
    }
    Ok(())
}

/// Passes the server's first lines on and follows the demo with a bar.
fn announce(child: &mut Child, demo: bool) -> Result<()> {
    let mut lines =
        BufReader::new(child.stdout.take().context("the server has no output")?).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(());
    };
    let address = first.trim_start_matches("listening on http://").to_owned();
    say(&format!(
        "Seedmark is at http://localhost:{}",
        address.rsplit(':').next().unwrap_or("4610")
    ));
    if demo {
        if let Some(line) = lines.next().transpose()? {
            say(&line);
        }
        follow_demo(&address)?;
    }
    Ok(())
}

fn follow_demo(address: &str) -> Result<()> {
    let bar = std::io::stdout().is_terminal();
    let mut shown = None;
    loop {
        let Some((loaded, total)) = demo_progress(address) else {
            return Ok(());
        };
        if loaded >= total {
            if shown.is_some() {
                say(&format!(
                    "{}demo catalogue: {total} listings, sealed, logged and certified",
                    if bar { "\r" } else { "" }
                ));
            }
            return Ok(());
        }
        if shown != Some(loaded) {
            let done = 30 * loaded / total.max(1);
            let text = format!(
                "demo catalogue [{}{}] {loaded}/{total}",
                "#".repeat(done),
                ".".repeat(30 - done)
            );
            if bar {
                let mut out = std::io::stdout();
                let _closed = write!(out, "\r{text}").and_then(|()| out.flush());
            } else if loaded % 6 == 0 {
                say(&text);
            }
            shown = Some(loaded);
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Asks `/healthz` how much of the demo is there, and how much there will be.
pub(crate) fn demo_progress(address: &str) -> Option<(usize, usize)> {
    let text = ask(address, "/healthz")?;
    let body = text.split_once("\r\n\r\n")?.1;
    let value: serde_json::Value =
        serde_json::from_str(body.get(body.find('{')?..=body.rfind('}')?)?).ok()?;
    let read = |name: &str| {
        value["demo"][name]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
    };
    Some((read("loaded")?, read("total")?))
}

/// What a server answers, head and all; nothing while it does not.
pub(crate) fn ask(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
