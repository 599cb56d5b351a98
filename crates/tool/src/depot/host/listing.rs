//! What `list.sh` prints.

use crate::depot::Item;

/// What `list.sh` printed.
pub(super) fn items(answer: &str) -> Vec<Item> {
    let mut folder = "";
    let mut items = Vec::new();
    for line in answer.lines() {
        match line.strip_prefix('/') {
            Some(next) => folder = next,
            None => items.extend(item(folder, line)),
        }
    }
    items
}

/// A regular file in a line of `ls -ln`: mode, links, user, group, size, three words of a date, the name.
fn item(folder: &str, line: &str) -> Option<Item> {
    let mut rest = line.strip_prefix('-')?;
    let mut size = None;
    for column in 0..8 {
        let (word, after) = rest.trim_start_matches(' ').split_once(' ')?;
        size = if column == 4 { word.parse().ok() } else { size };
        rest = after;
    }
    Some(Item { folder: folder.to_owned(), name: rest.to_owned(), size: size? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_and_size_in_what_ls_of_gnu_and_of_busybox_print() {
        let answer = "/store/manifests/demo\ntotal 8\n-rw-r--r-- 1 0 0 1234 Nov 26 12:00 1.0.0.json\n-rw-r--r--    1 1000     100            7 Jan  1  1970  a  b \n\
                      drwxr-xr-x 2 0 0 4096 Nov 26 12:00 folder\n?????????? ? ? ? ?  ? gone\n/\n-rw------- 1 0 0 9 Nov 26 2024 x\n";
        let item = |folder: &str, name: &str, size| Item { folder: folder.to_owned(), name: name.to_owned(), size };
        let manifests = "store/manifests/demo";
        assert_eq!(items(answer), [item(manifests, "1.0.0.json", 1234), item(manifests, " a  b ", 7), item("", "x", 9)]);
    }
}
