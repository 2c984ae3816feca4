//! SQL that only the demo has use for.

use base::db::{self, Tx, execute, statements};
use schema::id::PictureId;
use schema::pixels::PixelDigest;

statements! {
    RETOUCH_PICTURE = "update picture set blob = $2, pixel_blake3 = $3, pixel_sha256 = $4 where id = $1 and state = 'done'";
}

/// Puts another file in the place of a picture that is done, as if somebody had painted in it.
pub(super) async fn retouch_picture(
    tx: &mut Tx,
    picture: &PictureId,
    blob: &str,
    digest: &PixelDigest,
) -> db::Result<()> {
    let (blake3, sha256) = (digest.blake3.hex(), digest.sha256.hex());
    execute!(
        tx,
        RETOUCH_PICTURE,
        picture.as_str(),
        blob,
        &blake3,
        &sha256
    )
    .map(|_| ())
}
