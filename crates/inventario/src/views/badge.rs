//! States as coloured words. Legacy rows hold many spellings; one that is not known is shown as it is stored.

use super::texts::Texts;

/// A state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) label: String,
    /// `good`, `warn`, `info`, or nothing.
    pub(super) class: &'static str,
}

/// The `estado` of an activo.
pub(super) fn activo(stored: Option<&str>, t: &Texts) -> Badge {
    let stored = stored.unwrap_or("").trim();
    let e = &t.estados;
    let (label, class) = match folded(stored).as_str() {
        "activo" => (e.activo, "good"),
        "en_mantenimiento" => (e.en_mantenimiento, "warn"),
        "en_reparación" | "en_reparacion" => (e.en_reparacion, "info"),
        "de_baja" | "dado_de_baja" => (e.de_baja, ""),
        _ => (stored, ""),
    };
    Badge {
        label: label.to_owned(),
        class,
    }
}

/// The `estado` of a mantenimiento.
pub(super) fn mantenimiento(stored: Option<&str>, t: &Texts) -> Badge {
    let stored = stored.unwrap_or("").trim();
    let key = folded(stored);
    let class = match key.as_str() {
        "programado" => "info",
        "pendiente" | "en_proceso" => "warn",
        "realizado" | "completado" => "good",
        _ => "",
    };
    Badge {
        label: known(&t.mantenimientos.estados, &key, stored),
        class,
    }
}

/// The `tipo` of a mantenimiento.
pub(super) fn tipo(stored: Option<&str>, t: &Texts) -> String {
    let stored = stored.unwrap_or("").trim();
    known(&t.mantenimientos.tipos, &folded(stored), stored)
}

fn known(words: &[(&str, &str)], key: &str, stored: &str) -> String {
    words
        .iter()
        .find(|(word, _)| *word == key)
        .map_or(stored, |(_, label)| label)
        .to_owned()
}

fn folded(stored: &str) -> String {
    stored.to_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use web::Language;

    use super::super::texts;
    use super::*;

    #[test]
    fn spellings_and_unknown_words() {
        let (es, en) = (texts::of(Language::Es), texts::of(Language::En));
        assert_eq!(
            activo(Some(" EN MANTENIMIENTO "), en),
            Badge {
                label: "In maintenance".into(),
                class: "warn"
            }
        );
        assert_eq!(activo(Some("En Reparación"), es).class, "info");
        assert_eq!(
            activo(Some("prestado"), en),
            Badge {
                label: "prestado".into(),
                class: ""
            }
        );
        assert_eq!(activo(None, es), Badge::default());
        assert_eq!(
            mantenimiento(Some("Realizado"), en),
            Badge {
                label: "Done".into(),
                class: "good"
            }
        );
        assert_eq!(tipo(Some("otro"), en), "otro");
    }
}
