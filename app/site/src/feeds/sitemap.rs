//! The map of the site for search engines (sitemaps.org), with pictures.
//!
//! The one rule: a file has at most as many addresses as the protocol takes, and each begins behind the last listing of the one before.

use base::lang::Lang;
use market::browse::service::Mapped;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use schema::time::utc;
use std::io::{Cursor, Result};

type To = Writer<Cursor<Vec<u8>>>;

const SITEMAP: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
const IMAGE: &str = "http://www.google.com/schemas/sitemap-image/1.1";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The list of files: one of pages, and one of listings behind each of these ids.
pub(super) fn index(site: &str, starts: &[String]) -> Result<Vec<u8>> {
    document("sitemapindex", |writer| {
        let pages = std::iter::once(format!("{site}/sitemaps/pages.xml"));
        let listings = starts
            .iter()
            .map(|start| format!("{site}/sitemaps/listings/{start}.xml"));
        pages.chain(listings).try_for_each(|address| {
            writer
                .create_element("sitemap")
                .write_inner_content(|writer| text(writer, "loc", &address))
                .map(drop)
        })
    })
}

/// Pages that are no listings.
pub(super) fn pages(site: &str, paths: &[String]) -> Result<Vec<u8>> {
    document("urlset", |writer| {
        paths
            .iter()
            .try_for_each(|path| address(writer, site, path, None, None))
    })
}

/// Listings.
pub(super) fn listings(site: &str, listings: &[Mapped]) -> Result<Vec<u8>> {
    document("urlset", |writer| {
        listings.iter().try_for_each(|listing| {
            let path = format!("/listings/{}", listing.slug);
            let picture = format!("{site}/media/{}.png", listing.blob);
            address(
                writer,
                site,
                &path,
                Some(listing.published_ms),
                Some(&picture),
            )
        })
    })
}

fn document(root: &str, inner: impl FnOnce(&mut To) -> Result<()>) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer
        .create_element(root)
        .with_attributes([
            ("xmlns", SITEMAP),
            ("xmlns:image", IMAGE),
            ("xmlns:xhtml", XHTML),
        ])
        .write_inner_content(inner)?;
    Ok(writer.into_inner().into_inner())
}

/// A page with its other languages.
fn address(
    writer: &mut To,
    site: &str,
    path: &str,
    changed_ms: Option<i64>,
    picture: Option<&str>,
) -> Result<()> {
    writer.create_element("url").write_inner_content(|writer| {
        text(writer, "loc", &format!("{site}{path}"))?;
        if let Some(changed_ms) = changed_ms {
            text(writer, "lastmod", &utc(changed_ms))?;
        }
        for lang in Lang::ALL {
            let href = format!("{site}{}", lang.path(path));
            writer
                .create_element("xhtml:link")
                .with_attributes([
                    ("rel", "alternate"),
                    ("hreflang", lang.html()),
                    ("href", &href),
                ])
                .write_empty()?;
        }
        if let Some(picture) = picture {
            writer
                .create_element("image:image")
                .write_inner_content(|writer| text(writer, "image:loc", picture))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn text(writer: &mut To, name: &str, value: &str) -> Result<()> {
    writer
        .create_element(name)
        .write_text_content(BytesText::new(value))?;
    Ok(())
}
