//! Backups and restores that something breaks: `ventana` is killed, the server is killed, the network is cut or goes silent,
//! a disk is full. Never is there a backup that claims to be whole and is not, nor a half-restored schema that claims to
//! be ready; and the same command, given again, ends well.

#[path = "broken/disk.rs"]
mod disk;
#[path = "broken/killed.rs"]
mod killed;
#[path = "broken/network.rs"]
mod network;
#[path = "broken/place.rs"]
mod place;
#[path = "broken/server.rs"]
mod server;
#[path = "broken/sql_dump.rs"]
mod sql_dump;
#[path = "broken/sqlite.rs"]
mod sqlite;
#[path = "broken/whole.rs"]
mod whole;

/// Moments that a seed gives, the same every time: xorshift64.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
