//! Encryption with age (age-encryption.org/v1): to whom, with which keys, and the streams between.
//!
//! X25519 recipients alone: they need no passphrase on a server, and every `age` since 1.0 reads what they are sent.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;
use std::sync::Arc;

use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, x25519};

use crate::error::{Error, Result};

/// How every secret key of age begins, in whatever case.
const SECRET: &str = "AGE-SECRET-KEY-";

/// Whom a backup is encrypted to: an X25519 public key, `age1…` as `age-keygen` prints it.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl FromStr for Recipient {
    type Err = Error;

    /// A text that is no public key is an error that never repeats it: it may be a secret in the wrong place.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(recipient) = text.parse() {
            return Ok(Self(recipient));
        }
        let upper = text.to_ascii_uppercase();
        let why = if upper.contains(SECRET) || upper.contains("PRIVATE KEY") {
            "it is a secret key. Give its public key (`age-keygen -y FILE` prints it), and make a new pair if others \
             could read where this one stood"
        } else if text.is_empty() {
            "it is empty"
        } else if text.starts_with("ssh-") {
            "SSH keys are not supported. Make a pair with `age-keygen -o key.txt` and give its public key (age1…)"
        } else if text.starts_with("age1") {
            "it is not a whole X25519 public key. Copy the line that `age-keygen -y FILE` prints"
        } else {
            "a public key of age begins with age1. `age-keygen -o key.txt` makes a pair and prints it"
        };
        Err(Error::Recipient { why })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

/// Secret keys, any of which may open a backup. Cheap to clone; never shown.
#[derive(Clone)]
pub struct Identities(Arc<[x25519::Identity]>);

impl FromStr for Identities {
    type Err = Error;

    /// Reads the text of an age key file: a key a line, empty lines and `#` comments between. Errors give the line's
    /// number, never its text.
    fn from_str(text: &str) -> Result<Self> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = line.parse().map_err(|_| Error::Identity {
                line: index + 1,
                why: if line.starts_with("age1") {
                    "it is a public key; the secret one that belongs to it (AGE-SECRET-KEY-1…) is needed"
                } else {
                    "it is not a key of age (AGE-SECRET-KEY-1…). Decrypt the key file first if it has a passphrase"
                },
            })?;
            keys.push(key);
        }
        if keys.is_empty() {
            let why = "the file has no key";
            return Err(Error::Identity { line: 0, why });
        }
        Ok(Self(keys.into()))
    }
}

impl Identities {
    /// Whether one of them opens what is encrypted to these recipients.
    pub fn fit(&self, recipients: &[Recipient]) -> bool {
        let ours: Vec<String> = self.0.iter().map(|key| key.to_public().to_string()).collect();
        recipients
            .iter()
            .any(|recipient| ours.contains(&recipient.to_string()))
    }

    /// How many keys there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities([redacted]; {})", self.0.len())
    }
}

/// Encrypts what is written to it, in pieces of 64 KiB; it has to be finished.
pub(crate) fn encrypting<W: Write>(recipients: &[Recipient], out: W) -> io::Result<StreamWriter<W>> {
    let recipients = recipients
        .iter()
        .map(|recipient| &recipient.0 as &dyn age::Recipient);
    Encryptor::with_recipients(recipients)
        .map_err(io::Error::other)?
        .wrap_output(out)
}

/// A small content, encrypted.
pub(crate) fn encrypt(recipients: &[Recipient], content: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = encrypting(recipients, Vec::new())?;
    out.write_all(content)?;
    out.finish()
}

/// Why an encrypted stream cannot be read.
pub(crate) enum Closed {
    /// None of the keys is one of its recipients'.
    NoKey,
    /// It cannot be read, or is not what age writes.
    Broken(io::Error),
}

/// Decrypts what is read from it, in pieces of 64 KiB. Each piece is authentic, or an error; so is the end.
pub(crate) fn decrypting<R: BufRead>(
    identities: &Identities,
    stored: R,
) -> std::result::Result<StreamReader<R>, Closed> {
    let keys = identities.0.iter().map(|key| key as &dyn age::Identity);
    let opened = Decryptor::new_buffered(stored).and_then(|file| file.decrypt(keys));
    opened.map_err(|error| match error {
        DecryptError::NoMatchingKeys => Closed::NoKey,
        DecryptError::Io(error) => Closed::Broken(error),
        other => Closed::Broken(io::Error::new(io::ErrorKind::InvalidData, other.to_string())),
    })
}

/// A small content, decrypted.
pub(crate) fn decrypt(identities: &Identities, stored: &[u8]) -> std::result::Result<Vec<u8>, Closed> {
    let mut content = Vec::new();
    decrypting(identities, stored)?
        .read_to_end(&mut content)
        .map_err(Closed::Broken)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AGE-SECRET-KEY-1MU6TSR7AN68HX7ZVZ6XGN5FNEYVZ2MRU5UK7CPMJYAQLCLVNNW7QG2CGZY";
    const PUBLIC: &str = "age1p6ag4c7xyh4rk0s3zyf3zs2vzt0k68qanclup09mgs3vxue6998qr90vhw";

    #[test]
    fn a_recipient_is_a_public_key_and_nothing_else() {
        let recipient: Recipient = format!(" {PUBLIC}\n").parse().unwrap();
        assert_eq!(recipient.to_string(), PUBLIC);
        let refused = [
            (KEY.to_owned(), "secret key"),
            (KEY.to_lowercase(), "secret key"),
            (format!("# created\n{KEY}"), "secret key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc".into(), "secret key"),
            (String::new(), "empty"),
            ("ssh-ed25519 AAAAC3Nz".into(), "SSH keys"),
            (PUBLIC[..40].to_owned(), "not a whole"),
            ("hunter2hunter2".into(), "begins with age1"),
        ];
        for (text, why) in refused {
            let error = text.parse::<Recipient>().unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains(why), "{said}");
            assert!(
                text.len() < 8 || !said.contains(text.trim()),
                "{said} repeats what was given"
            );
            assert!(
                !said.to_uppercase().contains(&KEY[11..30]),
                "{said} repeats a secret"
            );
        }
    }

    #[test]
    fn a_key_file_may_hold_several_and_is_never_shown() {
        let other = age::x25519::Identity::generate();
        let text = {
            use age::secrecy::ExposeSecret;
            format!("# created: x\n\n{KEY}\n{}\n", other.to_string().expose_secret())
        };
        let keys: Identities = text.parse().unwrap();
        assert_eq!((keys.count(), format!("{keys:?}").contains("KEY")), (2, false));
        let stranger = Recipient(age::x25519::Identity::generate().to_public());
        assert!(!keys.fit(&[]) && !keys.fit(std::slice::from_ref(&stranger)));
        for recipient in [PUBLIC.parse().unwrap(), Recipient(other.to_public())] {
            assert!(keys.fit(&[stranger.clone(), recipient.clone()]));
            let stored = encrypt(&[recipient], b"content").unwrap();
            assert_eq!(decrypt(&keys, &stored).ok().unwrap(), b"content");
        }
        for (text, line, why) in [
            (format!("{KEY}\n{}x", &KEY[..60]), 2, "not a key"),
            (PUBLIC.into(), 1, "public key"),
            ("# nothing\n".into(), 0, "no key"),
        ] {
            let error = text.parse::<Identities>().unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(
                matches!(error, Error::Identity { line: at, .. } if at == line),
                "{said}"
            );
            assert!(said.contains(why) && !said.contains(&KEY[16..30]), "{said}");
        }
    }
}
