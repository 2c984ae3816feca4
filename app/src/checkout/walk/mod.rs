//! Random walks over everything that moves money; nothing but tests.

mod tests;
