//! Percent-encoding of addresses.

/// `%41` resolved; a percent sign that begins no escape stands for itself.
pub fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text
            .get(at + 1..at + 3)
            .filter(|hex| bytes[at] == b'%' && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Everything but letters, digits and `-_.` escaped.
pub fn encoded(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Names and values of a query string, in order; `+` is a blank.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let text = |part: &str| String::from_utf8_lossy(&decoded(&part.replace('+', " "))).into_owned();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = "São Paulo & 100% 🙂/ñ";
        assert_eq!(decoded(&encoded(text)), text.as_bytes());
        assert_eq!(decoded("100%"), b"100%");
        assert_eq!(decoded("%é%4"), "%é%4".as_bytes());
        let read: Vec<_> = pairs("a=b+c%2B&&d&e=f=g").collect();
        let expected = [("a", "b c+"), ("d", ""), ("e", "f=g")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(read, expected);
    }
}
