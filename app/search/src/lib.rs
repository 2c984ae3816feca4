//! Finds and counts listings: documents in, ids out.
//!
//! The one rule: nothing here knows a database, a page or a request. Somebody else feeds [`Index::apply`] from what is true and shows what a
//! [`Reader`] says; what is found is looked up again before it is shown. How it finds is told in `docs/search.md`.

mod answer;
mod cache;
mod columns;
mod direct;
mod document;
mod facets;
mod files;
mod found;
mod highlight;
mod hits;
mod index;
mod language;
mod numbers;
mod orders;
mod pictures;
mod plan;
mod print;
mod query;
mod rank;
mod reader;
mod request;
mod row;
mod sets;
mod similar;
mod state;
mod suggest;
mod terms;
mod text;
mod words;
mod writer;

pub use answer::{
    Answer, Correction, Direct, Facets, Highlighter, PictureHit, Relaxation, Relaxed, Suggestion,
};
pub use document::{Change, Document, Variable};
pub use files::{Error, Rebuild};
pub use index::Index;
pub use language::Language;
pub use print::Print;
pub use query::{MAX_QUERY_CHARACTERS, MAX_QUERY_WORDS, Query, QueryError};
pub use reader::Reader;
pub use request::{Filter, Filters, MAX_PAGE, MAX_PAGE_SIZE, PriceBand, Request, Sort};
pub use suggest::things_named;
pub use writer::Applied;
