//! Files that recipes begin with: who has the key opens them, and who names them keeps them.

use super::{Error, hold, keep, let_go, open, read};
use crate::files::sweep;
use crate::testing::shop;
use base::clock::DAY_MS;
use base::random;
use base::testing::databases;
use engine::picture::Picture;
use schema::recipe::Init;

fn picture(shade: u8) -> Picture {
    Picture {
        width: 8,
        height: 8,
        samples: vec![shade; 8 * 8 * 3],
    }
}

async fn keep_one(rules: &crate::shop::Shop, picture: Picture) -> super::Kept {
    let kept = keep(&rules.media, vec![picture]).await;
    kept.expect("kept").remove(0)
}

#[tokio::test]
async fn what_no_bundle_could_carry_is_not_kept() {
    for test in databases().await {
        let rules = shop(&test).await.rules(&test);
        // Noise, which no PNG makes smaller.
        let mut samples = vec![0; 2304 * 2304 * 3];
        getrandom::fill(&mut samples).expect("noise");
        let large = Picture {
            width: 2304,
            height: 2304,
            samples,
        };
        let refused = keep(&rules.media, vec![large]).await;
        assert!(matches!(refused, Err(Error::Large)), "{}", test.name);
    }
}

#[tokio::test]
async fn a_kept_picture_is_opened_by_its_key_alone_and_its_file_shows_nothing() {
    for test in databases().await {
        let rules = shop(&test).await.rules(&test);
        let (one, other) = (picture(10), picture(200));
        let kept = keep_one(&rules, one.clone()).await;
        let again = keep_one(&rules, one.clone()).await;
        assert_ne!(kept.blob, again.blob, "equal pictures are not seen to be");
        let file = rules.media.get(&kept.blob).await.expect("read");
        let file = file.expect("a file");
        assert!(!file.windows(4).any(|bytes| bytes == b"\x89PNG"));
        let init = Init {
            pixels: kept.pixels,
            strength_milli: 500,
            mask: None,
        };
        let opened = open(&rules.media, std::slice::from_ref(&kept))
            .await
            .expect("pictures");
        let found = opened.files(&init).expect("the picture");
        assert_eq!(Picture::from_png(&found[0]).expect("a PNG"), one);
        let mut mixed = keep_one(&rules, other).await;
        mixed.blob = kept.blob.clone();
        let refused = read(&rules.media, &[mixed]).await.expect_err("another key");
        assert!(matches!(refused, Error::Vault(_)), "{refused}");
        assert!(!format!("{kept:?}").contains("key: FileKey(\""));
    }
}

#[tokio::test]
async fn a_file_stays_for_as_long_as_a_draft_or_a_version_names_it() {
    for test in databases().await {
        let rules = shop(&test).await.rules(&test);
        let kept = keep_one(&rules, picture(10)).await;
        let both = [kept.clone()];
        let mut tx = test.db.write().await.expect("a transaction");
        for owner in ["draft", "version", "version"] {
            hold(&mut tx, owner, &both, 1).await.expect("held");
        }
        let_go(&mut tx, "draft").await.expect("let go");
        tx.commit().await.expect("a commit");
        let late = random::real_now_ms() + 3 * DAY_MS;
        let all = async |now_ms| {
            rules.media.set_owner("shop").await.expect("said");
            let mut aside = 0;
            for _ in 0..256 {
                let swept = sweep(&test.db, &rules.media, "shop", now_ms).await;
                aside += swept.expect("swept").aside;
            }
            aside
        };
        assert_eq!(all(late).await, 0, "{}", test.name);
        let mut tx = test.db.write().await.expect("a transaction");
        let_go(&mut tx, "version").await.expect("let go");
        tx.commit().await.expect("a commit");
        assert_eq!(all(late).await, 1, "{}", test.name);
    }
}
