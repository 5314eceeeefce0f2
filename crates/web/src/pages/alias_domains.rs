//! Email domains: where bounces and answers go, and the sender for notifications.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use server_model::value::{AnyValue, Id, Map};

use super::id;
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal};
use crate::records::{Record, Records};
use crate::redirect::see_other;
use crate::shell::{Section, Shell, page};
use crate::visitor::{SignedForm, Visitor};

/// The model.
pub const MODEL: &str = "mail.alias.domain";

/// The names before the `@` and the domain behind it.
pub static FORM: Form = Form {
    model: MODEL,
    fields: &["name", "default_from", "bounce_alias", "catchall_alias"],
    secrets: &[],
};

#[derive(Template)]
#[template(path = "alias_domain.html")]
struct FormPage {
    shell: Shell,
    /// 0 for a new one.
    id: Id,
    form: Filled,
}

fn form_page(shell: Shell, id: Id, form: Filled) -> Result<HttpResponse> {
    page(shell.status(), &FormPage { shell, id, form })
}

/// Shows a form with Odoo's usual names.
pub async fn new(visitor: Visitor) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let nothing = AnyValue::List(Vec::new());
    records
        .call("check_access", vec![nothing, "create".into()], Map::new())
        .await?;
    let names = vec![crate::records::names(FORM.fields)];
    let defaults = records.call("default_get", names, Map::new()).await?;
    let form = FORM.filled(&crate::records::one(defaults), visitor.lang);
    let shell = Shell::around(&visitor, Section::Settings).await?;
    form_page(shell, 0, form)
}

/// Makes a domain.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    store(form, 0).await
}

/// Shows one domain.
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let records = Records::of(&visitor, MODEL);
    let nothing = AnyValue::ids(&[id]);
    records
        .call("check_access", vec![nothing, "write".into()], Map::new())
        .await?;
    let record: Record = records.read(id, FORM.fields).await?;
    let shell = Shell::around(&visitor, Section::Settings).await?;
    form_page(shell, id, FORM.filled(&record, visitor.lang))
}

/// Changes or deletes a domain.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    store(form, id).await
}

async fn store(form: SignedForm, id: Id) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let records = Records::of(&visitor, MODEL);
    let deletes = fields
        .get("action")
        .is_some_and(|action| action == "delete");
    let outcome = match (FORM.values(&fields, visitor.lang), id) {
        (_, id) if deletes && id != 0 => records
            .run("unlink", id)
            .await
            .map(drop)
            .map_err(Refusal::from),
        (Err(refusal), _) => Err(refusal),
        (Ok(values), 0) => records
            .create(values)
            .await
            .map(drop)
            .map_err(Refusal::from),
        (Ok(values), id) => records.write(id, values).await.map_err(Refusal::from),
    };
    match outcome {
        Ok(()) => {
            let done = if deletes { "deleted" } else { "saved" };
            Ok(see_other(&format!("/odoo/settings?done={done}")))
        }
        Err(refusal) => {
            let problem = refusal.shown()?;
            let typed = FORM.typed(&fields, visitor.lang).marked(&problem);
            let shell = Shell::around(&visitor, Section::Settings).await?;
            form_page(shell.problem(problem), id, typed)
        }
    }
}
