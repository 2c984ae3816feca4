//! Files that are named by what they hold.

use super::Media;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn media() -> (TempDir, Media) {
    let folder = tempfile::tempdir().expect("a folder");
    let media = Media::folder(&folder.path().join("media")).expect("a folder");
    (folder, media)
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

async fn put(media: &Media, bytes: &[u8]) -> String {
    media.put(bytes.into()).await.expect("put")
}

async fn get(media: &Media, name: &str) -> Option<Vec<u8>> {
    media.get(name).await.expect("an answer")
}

#[tokio::test]
async fn the_same_bytes_are_one_file_however_often_and_at_once_they_are_put() {
    let (folder, media) = media();
    let name = put(&media, b"fox").await;
    assert_eq!(name, blake3::hash(b"fox").to_hex().to_string());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let media = media.clone();
        tasks.spawn(async move { put(&media, b"fox").await });
    }
    for again in tasks.join_all().await {
        assert_eq!(again, name);
    }
    assert_eq!(files(folder.path()).len(), 1);
    assert_eq!(get(&media, &name).await.as_deref(), Some(&b"fox"[..]));
    assert_ne!(put(&media, b"fix").await, name);
    assert_eq!(files(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_none_and_a_name_leads_nowhere_else() {
    let (folder, media) = media();
    std::fs::write(folder.path().join("secret.png"), "a key").expect("written");
    put(&media, b"fox").await;
    let absent = blake3::hash(b"nothing").to_hex().to_string();
    for name in [
        absent.as_str(),
        "",
        "x",
        "secret",
        "../secret",
        "..",
        "/../secret",
        "..%2fsecret",
        "é",
    ] {
        assert_eq!(get(&media, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_no_file_and_is_in_nobodys_way() {
    let (folder, media) = media();
    let name = put(&media, b"a whole picture").await;
    let path = files(folder.path()).remove(0);
    // A file is written beside its place, and moved there when it is whole.
    std::fs::remove_file(&path).expect("removed");
    for number in 1..4 {
        let beside = format!("{}#{number}", path.display());
        std::fs::write(beside, "a who").expect("half");
    }
    assert_eq!(get(&media, &name).await, None);
    assert_eq!(put(&media, b"a whole picture").await, name);
    let found = get(&media, &name).await;
    assert_eq!(found.as_deref(), Some(&b"a whole picture"[..]));
}

#[tokio::test]
async fn a_file_that_was_damaged_is_whole_again_when_it_is_put_again() {
    let (folder, media) = media();
    let name = put(&media, b"a whole picture").await;
    let path = files(folder.path()).remove(0);
    std::fs::write(&path, "a who").expect("cut");
    put(&media, b"a whole picture").await;
    let found = get(&media, &name).await;
    assert_eq!(found.as_deref(), Some(&b"a whole picture"[..]));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_an_error_and_not_an_empty_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("media");
    std::fs::write(&place, "in the way").expect("a file");
    assert!(Media::folder(&place).is_err());
    std::fs::remove_file(&place).expect("removed");
    let media = Media::folder(&place).expect("a folder");
    let name = put(&media, b"fox").await;
    let shelf = place.join(&name[..2]);
    std::fs::remove_dir_all(&shelf).expect("removed");
    std::fs::write(&shelf, "in the way").expect("a file");
    assert!(media.put(b"fox".to_vec()).await.is_err());
    assert!(media.get(&name).await.is_err());
}
