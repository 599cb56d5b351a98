//! Where the content of new directories comes from.

use std::collections::HashMap;

use super::{Delta, host::Host, join, tree::Tree};
use crate::{
    release::{Digest, EntryKind, RelPath},
    step::{Copied, Linked, Placed},
};

/// Says for every entry of these directories where it comes from: the host, the wire, or the same content on the wire.
pub(super) fn fill(delta: &mut Delta, host: &Host<'_>, made: &[(String, &Tree<'_>)]) {
    let mut sent: HashMap<Digest, RelPath> = HashMap::new();
    for (dir, tree) in made {
        for (name, kind) in *tree {
            let path = join(dir, name);
            match kind {
                EntryKind::EmptyDir { .. } => delta.empty_dirs.push(path),
                EntryKind::Link { target } => delta.links.push(Linked { path, target: target.clone() }),
                EntryKind::File { mode, size, sha256 } => {
                    file(delta, host, &mut sent, Placed { path, sha256: *sha256, mode: *mode, size: *size });
                }
            }
        }
    }
}

fn file(delta: &mut Delta, host: &Host<'_>, sent: &mut HashMap<Digest, RelPath>, to: Placed) {
    if let Some(from) = host.source(to.sha256) {
        delta.copy.push(Copied { from: super::rel_path(from), to });
    } else if let Some(first) = sent.get(&to.sha256) {
        delta.twins.push(Copied { from: first.clone(), to });
    } else {
        sent.insert(to.sha256, to.path.clone());
        delta.send.push(to);
    }
}
