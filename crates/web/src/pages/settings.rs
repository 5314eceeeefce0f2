//! Settings: the application registered at Microsoft, and the address of this installation.

use actix_web::HttpResponse;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Map, map};
use url::Url;

use crate::failure::{Result, for_form};
use crate::form::{Filled, Form};
use crate::records::{Record, Records, condition, names};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "res.config.settings";
const BASE_URL: &str = "web.base.url";
const ENDPOINT: &str = "microsoft_outlook.endpoint";
/// Where the provider sends people back to.
const REDIRECT_PATH: &str = "/microsoft_outlook/confirm";

static FORM: Form = Form {
    model: MODEL,
    fields: &[
        "external_email_server_default",
        "microsoft_outlook_client_identifier",
    ],
    secrets: &["microsoft_outlook_client_secret"],
};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    form: Filled,
    has_secret: bool,
    base_url: String,
    redirect_uri: String,
    endpoint: String,
}

/// Shows the settings.
pub async fn show(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Settings).await?;
    let stored = Stored::of(&visitor).await?;
    let form = FORM.filled(&stored.values);
    settings_page(shell.done(&query), stored, form)
}

/// Stores the settings.
pub async fn submit(form: SignedForm) -> Result<HttpResponse> {
    match save(&form.visitor, &form.fields).await {
        Ok(()) => Ok(see_other("/odoo/settings?done=saved")),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Settings).await?;
            let mut stored = Stored::of(&form.visitor).await?;
            let typed = |name: &str| form.fields.get(name).cloned().unwrap_or_default();
            stored.base_url = typed(BASE_URL);
            stored.endpoint = typed(ENDPOINT);
            settings_page(shell.error(error), stored, FORM.typed(&form.fields))
        }
    }
}

fn settings_page(shell: Shell, stored: Stored, form: Filled) -> Result<HttpResponse> {
    page(
        shell.status(),
        &SettingsPage {
            redirect_uri: format!("{}{REDIRECT_PATH}", stored.base_url.trim_end_matches('/')),
            base_url: stored.base_url,
            endpoint: stored.endpoint,
            has_secret: stored.has_secret,
            shell,
            form,
        },
    )
}

/// What is stored now; of the secret only whether there is one.
struct Stored {
    values: Record,
    has_secret: bool,
    base_url: String,
    endpoint: String,
}

impl Stored {
    async fn of(visitor: &Visitor) -> Result<Stored, Error> {
        let settings = Records::of(&visitor.caller, MODEL);
        let found = settings
            .call("default_get", vec![names(FORM.fields)], Map::new())
            .await?;
        let values = match found {
            AnyValue::Map(values) => Record::from(values),
            _ => Record::default(),
        };
        let secret = vec![
            condition("key", "=", "microsoft_outlook_client_secret"),
            condition("value", "!=", false),
        ];
        let parameters = Records::of(&visitor.caller, "ir.config_parameter");
        Ok(Stored {
            values,
            has_secret: parameters.count(secret).await? > 0,
            base_url: parameter(parameters, BASE_URL).await?,
            endpoint: parameter(parameters, ENDPOINT).await?,
        })
    }
}

async fn parameter(parameters: Records<'_>, key: &'static str) -> Result<String, Error> {
    let value = parameters
        .call("get_param", vec![key.into()], Map::new())
        .await?;
    Ok(value.as_text().unwrap_or_default().to_owned())
}

async fn save(visitor: &Visitor, typed: &Fields) -> Result<(), Error> {
    let base_url = web_address(typed, BASE_URL, "Address of this installation")?;
    let endpoint = web_address(typed, ENDPOINT, "Microsoft endpoint")?;
    if base_url.is_empty() {
        return Err(Error::Value(
            "The address of this installation must not be empty: Microsoft sends people back to it.".into(),
        ));
    }
    let settings = Records::of(&visitor.caller, MODEL);
    let id = settings.create(FORM.values(typed)?).await?;
    settings.run("execute", id).await?;

    let parameters = Records::of(&visitor.caller, "ir.config_parameter");
    for (key, value) in [(BASE_URL, base_url), (ENDPOINT, endpoint)] {
        if parameter(parameters, key).await? != value {
            let value = AnyValue::text_or_false(Some(value).filter(|value| !value.is_empty()));
            let named = map([("value", value)]);
            parameters
                .call("set_param", vec![key.into()], named)
                .await?;
        }
    }
    Ok(())
}

/// An address that was typed, without spaces around it; empty when nothing was typed.
fn web_address(typed: &Fields, name: &str, label: &str) -> Result<String, Error> {
    let text = typed.get(name).map(|text| text.trim()).unwrap_or_default();
    let usable = || {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "https" | "http") && url.has_host()).then_some(())
    };
    if text.is_empty() || usable().is_some() {
        return Ok(text.to_owned());
    }
    Err(Error::Value(format!(
        "“{label}” must be an address like https://mail.example.com, not “{text}”."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Error> {
        let typed = Fields::from([(BASE_URL.to_owned(), text.to_owned())]);
        web_address(&typed, BASE_URL, "Address")
    }

    #[test]
    fn addresses_are_web_addresses_or_nothing() {
        for text in ["", "http://127.0.0.1:8069", " https://mail.example.com "] {
            assert_eq!(read(text).expect("an address"), text.trim());
        }
        for text in [
            "mail.example.com",
            "javascript:alert(1)",
            "ftp://x",
            "https://",
        ] {
            let error = read(text).expect_err("no web address").to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
