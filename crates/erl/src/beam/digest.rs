//! MD5 of a module, by the rule of `beam_lib:md5/1` and of the loader (`beamfile_read` in ERTS).

use super::chunks::Chunks;
use super::{BeamError, Md5};
use md5::Digest;

/// The data of these chunks, in this order, as far as they are there. `Recs` (native records) and `DbgB` (the compiler's option
/// `beam_debug_info`) count since OTP 29.
const CHUNKS: [&str; 10] = ["AtU8", "Code", "StrT", "ImpT", "ExpT", "FunT", "LitT", "Meta", "Recs", "DbgB"];

/// Without these a file is no module.
const MANDATORY: [&str; 4] = ["Code", "StrT", "ImpT", "ExpT"];

pub(super) fn md5(chunks: &Chunks<'_>, with_meta: bool) -> Result<Md5, BeamError> {
    for name in MANDATORY {
        chunks.required(name)?;
    }
    let mut md5 = md5::Md5::new();
    for name in CHUNKS.iter().filter(|name| with_meta || **name != "Meta") {
        match chunks.get(name) {
            Some(data) if *name == "FunT" => update_without_uniq(&mut md5, data),
            Some(data) => md5.update(data),
            None => {}
        }
    }
    Ok(md5.finalize().into())
}

/// A count, then six words for each fun. The last word, `OldUniq`, depends on the byte order of the machine that compiled
/// the module and counts as zero.
fn update_without_uniq(md5: &mut md5::Md5, data: &[u8]) {
    let (count, funs) = data.split_at(data.len().min(4));
    md5.update(count);
    let mut funs = funs.chunks_exact(24);
    for fun in &mut funs {
        md5.update(&fun[..20]);
        md5.update([0; 4]);
    }
    md5.update(funs.remainder());
}
