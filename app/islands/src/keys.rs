//! The key maker: a creator's Ed25519 key is made here, in the browser, encrypted here, and never leaves unencrypted.

use crate::browser::{self, KEY_SLOT};
use leptos::prelude::*;
use schema::key::{PublicKey, SecretKey, registration_message};
use schema::key_event::{Authority, KeyEndStatement, Reason};
use schema::key_file::KeyFile;
use serde::{Deserialize, Serialize};

/// Finished texts, so that no Fluent is needed in the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyTexts {
    pub passphrase: String,
    pub make: String,
    pub import: String,
    pub working: String,
    pub wrong: String,
    pub here: String,
    pub elsewhere: String,
    pub export: String,
    pub short: String,
}

/// Makes or imports a key, keeps it encrypted in this browser, offers a backup, and registers the public half by submitting
/// the plain form `key-form`.
#[island]
pub fn KeyMaker(
    texts: KeyTexts,
    origin: String,
    person: String,
    registered: Vec<String>,
) -> impl IntoView {
    let passphrase = RwSignal::new(String::new());
    let message = RwSignal::new(Note::default());
    let stored = RwSignal::new(None::<KeyFile>);
    Effect::new(move |_| {
        stored.set(stored_key());
    });
    let t = StoredValue::new(texts);
    let register = {
        let (origin, person) = (origin.clone(), person.clone());
        move |secret: &SecretKey| {
            let signature = secret.sign(&registration_message(&origin, &person));
            browser::submit(
                "key-form",
                &[
                    ("key", secret.public().to_string()),
                    ("signature", hex::encode(signature)),
                ],
            );
        }
    };
    let keep = move |file: &KeyFile| -> bool {
        let text = file
            .to_bytes()
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let saved = text
            .as_ref()
            .is_some_and(|text| browser::save(KEY_SLOT, text));
        if saved && let Some(text) = text {
            browser::download(
                &format!("seedmark-{}.key", &file.public.hash().hex()[..8]),
                &text,
            );
        }
        saved
    };
    let make = {
        let register = register.clone();
        move || {
            message.set(Note::working(t.with_value(|t| t.working.clone())));
            let register = register.clone();
            browser::later(move || {
                let (Some(secret), Some(random)) = (browser::random(), browser::random()) else {
                    return;
                };
                let secret = SecretKey::from_bytes(secret);
                match KeyFile::seal(
                    &secret,
                    &browser::passphrase(&passphrase.get_untracked()),
                    &random,
                ) {
                    Ok(file) if keep(&file) => register(&secret),
                    _ => message.set(Note::failed(t.with_value(|t| t.short.clone()))),
                }
            });
        }
    };
    let import = move |_| {
        let register = register.clone();
        browser::read_file("key-import", move |text| {
            message.set(Note::working(t.with_value(|t| t.working.clone())));
            let opened = KeyFile::parse(text.as_bytes()).and_then(|file| {
                file.open(&browser::passphrase(&passphrase.get_untracked()))
                    .map(|secret| (file, secret))
            });
            match opened {
                Ok((file, secret)) => {
                    let bytes = file.to_bytes().unwrap_or_default();
                    if browser::save(KEY_SLOT, &String::from_utf8(bytes).unwrap_or_default()) {
                        register(&secret);
                    }
                }
                Err(_) => message.set(Note::failed(t.with_value(|t| t.wrong.clone()))),
            }
        });
    };
    let on_enter = on_enter(make.clone());
    let export = move |_| {
        if let Some(text) = browser::load(KEY_SLOT) {
            browser::download("seedmark.key", &text);
        }
    };
    let here = move || {
        stored.get().map(|file| {
            let known = registered.contains(&file.public.to_string());
            let text = t.with_value(|t| if known { t.here.clone() } else { t.elsewhere.clone() });
            view! { <p class="key-maker__here">{text} " " <code class="digest">{file.public.to_string()}</code></p> }
        })
    };
    view! {
        <div class="key-maker">
            {here}
            <label class="field">
                <span>{t.with_value(|t| t.passphrase.clone())}</span>
                <input type="password" id="key-passphrase" autocomplete="new-password" minlength="8" on:keydown=on_enter
                    on:input=move |event| passphrase.set(event_target_value(&event))/>
            </label>
            <p class="actions">
                <button type="button" class="button" class:button--primary=move || stored.get().is_none() id="key-make" on:click=move |_| make()>{t.with_value(|t| t.make.clone())}</button>
                <button type="button" class="button" on:click=export>{t.with_value(|t| t.export.clone())}</button>
            </p>
            <label class="field">
                <span>{t.with_value(|t| t.import.clone())}</span>
                <input type="file" id="key-import" accept=".key,application/json" on:change=import/>
            </label>
            {message_line(message)}
        </div>
    }
}

/// Finished texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyEndTexts {
    pub passphrase: String,
    pub sign: String,
    pub working: String,
    pub wrong: String,
    pub absent: String,
}

/// Ends a key on its own word: opens it here, signs the statement and its leaf, and submits the plain form `key-end-form`.
#[island]
pub fn KeyEnd(texts: KeyEndTexts, origin: String, key: String) -> impl IntoView {
    let passphrase = RwSignal::new(String::new());
    let message = RwSignal::new(Note::default());
    let t = StoredValue::new(texts);
    let sign = move || {
        let (origin, key) = (origin.clone(), key.clone());
        message.set(Note::working(t.with_value(|t| t.working.clone())));
        browser::later(move || {
            let Some(file) = stored_key().filter(|file| file.public.to_string() == key) else {
                return message.set(Note::failed(t.with_value(|t| t.absent.clone())));
            };
            let Ok(secret) = file.open(&browser::passphrase(&passphrase.get_untracked())) else {
                return message.set(Note::failed(t.with_value(|t| t.wrong.clone())));
            };
            let reason = Reason::parse(&browser::value("reason-own").unwrap_or_default());
            let statement = KeyEndStatement {
                key_hash: file.public.hash(),
                reason: reason.unwrap_or(Reason::Routine),
                authority: Authority::Key,
                successor: browser::value("successor-own")
                    .and_then(|text| PublicKey::parse(&text).ok()),
            };
            let Ok((envelope, leaf)) = statement.sign(&origin, &secret) else {
                return message.set(Note::failed(t.with_value(|t| t.wrong.clone())));
            };
            browser::submit(
                "key-end-form",
                &[
                    (
                        "envelope",
                        serde_json::to_string(&envelope).unwrap_or_default(),
                    ),
                    ("leaf", hex::encode(leaf.to_bytes())),
                ],
            );
        });
    };
    let labels = t.with_value(|t| (t.passphrase.clone(), t.sign.clone()));
    signing_panel("key-end", labels, passphrase, message, sign)
}

/// The encrypted key that this browser keeps.
pub fn stored_key() -> Option<KeyFile> {
    browser::load(KEY_SLOT).and_then(|text| KeyFile::parse(text.as_bytes()).ok())
}

/// What a panel says below its button: that it works, or what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Note {
    text: String,
    failed: bool,
}

impl Note {
    /// Something goes on.
    #[must_use]
    pub fn working(text: String) -> Self {
        Self {
            text,
            failed: false,
        }
    }

    /// It did not work, and why.
    #[must_use]
    pub fn failed(text: String) -> Self {
        Self { text, failed: true }
    }
}

fn message_line(message: RwSignal<Note>) -> impl IntoView {
    view! { <p class="key-maker__message" class:field-error=move || message.get().failed role="status">{move || message.get().text}</p> }
}

/// Enter in a field does what the button beside it does.
fn on_enter(act: impl Fn() + 'static) -> impl Fn(leptos::ev::KeyboardEvent) + 'static {
    move |event| {
        if event.key() == "Enter" {
            event.prevent_default();
            act();
        }
    }
}

/// What every island that signs shows: the passphrase, the button and what came of it. `name` begins the ids of both; `labels` are
/// theirs.
pub fn signing_panel(
    name: &'static str,
    labels: (String, String),
    passphrase: RwSignal<String>,
    message: RwSignal<Note>,
    sign: impl Fn() + Clone + 'static,
) -> impl IntoView {
    let on_enter = on_enter(sign.clone());
    view! {
        <div class="key-maker">
            <label class="field">
                <span>{labels.0}</span>
                <input type="password" id=format!("{name}-passphrase") autocomplete="current-password" on:keydown=on_enter
                    on:input=move |event| passphrase.set(event_target_value(&event))/>
            </label>
            <p class="actions"><button type="button" class="button button--primary" id=format!("{name}-sign") on:click=move |_| sign()>{labels.1}</button></p>
            {message_line(message)}
        </div>
    }
}
