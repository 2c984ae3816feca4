//! A list as an Atom 1.0 feed (RFC 4287).
//!
//! The one rule: an entry's id is made from the listing's own and never changes, whatever becomes of title, address or site.

use base::lang::Lang;
use market::catalog::service::Card;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use schema::time::utc;
use std::io::{Cursor, Result};

/// Since when the site's name is used for ids, as `tag:` wants it (RFC 4151).
const NAMED_SINCE: &str = "2026";

/// A feed and where it is.
pub(super) struct Feed<'a> {
    pub(super) lang: Lang,
    /// The site's address, without a slash at its end.
    pub(super) site: &'a str,
    /// The feed's own path and query, and its page's.
    pub(super) path: String,
    pub(super) page: String,
    pub(super) title: String,
    pub(super) cards: &'a [Card],
}

/// Writes it.
pub(super) fn write(feed: &Feed<'_>) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let newest = feed.cards.iter().map(|card| card.published_ms).max();
    writer
        .create_element("feed")
        .with_attributes([
            ("xmlns", "http://www.w3.org/2005/Atom"),
            ("xml:lang", feed.lang.html()),
        ])
        .write_inner_content(|writer| {
            text(writer, "id", &format!("{}{}", feed.site, feed.page))?;
            text(writer, "title", &feed.title)?;
            text(writer, "updated", &utc(newest.unwrap_or(0)))?;
            link(
                writer,
                "self",
                "application/atom+xml",
                &absolute(feed, &feed.path),
            )?;
            link(
                writer,
                "alternate",
                "text/html",
                &absolute(feed, &feed.page),
            )?;
            feed.cards
                .iter()
                .try_for_each(|card| entry(writer, feed, card))
        })?;
    Ok(writer.into_inner().into_inner())
}

type To = Writer<Cursor<Vec<u8>>>;

fn entry(writer: &mut To, feed: &Feed<'_>, card: &Card) -> Result<()> {
    let host = feed.site.split("://").nth(1).unwrap_or_default();
    let host = host.split([':', '/']).next().unwrap_or_default();
    let page = feed.lang.path(&format!("/listings/{}", card.slug));
    writer
        .create_element("entry")
        .write_inner_content(|writer| {
            let id = format!("tag:{host},{NAMED_SINCE}:listing/{}", card.id);
            text(writer, "id", &id)?;
            text(writer, "title", &card.title)?;
            text(writer, "updated", &utc(card.published_ms))?;
            text(writer, "published", &utc(card.published_ms))?;
            writer
                .create_element("author")
                .write_inner_content(|writer| text(writer, "name", &card.handle))?;
            link(writer, "alternate", "text/html", &absolute(feed, &page))?;
            let picture = format!("/media/{}.png", card.blob);
            link(writer, "enclosure", "image/png", &absolute(feed, &picture))?;
            text(writer, "summary", &feed.lang.price(card.price_minor))
        })?;
    Ok(())
}

fn absolute(feed: &Feed<'_>, path: &str) -> String {
    format!("{}{path}", feed.site)
}

fn text(writer: &mut To, name: &str, value: &str) -> Result<()> {
    writer
        .create_element(name)
        .write_text_content(BytesText::new(value))?;
    Ok(())
}

fn link(writer: &mut To, rel: &str, kind: &str, href: &str) -> Result<()> {
    writer
        .create_element("link")
        .with_attributes([("rel", rel), ("type", kind), ("href", href)])
        .write_empty()?;
    Ok(())
}
