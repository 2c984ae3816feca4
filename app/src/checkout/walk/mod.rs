//! Random walks over everything that moves money; nothing but tests.

pub(crate) mod tests;
