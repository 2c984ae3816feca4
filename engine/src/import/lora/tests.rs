//! Names and headers of adapters.
//!
//! The one rule: whatever a file holds, reading it ends in tensors or in an error.
