//! Files and graphs that a stranger might hand us.

mod exif;
mod files;
mod graphs;
mod round;

use super::{Fault, Found, Remark, read};
use flate2::Crc;
use flate2::write::ZlibEncoder;
use std::io::Write as _;

/// Pairs enough to be settings.
const SETTINGS: &str = "a cat\nSteps: 20, Seed: 7, Size: 512x768";

/// A chunk of PNG.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(data);
    let mut bytes = u32::try_from(data.len())
        .expect("a length")
        .to_be_bytes()
        .to_vec();
    bytes.extend_from_slice(kind);
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&sum.sum().to_be_bytes());
    bytes
}

/// A PNG of these chunks, between a header and an end.
fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = super::png::SIGNATURE.to_vec();
    bytes.extend(chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]));
    bytes.extend(chunks.concat());
    bytes.extend(chunk(b"IEND", b""));
    bytes
}

/// `tEXt` with settings.
fn text(keyword: &str, text: &str) -> Vec<u8> {
    chunk(b"tEXt", format!("{keyword}\0{text}").as_bytes())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A JPEG of these segments, up to its first scan.
fn jpeg(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = super::jpeg::SIGNATURE.to_vec();
    for (marker, data) in segments {
        let length = u16::try_from(data.len() + 2)
            .expect("a length")
            .to_be_bytes();
        bytes.extend([0xff, *marker]);
        bytes.extend(length);
        bytes.extend(data);
    }
    bytes.extend([0xff, 0xda]);
    bytes
}

/// A WebP of these chunks.
fn webp(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    for (kind, data) in chunks {
        bytes.extend_from_slice(*kind);
        bytes.extend(u32::try_from(data.len()).expect("a length").to_le_bytes());
        bytes.extend(data);
        bytes.extend(vec![0; data.len() % 2]);
    }
    bytes
}

fn must(bytes: &[u8]) -> Found {
    read(bytes).expect("a file").expect("settings")
}

/// The faults among the remarks.
fn faults(found: &Found) -> Vec<(&str, Fault)> {
    let of = |remark: &'_ Remark| matches!(remark, Remark::Damaged { .. });
    let found = found.remarks.iter().filter(|remark| of(remark));
    found
        .filter_map(|remark| match remark {
            Remark::Damaged { place, fault } => Some((place.as_str(), *fault)),
            _ => None,
        })
        .collect()
}
