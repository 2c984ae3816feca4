//! The AI label: a visible notice drawn into public copies, and XMP with IPTC's and China's `AIGC` fields.
//!
//! The one rule: order is overlay → encode → XMP. Anchors are digested before it; labelled copies have digests of their
//! own and carry [`VERSION`] in the listing statement. The notice says "AI 生成" (GB 45438-2025: at least 5% of the short
//! side). Its letters were rendered once from Liberation Sans and Droid Sans Fallback, 16 levels of coverage.

pub mod notice;

use crate::picture::Picture;

/// Version of the overlay. A changed overlay is a new version.
pub const VERSION: u32 = 1;

const ROWS: [&str; 13] = [
    "........................52............715...",
    "...1ffd.....ff2.....1e..b5............e298..",
    "...6fff3....ff2.....6a..b5......399999fa996.",
    "...cf7f9....ff2.....ddccedccc8..5c5555d8553.",
    "..2fc.ff....ff2....8b333c73332..5a....a5.4..",
    "..8f7.9f5...ff2....d2...b5......5d888.97.f1.",
    "..ef1.4fb...ff2.........b5......5b55f16a5c..",
    ".4fffffff2..ff2.....9ffffffff3..59..f.3eb7..",
    ".afffffff7..ff2.........b5......77.1f..ee...",
    "1ff3...6fd..ff2.........b5......b413d.1da.2.",
    "7fc.....ef3.ff2....44444c7444411f.7e61cbe2c3",
    "...................bbbbbbbbbbb339....99.5fc.",
    ".........................................1..",
];
const COLUMNS: u32 = 44;
const PADDING: u32 = 3;
const TEXT_HEIGHT: u32 = 11;

/// Draws the notice into the bottom right corner of a copy.
#[must_use]
pub fn overlay(picture: &Picture) -> Picture {
    let mut copy = picture.clone();
    let short = picture.width.min(picture.height);
    let scale = short.div_ceil(20).div_ceil(TEXT_HEIGHT).max(1);
    let (rows, padding) = (13 * scale, PADDING * scale);
    let (box_width, box_height) = (COLUMNS * scale + 2 * padding, rows + 2 * padding);
    if box_width > picture.width || box_height > picture.height {
        return copy;
    }
    let (left, top) = (picture.width - box_width, picture.height - box_height);
    for y in 0..box_height {
        for x in 0..box_width {
            let at = (((top + y) * picture.width + left + x) * 3) as usize;
            blend(&mut copy.samples[at..at + 3], 24, 10);
            let (column, row) = (x.checked_sub(padding), y.checked_sub(padding));
            if let (Some(column), Some(row)) = (column, row) {
                blend(
                    &mut copy.samples[at..at + 3],
                    255,
                    coverage(column / scale, row / scale),
                );
            }
        }
    }
    copy
}

/// Coverage of a letter at a place, 0 to 15.
fn coverage(column: u32, row: u32) -> u32 {
    let character = ROWS
        .get(row as usize)
        .and_then(|line| line.as_bytes().get(column as usize))
        .copied();
    character
        .and_then(|byte| (byte as char).to_digit(16))
        .unwrap_or(0)
}

/// Integer blend of one grey level at a coverage of fifteenths.
fn blend(samples: &mut [u8], level: u32, coverage: u32) {
    for sample in samples {
        let mixed = (u32::from(*sample) * (15 - coverage) + level * coverage + 7) / 15;
        *sample = u8::try_from(mixed).unwrap_or(u8::MAX);
    }
}

/// The XMP packet of a labelled file. `producer` and `content` are codes of printable ASCII without quotes or spaces;
/// anything else is replaced by `-`, as the `AIGC` field allows no more.
#[must_use]
pub fn xmp(producer: &str, content: &str) -> String {
    described(producer, content, &[])
}

/// The same with a sentence about the picture in several languages, the first of them for readers of all others: whose recipe made it, and
/// whether it is what was sealed. Never a prompt, a seed or a value.
#[must_use]
pub fn described(producer: &str, content: &str, about: &[(&str, String)]) -> String {
    let code = |text: &str| -> String {
        text.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':') {
                    c
                } else {
                    '-'
                }
            })
            .collect()
    };
    let aigc = format!(
        "{{\"Label\":\"1\",\"ContentProducer\":\"{0}\",\"ProduceID\":\"{1}\",\"ReservedCode1\":\"\",\"ContentPropagator\":\"{0}\",\"PropagateID\":\"{1}\",\"ReservedCode2\":\"\"}}",
        code(producer),
        code(content)
    )
    .replace('"', "&quot;");
    let (space, description) = match about.first() {
        None => ("", String::new()),
        Some((_, first)) => {
            let item = |lang: &str, text: &str| {
                format!("<rdf:li xml:lang=\"{lang}\">{}</rdf:li>", escaped(text))
            };
            let all = about.iter().map(|(lang, text)| item(lang, text));
            let items: String = std::iter::once(item(DEFAULT, first)).chain(all).collect();
            (
                " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
                format!("<dc:description><rdf:Alt>{items}</rdf:Alt></dc:description>"),
            )
        }
    };
    format!(
        concat!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">",
            "<rdf:Description rdf:about=\"\" xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" ",
            "xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\"{}>",
            "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>",
            "<TC260:AIGC>{}</TC260:AIGC>{}</rdf:Description></rdf:RDF></x:xmpmeta>"
        ),
        space, aigc, description
    )
}

/// The language of whoever reads none of the others.
const DEFAULT: &str = "x-default";

fn escaped(text: &str) -> String {
    // Control characters are no characters of XML at all.
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The sentence that [`described`] wrote for readers of every language, out of the PNG that holds it.
#[must_use]
pub fn description_in(png: &[u8]) -> Option<String> {
    let limits = png::Limits { bytes: 64 * 1024 };
    let reader = png::Decoder::new_with_limits(std::io::Cursor::new(png), limits)
        .read_info()
        .ok()?;
    let packet = reader
        .info()
        .utf8_text
        .iter()
        .find(|chunk| chunk.keyword == "XML:com.adobe.xmp")?
        .get_text()
        .ok()?;
    let begin = format!("<rdf:li xml:lang=\"{DEFAULT}\">");
    let (_, rest) = packet.split_once(&begin)?;
    let (text, _) = rest.split_once("</rdf:li>")?;
    let plain = text
        .replace("&quot;", "\"")
        .replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&amp;", "&");
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::{described, description_in, xmp};
    use crate::picture::Picture;

    #[test]
    fn a_description_is_read_back_as_it_was_written_and_breaks_no_markup() {
        let picture = Picture {
            width: 2,
            height: 1,
            samples: vec![7; 6],
        };
        let title = "</rdf:li> & \"Fuchs\" <b>狐狸\u{7}";
        let about = [
            ("en", format!("made with “{title}”")),
            ("de", "gemacht".to_owned()),
        ];
        let packet = described("SEEDMARK", "own 1", &about);
        assert!(packet.contains("own-1") && packet.contains("xml:lang=\"de\">gemacht"));
        let file = picture.to_png(Some(&packet)).expect("a file");
        let read = description_in(&file).expect("a description");
        assert_eq!(read, about[0].1.replace('\u{7}', ""));
        assert_eq!(Picture::from_png(&file).expect("a picture"), picture);
        let plain = picture.to_png(Some(&xmp("SEEDMARK", "1"))).expect("a file");
        assert_eq!(description_in(&plain), None);
        assert_eq!(description_in(b"no picture"), None);
    }
}
