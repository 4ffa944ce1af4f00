//! To whom backups are encrypted, and the keys that open them again.

use super::file::File;
use super::{Config, Origin};
use crate::error::Failure;
use crate::ui::Language;
use crate::ui::format::counted;
use backup::{Backup, Identities, Recipient};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const RECIPIENTS: &str = "BACKUP_ENCRYPT_TO";
const IDENTITY: &str = "BACKUP_IDENTITY_FILE";

/// What every encrypted backup has (docs/BACKUP-FORMAT.md §10).
const SEALED: &str = "sealed.json";

/// Encrypted backups that this machine can restore.
pub struct Readable {
    pub recipients: usize,
    /// The file with the secret keys.
    pub identity: PathBuf,
}

impl File {
    /// What no shape of the file can rule out. The text of a recipient that is none is not repeated: it may be a secret.
    pub(super) fn check_recipients(&self) -> Result<(), Failure> {
        recipients(&self.backup.encrypt_to, "[backup] encrypt_to").map(drop)
    }
}

fn recipients<S: AsRef<str>>(texts: &[S], place: &str) -> Result<Vec<Recipient>, Failure> {
    let parsed = texts.iter().map(|text| text.as_ref().parse::<Recipient>());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(format!("{place}: {error}")))
}

impl Config {
    /// Public keys and where they were named; empty: backups are not encrypted.
    pub(super) fn encrypt_to(&self) -> (Vec<String>, Origin) {
        match self.vars.get(RECIPIENTS) {
            Some(text) => {
                let split = |c: char| c == ',' || c.is_whitespace();
                let texts = text.split(split).filter(|text| !text.is_empty());
                (texts.map(str::to_owned).collect(), Origin::Variable(RECIPIENTS))
            }
            None => (self.file.backup.encrypt_to.clone(), Origin::File),
        }
    }

    /// To whom backups are encrypted; empty: they are not.
    pub fn recipients(&self) -> Result<Vec<Recipient>, Failure> {
        match self.encrypt_to() {
            (texts, Origin::Variable(name)) => recipients(&texts, name),
            (texts, _) => recipients(&texts, "[backup] encrypt_to"),
        }
    }

    /// The file with the secret keys and where it was named.
    pub(super) fn identity_file(&self) -> Option<(PathBuf, Origin)> {
        let flag = self.identity.clone().map(|path| (path, Origin::Flag));
        let variable = || {
            Some((
                PathBuf::from(self.vars.get(IDENTITY)?),
                Origin::Variable(IDENTITY),
            ))
        };
        let file = || Some((self.file.backup.identity_file.clone()?, Origin::File));
        flag.or_else(variable).or_else(file)
    }

    fn identities(&self) -> Result<Option<Identities>, Failure> {
        let Some((path, origin)) = self.identity_file() else {
            return Ok(None);
        };
        let what = format!("the identity file {} ({origin})", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!("cannot read {what}: {error}"))
                .hint("name the file with an age secret key: --identity FILE, or [backup] identity_file")
        })?;
        let keys = text.parse().map_err(|error: backup::Error| {
            Failure::usage(format!("{what}: {error}")).hint("`age-keygen -o FILE` writes such a file")
        })?;
        Ok(Some(keys))
    }

    /// The configured keys, where this backup needs any.
    pub fn keys_of(&self, backup: &Backup) -> Result<Option<Identities>, Failure> {
        match backup.encryption() {
            Some(_) => self.identities(),
            None => Ok(None),
        }
    }

    /// A backup whose contents can be read. An encrypted one without keys, or with others, is an error.
    pub fn readable(&self, backup: Backup) -> Result<Backup, Failure> {
        match self.keys_of(&backup)? {
            Some(keys) => Ok(backup.unlock(&keys)?),
            None if backup.encryption().is_none() => Ok(backup),
            None => {
                // Says whose keys would do.
                backup.attachment(SEALED)?;
                Ok(backup)
            }
        }
    }

    /// Whether this machine can read the backups that it would make; an error where it could not restore them. `None`
    /// where nothing is encrypted.
    pub fn can_restore(&self) -> Result<Option<Readable>, Failure> {
        let recipients = self.recipients()?;
        if recipients.is_empty() {
            return Ok(None);
        }
        let hint = "give the file with the secret key of one of them: --identity FILE, BACKUP_IDENTITY_FILE, or [backup] \
                    identity_file; `ventana backup --no-restore` needs none";
        let count = counted(recipients.len() as u64, "recipient", "recipients");
        let Some(keys) = self.identities()? else {
            return Err(Failure::new(
                "no_key",
                format!("backups are encrypted to {count}, and no identity is there to restore them with"),
                crate::error::exit::USAGE,
            )
            .hint(hint));
        };
        let path = self.identity_file().map(|(path, _)| path).unwrap_or_default();
        if !keys.fit(&recipients) {
            return Err(Failure::new(
                "no_key",
                format!(
                    "no key in {} opens what is encrypted to the {count} of backups",
                    path.display()
                ),
                crate::error::exit::USAGE,
            )
            .hint(hint));
        }
        Ok(Some(Readable {
            recipients: recipients.len(),
            identity: path,
        }))
    }

    /// What is to be said where others than its owner may read the file with the keys.
    pub fn exposed_identity(&self, language: Language) -> Option<String> {
        let (path, _) = self.identity_file()?;
        let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then(|| {
            let path = path.display();
            match language {
                Language::Es => format!(
                    "AVISO: otros pueden leer el archivo de claves {path} (modo {mode:04o}); siguiente: chmod 600 {path}"
                ),
                Language::En => format!(
                    "WARNING: others may read the identity file {path} (mode {mode:04o}); next: chmod 600 {path}"
                ),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use std::path::Path;

    const PUBLIC: &str = "age1p6ag4c7xyh4rk0s3zyf3zs2vzt0k68qanclup09mgs3vxue6998qr90vhw";
    const KEY: &str = "AGE-SECRET-KEY-1MU6TSR7AN68HX7ZVZ6XGN5FNEYVZ2MRU5UK7CPMJYAQLCLVNNW7QG2CGZY";

    fn config(file: &str, vars: &[(&str, &str)]) -> Result<Config, Failure> {
        let mut environment = Environment::default();
        for (name, value) in vars {
            environment.set(name, value);
        }
        let none = Config::load(Path::new(""), false, "production", environment)?;
        Ok(Config {
            file: crate::config::file::parse(file, Path::new("ventana.toml"), "production")?,
            ..none
        })
    }

    #[test]
    fn the_environment_goes_before_the_file_and_the_flag_before_both() {
        let file = format!("[backup]\nencrypt_to = [\"{PUBLIC}\"]\nidentity_file = \"/f\"\n");
        let of_file = config(&file, &[]).unwrap();
        assert_eq!(of_file.recipients().unwrap().len(), 1);
        assert_eq!(of_file.identity_file(), Some(("/f".into(), Origin::File)));
        let two = format!("{PUBLIC}, {PUBLIC}");
        let mut over = config(&file, &[(RECIPIENTS, &two), (IDENTITY, "/v")]).unwrap();
        assert_eq!(over.recipients().unwrap().len(), 2);
        assert_eq!(
            over.identity_file(),
            Some(("/v".into(), Origin::Variable(IDENTITY)))
        );
        over.identity = Some("/g".into());
        assert_eq!(over.identity_file(), Some(("/g".into(), Origin::Flag)));
    }

    #[test]
    fn a_secret_in_the_place_of_a_recipient_is_not_repeated() {
        let file = format!("[env.a.backup]\nencrypt_to = [\"{KEY}\"]\n");
        let variable = config("", &[(RECIPIENTS, KEY)]).unwrap().recipients();
        for failure in [config(&file, &[]).err().unwrap(), variable.unwrap_err()] {
            assert!(failure.message.contains("secret key"), "{failure}");
            assert!(!failure.message.contains(&KEY[16..30]), "{failure}");
        }
    }
}
