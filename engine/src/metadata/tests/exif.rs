//! EXIF whose offsets lead anywhere.

use super::*;

/// A TIFF with a comment in its second directory.
pub(super) fn comment(little: bool, alphabet: &[u8; 8], text: &[u8]) -> Vec<u8> {
    let data = [alphabet.as_slice(), text].concat();
    let length = u32::try_from(data.len()).expect("a length");
    let mut bytes = tiff(little, &[(0x8769, 4, 1, 26)]);
    bytes.extend(directory(little, &[(0x9286, 7, length, 44)]));
    bytes.extend(data);
    bytes
}

/// A TIFF's head with one directory behind it.
fn tiff(little: bool, entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut bytes = match little {
        true => b"II*\0\x08\0\0\0".to_vec(),
        false => b"MM\0*\0\0\0\x08".to_vec(),
    };
    bytes.extend(directory(little, entries));
    bytes
}

fn directory(little: bool, entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let short = |value: u16| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let long = |value: u32| {
        if little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let mut bytes = short(u16::try_from(entries.len()).expect("a count")).to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(short(*tag));
        bytes.extend(short(*kind));
        bytes.extend(long(*count));
        bytes.extend(long(*value));
    }
    bytes.extend(long(0));
    bytes
}

fn in_webp(exif: Vec<u8>) -> Vec<u8> {
    webp(&[(b"EXIF", exif)])
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        })
        .collect()
}

#[test]
fn comments_are_read_in_every_order_of_bytes_whatever_the_file_has() {
    let text = SETTINGS.replace("cat", "狐狸 🦊");
    for file in [false, true] {
        for letters in [false, true] {
            let found = must(&in_webp(comment(
                file,
                b"UNICODE\0",
                &utf16(&text, letters),
            )));
            assert_eq!((found.prompt.as_str(), found.seed), ("a 狐狸 🦊", Some(7)));
            let marked = utf16(&format!("\u{feff}{text}"), letters);
            let found = must(&in_webp(comment(file, b"UNICODE\0", &marked)));
            assert_eq!(found.prompt, "a 狐狸 🦊");
        }
        for alphabet in [b"ASCII\0\0\0", &[0; 8]] {
            let found = must(&in_webp(comment(file, alphabet, SETTINGS.as_bytes())));
            assert_eq!(found.prompt, "a cat");
        }
    }
}

#[test]
fn comments_in_other_alphabets_or_broken_are_refused_by_name() {
    for (alphabet, text) in [
        (b"JIS\0\0\0\0\0", SETTINGS.as_bytes().to_vec()),
        (b"UNICODE\0", vec![0xd8, 0x00, 0x00, 0x41]),
        (b"UNICODE\0", vec![0, b'a', b'b']),
        (b"ASCII\0\0\0", vec![0xff, 0xfe, 0xfd]),
    ] {
        let error = read(&in_webp(comment(false, alphabet, &text))).expect_err("no text");
        assert!(error.to_string().starts_with("EXIF UserComment"), "{error}");
    }
}

#[test]
fn directories_that_lead_into_themselves_or_nowhere_end() {
    for offset in [0, 1, 7, 8, 26, 0x7fff_ffff, u32::MAX] {
        for little in [false, true] {
            let entries = [
                (0x8769, 4, 1, offset),
                (0x8769, 4, 1, 8),
                (0x010f, 2, u32::MAX, offset),
            ];
            let _outcome = read(&in_webp(tiff(little, &entries)));
            let mut bytes = comment(little, b"ASCII\0\0\0", SETTINGS.as_bytes());
            let value = if little {
                offset.to_le_bytes()
            } else {
                offset.to_be_bytes()
            };
            bytes[4..8].copy_from_slice(&value);
            let _outcome = read(&in_webp(bytes));
        }
    }
    let twice = tiff(true, &[(0x8769, 4, 1, 8)]);
    assert_eq!(read(&in_webp(twice)).expect("a file"), None);
}

#[test]
fn a_thousand_names_for_one_large_text_are_not_all_read() {
    let data = vec![b'a'; 1 << 20];
    let length = u32::try_from(data.len() - 8000).expect("a length");
    let entries = vec![(0x010f, 2, length, 4000); 512];
    let mut exif = tiff(false, &entries);
    exif.resize(1 << 20, b'a');
    let error = read(&in_webp(exif)).expect_err("too much");
    assert!(error.to_string().contains("EXIF 010f"), "{error}");
    assert_eq!(read(&in_webp(tiff(false, &[]))).expect("a file"), None);
}

#[test]
fn exif_with_any_byte_changed_never_panics() {
    let whole = comment(true, b"UNICODE\0", &utf16(SETTINGS, true));
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let _outcome = read(&in_webp(bytes));
        }
    }
}

#[test]
fn names_of_cameras_are_texts_with_a_word_before_them() {
    let graph = r#"prompt:{"3": {"class_type": "KSampler", "inputs": {"seed": 5}}}"#;
    let length = u32::try_from(graph.len()).expect("a length");
    let mut exif = tiff(true, &[(0x0110, 2, length, 26)]);
    exif.extend(graph.as_bytes());
    assert_eq!(must(&in_webp(exif)).seed, Some(5));
    let mut exif = tiff(false, &[(0x0110, 2, 3, 0)]);
    exif[18..21].copy_from_slice(b"X1\0");
    assert_eq!(read(&in_webp(exif)).expect("a file"), None);
}
