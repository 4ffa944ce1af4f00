//! Every text of the pages: a field per text, a value per language. A missing translation does not compile.

mod en;
mod es;

use web::Language;

/// The texts of a language.
pub(super) const fn of(language: Language) -> &'static Texts {
    match language {
        Language::Es => &es::TEXTS,
        Language::En => &en::TEXTS,
    }
}

/// Texts that a count bends.
pub(super) type Counted = fn(u64) -> &'static str;

#[derive(Debug)]
pub(super) struct Texts {
    pub language: Language,
    pub frame: Frame,
    pub fields: Fields,
    pub estados: Estados,
    pub list: List,
    pub detail: Detail,
    pub especificaciones: Especificaciones,
    pub mantenimientos: Mantenimientos,
    pub form: Form,
    pub login: Login,
    pub review: Review,
    pub errors: Errors,
    /// Well-known keys of `especificaciones`, and what people call them.
    pub keys: [(&'static str, &'static str); 21],
}

/// What stands around every page.
#[derive(Debug)]
pub(super) struct Frame {
    pub activos: &'static str,
    pub revision: &'static str,
    pub release: &'static str,
    pub schema: &'static str,
    pub schema_text: &'static str,
    pub schema_json: &'static str,
    pub fence_title: &'static str,
    /// Before the time and the run.
    pub fence_text: &'static str,
    pub fence_since: &'static str,
    pub fence_run: &'static str,
    pub administrador: &'static str,
    pub usuario: &'static str,
}

/// Names of the fields of an activo.
#[derive(Debug)]
pub(super) struct Fields {
    pub activo: &'static str,
    pub nombre: &'static str,
    pub categoria: &'static str,
    pub marca: &'static str,
    pub modelo: &'static str,
    pub numero_serie: &'static str,
    pub estado: &'static str,
    pub ubicacion: &'static str,
    pub responsable: &'static str,
    pub proveedor: &'static str,
    pub fecha_compra: &'static str,
    pub precio_usd: &'static str,
    pub notas: &'static str,
    pub bitlocker: &'static str,
    pub bitlocker_enabled: &'static str,
    pub bitlocker_disabled: &'static str,
    pub bitlocker_unknown: &'static str,
    pub especificaciones: &'static str,
}

/// The four estados, as people read them; any other is shown as it is stored.
#[derive(Debug)]
pub(super) struct Estados {
    pub activo: &'static str,
    pub en_mantenimiento: &'static str,
    pub en_reparacion: &'static str,
    pub de_baja: &'static str,
}

#[derive(Debug)]
pub(super) struct List {
    pub title: &'static str,
    pub new: &'static str,
    pub search: &'static str,
    pub search_help: &'static str,
    pub any_estado: &'static str,
    pub any_categoria: &'static str,
    pub place: &'static str,
    pub apply: &'static str,
    pub clear: &'static str,
    pub table: &'static str,
    pub sort_by: &'static str,
    pub found: Counted,
    pub of: &'static str,
    pub pages: &'static str,
    pub previous: &'static str,
    pub next: &'static str,
    pub nothing_title: &'static str,
    pub nothing_filtered: &'static str,
    pub nothing_yet: &'static str,
}

#[derive(Debug)]
pub(super) struct Detail {
    pub edit: &'static str,
    pub data: &'static str,
    pub saved: &'static str,
    pub created: &'static str,
    pub created_at: &'static str,
    pub updated_at: &'static str,
    pub fenced: &'static str,
    pub warnings: Warnings,
}

/// What was stored, but should be known.
#[derive(Debug)]
pub(super) struct Warnings {
    pub duplicate_keys: &'static str,
    pub big_numbers: &'static str,
    pub nested: &'static str,
    pub no_such_column: &'static str,
}

/// How `especificaciones` are shown.
#[derive(Debug)]
pub(super) struct Especificaciones {
    pub none: &'static str,
    pub empty: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
    pub null: &'static str,
    pub blank: &'static str,
    pub repeated: &'static str,
    pub repeated_help: &'static str,
    pub json_in_text: &'static str,
    pub hidden: &'static str,
    pub hidden_help: &'static str,
    pub needs_review: &'static str,
    pub needs_review_text: &'static str,
    pub original: &'static str,
    pub not_json: &'static str,
    pub not_object: &'static str,
    pub empty_key: &'static str,
    pub as_stored: &'static str,
}

#[derive(Debug)]
pub(super) struct Mantenimientos {
    pub title: &'static str,
    pub none: &'static str,
    pub count: Counted,
    pub date: &'static str,
    pub planned: &'static str,
    pub tipo: &'static str,
    pub what: &'static str,
    pub estado: &'static str,
    pub tecnico: &'static str,
    pub former_user: &'static str,
    pub observaciones: &'static str,
    pub cost: &'static str,
    pub tipos: [(&'static str, &'static str); 3],
    pub estados: [(&'static str, &'static str); 6],
}

#[derive(Debug)]
pub(super) struct Form {
    pub new_title: &'static str,
    pub edit_title: &'static str,
    pub required: &'static str,
    pub required_help: &'static str,
    pub section_what: &'static str,
    pub section_where: &'static str,
    pub section_purchase: &'static str,
    pub section_notes: &'static str,
    pub no_categoria: &'static str,
    pub not_recorded: &'static str,
    pub price_help: &'static str,
    pub especificaciones_help: &'static str,
    pub especificaciones_label: &'static str,
    pub especificaciones_review: &'static str,
    pub especificaciones_text: &'static str,
    pub especificaciones_hidden: &'static str,
    pub save: &'static str,
    pub create: &'static str,
    pub cancel: &'static str,
    pub wrong_title: Counted,
    pub wrong_text: &'static str,
    pub fenced: &'static str,
    pub changed_meanwhile: &'static str,
    pub line: &'static str,
    pub column: &'static str,
    pub reasons: JsonReasons,
    pub codes: Codes,
}

/// What is wrong with a field, by the code of the domain.
#[derive(Debug)]
pub(super) struct Codes {
    pub required: &'static str,
    pub too_long: &'static str,
    pub too_deep: &'static str,
    pub control_character: &'static str,
    pub not_an_id: &'static str,
    pub not_a_date: &'static str,
    pub not_an_amount: &'static str,
    pub negative: &'static str,
    pub too_big: &'static str,
    pub too_many_places: &'static str,
    pub not_allowed: &'static str,
    pub not_an_object: &'static str,
    pub not_json: &'static str,
    pub sensitive: &'static str,
    pub hidden_unknown: &'static str,
    pub unknown_reference: &'static str,
    pub duplicate: &'static str,
    pub other: &'static str,
}

/// Why a text is not JSON.
#[derive(Debug)]
pub(super) struct JsonReasons {
    pub empty: &'static str,
    pub ends_too_early: &'static str,
    pub expected_value: &'static str,
    pub expected_colon: &'static str,
    pub expected_comma: &'static str,
    pub key_not_quoted: &'static str,
    pub trailing_comma: &'static str,
    pub trailing_text: &'static str,
    pub control_character: &'static str,
    pub bad_escape: &'static str,
    pub bad_number: &'static str,
    pub malformed: &'static str,
}

#[derive(Debug)]
pub(super) struct Login {
    pub title: &'static str,
    pub lead: &'static str,
    pub email: &'static str,
    pub password: &'static str,
    pub submit: &'static str,
    pub wrong: &'static str,
    pub too_many: &'static str,
    pub ended: &'static str,
}

#[derive(Debug)]
pub(super) struct Review {
    pub title: &'static str,
    pub lead: &'static str,
    pub lead_text: &'static str,
    pub all: &'static str,
    pub findings: &'static str,
    pub table: &'static str,
    pub why: &'static str,
    pub stored: &'static str,
    pub edit: &'static str,
    pub found: Counted,
    pub nothing_title: &'static str,
    pub nothing: &'static str,
    pub kinds: Kinds,
}

/// Classes and findings of `especificaciones`, with what to do about each.
#[derive(Debug)]
pub(super) struct Kinds {
    pub valid_object: Kind,
    pub valid_other: Kind,
    pub text: Kind,
    pub truncated: Kind,
    pub empty: Kind,
    pub null: Kind,
    pub duplicate_keys: Kind,
    pub nested: Kind,
    pub big_numbers: Kind,
    pub sensitive_key: Kind,
    pub leading_blanks: Kind,
    pub wrapped: Kind,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Kind {
    pub name: &'static str,
    pub help: &'static str,
}

#[derive(Debug)]
pub(super) struct Errors {
    pub home: &'static str,
    pub request: &'static str,
    pub code: &'static str,
    pub not_found: Kind,
    pub forbidden: Kind,
    pub cross_origin: Kind,
    pub fenced: Kind,
    pub unavailable: Kind,
    pub invalid: Kind,
    pub conflict: Kind,
    pub other: Kind,
}
