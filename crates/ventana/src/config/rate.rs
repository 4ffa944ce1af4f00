//! How many bytes a second, as people write it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The slowest rate that is taken, in bytes per second: slower, a single answer of the server would outlast its patience.
const LEAST: u64 = 64 << 10;

/// Bytes per second: `20MB`, `20 MB/s`, `512KiB`, `1.5 GB`, or a plain number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(u64);

impl Rate {
    pub fn bytes_per_second(self) -> u64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let wrong = || format!("{text:?} is no rate; write bytes per second, as in 20MB, 512KiB or 1.5GB");
        let bare = text.trim();
        let bare = bare.strip_suffix("/s").unwrap_or(bare).trim_end();
        let unit_at = bare
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(bare.len());
        let (number, unit) = bare.split_at(unit_at);
        let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1e3,
            "m" | "mb" => 1e6,
            "g" | "gb" => 1e9,
            "kib" => f64::from(1 << 10),
            "mib" => f64::from(1 << 20),
            "gib" => f64::from(1 << 30),
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let bytes = (number * unit) as u64;
        if bytes < LEAST {
            return Err(format!(
                "{text:?} is too slow: {} KiB a second at least",
                LEAST >> 10
            ));
        }
        Ok(Rate(bytes))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Rate, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn rates() {
        for (text, bytes) in [
            ("20MB", 20_000_000),
            ("20 MB/s", 20_000_000),
            ("512KiB", 512 << 10),
            (" 1.5gb ", 1_500_000_000),
            ("70000", 70_000),
            ("65536/s", 65_536),
        ] {
            assert_eq!(
                text.parse::<Rate>().map(Rate::bytes_per_second),
                Ok(bytes),
                "{text}"
            );
        }
        for text in ["", "MB", "20XB", "-1MB", "1..5MB", "1KB", "0", "nan"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let rate: Rate = "1MiB".parse().expect("a rate");
        assert_eq!(String::from(rate).parse(), Ok(rate));
    }
}
