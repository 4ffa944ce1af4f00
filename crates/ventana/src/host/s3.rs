//! A replica in a bucket that speaks S3.
//!
//! There is no rename: objects lie under their final names from the start, and `SHA256SUMS`, written last, makes the replica
//! complete. Each file is one object, put in one request, so it is there whole or not at all and is the unit in which
//! an upload goes on (chunks are some 16 MiB; an object may have 5 GiB). What is there is judged by reading it: an
//! ETag is no checksum.

mod credentials;
mod request;

use crate::config::S3;
use crate::host::clock;
use backup::{Error, Result, Store};
pub use credentials::credentials;
use request::{Answer, Refused, agent};
use rusty_s3::actions::{DeleteObject, GetObject, ListObjectsV2, PutObject, S3Action};
use rusty_s3::{Credentials, UrlStyle};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::time::Duration;

const SUMS: &str = "SHA256SUMS";

/// How long a signed request is good for.
const VALID: Duration = Duration::from_secs(900);

/// The largest object that one request puts, in bytes.
const LARGEST: u64 = 5 << 30;

/// A bucket, and the part of it that is the store.
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    agent: ureq::Agent,
    prefix: String,
}

impl Bucket {
    /// Sends nothing yet.
    pub fn of(s3: &S3, credentials: Credentials) -> io::Result<Bucket> {
        let (endpoint, style) = match &s3.endpoint {
            Some(endpoint) => (endpoint.clone(), UrlStyle::Path),
            None => (
                format!("https://s3.{}.amazonaws.com", s3.region),
                UrlStyle::VirtualHost,
            ),
        };
        let wrong = |what: String| io::Error::new(ErrorKind::InvalidInput, what);
        let url = endpoint
            .parse()
            .map_err(|e| wrong(format!("endpoint = \"{endpoint}\": {e}")))?;
        let bucket = rusty_s3::Bucket::new(url, style, s3.bucket.clone(), s3.region.clone())
            .map_err(|e| wrong(format!("endpoint = \"{endpoint}\": {e}")))?;
        Ok(Bucket {
            bucket,
            credentials,
            agent: agent(),
            prefix: if s3.prefix.is_empty() {
                String::new()
            } else {
                format!("{}/", s3.prefix)
            },
        })
    }

    fn key(&self, folder: &str, file: &str) -> String {
        format!("{}{folder}/{file}", self.prefix)
    }

    fn sign<'a>(&self, action: &impl S3Action<'a>) -> String {
        action.sign_with_time(VALID, &clock::now()).to_string()
    }

    fn get(&self, key: &str) -> io::Result<Answer> {
        let url = self.sign(&GetObject::new(&self.bucket, Some(&self.credentials), key));
        Ok(request::get(&self.agent, &url)?)
    }

    /// Objects below `prefix` with their lengths, and the folders directly below it where `folders` asks for them.
    fn list(&self, prefix: &str, folders: bool) -> io::Result<(BTreeMap<String, u64>, Vec<String>)> {
        let (mut objects, mut below) = (BTreeMap::new(), Vec::new());
        let mut next: Option<String> = None;
        loop {
            let mut action = ListObjectsV2::new(&self.bucket, Some(&self.credentials));
            action.with_prefix(prefix);
            if folders {
                action.with_delimiter("/");
            }
            if let Some(token) = &next {
                action.with_continuation_token(token.as_str());
            }
            let text = request::get(&self.agent, &self.sign(&action))?.text()?;
            let listed = ListObjectsV2::parse_response(&text)
                .map_err(|e| io::Error::new(ErrorKind::InvalidData, format!("the list of objects: {e}")))?;
            let name = |key: &str| key.strip_prefix(prefix).map(str::to_owned);
            for object in listed.contents {
                if let Some(name) = name(&object.key).filter(|name| !name.is_empty()) {
                    objects.insert(name, object.size.unwrap_or(0));
                }
            }
            let prefixes = listed.common_prefixes.iter();
            below.extend(prefixes.filter_map(|p| name(p.prefix.trim_end_matches('/'))));
            match listed.next_continuation_token {
                Some(token) if next.as_ref() != Some(&token) => next = Some(token),
                _ => return Ok((objects, below)),
            }
        }
    }

    fn put(&self, key: &str, content: &mut dyn Read, bytes: u64, anew: bool) -> Result<(), Refused> {
        let url = self.sign(&PutObject::new(&self.bucket, Some(&self.credentials), key));
        request::put(&self.agent, &url, content, bytes, anew)
    }
}

impl Store for Bucket {
    fn place(&self, folder: &str) -> PathBuf {
        PathBuf::from(format!("s3://{}/{}{folder}", self.bucket.name(), self.prefix))
    }

    fn local(&self, _folder: &str) -> Option<PathBuf> {
        None
    }

    fn folders(&mut self) -> io::Result<Vec<String>> {
        Ok(self.list(&self.prefix, true)?.1)
    }

    fn files(&mut self, folder: &str) -> io::Result<Option<BTreeMap<String, u64>>> {
        let files = self.list(&self.key(folder, ""), false)?.0;
        Ok((!files.is_empty()).then_some(files))
    }

    fn read<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        Ok(Box::new(self.get(&self.key(folder, file))?.reader()))
    }

    fn working(&self, name: &str) -> String {
        name.to_owned()
    }

    fn begin(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, folder: &str, file: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        if bytes > LARGEST {
            return Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!("it has {bytes} bytes, an object at most {LARGEST}"),
            ));
        }
        let key = self.key(folder, file);
        if file != SUMS {
            return Ok(self.put(&key, content, bytes, false)?);
        }
        // The object that completes the replica is put only where there is none, whoever else writes at this moment. A
        // server that does not know the condition is asked without it.
        let mut text = Vec::new();
        content.read_to_end(&mut text)?;
        match self.put(&key, &mut text.as_slice(), bytes, true) {
            Err(Refused::Status { status: 501, .. }) => {
                Ok(self.put(&key, &mut text.as_slice(), bytes, false)?)
            }
            put => Ok(put?),
        }
    }

    fn remove(&mut self, folder: &str, file: &str) -> io::Result<()> {
        let key = self.key(folder, file);
        let action = DeleteObject::new(&self.bucket, Some(&self.credentials), &key);
        Ok(request::delete(&self.agent, &self.sign(&action))?)
    }

    fn finish(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn held(&mut self, _folder: &str) -> bool {
        true
    }

    fn discard(&mut self, folder: &str) -> Result<()> {
        let path = self.place(folder);
        let mut remove = || {
            let files = self.files(folder)?.unwrap_or_default();
            // Without it the rest is plainly incomplete.
            if files.contains_key(SUMS) {
                self.remove(folder, SUMS)?;
            }
            for file in files.keys().filter(|file| *file != SUMS) {
                self.remove(folder, file)?;
            }
            Ok(())
        };
        remove().map_err(|source| Error::Io {
            doing: "remove",
            path,
            source,
        })
    }
}
