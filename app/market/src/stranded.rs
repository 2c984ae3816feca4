//! Work whose model stayed away for too long: it ends by name, with the reason on its page.
//!
//! The one rule: that a machine is missing is nobody's fault but the shop's. A re-run that could not be made is no verdict on a recipe.

use crate::shop::Shop;
use crate::{library, own, studio, trials};
use anyhow::Result;
use base::jobs::{Job, turns};

/// Ends what waited for so long, some at a time, and returns how many. `now_ms` is real time, as jobs have it.
///
/// # Errors
/// When the database fails.
pub async fn give_up(shop: &Shop, waited_ms: i64, now_ms: i64) -> Result<usize> {
    let mut tx = shop.db.read().await?;
    let stranded = turns::list_stranded(&mut tx, waited_ms, now_ms).await?;
    drop(tx);
    for job in &stranded {
        end(shop, job).await?;
    }
    Ok(stranded.len())
}

async fn end(shop: &Shop, job: &Job) -> Result<()> {
    let mut tx = shop.db.write().await?;
    if !turns::end(&mut tx, job).await? {
        return Ok(());
    }
    match job.kind.as_str() {
        studio::GENERATE | studio::CERTIFY => studio::jobs::give_up(&mut tx, job).await?,
        library::REPRODUCE => library::jobs::give_up(shop, &mut tx, job).await?,
        own::MAKE => own::jobs::give_up(&mut tx, job).await?,
        trials::MAKE => trials::jobs::give_up(&mut tx, job).await?,
        other => anyhow::bail!("nobody knows the job kind {other}"),
    }
    tx.commit().await?;
    Ok(())
}
