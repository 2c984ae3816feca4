//! Mail: queued in the transaction of what it tells of, sent by a job through SMTP, or written as files where none is configured.
//!
//! The one rule: a waiting mail lies in the vault, because it may hold a link that opens an account; it is erased once it is sent.

use crate::db::Tx;
use crate::jobs::{self, Outcome};
use crate::vault::{self, Vault};
use anyhow::{Context as _, Result};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Sends one mail.
pub const SEND: &str = "mail-send";

/// A mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// How mail leaves.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Clone)]
enum Way {
    /// One file for each mail: a shop without a mail server can be tried out.
    Folder(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// Where mail goes and who it is from, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// `smtps://user:password@host:465`.
    pub url: String,
    /// `Seedmark <post@shop.example>`.
    pub from: String,
}

impl Mailer {
    /// Through SMTP when it is configured, else into `mail/` of the data folder.
    ///
    /// # Errors
    /// Names the setting that cannot be read; never its value, which holds a password.
    pub fn new(smtp: Option<&Smtp>, data: &Path) -> Result<Self> {
        let Some(smtp) = smtp else {
            return Ok(Self {
                from: "Seedmark <seedmark@localhost>"
                    .parse()
                    .context("a constant address")?,
                way: Way::Folder(data.join("mail")),
            });
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp.url)
            .map_err(|_| {
                anyhow::anyhow!(
                    "SEEDMARK_SMTP_URL is not an address such as smtps://user:password@host:465"
                )
            })?
            .build();
        Ok(Self {
            from: smtp.from.parse().context(
                "SEEDMARK_MAIL_FROM is not an address such as Seedmark <post@shop.example>",
            )?,
            way: Way::Smtp(transport),
        })
    }

    async fn send(&self, id: &str, mail: &Mail) -> Result<()> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(mail.to.parse().context("the mail's recipient")?)
            // The same after a crash, so that a mail server can see that it has it.
            .message_id(Some(format!("<{id}@seedmark>")))
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())?;
        match &self.way {
            Way::Folder(folder) => {
                tokio::fs::create_dir_all(folder).await?;
                tokio::fs::write(folder.join(format!("{id}.eml")), message.formatted()).await?;
            }
            Way::Smtp(transport) => {
                transport.send(message).await?;
            }
        }
        Ok(())
    }
}

/// Queues a mail in the caller's transaction.
///
/// # Errors
/// When the vault or the database fails.
pub async fn queue(
    tx: &mut Tx,
    vault: &Vault,
    mail: &Mail,
    now_ms: i64,
) -> Result<(), vault::Error> {
    let id = crate::random::id();
    // A struct of strings always serialises.
    let plain = serde_json::to_vec(mail).unwrap_or_default();
    vault.put(tx, &id, &plain, now_ms).await?;
    jobs::enqueue(tx, SEND, &format!("mail:{id}"), &id).await?;
    Ok(())
}

/// Runs a job of this module.
///
/// # Errors
/// When it cannot be sent; the job tries again.
pub async fn run(db: &crate::db::Db, vault: &Vault, mailer: &Mailer, id: &str) -> Result<Outcome> {
    let now = crate::random::real_now_ms();
    let mut tx = db.write().await?;
    let plain = match vault.open(&mut tx, id, "platform", "send mail", now).await {
        Ok(plain) => plain,
        // It was sent, and the note of that was lost.
        Err(vault::Error::Erased(_)) => return Ok(Outcome::Done),
        Err(error) => return Err(error.into()),
    };
    tx.commit().await?;
    mailer.send(id, &serde_json::from_slice(&plain)?).await?;
    let mut tx = db.write().await?;
    vault.erase(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests;
