//! Pages on which people look around, and what is offered while they type.

pub mod http;
mod page;
