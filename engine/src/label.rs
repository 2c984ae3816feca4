//! The AI label: a visible notice drawn into public copies, and XMP with IPTC's and China's `AIGC` fields.
//!
//! The one rule: order is overlay → encode → XMP. Anchors are digested before it; labelled copies have digests of their
//! own and carry [`VERSION`] in the listing statement.

pub mod notice;

use crate::picture::Picture;
use notice::{Spot, Words};

/// Version of the overlay. A changed overlay is a new version; 1 was a box through which one could see.
pub const VERSION: u32 = 2;
/// The producer that every label of this program names.
pub const PRODUCER: &str = "SEEDMARK";

/// Draws the notice that is sealed into the bottom right corner of a copy: "AI 生成" (GB 45438-2025), which every reader of copies sees in
/// their own language on the same part of the picture.
#[must_use]
pub fn overlay(picture: &Picture) -> Picture {
    let mut copy = picture.clone();
    notice::draw(&mut copy, Words::Chinese, Spot::Corner);
    copy
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
    description(&packet)
}

/// The same out of the packet itself.
pub(crate) fn description(packet: &str) -> Option<String> {
    let begin = format!("<rdf:li xml:lang=\"{DEFAULT}\">");
    between(packet, &begin, "</rdf:li>")
}

/// The plain text between two tags of a packet.
pub(crate) fn between(packet: &str, begin: &str, end: &str) -> Option<String> {
    let (_, rest) = packet.split_once(begin)?;
    let (text, _) = rest.split_once(end)?;
    let plain = text
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
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
