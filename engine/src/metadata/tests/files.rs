//! Chunks and segments: cut, swollen, packed without end.

use super::super::{MAX_FILE, PARAMETERS, Program, read_text, with_text};
use super::*;
use crate::label;
use crate::picture::Picture;

#[test]
fn texts_are_read_before_and_behind_the_pixels_and_in_every_kind_of_chunk() {
    let pixels = chunk(b"IDAT", &packed(&[0, 1, 2, 3]));
    let packed_text = [b"parameters\0\0".as_slice(), &packed(SETTINGS.as_bytes())].concat();
    let plain = format!("parameters\0\0\0de\0Einstellungen\0{SETTINGS}");
    let flagged = [
        b"parameters\0\x01\0\0\0".as_slice(),
        &packed(SETTINGS.as_bytes()),
    ]
    .concat();
    for chunk in [
        text(PARAMETERS, SETTINGS),
        chunk(b"zTXt", &packed_text),
        chunk(b"iTXt", plain.as_bytes()),
        chunk(b"iTXt", &flagged),
    ] {
        for chunks in [
            [chunk.clone(), pixels.clone()],
            [pixels.clone(), chunk.clone()],
        ] {
            let found = must(&png(&chunks));
            assert_eq!((found.prompt.as_str(), found.seed), ("a cat", Some(7)));
            assert_eq!((found.width, found.height), (Some(512), Some(768)));
            assert_eq!(faults(&found), []);
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_what_stood_before_the_cut_and_names_it() {
    let whole = png(&[
        text(PARAMETERS, SETTINGS),
        text("Comment", "more"),
        chunk(b"IDAT", &[9; 40]),
    ]);
    let behind = whole.len() - png(&[text("Comment", "more"), chunk(b"IDAT", &[9; 40])]).len();
    let settings_end = 8 + 25 + behind;
    for length in 0..whole.len() {
        let cut = &whole[..length];
        if length >= settings_end {
            let found = must(cut);
            assert_eq!(found.seed, Some(7));
            assert!(
                matches!(faults(&found)[..], [(_, Fault::Truncated)]),
                "{length}"
            );
        } else {
            let error = read(cut).expect_err("nothing readable");
            assert!(!error.to_string().is_empty());
        }
    }
    assert_eq!(faults(&must(&whole)), []);
}

#[test]
fn other_formats_cut_anywhere_never_panic() {
    let exif = super::exif::comment(false, b"ASCII\0\0\0", SETTINGS.as_bytes());
    let files = [
        jpeg(&[
            (0xe1, [b"Exif\0\0".as_slice(), &exif].concat()),
            (0xfe, vec![7; 9]),
        ]),
        webp(&[(b"VP8L", vec![1; 7]), (b"EXIF", exif)]),
    ];
    for whole in files {
        assert_eq!(must(&whole).seed, Some(7));
        for length in 0..whole.len() {
            let _outcome = read(&whole[..length]);
        }
    }
}

#[test]
fn what_unpacks_without_end_is_named_and_the_rest_is_kept() {
    let bomb = packed(&vec![b'a'; 64 << 20]);
    assert!(bomb.len() < 1 << 17);
    let packed_bomb = chunk(b"zTXt", &[b"prompt\0\0".as_slice(), &bomb].concat());
    let flagged = chunk(
        b"iTXt",
        &[b"workflow\0\x01\0\0\0".as_slice(), &bomb].concat(),
    );
    let found = must(&png(&[
        packed_bomb.clone(),
        text(PARAMETERS, SETTINGS),
        flagged,
    ]));
    assert_eq!(
        faults(&found),
        [
            ("PNG zTXt prompt", Fault::TooLarge),
            ("PNG iTXt workflow", Fault::TooLarge)
        ]
    );
    let error = read(&png(&[packed_bomb])).expect_err("a bomb alone");
    assert!(
        error.to_string().contains("PNG zTXt prompt: it is larger"),
        "{error}"
    );
}

#[test]
fn a_wrong_checksum_costs_its_own_chunk_alone() {
    let mut broken = text("prompt", "{}");
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let found = must(&png(&[broken, text(PARAMETERS, SETTINGS)]));
    assert_eq!(faults(&found), [("PNG tEXt", Fault::WrongChecksum)]);
}

#[test]
fn sizes_that_a_file_names_are_not_believed() {
    for length in [u32::MAX, i32::MAX as u32, 1 << 30, 50] {
        let mut bytes = png(&[text(PARAMETERS, SETTINGS)]);
        let end = bytes.len() - 12;
        bytes[end..end + 4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(faults(&must(&bytes)), [("PNG IEND", Fault::Truncated)]);
    }
    let mut bytes = webp(&[(b"EXIF", vec![0; 9])]);
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(read(&bytes).is_err());
    for length in [0u8, 1] {
        assert!(read(&[0xff, 0xd8, 0xff, 0xfe, 0, length, 0, 0]).is_err());
    }
    let large = chunk(b"tEXt", &vec![b'a'; (1 << 20) + 1]);
    let found = must(&png(&[large, text(PARAMETERS, SETTINGS)]));
    assert_eq!(faults(&found), [("PNG tEXt", Fault::TooLarge)]);
}

#[test]
fn files_without_number_or_bound_are_refused() {
    assert!(read(&vec![0; MAX_FILE + 1]).is_err());
    assert!(read(b"GIF89a").is_err());
    let many: Vec<_> = (0..70_000).map(|_| chunk(b"IDAT", b"")).collect();
    let found = must(&png(&[vec![text(PARAMETERS, SETTINGS)], many].concat()));
    assert_eq!(faults(&found), [("PNG", Fault::TooMany)]);
    let bomb = [b"a\0\0".as_slice(), &packed(&vec![b'a'; 1 << 20])].concat();
    let bombs: Vec<_> = (0..20_000).map(|_| chunk(b"zTXt", &bomb)).collect();
    let file = png(&[vec![text(PARAMETERS, SETTINGS)], bombs].concat());
    let begun = std::time::Instant::now();
    let found = must(&file);
    assert!(faults(&found).contains(&("PNG zTXt", Fault::TooMany)));
    // All of them would be 20 GiB.
    assert!(begun.elapsed().as_secs() < 20);
}

#[test]
fn chunks_that_are_no_text_are_named() {
    for data in [b"no end".as_slice(), b"a\0\x01zlib", b"a\0\0no zlib"] {
        assert!(read(&png(&[chunk(b"zTXt", data)])).is_err());
    }
    for data in [
        b"a".as_slice(),
        b"a\0\0",
        b"a\0\x02\0\0\0x",
        b"a\0\x01\x01\0\0x",
        b"a\0\0\0\0\0\xff",
    ] {
        assert!(read(&png(&[chunk(b"iTXt", data)])).is_err());
    }
    assert_eq!(read(&png(&[])).expect("a file"), None);
    let other = r#"{"sui_image_params": {"prompt": "a cat"}}"#;
    assert_eq!(
        read(&png(&[text(PARAMETERS, other)])).expect("a file"),
        None
    );
}

#[test]
fn a_comment_of_jpeg_is_settings_only_where_it_looks_like_them() {
    let comment = |text: &str| jpeg(&[(0xfe, text.as_bytes().to_vec())]);
    assert_eq!(must(&comment(SETTINGS)).seed, Some(7));
    assert_eq!(read(&comment("made with love")).expect("a file"), None);
}

#[test]
fn what_is_cut_is_named() {
    let long = "ä".repeat(40_000);
    let value = "v".repeat(5000);
    let found = must(&png(&[text(
        PARAMETERS,
        &format!("{long}\nSteps: 1, Seed: 2, Odd: {value}"),
    )]));
    assert_eq!(found.prompt.len(), 64 * 1024);
    assert_eq!(found.unknown[0].1.len(), 4096);
    for name in ["prompt", "Odd"] {
        assert!(found.remarks.contains(&Remark::Cut(name.to_owned())));
    }
    let pairs: Vec<String> = (0..400).map(|at| format!("Key {at}: 1")).collect();
    let found = must(&png(&[text(
        PARAMETERS,
        &format!("x\n{}", pairs.join(", ")),
    )]));
    assert_eq!(found.unknown.len(), 256);
    assert!(found.remarks.contains(&Remark::Cut("Key 256".to_owned())));
}

#[test]
fn values_that_are_none_are_named_and_not_guessed() {
    let line = "Steps: many, Seed: -1, CFG scale: NaN, Size: 5, Clip skip: 2.5, Denoising strength: 0.12345";
    let found = read_text(&format!("x\n{line}"))
        .expect("a text")
        .expect("settings");
    assert_eq!(
        (found.steps, found.seed, found.guidance_milli),
        (None, None, None)
    );
    assert_eq!(
        (found.width, found.clip_skip, found.denoising_milli),
        (None, None, Some(123))
    );
    let unread = |remark: &&Remark| matches!(remark, Remark::ValueUnread { .. });
    assert_eq!(found.remarks.iter().filter(unread).count(), 5);
    assert!(
        found
            .remarks
            .contains(&Remark::Rounded("Denoising strength".to_owned()))
    );
}

#[test]
fn our_own_label_is_read_back_and_nobody_elses() {
    let picture = Picture {
        width: 1,
        height: 1,
        samples: vec![1, 2, 3],
    };
    let about = [("en", "made with “A & B”".to_owned())];
    let packet = label::described(label::PRODUCER, "own 1", &about);
    let found = must(&picture.to_png(Some(&packet)).expect("a file"));
    assert_eq!(found.program, Program::Seedmark);
    assert_eq!(found.content.as_deref(), Some("own-1"));
    assert_eq!(found.description, Some(about[0].1.clone()));
    assert_eq!((found.prompt.as_str(), found.seed), ("", None));
    let packet = label::xmp("SOMEBODY", "1");
    let file = picture.to_png(Some(&packet)).expect("a file");
    assert_eq!(read(&file).expect("a file"), None);
    let found = must(&webp(&[(
        b"XMP ",
        label::xmp(label::PRODUCER, "2").into_bytes(),
    )]));
    assert_eq!(
        (found.content.as_deref(), found.description),
        (Some("2"), None)
    );
}

#[test]
fn a_text_is_put_into_a_png_and_pixels_stay_as_they_were() {
    let picture = Picture {
        width: 2,
        height: 1,
        samples: vec![9; 6],
    };
    let file = picture.to_png(None).expect("a file");
    for text in [
        "a cat\nSteps: 1, Seed: 2, Size: 3x4",
        "狐狸 é Â©\nSteps: 1, Seed: 2, Size: 3x4",
    ] {
        let written = with_text(&file, PARAMETERS, text).expect("a text");
        assert_eq!(Picture::from_png(&written).expect("a picture"), picture);
        let prompt = text.lines().next().expect("a line");
        assert_eq!(must(&written).prompt, prompt);
    }
    for (keyword, text) in [
        ("", "a"),
        (" a", "a"),
        ("ä", "a"),
        (&*"k".repeat(80), "a"),
        ("a", "\0"),
    ] {
        assert!(with_text(&file, keyword, text).is_err());
    }
    assert!(with_text(&file, "a", &"x".repeat(1 << 20)).is_err());
    assert!(with_text(b"no picture", "a", "a").is_err());
}
