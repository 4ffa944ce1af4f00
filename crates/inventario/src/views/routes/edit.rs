//! The forms: `GET` and `POST /activos/nuevo` and `/activos/{id}/editar`.

use axum::extract::{Form, Path};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use web::FieldError;

use super::{Sent, Visit, no_such_activo, show};
use crate::domain::activo::Activo;
use crate::domain::change::{Fields, Warning};
use crate::domain::fields::Input;
use crate::domain::query::strict_id;
use crate::domain::review::{Class, Review};
use crate::store::{StoreError, Versioned};
use crate::views::especificaciones::{hides, judged};
use crate::views::form::{FIELDS, Filled, FormPage, SPECS, values_of};
use crate::views::frame::Place;
use crate::views::link;
use crate::views::list::stored;
use crate::views::texts::Texts;

/// The hidden field that holds the version of the row that the form was filled from.
const VERSION: &str = "version";

/// What a form shows beside its values.
#[derive(Default)]
struct Said<'a> {
    status: Option<StatusCode>,
    errors: Vec<FieldError>,
    message: Option<&'static str>,
    version: Option<&'a str>,
    retry_after: Option<u32>,
}

/// Whether a form is sent to this address.
pub(super) fn is_form(path: &str) -> bool {
    path == "/activos/nuevo" || id_of(path).is_some()
}

fn id_of(path: &str) -> Option<i64> {
    strict_id(path.strip_prefix("/activos/")?.strip_suffix("/editar")?)
}

pub(super) async fn new(visit: Visit) -> Result<Response, Response> {
    form(
        &visit,
        None,
        &[("estado".to_owned(), crate::domain::change::ESTADOS[0].to_owned())],
        Said::default(),
    )
    .await
}

pub(super) async fn edit(visit: Visit, Path(id): Path<String>) -> Result<Response, Response> {
    let row = row(&visit, &id).await?;
    let said = Said {
        version: Some(&row.version),
        ..Said::default()
    };
    form(&visit, Some(&row.activo), &values_of(&row.activo), said).await
}

pub(super) async fn create(visit: Visit, Form(sent): Form<Sent>) -> Result<Response, Response> {
    let sent = lines(sent);
    match visit.state.store.create_activo(&fields(&sent)).await {
        Ok((id, warnings)) => Ok(done(id, "creado", &warnings)),
        Err(error) => form(&visit, None, &sent, said(&visit, error, None).map_err(failed)?).await,
    }
}

pub(super) async fn update(
    visit: Visit,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, Response> {
    let id = strict_id(&id).ok_or_else(|| no_such_activo().into_response())?;
    let sent = lines(sent);
    let expected = sent
        .iter()
        .find(|(name, _)| name == VERSION)
        .map(|(_, version)| version.as_str());
    let error = match visit
        .state
        .store
        .update_activo(id, expected, &fields(&sent))
        .await
    {
        Ok(updated) => return Ok(done(id, "guardado", &updated.warnings)),
        Err(error) => error,
    };
    let row = row(&visit, &id.to_string()).await?;
    // After a conflict the form holds the newest version: whoever saves again has been told.
    let version = if matches!(error, StoreError::VersionDiffers) {
        Some(row.version.as_str())
    } else {
        expected
    };
    let said = said(&visit, error, version).map_err(failed)?;
    form(&visit, Some(&row.activo), &sent, said).await
}

/// A form that was sent during the fence comes back as it was sent.
pub(super) async fn fenced(visit: &Visit, path: &str, sent: Sent) -> Response {
    let sent = lines(sent);
    let version = sent
        .iter()
        .find(|(name, _)| name == VERSION)
        .map(|(_, version)| version.clone());
    let said = Said {
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        message: Some(visit.texts().form.fenced),
        version: version.as_deref(),
        retry_after: visit.state.fence.flag().map(|flag| flag.retry_after),
        ..Said::default()
    };
    let row = match id_of(path) {
        None => None,
        Some(id) => match row(visit, &id.to_string()).await {
            Ok(row) => Some(row.activo),
            Err(response) => return response,
        },
    };
    form(visit, row.as_ref(), &sent, said)
        .await
        .unwrap_or_else(|response| response)
}

async fn row(visit: &Visit, id: &str) -> Result<Versioned, Response> {
    let missing = || no_such_activo().into_response();
    let id = strict_id(id).ok_or_else(missing)?;
    let found = visit.state.store.activo(id).await.map_err(failed)?;
    found.ok_or_else(missing)
}

/// The fields that the domain knows, as they were typed.
fn fields(sent: &Sent) -> Fields<'_> {
    let known = |name: &str| name == SPECS || FIELDS.contains(&name);
    sent.iter()
        .filter(|(name, _)| known(name))
        .map(|(name, text)| (name.as_str(), Input::Form(text)))
        .collect()
}

/// Browsers send line breaks as CR LF, whatever was in the field.
fn lines(sent: Sent) -> Sent {
    sent.into_iter()
        .map(|(name, text)| (name, text.replace("\r\n", "\n")))
        .collect()
}

fn done(id: i64, what: &str, warnings: &[Warning]) -> Response {
    let mut codes: Vec<&str> = warnings.iter().map(|warning| warning.code).collect();
    codes.dedup();
    Redirect::to(&link::to(
        &format!("/activos/{id}"),
        &[("hecho", what), ("aviso", &codes.join("."))],
    ))
    .into_response()
}

fn failed(error: StoreError) -> Response {
    error.problem().into_response()
}

/// What the form says about a failure; one that no form can mend comes back.
fn said<'a>(visit: &Visit, error: StoreError, version: Option<&'a str>) -> Result<Said<'a>, StoreError> {
    let f = &visit.texts().form;
    let (status, errors, message) = match error {
        StoreError::Refused(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors, None),
        StoreError::Duplicate(field) => (
            StatusCode::CONFLICT,
            vec![FieldError::new(field, "duplicate", "taken by another row")],
            None,
        ),
        StoreError::VersionDiffers => (StatusCode::CONFLICT, Vec::new(), Some(f.changed_meanwhile)),
        StoreError::Fenced { .. } | StoreError::WriteDenied(_) | StoreError::Busy(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Vec::new(), Some(f.fenced))
        }
        other => return Err(other),
    };
    let retry_after =
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(crate::fence::DEFAULT_RETRY_AFTER);
    Ok(Said {
        status: Some(status),
        errors,
        message,
        version,
        retry_after,
    })
}

async fn form(
    visit: &Visit,
    row: Option<&Activo>,
    values: &[(String, String)],
    said: Said<'_>,
) -> Result<Response, Response> {
    let categorias = visit.state.store.categorias().await.map_err(failed)?;
    let text = row.and_then(stored);
    let filled = Filled {
        id: row.map(|row| row.id),
        version: said.version.map(str::to_owned),
        values,
        categorias: &categorias,
        errors: &said.errors,
        message: said.message,
        hides: hides(text),
        hint: hint(&judged(text, visit.schema()), visit.texts()),
    };
    // While a form that was refused by the fence is shown, its fields stay editable: what was typed can be copied.
    let content = FormPage::new(visit.texts(), visit.fenced() && said.message.is_none(), &filled);
    let page = visit.frame.page(content.title(), Place::Activos);
    let mut response = show(said.status.unwrap_or(StatusCode::OK), &page, &content);
    if let Some(seconds) = said.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// What to do about a text that is no JSON.
fn hint(review: &Review, t: &Texts) -> Option<&'static str> {
    match review.class {
        _ if review.wrapped => Some(t.form.especificaciones_review),
        Class::Text | Class::Truncated => Some(t.form.especificaciones_text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_forms() {
        assert!(is_form("/activos/nuevo") && is_form("/activos/12/editar"));
        assert!(
            !is_form("/activos/12")
                && !is_form("/activos/x/editar")
                && !is_form("/login")
                && !is_form("/api/activos")
        );
    }

    #[test]
    fn only_fields_of_the_form_are_passed_on() {
        let sent = lines(vec![
            ("nombre".into(), "a\r\nb".into()),
            ("id".into(), "9".into()),
            ("especificaciones".into(), "{\r\n}".into()),
            ("version".into(), "x".into()),
        ]);
        let passed: Vec<_> = fields(&sent)
            .into_iter()
            .map(|(name, input)| match input {
                Input::Form(text) => (name, text),
                Input::Json(_) => unreachable!(),
            })
            .collect();
        assert_eq!(passed, [("nombre", "a\nb"), ("especificaciones", "{\n}")]);
    }
}
