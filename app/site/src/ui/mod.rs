//! The design system: shell, language, and the pieces that more than one feature shows. Styles lie in `app/site/style`.
//!
//! The one rule: no `style` attribute anywhere (the CSP refuses it); every picture has its width and height.

pub mod assets;
pub mod failure;
pub mod form;
pub mod head;
pub mod leaving;
pub mod pages;
pub mod pieces;
pub mod progress;
pub mod shell;
pub mod visit;

#[cfg(test)]
mod tests;
