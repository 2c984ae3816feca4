//! Pages of the studio: a creator's drafts and listings, a draft in three steps, and what is sealed.

mod begin;
pub(super) mod compare;
mod draft;
mod list;
mod making;
mod offer;
mod recipe;
mod seal;
mod shown;

pub(super) use draft::{draft, fragment};
pub(super) use list::studio;
pub(super) use seal::{Sealing, seal};
pub(super) use shown::Shown;
