use super::*;

fn wanted(words: &[&str], version: Option<&str>) -> Result<(Wanted, Option<String>), String> {
    let word = |at: usize| words.get(at).map(|word| (*word).to_owned());
    let version = version.map(|version| version.parse().unwrap());
    let args = Args { what: word(0).unwrap(), which: word(1), destination: word(2), version, force: false };
    args.wanted().map_err(|error| error.to_string())
}

fn release(version: &str) -> Wanted {
    Wanted::Stored(StoredKind::Release, version.parse().unwrap())
}

#[test]
fn the_words_of_the_original_mean_what_they_meant() {
    let here = || Some("there".to_owned());
    assert_eq!(wanted(&["release", "1.0"], None), Ok((release("1.0"), None)));
    assert_eq!(wanted(&["release", "1.0", "there"], None), Ok((release("1.0"), here())));
    assert_eq!(wanted(&["release"], Some("1.0")), Ok((release("1.0"), None)));
    assert_eq!(wanted(&["release", "there"], Some("1.0")), Ok((release("1.0"), here())));
    assert_eq!(wanted(&["notes.txt"], None), Ok((Wanted::File("notes.txt".to_owned()), None)));
    assert_eq!(wanted(&["notes.txt", "there"], None), Ok((Wanted::File("notes.txt".to_owned()), here())));
    assert!(wanted(&["upgrade"], None).unwrap_err().contains("version is missing"));
    assert!(wanted(&["notes.txt", "there", "too"], None).is_err());
}

#[test]
fn a_file_with_the_name_of_a_release_is_that_release() {
    let app = "shop".parse().unwrap();
    assert_eq!(Wanted::File("out/shop_1.0.release.tar.gz".to_owned()).meaning(&app), release("1.0"));
    assert_eq!(Wanted::File("shop_2_1.0.release.tar.gz".to_owned()).meaning(&app).file(&app), "shop_2_1.0.release.tar.gz");
    assert_eq!(release("1.0").file(&app), "shop_1.0.release.tar.gz");
}
