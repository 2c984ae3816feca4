//! `seedmark witness`: cosigns the checkpoints of chosen logs, so that none of them can show two people two histories.
//!
//! The one rule: what was cosigned is on disk before it is answered, and a folder belongs to one process.

mod notebook;

use crate::arguments::Witness as Options;
use crate::exit::Exit;
use crate::target::{Content, Target};
use crate::{input, machine, output};
use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use ledger::note::{Algorithm, Verifier, is_name};
use ledger::witness::{Answer, MAX_REQUEST_BYTES, SIZE_TYPE, Witness};
use ledger::{Error, ErrorKind};
use notebook::Notebook;
use schema::key::SecretKey;
use std::sync::{Arc, Mutex, PoisonError};

const TEXT: &str = "text/plain; charset=utf-8";

type Shared = Arc<Mutex<Witness<Notebook>>>;

/// The witness's own key, made on the first start. It is not under a passphrase: a witness starts without a person.
fn secret(folder: &std::path::Path, notebook: &mut Notebook) -> Result<SecretKey> {
    let path = folder.join("witness.key");
    if !path.exists() {
        notebook.begin(folder)?;
        let bytes: [u8; 32] = machine::random()?;
        // Durable before it is printed: others will trust the key as soon as they see it.
        let place = Target::file(&path, Content::Secret)?;
        place.write(format!("{}\n", hex::encode(bytes)).as_bytes())?;
        output::hint(format!(
            "made a new key in {}; keep it, and keep it from others",
            path.display()
        ));
    }
    let text = input::read_text(&path, "witness key")?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| anyhow!("{} is no witness key: 64 hex digits", path.display()))?;
    Ok(SecretKey::from_bytes(bytes))
}

pub(crate) fn run(options: &Options) -> Result<Exit> {
    let logs = options
        .log
        .iter()
        .map(|key| match Verifier::parse(key) {
            Ok(log) if log.algorithm() == Algorithm::Ed25519 => Ok(log),
            Ok(_) => Err(anyhow!("--log {key}: this is a witness's key, not a log's")),
            Err(error) => Err(anyhow!("--log {key}: {error}")),
        })
        .collect::<Result<Vec<_>>>()?;
    if !is_name(&options.name) {
        return Err(anyhow!(
            "--name {:?}: a witness's name has no spaces and no plus sign; a host name of yours is usual",
            options.name
        ));
    }
    let mut notebook = Notebook::take(&options.data)?;
    let secret = secret(&options.data, &mut notebook)?;
    notebook.recall(&options.data, &logs, &options.begin_anew)?;
    for origin in &options.begin_anew {
        output::hint(format!(
            "begins anew with {origin}: what it cosigned before is forgotten; take --begin-anew away before the next start"
        ));
    }
    let witness = Witness::new(&options.name, secret, logs, notebook)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(serve(options, witness))
}

async fn serve(options: &Options, witness: Witness<Notebook>) -> Result<Exit> {
    let listener = tokio::net::TcpListener::bind(&options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    let verifier = witness.verifier().to_string();
    if options.json {
        output::json(&serde_json::json!({ "verifier": verifier, "listen": address.to_string() }));
    } else {
        output::line(format!(
            "witness {} {verifier} http://{address}",
            options.name
        ));
        output::hint(
            "the line above belongs into the policy of a log; give a name that is reached from outside in place of the address",
        );
    }
    // Nobody would know this witness's key; a reader that took the line and left does.
    output::check()?;
    let app = Router::new()
        .route("/", get(about))
        .route("/add-checkpoint", post(add))
        .route("/{hash}/checkpoint", get(latest))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Arc::new(Mutex::new(witness)));
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            // Without a signal handler the program simply ends when it is killed: everything is on disk already.
            let _stop = tokio::signal::ctrl_c().await;
        })
        .await
        .context("the server failed")?;
    Ok(Exit::Success)
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// What happened inside stays inside; the log line on standard error names it.
fn broken(error: &Error) -> Response {
    output::hint(format!("error: {error}"));
    text(
        StatusCode::SERVICE_UNAVAILABLE,
        TEXT,
        "this witness cannot cosign at the moment\n".into(),
    )
}

async fn about(State(witness): State<Shared>) -> Response {
    let witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
    text(StatusCode::OK, TEXT, format!("{}\n", witness.verifier()))
}

async fn add(State(witness): State<Shared>, body: Bytes) -> Response {
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return text(
            StatusCode::BAD_REQUEST,
            TEXT,
            "the request is no text\n".into(),
        );
    };
    let now_seconds = machine::now_seconds();
    let answered = tokio::task::spawn_blocking(move || {
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.answer(&body, now_seconds)
    });
    match answered.await {
        Ok(Ok(answer)) => {
            let status =
                StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = match answer {
                Answer::Conflict(_) => SIZE_TYPE,
                _ => TEXT,
            };
            text(status, kind, answer.body())
        }
        Ok(Err(error)) => broken(&error),
        Err(error) => broken(&Error::new(ErrorKind::Storage, error.to_string())),
    }
}

async fn latest(State(witness): State<Shared>, Path(hash): Path<String>) -> Response {
    let found = tokio::task::spawn_blocking(move || {
        let witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.latest(&hash)
    });
    match found.await {
        Ok(Ok(Some(checkpoint))) => text(StatusCode::OK, TEXT, checkpoint),
        Ok(Ok(None)) => text(StatusCode::NOT_FOUND, TEXT, "no such log\n".into()),
        Ok(Err(error)) => broken(&error),
        Err(error) => broken(&Error::new(ErrorKind::Storage, error.to_string())),
    }
}
