//! The keys of a bucket: from the environment, or a file of credentials as Amazon's tools have it.

use std::{fs, path::PathBuf};

use edeliver_core::config::S3Store;
use rusty_s3::Credentials;

use crate::depot::DepotError;

/// What requests are signed with: keys in the address of a classic config, the environment's, a file's.
pub(super) fn find(store: &S3Store, env: &dyn Fn(&str) -> Option<String>) -> Result<Credentials, DepotError> {
    if let Some(keys) = &store.keys {
        return Ok(Credentials::new(keys.id.clone(), keys.secret.clone()));
    }
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(keys) = credentials(&|name| env(&name.to_ascii_uppercase())) {
        return Ok(keys);
    }
    let home = || Some(PathBuf::from(env("HOME")?).join(".aws/credentials"));
    let file = store.credentials.clone().or_else(|| env("AWS_SHARED_CREDENTIALS_FILE").map(Into::into)).or_else(home);
    let profile = store.profile.clone().or_else(|| env("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned());
    let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
    let found = text.and_then(|text| credentials(&|name| value(&text, &profile, name)));
    found.ok_or_else(|| DepotError::NoKeys { profile, file: file.map(|file| file.display().to_string()).unwrap_or_default() })
}

fn credentials(value: &dyn Fn(&str) -> Option<String>) -> Option<Credentials> {
    let (id, secret) = (value("aws_access_key_id")?, value("aws_secret_access_key")?);
    Some(match value("aws_session_token") {
        Some(token) => Credentials::new_with_token(id, secret, token),
        None => Credentials::new(id, secret),
    })
}

/// A value in a section of a file of credentials.
fn value(text: &str, section: &str, name: &str) -> Option<String> {
    let title = |line: &str| Some(line.strip_prefix('[')?.strip_suffix(']')?.trim().to_owned());
    let lines = text.lines().map(str::trim).skip_while(|line| title(line).as_deref() != Some(section)).skip(1);
    let pairs = lines.take_while(|line| title(line).is_none()).filter_map(|line| line.split_once('='));
    pairs.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(credentials: Option<PathBuf>) -> S3Store {
        S3Store {
            bucket: "releases".to_owned(),
            prefix: String::new(),
            endpoint: None,
            region: None,
            path_style: false,
            credentials,
            profile: Some("ci".to_owned()),
            keys: None,
            hosts_fetch: true,
        }
    }

    #[test]
    fn keys_of_the_environment_come_before_those_of_a_file_and_its_sections_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("credentials");
        fs::write(
            &file,
            "[default]\naws_access_key_id=no\naws_secret_access_key=no\n# ci\n[ci]\naws_access_key_id = of the file\n\
             aws_secret_access_key = a=b/c+\naws_session_token = t\n",
        )
        .unwrap();
        let found = find(&store(Some(file)), &|_| None).unwrap();
        assert_eq!((found.key(), found.secret(), found.token()), ("of the file", "a=b/c+", Some("t")));
        let env = |name: &str| name.starts_with("AWS_").then(|| name.to_owned()).filter(|name| !name.contains("TOKEN"));
        let found = find(&store(None), &env).unwrap();
        assert_eq!((found.key(), found.token()), ("AWS_ACCESS_KEY_ID", None));
    }

    #[test]
    fn who_has_no_keys_is_told_where_they_were_looked_for() {
        let env = |name: &str| (name == "HOME").then(|| "/nowhere".to_owned());
        let error = find(&store(None), &env).unwrap_err().to_string();
        assert!(error.contains("/nowhere/.aws/credentials") && error.contains("[ci]"), "{error}");
    }
}
