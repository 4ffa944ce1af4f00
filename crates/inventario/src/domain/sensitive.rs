//! What must never be shown nor taken: values under keys that name a secret, and BitLocker recovery passwords wherever
//! they stand. Keys are compared by their letters and digits alone, so `recoveryKey`, `Recovery Key` and
//! `BitLocker-Recovery-Key` are one.

/// What stands in the place of a hidden value.
pub const HIDDEN: &str = "[oculto]";

/// Parts of a folded key that give a secret away wherever they stand.
const PARTS: [&str; 16] = [
    "recoverykey",
    "clavederecuperacion",
    "clavederecovery",
    "password",
    "passwd",
    "passphrase",
    "contrasena",
    "contrasenia",
    "secret",
    "apitoken",
    "apikey",
    "accesstoken",
    "authtoken",
    "refreshtoken",
    "privatekey",
    "claveprivada",
];

/// Words that give a secret away as a word of a key (`clave_wifi`, `sim-pin`), not inside another word (`espina`).
const WORDS: [&str; 10] = [
    "clave",
    "claves",
    "contrasea",
    "contrase",
    "pwd",
    "pass",
    "pin",
    "puk",
    "token",
    "tokens",
];

/// Whether the value under `key` is a secret.
pub fn is_sensitive_key(key: &str) -> bool {
    let words = words(key);
    let folded = words.concat();
    PARTS.iter().any(|part| folded.contains(part))
        || (folded.contains("bitlocker") && ["key", "clave"].iter().any(|part| folded.contains(part)))
        || words.iter().any(|word| WORDS.contains(&word.as_str()))
        || WORDS.contains(&folded.as_str())
}

/// The words of a key, lower case and without accents: split at anything that is no letter or digit, and where lower
/// case turns to upper.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in key.chars() {
        if ('\u{300}'..='\u{36f}').contains(&c) {
            continue; // a combining accent: the letter before it stands alone
        }
        if !c.is_alphanumeric() {
            words.push(String::new());
            after_lower = false;
            continue;
        }
        if c.is_uppercase() && after_lower {
            words.push(String::new());
        }
        after_lower = c.is_lowercase() || c.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase().map(without_accent));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// `text` with every BitLocker recovery password hidden (two or more groups of six digits joined by hyphens);
/// `None` when there is none.
pub fn mask_values(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'-') {
            at += 1;
        }
        let run = &text[start..at];
        let mut groups = run.trim_end_matches('-').split('-');
        // The last group may be cut off; the first must be whole and one must follow it.
        let first = groups.next().is_some_and(|group| group.len() == 6);
        let rest: Vec<&str> = groups.collect();
        let whole = rest.iter().filter(|group| group.len() == 6).count();
        if first && whole >= 1 && rest.iter().take(rest.len() - 1).all(|group| group.len() == 6) {
            out.push_str(&text[copied..start]);
            out.push_str(HIDDEN);
            copied = at;
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Free text (no JSON) with secrets hidden: recovery passwords, and what follows a sensitive name and a colon or equals
/// sign, as in `clave: abc` or in the broken rest of a document. `None` when there is nothing to hide.
pub fn mask_text(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices([':', '=']) {
        if at < copied || !is_sensitive_key(name_before(&text[copied..at])) {
            continue;
        }
        let value = at + 1 + text[at + 1..].len() - text[at + 1..].trim_start().len();
        let end = value + value_length(&text[value..]);
        if end > value {
            out.push_str(&text[copied..value]);
            out.push_str(if text[value..].starts_with('"') {
                "\"[oculto]\""
            } else {
                HIDDEN
            });
            copied = end;
        }
    }
    let masked = (copied > 0).then(|| out + &text[copied..]);
    match masked {
        Some(masked) => Some(mask_values(&masked).unwrap_or(masked)),
        None => mask_values(text),
    }
}

/// The name that ends at the end of `text`: what stands in quotes, else the last words since a separator.
fn name_before(text: &str) -> &str {
    let text = text.trim_end();
    if let Some(quoted) = text.strip_suffix('"') {
        return quoted.rsplit('"').next().unwrap_or("");
    }
    text.rsplit([',', ';', '{', '}', '\n', '.', '(', '|', '"', ':', '='])
        .next()
        .unwrap_or("")
}

/// How far the value at the start of `text` reaches: a quoted one to its closing quote, others to a separator.
fn value_length(text: &str) -> usize {
    if let Some(rest) = text.strip_prefix('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return at + 2,
                _ => {}
            }
        }
        return text.len();
    }
    // A nested value after a sensitive name: nothing of what follows can be told apart.
    if text.starts_with(['{', '[']) {
        return text.len();
    }
    text.find([',', ';', '}', '\n', '|']).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_sensitive_key() {
        for key in [
            "recovery_key",
            "recoveryKey",
            "Recovery Key",
            "BitLocker-Recovery-Key",
            "bitlocker_key",
            "BITLOCKER KEY",
            "claveBitlocker",
            "password",
            "wifiPassword",
            "contraseña",
            "Contrasen\u{303}a",
            "contrase_a",
            "CLAVE",
            "clave_wifi",
            "secret",
            "clientSecret",
            "pin",
            "PIN",
            "sim-pin",
            "api_token",
            "apiToken",
            "API TOKEN",
            "token",
            "bit_locker_recovery_key",
        ] {
            assert!(is_sensitive_key(key), "{key}");
        }
        for key in [
            "cpu",
            "service_tag",
            "pines",
            "numero_puertos",
            "bitlocker",
            "espina",
            "compass",
            "clavel",
            "gid",
            "línea",
            "",
        ] {
            assert!(!is_sensitive_key(key), "{key}");
        }
    }

    #[test]
    fn recovery_passwords_are_hidden_wherever_they_stand() {
        let key = "695914-383797-261567-987977-139938-468619-462631-883588";
        assert_eq!(mask_values(&format!("nota {key}.")).unwrap(), "nota [oculto].");
        assert_eq!(mask_values("cut 695914-383797-26").unwrap(), "cut [oculto]");
        for text in [
            "+52 55 82904355",
            "2025-05-19",
            "123456-1234",
            "SN-000001-D7C2",
            "cd:3e:e5",
            "",
            "695914",
        ] {
            assert_eq!(mask_values(text), None, "{text}");
        }
    }

    #[test]
    fn free_text_loses_what_follows_a_sensitive_name() {
        let cases = [
            ("cpu=i5; clave: abc 1; ram=8", "cpu=i5; clave: [oculto]; ram=8"),
            (
                "{\"cpu\": \"x\", \"bitlocker_recovery_key\": \"6959",
                "{\"cpu\": \"x\", \"bitlocker_recovery_key\": \"[oculto]\"",
            ),
            (
                "{\"pin\": \"1\\\"2\", \"a\": 1",
                "{\"pin\": \"[oculto]\", \"a\": 1",
            ),
            ("{\"claves\": [\"a\", \"b\"", "{\"claves\": [oculto]"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask_text(text).as_deref(), Some(masked));
        }
        for text in [
            "i5, 8GB, SSD 256",
            "cpu=i5; ram=8GB",
            "ver factura #140",
            "{\"cpu\": \"Xeon",
            "clave:",
        ] {
            assert_eq!(mask_text(text), None, "{text}");
        }
    }
}
