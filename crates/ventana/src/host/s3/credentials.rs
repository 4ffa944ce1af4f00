//! The keys of a bucket: from a file that only its owner reads, or from the environment.

use crate::config::{Environment, S3};
use crate::error::{Failure, io};
use db::Secret;
use rusty_s3::Credentials;

const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

pub fn credentials(s3: &S3, vars: &Environment) -> Result<Credentials, Failure> {
    let read;
    let find: &dyn Fn(&str) -> Option<Secret> = match &s3.credentials_file {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(io(format!("cannot read the credentials {}", file.display())))?;
            read = Secret::new(text);
            &|name| entry(read.open(), name)
        }
        None => &|name| vars.get(name).map(Secret::new),
    };
    let wanted = |name: &str| {
        find(name).ok_or_else(|| {
            let (place, hint) = match &s3.credentials_file {
                Some(file) => (file.display().to_string(), "write it under [default]"),
                None => ("the environment".into(), "export it, or name a credentials_file"),
            };
            Failure::usage(format!("{name} of the bucket {} is not in {place}", s3.bucket)).hint(hint)
        })
    };
    let (key, secret) = (wanted(KEY)?, wanted(SECRET)?);
    Ok(match find(TOKEN) {
        Some(token) => Credentials::new_with_token(key.open(), secret.open(), token.open()),
        None => Credentials::new(key.open(), secret.open()),
    })
}

/// `name = value` of the section `[default]`; names are written small there.
fn entry(text: &str, name: &str) -> Option<Secret> {
    let mut section = "default";
    for line in text.lines().map(str::trim) {
        if let Some(named) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = named.trim();
        } else if let Some((key, value)) = line.split_once('=')
            && section == "default"
            && key.trim().eq_ignore_ascii_case(name)
            && !value.trim().is_empty()
        {
            return Some(Secret::new(value.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_usual_form() {
        let text = "[other]\naws_access_key_id = A\n[default]\n# mine\naws_access_key_id = B\naws_secret_access_key= c=d\n";
        let open = |name| entry(text, name).map(|secret| secret.open().to_owned());
        assert_eq!(open(KEY), Some("B".into()));
        assert_eq!(open(SECRET), Some("c=d".into()));
        assert_eq!(open(TOKEN), None);
    }
}
