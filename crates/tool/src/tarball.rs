//! Tar archives as edeliver writes and reads them.
//!
//! What is written depends on nothing but the files: no times, no owners, no names of this machine. What is read counts as hostile:
//! names stay inside, only files, directories and symbolic links are accepted, nothing is held in memory, and an archive that ends
//! too early is an error.

pub mod copy;
pub mod read;
pub mod write;

pub use copy::CopyError;
pub use read::{ContentError, Member, MemberKind, Reader, TarError};
pub use write::{Packer, Writer};
