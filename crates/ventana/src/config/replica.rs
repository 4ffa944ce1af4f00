//! `[replica.NAME]` and what is kept: where copies of the backups live, and for how long.

use super::File;
use crate::error::Failure;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The name of the replica that `[backup] off_site` is.
pub const OFF_SITE: &str = "off_site";

/// One place: `folder`, `ssh` or `s3`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replica {
    /// A folder of this machine: a disk or a mount.
    pub folder: Option<PathBuf>,
    /// `user@host:/path`, over SFTP.
    pub ssh: Option<String>,
    /// Port of `ssh`. Default: what ssh's own configuration says.
    pub port: Option<u16>,
    /// Private key of `ssh`. Default: what ssh's own configuration says.
    pub identity_file: Option<PathBuf>,
    /// Known host keys of `ssh`. Default: what ssh's own configuration says.
    pub known_hosts: Option<PathBuf>,
    /// A bucket that speaks S3.
    pub s3: Option<S3>,
    /// What `backup prune --replica` keeps there. Default: `[backup.keep]`.
    pub keep: Option<Keep>,
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    pub bucket: String,
    /// e.g. `https://s3.example.com`. Default: Amazon's of the region, addressed by host name; any other by path.
    #[serde(default)]
    pub endpoint: Option<String>,
    #[serde(default = "region")]
    pub region: String,
    /// Before the backups' names, without slashes at its ends.
    #[serde(default)]
    pub prefix: String,
    /// A file as `~/.aws/credentials`, with a section `[default]`. Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN` of the environment.
    #[serde(default)]
    pub credentials_file: Option<PathBuf>,
}

fn region() -> String {
    "us-east-1".into()
}

/// How many backups are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    pub last: usize,
    pub daily: usize,
    pub weekly: usize,
    pub monthly: usize,
}

impl Keep {
    pub fn policy(self) -> backup::Policy {
        backup::Policy {
            last: self.last,
            daily: self.daily,
            weekly: self.weekly,
            monthly: self.monthly,
        }
    }
}

/// `user@host:path`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPlace {
    /// `user@host`, as ssh takes it.
    pub host: String,
    /// Relative to the account's home where it does not begin with a slash.
    pub path: String,
}

impl SshPlace {
    fn parse(text: &str) -> Option<SshPlace> {
        // An IPv6 address has colons of its own.
        let (host, path) = match text.split_once("]:") {
            Some((host, path)) => (host.replace('[', ""), path),
            None => text.split_once(':').map(|(host, path)| (host.to_owned(), path))?,
        };
        let path = path.trim_end_matches('/');
        let plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        // ssh would take such a host for an option.
        (plain(&host) && plain(path) && !host.starts_with('-') && !host.contains(' ')).then(|| SshPlace {
            host,
            path: path.to_owned(),
        })
    }
}

/// Where a replica lives.
#[derive(Clone, Debug, PartialEq)]
pub enum Place<'a> {
    Folder(&'a PathBuf),
    Ssh(SshPlace),
    S3(&'a S3),
}

impl Replica {
    /// The one place that it names, or what is wrong.
    pub fn place(&self) -> Result<Place<'_>, String> {
        let place = match (&self.folder, &self.ssh, &self.s3) {
            (Some(folder), None, None) => Place::Folder(folder),
            (None, Some(text), None) => Place::Ssh(
                SshPlace::parse(text).ok_or_else(|| format!("ssh = \"{text}\" is not user@host:/path"))?,
            ),
            (None, None, Some(s3)) => {
                let plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
                if !(3..=63).contains(&s3.bucket.len()) || !plain(&s3.bucket) || s3.bucket.contains('/') {
                    return Err(format!("\"{}\" is not the name of a bucket", s3.bucket));
                }
                if !plain(&s3.prefix) || s3.prefix.starts_with('/') || s3.prefix.ends_with('/') {
                    return Err("prefix has a blank, or a slash at an end".into());
                }
                Place::S3(s3)
            }
            (None, None, None) => return Err("it names no place: folder, ssh or s3".into()),
            _ => return Err("it names more than one place: keep one of folder, ssh and s3".into()),
        };
        let of_ssh = self.port.is_some() || self.identity_file.is_some() || self.known_hosts.is_some();
        if of_ssh && !matches!(place, Place::Ssh(_)) {
            return Err("port, identity_file and known_hosts belong to ssh".into());
        }
        Ok(place)
    }

    /// As people read it; never a secret.
    pub fn shown(&self) -> String {
        match self.place() {
            Ok(Place::Folder(folder)) => folder.display().to_string(),
            Ok(Place::Ssh(place)) => format!("ssh://{}/{}", place.host, place.path.trim_start_matches('/')),
            Ok(Place::S3(s3)) => format!("s3://{}/{}", s3.bucket, s3.prefix)
                .trim_end_matches('/')
                .to_owned(),
            Err(wrong) => wrong,
        }
    }

    /// Paths of this machine.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let credentials = self.s3.as_mut().and_then(|s3| s3.credentials_file.as_mut());
        [
            self.folder.as_mut(),
            self.identity_file.as_mut(),
            self.known_hosts.as_mut(),
            credentials,
        ]
        .into_iter()
        .flatten()
    }
}

impl File {
    /// Every replica by name: `off_site` first.
    pub fn replicas(&self) -> Vec<(String, Replica)> {
        let off_site = self.backup.off_site.as_ref().map(|folder| {
            let replica = Replica {
                folder: Some(folder.clone()),
                ..Replica::default()
            };
            (OFF_SITE.to_owned(), replica)
        });
        let named = self.replica.iter().map(|(name, r)| (name.clone(), r.clone()));
        off_site.into_iter().chain(named).collect()
    }

    /// What no shape of the file can rule out.
    pub(super) fn check_replicas(&self) -> Result<(), Failure> {
        for (name, replica) in &self.replica {
            let wrong = |what: String| {
                Failure::usage(format!("[replica.{name}]: {what}"))
                    .hint("docs/ventana.example.toml shows every key with its meaning")
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if name.is_empty() || !name.chars().all(plain) {
                return Err(wrong("a name has letters, digits, _ and - only".into()));
            }
            if name == OFF_SITE && self.backup.off_site.is_some() {
                return Err(wrong("[backup] off_site is the replica of that name".into()));
            }
            replica.place().map_err(wrong)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> Result<File, Failure> {
        crate::config::file::parse(text, Path::new("ventana.toml"), "production")
    }

    #[test]
    fn three_places_and_the_short_form() {
        let text = "[backup]\noff_site = \"/mnt/a\"\nkeep = { last = 3, daily = 7 }\n[replica.nas]\nfolder = \"/mnt/b\"\n\
            [replica.vault]\nssh = \"copies@[::1]:/srv/copies/\"\nport = 2222\nidentity_file = \"key\"\n\
            [replica.cloud]\ns3 = { bucket = \"copies\", endpoint = \"http://127.0.0.1:1\", prefix = \"a/b\" }\n[replica.cloud.keep]\nmonthly = 12\n";
        let file = read(text).expect("valid");
        let places: Vec<(String, String)> = file
            .replicas()
            .into_iter()
            .map(|(name, replica)| (name, replica.shown()))
            .collect();
        let expected = [
            ("off_site", "/mnt/a"),
            ("cloud", "s3://copies/a/b"),
            ("nas", "/mnt/b"),
            ("vault", "ssh://copies@::1/srv/copies"),
        ];
        assert_eq!(places, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(file.backup.keep.map(|keep| (keep.last, keep.daily)), Some((3, 7)));
        assert_eq!(file.replica["cloud"].keep.map(|keep| keep.monthly), Some(12));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("[replica.a]\n", "names no place"),
            (
                "[replica.a]\nfolder = \"/x\"\nssh = \"h:/x\"\n",
                "more than one place",
            ),
            ("[replica.a]\nfolder = \"/x\"\nport = 22\n", "belong to ssh"),
            ("[replica.a]\nssh = \"host\"\n", "user@host:/path"),
            ("[replica.a]\nssh = \"-oProxyCommand=x:/y\"\n", "user@host:/path"),
            ("[replica.\"a b\"]\nfolder = \"/x\"\n", "letters"),
            ("[replica.a]\ns3 = { bucket = \"x\" }\n", "bucket"),
            (
                "[backup]\noff_site = \"/a\"\n[replica.off_site]\nfolder = \"/b\"\n",
                "off_site",
            ),
            ("[replica.a]\nfolder = \"/x\"\nfoo = 1\n", "line 3"),
            ("[replica.a]\ns3 = { bucket = \"abc\", buckets = 1 }\n", "line 2"),
            ("[backup]\nkeep = { latest = 1 }\n", "line 2"),
        ] {
            let failure = read(text).expect_err(what);
            assert!(failure.message.contains(what), "{text}: {}", failure.message);
        }
    }
}
