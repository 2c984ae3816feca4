//! The key maker: a creator's Ed25519 key is made here, in the browser, encrypted here.
//!
//! The one rule: a secret key never leaves these functions unencrypted.

use super::panel::Panel;
use crate::browser::{self, Island, KEY_SLOT, element, listen};
use schema::key::{PublicKey, SecretKey, registration_message};
use schema::key_event::{Authority, KeyEndStatement, Reason};
use schema::key_file::KeyFile;
use schema::passphrase::Passphrase;
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// The encrypted key that this browser keeps.
pub(crate) fn stored_key() -> Option<KeyFile> {
    browser::load(KEY_SLOT).and_then(|text| KeyFile::parse(text.as_bytes()).ok())
}

/// Keeps a key file, and says whether the browser let it.
fn keep(file: &KeyFile) -> Option<String> {
    let text = String::from_utf8(file.to_bytes().ok()?).ok()?;
    browser::save(KEY_SLOT, &text).then_some(text)
}

/// Registers the public half by submitting the plain form `key-form`.
fn register(origin: &str, person: &str, secret: &SecretKey) {
    let signature = secret.sign(&registration_message(origin, person));
    browser::submit(
        "key-form",
        &[
            ("key", secret.public().to_string()),
            ("signature", hex::encode(signature)),
        ],
    );
}

/// Makes, imports and exports a key.
pub(super) fn key_maker(island: &Island) -> Result<(), JsValue> {
    show_stored(island)?;
    let who = Rc::new((island.text("origin")?, island.text("person")?));
    let (short, wrong) = (island.text("short")?, island.text("wrong")?);
    let maker = Rc::clone(&who);
    let panel = Panel::wake(island, move |passphrase| make(passphrase, &maker, &short))?;
    listen(&island.find("#key-import")?, "change", move |_| {
        let (who, panel, wrong) = (Rc::clone(&who), Rc::clone(&panel), wrong.clone());
        browser::read_file("key-import", move |text| {
            panel.work();
            panel.show(import(&text, &panel.passphrase(), &who).ok_or(wrong));
        });
    })?;
    listen(&island.find("#key-export")?, "click", move |_| {
        if let Some(text) = browser::load(KEY_SLOT) {
            browser::download("seedmark.key", &text);
        }
    })
}

/// Says which key lies in this browser; the button that makes one is then no longer the first thing to do.
fn show_stored(island: &Island) -> Result<(), JsValue> {
    let Some(file) = stored_key() else {
        return Ok(());
    };
    let key = file.public.to_string();
    let known = island.texts("registered")?.contains(&key);
    let text = island.text(if known { "here" } else { "elsewhere" })?;
    let line = element("p", "key-maker__here", &format!("{text} "))?;
    line.append_child(&*element("code", "digest", &key)?)?;
    island.put_first(".key-maker", &line)?;
    island.find("#key-make")?.set_class_name("button");
    Ok(())
}

fn make(passphrase: &Passphrase, who: &(String, String), short: &str) -> Result<(), String> {
    let (Some(secret), Some(random)) = (browser::random(), browser::random()) else {
        return Ok(());
    };
    let secret = SecretKey::from_bytes(secret);
    let kept = KeyFile::seal(&secret, passphrase, &random)
        .ok()
        .and_then(|file| Some((keep(&file)?, file)));
    let (text, file) = kept.ok_or(short)?;
    browser::download(
        &format!("seedmark-{}.key", &file.public.hash().hex()[..8]),
        &text,
    );
    register(&who.0, &who.1, &secret);
    Ok(())
}

/// `None` for a file or passphrase that is wrong.
fn import(text: &str, passphrase: &Passphrase, who: &(String, String)) -> Option<()> {
    let file = KeyFile::parse(text.as_bytes()).ok()?;
    let secret = file.open(passphrase).ok()?;
    if keep(&file).is_some() {
        register(&who.0, &who.1, &secret);
    }
    Some(())
}

/// Ends a key on its own word: opens it here, signs the statement and its leaf, and submits the plain form `key-end-form`.
pub(super) fn key_end(island: &Island) -> Result<(), JsValue> {
    let (origin, key) = (island.text("origin")?, island.text("key")?);
    let (absent, wrong) = (island.text("absent")?, island.text("wrong")?);
    Panel::wake(island, move |passphrase| {
        let file = stored_key().filter(|file| file.public.to_string() == key);
        let file = file.ok_or_else(|| absent.clone())?;
        let fields = end(&file, passphrase, &origin).ok_or_else(|| wrong.clone())?;
        browser::submit("key-end-form", &fields);
        Ok(())
    })?;
    Ok(())
}

fn end(
    file: &KeyFile,
    passphrase: &Passphrase,
    origin: &str,
) -> Option<[(&'static str, String); 2]> {
    let secret = file.open(passphrase).ok()?;
    let reason = Reason::parse(&browser::value("reason-own").unwrap_or_default());
    let statement = KeyEndStatement {
        key_hash: file.public.hash(),
        reason: reason.unwrap_or(Reason::Routine),
        authority: Authority::Key,
        successor: browser::value("successor-own").and_then(|text| PublicKey::parse(&text).ok()),
    };
    let (envelope, leaf) = statement.sign(origin, &secret).ok()?;
    Some([
        ("envelope", envelope.json().ok()?),
        ("leaf", hex::encode(leaf.to_bytes())),
    ])
}
