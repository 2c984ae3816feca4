//! An order's invoice as PDF.
//!
//! The one rule: no fonts are embedded. Latin text stands in Helvetica, everything else in the standard Chinese font that every
//! reader of PDF substitutes (ISO 32000-1, 9.7.5.2: predefined `CMap`s), so that an invoice has a few kilobytes.

use super::page::{invoice_name, tax_label};
use base::lang::Lang;
use market::orders::{Line, Order};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo};
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

const LATIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");
const CHINESE: Name<'static> = Name(b"F3");
/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
const RIGHT: f32 = PAGE.0 - MARGIN;
/// Rows on one page; more go onto the next.
const ROWS_A_PAGE: usize = 30;
/// What a title may take of a row's width.
const TITLE_ROOM: f32 = 380.0;

/// Who sells, who buys, and where to look it up.
pub(super) struct Parties {
    /// The platform's name and address, one line each.
    pub(super) seller: Vec<String>,
    pub(super) buyer: String,
    pub(super) url: String,
    pub(super) test_money: bool,
}

/// What a character takes of an em in thousandths: exact for what amounts consist of, a fair guess for the rest, which only wraps text.
fn width(character: char) -> f32 {
    match character {
        '0'..='9' | '$' | '€' | '£' => 556.0,
        '.' | ',' | ' ' | 'i' | 'j' | 'l' | 'I' | ':' | '/' | '\'' => 278.0,
        '-' | '−' | '(' | ')' | 'r' | 't' | 'f' => 333.0,
        'M' | 'W' | 'm' | 'w' | '@' | '%' => 860.0,
        'A'..='Z' => 690.0,
        character if is_latin(character) => 556.0,
        _ => 1000.0,
    }
}

fn is_latin(character: char) -> bool {
    let code = character as u32;
    matches!(code, 0x20..=0x7e | 0xa0..=0xff) || win_ansi(character).is_some()
}

/// The few signs beyond Latin-1 that `WinAnsiEncoding` has (ISO 32000-1, annex D).
fn win_ansi(character: char) -> Option<u8> {
    Some(match character {
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' | '−' => 0x97,
        _ => return None,
    })
}

fn text_width(text: &str, size: f32) -> f32 {
    text.chars().map(width).sum::<f32>() * size / 1000.0
}

/// Writes text at a place, changing the font where the script does.
fn put(content: &mut Content, text: &str, x: f32, y: f32, size: f32, bold: bool) {
    content.begin_text();
    content.next_line(x, y);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let latin = is_latin(first);
        let end = rest
            .char_indices()
            .find(|(_, c)| is_latin(*c) != latin)
            .map_or(rest.len(), |(at, _)| at);
        let (run, after) = rest.split_at(end);
        let bytes: Vec<u8> = if latin {
            content.set_font(if bold { BOLD } else { LATIN }, size);
            // Latin-1 is its own code below 256.
            run.chars()
                .map(|c| win_ansi(c).unwrap_or(u8::try_from(c as u32).unwrap_or(b'?')))
                .collect()
        } else {
            content.set_font(CHINESE, size);
            run.encode_utf16().flat_map(u16::to_be_bytes).collect()
        };
        content.show(Str(&bytes));
        rest = after;
    }
    content.end_text();
}

fn put_right(content: &mut Content, text: &str, y: f32, size: f32, bold: bool) {
    put(content, text, RIGHT - text_width(text, size), y, size, bold);
}

/// Cuts a text that is too wide, and says so with an ellipsis.
fn fitted(text: &str, size: f32, room: f32) -> String {
    if text_width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if text_width(&kept, size) + width(character) * size / 1000.0 > room - size {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

/// Breaks a text into rows: between words, around every sign that is not Latin, and within what no row holds.
fn wrapped(text: &str, size: f32, room: f32) -> Vec<String> {
    let (mut rows, mut row) = (Vec::new(), String::new());
    let mut piece = String::new();
    let mut flush = |piece: &mut String, row: &mut String| {
        if text_width(row, size) + text_width(piece.trim_end(), size) > room && !row.is_empty() {
            rows.push(std::mem::take(row).trim_end().to_owned());
        }
        for character in piece.drain(..) {
            if text_width(row, size) + width(character) * size / 1000.0 > room && !row.is_empty() {
                rows.push(std::mem::take(row));
            }
            row.push(character);
        }
    };
    let mut before = ' ';
    for character in text.chars() {
        if before == ' ' || !is_latin(before) || !is_latin(character) {
            flush(&mut piece, &mut row);
        }
        piece.push(character);
        before = character;
    }
    flush(&mut piece, &mut row);
    rows.push(row.trim_end().to_owned());
    rows
}

/// An order's line and its title in rows.
type Entry<'a> = (&'a Line, Vec<String>);

/// The lines by page, none of them torn apart.
fn paged(lines: &[Line]) -> Vec<Vec<Entry<'_>>> {
    let mut pages: Vec<Vec<Entry<'_>>> = vec![Vec::new()];
    let mut rows = 0;
    for line in lines {
        let title = wrapped(&line.title, 10.0, TITLE_ROOM);
        if rows > 0 && rows + title.len() > ROWS_A_PAGE {
            pages.push(Vec::new());
            rows = 0;
        }
        rows += title.len();
        if let Some(page) = pages.last_mut() {
            page.push((line, title));
        }
    }
    pages
}

fn rule(content: &mut Content, y: f32) {
    content.set_stroke_gray(0.75);
    content.set_line_width(0.6);
    content.move_to(MARGIN, y);
    content.line_to(RIGHT, y);
    content.stroke();
}

fn head(content: &mut Content, lang: Lang, order: &Order, parties: &Parties) -> f32 {
    let mut y = PAGE.1 - MARGIN - 12.0;
    put(content, &lang.text("invoice"), MARGIN, y, 20.0, true);
    let number = invoice_name(order.invoice_number.unwrap_or(0));
    put_right(content, &number, y, 12.0, true);
    y -= 30.0;
    for line in &parties.seller {
        put(content, line, MARGIN, y, 9.5, false);
        y -= 13.0;
    }
    y -= 8.0;
    let facts = [
        ("invoice-to", parties.buyer.clone()),
        (
            "paid-at",
            lang.date(order.paid_ms.unwrap_or(order.created_ms)),
        ),
        (
            "invoice-country",
            order
                .country
                .as_ref()
                .map_or_else(String::new, |code| lang.country(code)),
        ),
        ("order-number", order.id.to_string()),
        (
            "card",
            order
                .card_last4
                .as_ref()
                .map_or_else(String::new, |last4| format!("•••• {last4}")),
        ),
    ];
    for (label, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        put(content, &lang.text(label), MARGIN, y, 9.5, false);
        put(
            content,
            &fitted(&value, 9.5, 330.0),
            MARGIN + 130.0,
            y,
            9.5,
            false,
        );
        y -= 14.0;
    }
    y - 14.0
}

fn totals(content: &mut Content, lang: Lang, order: &Order, lines: &[Line], mut y: f32) {
    let list: i64 = lines.iter().map(|line| line.list_minor).sum();
    let back: i64 = lines.iter().map(Line::refunded_cash).sum();
    let mut rows = vec![(lang.text("subtotal"), list)];
    if order.discount_minor > 0 {
        rows.push((lang.text("discount"), -order.discount_minor));
    }
    rows.push((tax_label(lang, order), order.tax_minor));
    y -= 6.0;
    for (label, amount) in rows {
        put(content, &label, MARGIN, y, 10.0, false);
        put_right(content, &lang.money(amount), y, 10.0, false);
        y -= 15.0;
    }
    let total = lang.money(order.total_minor + order.tax_minor);
    put(content, &lang.text("total"), MARGIN, y, 11.0, true);
    put_right(content, &total, y, 11.0, true);
    if back > 0 {
        y -= 16.0;
        put(content, &lang.text("refunded"), MARGIN, y, 10.0, false);
        put_right(content, &lang.money(-back), y, 10.0, false);
    }
}

fn foot(content: &mut Content, lang: Lang, parties: &Parties, page: usize, pages: usize) {
    rule(content, MARGIN + 26.0);
    put(content, &parties.url, MARGIN, MARGIN + 12.0, 8.0, false);
    if parties.test_money {
        put(
            content,
            &lang.text("test-money"),
            MARGIN,
            MARGIN,
            8.0,
            false,
        );
    }
    put_right(
        content,
        &format!("{page} / {pages}"),
        MARGIN + 12.0,
        8.0,
        false,
    );
}

/// The invoice of a paid order, in the buyer's language.
pub(super) fn pdf(lang: Lang, order: &Order, lines: &[Line], parties: &Parties) -> Vec<u8> {
    let chunks = paged(lines);
    let mut pdf = Pdf::new();
    let (catalog, tree, latin, bold, chinese, cid, descriptor, info) = (
        Ref::new(1),
        Ref::new(2),
        Ref::new(3),
        Ref::new(4),
        Ref::new(5),
        Ref::new(6),
        Ref::new(7),
        Ref::new(8),
    );
    let page_ref = |index: usize| Ref::new(10 + 2 * i32::try_from(index).unwrap_or(0));
    let content_ref = |index: usize| Ref::new(11 + 2 * i32::try_from(index).unwrap_or(0));
    pdf.catalog(catalog).pages(tree).lang(TextStr(lang.html()));
    pdf.document_info(info)
        .title(TextStr(&invoice_name(order.invoice_number.unwrap_or(0))));
    pdf.pages(tree)
        .kids((0..chunks.len()).map(page_ref))
        .count(i32::try_from(chunks.len()).unwrap_or(1));
    for (id, name) in [(latin, "Helvetica"), (bold, "Helvetica-Bold")] {
        pdf.type1_font(id)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.type0_font(chinese)
        .base_font(Name(b"STSong-Light"))
        .encoding_predefined(Name(b"UniGB-UTF16-H"))
        .descendant_font(cid);
    pdf.cid_font(cid)
        .subtype(CidFontType::Type0)
        .base_font(Name(b"STSong-Light"))
        .system_info(SystemInfo {
            registry: Str(b"Adobe"),
            ordering: Str(b"GB1"),
            supplement: 2,
        })
        .default_width(1000.0)
        .font_descriptor(descriptor);
    pdf.font_descriptor(descriptor)
        .name(Name(b"STSong-Light"))
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-25.0, -254.0, 1000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
    for (index, chunk) in chunks.iter().enumerate() {
        let mut content = Content::new();
        let mut y = head(&mut content, lang, order, parties);
        rule(&mut content, y + 12.0);
        for (line, title) in chunk {
            let amount = lang.money(line.list_minor);
            put_right(&mut content, &amount, y - 4.0, 10.0, false);
            for row in title {
                put(&mut content, row, MARGIN, y - 4.0, 10.0, false);
                y -= 13.0;
            }
            y -= 3.0;
        }
        rule(&mut content, y + 4.0);
        if index + 1 == chunks.len() {
            totals(&mut content, lang, order, lines, y - 8.0);
        }
        foot(&mut content, lang, parties, index + 1, chunks.len());
        pdf.stream(content_ref(index), &content.finish());
        let mut page = pdf.page(page_ref(index));
        page.parent(tree)
            .media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1))
            .contents(content_ref(index));
        page.resources()
            .fonts()
            .pair(LATIN, latin)
            .pair(BOLD, bold)
            .pair(CHINESE, chinese);
        page.finish();
    }
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::{TITLE_ROOM, text_width, wrapped};

    #[test]
    fn a_long_title_is_wrapped_and_loses_nothing() {
        let titles = [
            "Fox",
            "A patient fox on a very small planet that grows one rose and three volcanoes, two of which are active today",
            "一只耐心的狐狸住在一颗很小很小的星球上种着一朵玫瑰和三座火山其中两座今天还在活动请小心地擦拭它们谢谢大家",
            "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungsurkundenvordruckausgabestelle",
            "mixed 混合 words 文字 and more 更多",
            "",
        ];
        for title in titles {
            let rows = wrapped(title, 10.0, TITLE_ROOM);
            for row in &rows {
                assert!(text_width(row, 10.0) <= TITLE_ROOM, "{row}");
            }
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&rows.concat()), bare(title));
        }
        assert_eq!(wrapped("one two", 10.0, 26.0), ["one", "two"]);
    }
}
