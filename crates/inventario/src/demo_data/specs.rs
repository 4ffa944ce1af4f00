//! `especificaciones` as people and programs left them over the years.

use super::prng::Prng;
use crate::domain::review::{Class, Finding};

/// A text and what is known about it.
#[derive(Debug)]
pub(super) struct Specs {
    pub(super) text: Option<String>,
    pub(super) class: Class,
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Text,
    Null,
    Empty,
    Truncated,
    JsonString,
    JsonNull,
    JsonList,
    Duplicate,
    Nested,
    BigInteger,
    BigDecimal,
    Sensitive,
    LeadingBlanks,
    Several,
}

/// Kinds and how many of a thousand rows are of each; the rest is plain.
const DIRT: [(Kind, u64); 14] = [
    (Kind::Text, 30),
    (Kind::Null, 20),
    (Kind::Empty, 5),
    (Kind::Truncated, 10),
    (Kind::JsonString, 4),
    (Kind::JsonNull, 2),
    (Kind::JsonList, 3),
    (Kind::Duplicate, 8),
    (Kind::Nested, 6),
    (Kind::BigInteger, 12),
    (Kind::BigDecimal, 12),
    (Kind::Sensitive, 6),
    (Kind::LeadingBlanks, 6),
    (Kind::Several, 2),
];

/// Every `SAMPLE`th row among the first ones is of the next kind of dirt, so that a small database has all of it.
const SAMPLE: u32 = 3;

const TEXTS: [&str; 12] = [
    "i5, 8GB, SSD 256",
    "N/D",
    "cpu=i5; ram=8GB",
    "Core i7 / 16gb / 512",
    "Pendiente de revisar",
    "\"solo texto\"x",
    "ver factura",
    "C:\\drivers\\nic.inf",
    "línea 1\nlínea 2\tcon tab",
    "O'Higgins 12\" ¿panel?",
    "型号 X1 🙂",
    "Ñandú—«prueba» 100%_ok",
];

const CPUS: [&str; 5] = [
    "Intel Core i5-1240P",
    "AMD Ryzen 7 7840U",
    "M2 Pro",
    "Xeon Gold 6338",
    "Core™ i7 «vPro»",
];
const RAMS: [&str; 4] = ["8GB", "16 GB", "32GB DDR5", "64GB"];
const DISKS: [&str; 4] = ["SSD 512GB", "NVMe 1 TB", "HDD 2TB", "SSD 256GB"];

/// The text of row `n` of a category.
pub(super) fn specs(prng: &mut Prng, n: u32, categoria: &str) -> Specs {
    let members = members(prng, categoria);
    let object = format!("{{{}}}", members.join(", "));
    let valid = |text: String, findings: &[Finding]| Specs {
        text: Some(text),
        class: Class::ValidObject,
        findings: findings.to_vec(),
    };
    let other = |text: String, class| Specs {
        text: Some(text),
        class,
        findings: Vec::new(),
    };
    let with = |member: String| format!("{{{}, {member}}}", members.join(", "));
    match kind(prng, n) {
        Kind::Plain => valid(object, &[]),
        Kind::Text => {
            let text = prng.pick(&TEXTS);
            other(
                if text == "ver factura" {
                    format!("ver factura #{n}")
                } else {
                    text.to_owned()
                },
                Class::Text,
            )
        }
        Kind::Null => Specs {
            text: None,
            class: Class::Null,
            findings: Vec::new(),
        },
        Kind::Empty => other(String::new(), Class::Empty),
        Kind::Truncated => {
            let last = object.chars().count() as u64 - 1;
            #[allow(clippy::cast_possible_truncation, reason = "shorter than the text")]
            let kept = (2 + prng.below(last - 2)) as usize;
            other(object.chars().take(kept).collect(), Class::Truncated)
        }
        Kind::JsonString => other(crate::domain::raw_json::quote(&object), Class::ValidOther),
        Kind::JsonNull => other("null".into(), Class::ValidOther),
        Kind::JsonList => other("[]".into(), Class::ValidOther),
        Kind::Duplicate => valid(
            with(format!("\"modelo\": \"uno\", \"modelo\": \"dos {n}\"")),
            &[Finding::DuplicateKeys],
        ),
        Kind::Nested => valid(
            format!("{{\"especificaciones\": {object}, \"nombre\": \"copia\"}}"),
            &[Finding::Nested],
        ),
        Kind::BigInteger => valid(
            with(format!("\"id_hardware\": {}", big_integer(prng))),
            &[Finding::BigNumbers],
        ),
        Kind::BigDecimal => {
            let decimal = format!("1.{}", big_integer(prng));
            valid(with(format!("\"peso_kg\": {decimal}")), &[Finding::BigNumbers])
        }
        Kind::Sensitive => valid(
            with(format!("\"bitlocker_recovery_key\": \"{}\"", recovery(prng))),
            &[Finding::SensitiveKey],
        ),
        Kind::LeadingBlanks => valid(format!("  {object}\n"), &[Finding::LeadingBlanks]),
        Kind::Several => {
            let members = format!(
                "\"id_hardware\": {}, \"bitlocker_recovery_key\": \"{}\"",
                big_integer(prng),
                recovery(prng)
            );
            valid(with(members), &[Finding::BigNumbers, Finding::SensitiveKey])
        }
    }
}

fn kind(prng: &mut Prng, n: u32) -> Kind {
    let drawn = prng.below(1000);
    let sample = (n / SAMPLE) as usize;
    if n.is_multiple_of(SAMPLE) && sample <= DIRT.len() {
        return DIRT[sample - 1].0;
    }
    let mut bound = 0;
    for (kind, per_mille) in DIRT {
        bound += per_mille;
        if drawn < bound {
            return kind;
        }
    }
    Kind::Plain
}

/// What a clean row of the category says.
fn members(prng: &mut Prng, categoria: &str) -> Vec<String> {
    let text = |key: &str, value: &str| format!("\"{key}\": \"{value}\"");
    match categoria {
        "Switch" => vec![
            format!("\"numero_puertos\": {}", prng.pick(&["8", "24", "\"48\""])),
            text("modelo", "SG-350"),
        ],
        "YubiKey" => vec![
            text("gid", &hex(prng, 8)),
            format!("\"numero\": {}", prng.below(100_000)),
        ],
        "Monitor" => vec![
            text("resolution", "2560x1440"),
            format!("\"size_inches\": {}", prng.pick(&["24", "27", "\"32\\\"\""])),
            text("modelo", "P2723D"),
        ],
        "Router" => vec![
            text("firmware", &format!("7.{}", prng.below(20))),
            "\"numero_puertos\": 5".into(),
            text("mac", &(0..6).map(|_| hex(prng, 2)).collect::<Vec<_>>().join(":")),
        ],
        "Teléfono" => vec![
            text("imei", &digits(prng, 15)),
            text("modelo", "Galaxy A54"),
            text(
                prng.pick(&["línea", "l\\u00ednea"]),
                &format!("+52 55 {}", digits(prng, 8)),
            ),
        ],
        "Impresora" => vec![
            format!("\"ppm\": {}", prng.pick(&["30", "\"40\""])),
            text("modelo", "M404dn"),
            text("ubicaci\\u00f3n", "Piso 3 \\u2014 ala \\u00abnorte\\u00bb"),
        ],
        "Tarjeta PCI" => vec![
            text("bus", "PCIe x4"),
            text(
                "notas",
                prng.pick(&["ocupa ranura 2 🙂", "ranura 2 \\ud83d\\ude42"]),
            ),
        ],
        _ => {
            let mut members = vec![
                text("cpu", prng.pick(&CPUS)),
                text("ram", prng.pick(&RAMS)),
                text("disco_duro", prng.pick(&DISKS)),
                text("service_tag", &hex(prng, 7).to_uppercase()),
            ];
            if prng.chance(300) {
                let gb = prng.pick(&[4, 6, 8]);
                members.push(format!(
                    "\"gpu\": {{\"modelo\": \"RTX 3050\", \"memoria_gb\": {gb}}}"
                ));
            }
            if prng.chance(100) {
                members.push(
                    "\"discos\": [{\"tipo\": \"ssd\", \"gb\": 256}, {\"tipo\": \"ssd\", \"gb\": 512}]".into(),
                );
            }
            members
        }
    }
}

/// Seventeen digits, the last of which is no zero.
fn big_integer(prng: &mut Prng) -> u64 {
    (1_000_000_000_000_000 + prng.below(9_000_000_000_000_000 - 1)) * 10 + 1 + prng.below(9)
}

fn recovery(prng: &mut Prng) -> String {
    (0..8)
        .map(|_| format!("{:06}", prng.below(1_000_000)))
        .collect::<Vec<_>>()
        .join("-")
}

fn hex(prng: &mut Prng, length: usize) -> String {
    (0..length).map(|_| format!("{:x}", prng.below(16))).collect()
}

fn digits(prng: &mut Prng, length: usize) -> String {
    (0..length).map(|_| format!("{}", prng.below(10))).collect()
}
