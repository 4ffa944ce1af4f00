//! `GET /activos/{id}`

use axum::extract::{Path, Query, rejection::QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use web::page::{Notice, NoticeKind};

use super::{Visit, no_such_activo, show};
use crate::domain::query::strict_id;
use crate::store::StoreError;
use crate::views::detail::DetailPage;
use crate::views::especificaciones::judged;
use crate::views::frame::Place;
use crate::views::list::stored;
use crate::views::texts::Texts;

/// What a form that led here has done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    hecho: String,
    aviso: String,
}

pub(super) async fn page(
    visit: Visit,
    Path(id): Path<String>,
    done: Result<Query<Done>, QueryRejection>,
) -> Result<Response, Response> {
    let refused = |error: StoreError| error.problem().into_response();
    let missing = || no_such_activo().into_response();
    let id = strict_id(&id).ok_or_else(missing)?;
    let store = &visit.state.store;
    let (found, mantenimientos) =
        tokio::try_join!(store.activo(id), store.mantenimientos(id)).map_err(refused)?;
    let activo = found.ok_or_else(missing)?.activo;
    let t = visit.texts();
    let review = judged(stored(&activo), visit.schema());
    let content = DetailPage::new(t, visit.fenced(), &activo, &review, &mantenimientos);
    let mut page = visit.frame.page(activo.nombre.clone(), Place::Activos);
    page.notice = done.ok().and_then(|Query(done)| notice(&done, t));
    Ok(show(StatusCode::OK, &page, &content))
}

/// Says what was done. The address holds codes only; no text of it reaches the page.
fn notice(done: &Done, t: &Texts) -> Option<Notice> {
    let w = &t.detail.warnings;
    let said = match done.hecho.as_str() {
        "guardado" => t.detail.saved,
        "creado" => t.detail.created,
        _ => return None,
    };
    let known = [
        ("duplicate_keys", w.duplicate_keys),
        ("big_numbers", w.big_numbers),
        ("nested", w.nested),
        ("no_such_column", w.no_such_column),
    ];
    let warnings: Vec<&str> = known
        .into_iter()
        .filter(|(code, _)| done.aviso.split('.').any(|asked| asked == *code))
        .map(|(_, text)| text)
        .collect();
    let kind = if warnings.is_empty() {
        NoticeKind::Done
    } else {
        NoticeKind::Warning
    };
    let text = std::iter::once(said)
        .chain(warnings)
        .collect::<Vec<_>>()
        .join(" ");
    Some(Notice { kind, text })
}

#[cfg(test)]
mod tests {
    use web::Language;

    use super::*;
    use crate::views::texts;

    #[test]
    fn only_known_codes_are_said() {
        let t = texts::of(Language::En);
        let said = |hecho: &str, aviso: &str| {
            notice(
                &Done {
                    hecho: hecho.into(),
                    aviso: aviso.into(),
                },
                t,
            )
            .map(|notice| (notice.kind, notice.text))
        };
        assert_eq!(said("<script>", "nested"), None);
        assert_eq!(
            said("guardado", "x.<b>"),
            Some((NoticeKind::Done, t.detail.saved.to_owned()))
        );
        let (kind, text) = said("creado", "nested.duplicate_keys").unwrap();
        assert_eq!(kind, NoticeKind::Warning);
        assert!(text.starts_with(t.detail.created) && text.contains("repeated") && text.contains("inside"));
    }
}
