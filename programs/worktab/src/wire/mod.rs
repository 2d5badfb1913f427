//! What crosses a trust boundary: the 104-byte message, contexts and signature instructions. No Anchor: runs and is
//! tested on the host against the published vectors.

pub mod context;
pub mod hash;
pub mod key;
pub mod merkle;
pub mod message;
pub mod proof;
pub mod record;
