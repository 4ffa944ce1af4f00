//! Addresses with a query.

/// `path?name=value&…`; pairs without a value are left out.
pub(super) fn to(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(separator);
        address.push_str(name);
        address.push('=');
        encode(value, &mut address);
        separator = '&';
    }
    address
}

fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// An address of this service to go on to, or nothing: no other site, no other scheme, no control characters.
pub(super) fn local(address: &str) -> Option<&str> {
    let inside = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    (inside && address.bytes().all(|byte| byte.is_ascii_graphic())).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        assert_eq!(to("/activos", &[]), "/activos");
        assert_eq!(
            to(
                "/activos",
                &[("q", "a&b=ñ \"<"), ("estado", ""), ("orden", "-id")]
            ),
            "/activos?q=a%26b%3D%C3%B1%20%22%3C&orden=-id"
        );
    }

    #[test]
    fn only_our_own_addresses_are_followed() {
        assert_eq!(local("/activos/4?x=1"), Some("/activos/4?x=1"));
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "",
            "/a\r\nb",
            "/a b",
        ] {
            assert_eq!(local(foreign), None, "{foreign:?}");
        }
    }
}
