//! Reading a payload from its front. Nothing here panics, whatever the bytes are.

use super::fault::garbled;
use std::io;

pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

macro_rules! number {
    ($name:ident, $type:ty) => {
        #[inline]
        pub(super) fn $name(&mut self) -> io::Result<$type> {
            let (head, tail) = self.0.split_first_chunk().ok_or_else(early)?;
            self.0 = tail;
            Ok(<$type>::from_le_bytes(*head))
        }
    };
}

#[cold]
fn early() -> io::Error {
    garbled("a packet ends too early")
}

impl<'a> Cursor<'a> {
    number!(u8, u8);
    number!(i8, i8);
    number!(u16, u16);
    number!(i16, i16);
    number!(u32, u32);
    number!(i32, i32);
    number!(u64, u64);
    number!(i64, i64);
    number!(f32, f32);
    number!(f64, f64);

    #[inline]
    pub(super) fn bytes(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length).ok_or_else(early)?;
        self.0 = tail;
        Ok(head)
    }

    /// A length-encoded integer; its first byte tells how many follow.
    #[inline]
    pub(super) fn length(&mut self) -> io::Result<u64> {
        let first = self.u8()?;
        match length_tail(first)? {
            0 => Ok(first.into()),
            tail => Ok(little_endian(self.bytes(tail)?)),
        }
    }

    /// A length-encoded string.
    #[inline]
    pub(super) fn string(&mut self) -> io::Result<&'a [u8]> {
        let length = self.length()?;
        self.bytes(usize::try_from(length).map_err(|_| early())?)
    }

    /// Bytes up to a zero, which is passed over; all that is left where there is none.
    pub(super) fn zero_ended(&mut self) -> &'a [u8] {
        let end = memchr::memchr(0, self.0).unwrap_or(self.0.len());
        let (head, tail) = self.0.split_at(end);
        self.0 = tail.get(1..).unwrap_or_default();
        head
    }
}

/// How many bytes of a length-encoded integer come after `first`.
#[inline]
pub(super) fn length_tail(first: u8) -> io::Result<usize> {
    match first {
        0..=0xfa => Ok(0),
        0xfc => Ok(2),
        0xfd => Ok(3),
        0xfe => Ok(8),
        // 0xfb is a NULL of the text protocol, 0xff an error: neither is a length.
        0xfb | 0xff => Err(garbled(format_args!("0x{first:02x} where a length must be"))),
    }
}

/// At most eight bytes as a number.
#[inline]
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
