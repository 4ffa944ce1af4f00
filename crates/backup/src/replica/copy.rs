//! Copies a backup from one store to another and proves the copy there.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;

use super::Store;
use super::examine::{examine, must_be_complete, read_whole, sum_of};
use crate::error::{Error, Result};
use crate::hashed::{Hashed, sha256_hex};
use crate::manifest::Manifest;
use crate::name::{MANIFEST, SUMS};
use crate::sums;
use crate::verify::VerifyError;

/// What a copy came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it lies, as people are told.
    pub place: PathBuf,
    /// The backup's name.
    pub name: String,
    /// The backup's id.
    pub id: String,
    /// It was there already, and every byte of it was found equal.
    pub already: bool,
    /// Bytes written now.
    pub copied_bytes: u64,
    /// Bytes that an interrupted copy had left and that were found right.
    pub kept_bytes: u64,
}

/// Copies the complete backup in `folder` of `from`. Each file is read back there and compared with `SHA256SUMS`, which is
/// written last; then the replica gets its name. A copy that was interrupted goes on: what is there with the right sum
/// stays. A complete replica is never written over: the same one, undamaged, is success (`already`), any other an
/// error. `progress` is told bytes done and in all, where each byte counts once when it is written and once when it is
/// read back.
pub fn copy(
    from: &mut dyn Store,
    folder: &str,
    to: &mut dyn Store,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied> {
    copy_known(from, folder, None, to, progress)
}

/// [`copy()`] of the backup with this id, where one knows it; another one in its place is damage.
pub fn copy_known(
    from: &mut dyn Store,
    folder: &str,
    id: Option<&str>,
    to: &mut dyn Store,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied> {
    let set = Set::of(from, folder, id)?;
    let name = set.name.clone();
    let place = to.place(&name);
    if same_folder(from, folder, to, &name) {
        return Err(Error::Exists {
            path: place,
            why: "is the backup itself, not a replica".into(),
        });
    }
    let mut copied = Copied {
        place: place.clone(),
        name: name.clone(),
        id: set.id.clone(),
        already: false,
        copied_bytes: 0,
        kept_bytes: 0,
    };
    let working = to.working(&name);
    let there = to.files(&name).map_err(|source| Error::Root {
        path: to.place(""),
        source,
    })?;
    if there.is_some_and(|files| working != name || files.contains_key(SUMS)) {
        already_there(&set.id, &name, to, progress)?;
        copied.already = true;
        return Ok(copied);
    }
    fits(&set, to, &working)?;
    to.begin(&name)?;
    let mut work = Work {
        place: to.place(&working),
        total: set.files.iter().map(|(_, _, bytes)| 2 * bytes).sum(),
        done: 0,
        progress,
        from,
        folder,
        to,
        working: &working,
    };
    (copied.copied_bytes, copied.kept_bytes) = work.all(&set)?;
    to.finish(&name).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists {
            path: place.clone(),
            why: "came to be while this copy was written".into(),
        },
        _ => Error::io("give its name to", &place)(source),
    })?;
    Ok(copied)
}

/// Refuses what surely does not fit. What an interrupted copy has left is kept or makes room for what takes its place.
fn fits(set: &Set, to: &mut dyn Store, working: &str) -> Result<()> {
    let place = to.place("");
    let Some(free) = to.free().map_err(Error::io("look at the disk of", &place))? else {
        return Ok(());
    };
    let there = to.files(working).map_err(Error::io("read", &place))?;
    let there: u64 = there.unwrap_or_default().values().sum();
    let all: u64 = set.files.iter().map(|(_, _, bytes)| bytes).sum();
    let needed = all.saturating_sub(there);
    if free < needed {
        return Err(Error::NoRoom {
            path: place,
            free,
            needed,
        });
    }
    Ok(())
}

fn same_folder(from: &dyn Store, folder: &str, to: &dyn Store, name: &str) -> bool {
    let real = |path: Option<PathBuf>| path.and_then(|path| path.canonicalize().ok());
    real(from.local(folder)).is_some_and(|from| real(to.local(name)) == Some(from))
}

fn already_there(id: &str, name: &str, to: &mut dyn Store, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let path = to.place(name);
    let differs = |why: String| Error::Exists {
        path: path.clone(),
        why,
    };
    let unopened = |error: Error| differs(format!("cannot be opened: {error}"));
    // The cheap question first: another backup's files need not be read. This one's manifest may be damaged, or its sum.
    let manifest = sha256_hex(&read_whole(to, name, MANIFEST).map_err(unopened)?);
    let (sums, _) = sums::parse(&read_whole(to, name, SUMS).map_err(unopened)?);
    if manifest != id && sums.get(MANIFEST).is_none_or(|sum| sum != id) {
        return Err(differs("is another backup of the same name".into()));
    }
    match examine(to, name, None, progress) {
        Ok(_) => Ok(()),
        Err(VerifyError::Damaged(damages)) => {
            let damages: Vec<String> = damages.iter().map(ToString::to_string).collect();
            Err(Error::Spoiled {
                path,
                why: damages.join("; "),
            })
        }
        Err(VerifyError::Open(Error::Damaged { file, what, .. })) => Err(Error::Spoiled {
            path,
            why: format!("{file}: {what}"),
        }),
        Err(VerifyError::Open(error)) => Err(error),
    }
}

/// What there is to copy.
struct Set {
    name: String,
    id: String,
    sums: Vec<u8>,
    /// File, sum and length, in the order of copying: `SHA256SUMS` last.
    files: Vec<(String, String, u64)>,
}

impl Set {
    fn of(from: &mut dyn Store, folder: &str, id: Option<&str>) -> Result<Self> {
        let place = from.place(folder);
        let damaged = |file: &str, what: &str| Error::Damaged {
            path: place.clone(),
            file: file.into(),
            what: what.into(),
        };
        let lengths = from.files(folder).map_err(Error::io("read", &place))?;
        let lengths = lengths.ok_or_else(|| Error::io("read", &place)(io::ErrorKind::NotFound.into()))?;
        must_be_complete(from, folder, &lengths)?;
        let text = read_whole(from, folder, SUMS)?;
        let json = read_whole(from, folder, MANIFEST)?;
        let (sums, wrong) = sums::parse(&text);
        let found = sha256_hex(&json);
        // The texts may have changed since the backup was opened: they still have to be about this very one.
        let expected = id.unwrap_or(&found);
        if !wrong.is_empty() || sums.get(MANIFEST).map(String::as_str) != Some(expected) {
            return Err(damaged(SUMS, "it is not the one of this backup"));
        }
        if found != expected {
            return Err(damaged(MANIFEST, "its SHA-256 is not the one in SHA256SUMS"));
        }
        let manifest = Manifest::parse(&json, &place)?;
        let mut files = Vec::with_capacity(sums.len() + 1);
        for (file, sha256) in sums {
            let bytes = lengths.get(&file);
            let bytes = *bytes.ok_or_else(|| damaged(&file, "the file is missing"))?;
            files.push((file, sha256, bytes));
        }
        files.push((SUMS.into(), sha256_hex(&text), text.len() as u64));
        Ok(Self {
            name: manifest.name,
            id: expected.to_owned(),
            sums: text,
            files,
        })
    }
}

/// One copy under way.
struct Work<'a> {
    from: &'a mut dyn Store,
    folder: &'a str,
    to: &'a mut dyn Store,
    working: &'a str,
    place: PathBuf,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Work<'_> {
    /// Bytes written, and bytes that were there already.
    fn all(&mut self, set: &Set) -> Result<(u64, u64)> {
        let mut there = self.remove_strays(set)?;
        let (mut copied, mut kept) = (0, 0);
        for (file, sha256, bytes) in &set.files {
            let path = self.place.join(file);
            if let Some(length) = there.remove(file) {
                // One of another length need not be read.
                if length == *bytes && self.sum_there(file, false)? == *sha256 {
                    kept += bytes;
                    self.tell(2 * bytes);
                    continue;
                }
                self.to
                    .remove(self.working, file)
                    .map_err(Error::io("replace", &path))?;
            }
            self.write(set, file, sha256, *bytes)?;
            if self.sum_there(file, true)? != *sha256 {
                return Err(Error::Damaged {
                    path: self.place.clone(),
                    file: file.clone(),
                    what:
                        "it was read back with another SHA-256 than was written: the disk or mount loses data"
                            .into(),
                });
            }
            copied += bytes;
        }
        Ok((copied, kept))
    }

    /// Removes files that are not of the set; gives those that may be.
    fn remove_strays(&mut self, set: &Set) -> Result<BTreeMap<String, u64>> {
        let files = self.to.files(self.working);
        let files = files.map_err(Error::io("read", &self.place))?.unwrap_or_default();
        let wanted = |file: &str| set.files.iter().any(|(wanted, ..)| wanted == file);
        let (wanted, strays): (BTreeMap<_, _>, BTreeMap<_, _>) =
            files.into_iter().partition(|(file, _)| wanted(file));
        for file in strays.keys() {
            self.to
                .remove(self.working, file)
                .map_err(Error::io("remove", self.place.join(file)))?;
        }
        Ok(wanted)
    }

    /// SHA-256 of a file on the far side.
    fn sum_there(&mut self, file: &str, tell: bool) -> Result<String> {
        let (done, total) = (self.done, self.total);
        let progress = &mut *self.progress;
        let mut read = 0;
        let reader = self.to.read_back(self.working, file);
        let seal = reader.and_then(|reader| {
            sum_of(reader, &mut |n| {
                if tell {
                    read += n;
                    progress(done + read, total);
                }
            })
        });
        self.done += read;
        Ok(seal
            .map_err(Error::io("read back", self.place.join(file)))?
            .sha256)
    }

    fn write(&mut self, set: &Set, file: &str, sha256: &str, bytes: u64) -> Result<()> {
        let there = self.place.join(file);
        if file == SUMS {
            let written = self.to.write(self.working, file, &mut set.sums.as_slice(), bytes);
            written.map_err(Error::io("write", &there))?;
            self.tell(bytes);
            return Ok(());
        }
        let source = self.from.place(self.folder);
        let here = source.join(file);
        let reader = self.from.read(self.folder, file);
        let mut told = Told {
            inner: Hashed::new(reader.map_err(Error::io("read", &here))?),
            failed: None,
            done: &mut self.done,
            total: self.total,
            progress: &mut *self.progress,
        };
        let written = self.to.write(self.working, file, &mut told, bytes);
        // Whose fault it was: an error of the source comes through the target.
        if let Some(error) = told.failed.take() {
            return Err(Error::io("read", here)(error));
        }
        written.map_err(Error::io("write", &there))?;
        if told.inner.seal().1.sha256 != sha256 {
            return Err(Error::Damaged {
                path: source,
                file: file.into(),
                what: "its SHA-256 is not the one in SHA256SUMS".into(),
            });
        }
        Ok(())
    }

    fn tell(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(self.done, self.total);
    }
}

/// Hashes what a store takes, and tells how far it is.
struct Told<'a, R> {
    inner: Hashed<R>,
    failed: Option<io::Error>,
    done: &'a mut u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(n) => {
                *self.done += n as u64;
                (self.progress)(*self.done, self.total);
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let again = io::Error::new(error.kind(), error.to_string());
                self.failed = Some(error);
                Err(again)
            }
        }
    }
}
