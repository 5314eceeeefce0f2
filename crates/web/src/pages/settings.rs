//! Settings: the applications registered at Microsoft and Google, the address of this installation, and whom mail
//! comes from.

use std::collections::{HashMap, HashSet};

use actix_web::HttpResponse;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Map, map};
use url::Url;

use super::alias_domains;
use crate::failure::Result;
use crate::form::{Filled, Form, Problem, Refusal};
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition, many, names, one};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "res.config.settings";
const BASE_URL: &str = "web.base.url";
const FREEZE: &str = "web.base.url.freeze";
const ENDPOINT: &str = "microsoft_outlook.endpoint";
/// Where the providers send people back to.
const REDIRECTS: [&str; 2] = ["/microsoft_outlook/confirm", "/google_gmail/confirm"];

/// What Odoo keeps in its form of settings.
pub static FORM: Form = Form {
    model: MODEL,
    fields: &[
        "external_email_server_default",
        "microsoft_outlook_client_identifier",
        "google_gmail_client_identifier",
    ],
    secrets: &[
        "microsoft_outlook_client_secret",
        "google_gmail_client_secret",
    ],
};

/// The system parameters that are shown and set here beside that form.
const SHOWN: [&str; 12] = [
    BASE_URL,
    FREEZE,
    ENDPOINT,
    "microsoft_outlook.tenant",
    "microsoft_outlook.cloud",
    "microsoft_outlook_client_secret_expires",
    "microsoft_outlook_client_secret_next_expires",
    "google_gmail_client_secret_expires",
    "google_gmail_client_secret_next_expires",
    "mail.default.from",
    "mail.catchall.domain",
    "mass_mailing.mail_server_id",
];
/// The values of `microsoft_outlook.cloud`, and what they are called; the first where none is set.
const CLOUDS: [(&str, &str); 3] = [
    ("", "cloud-global"),
    ("us_government", "cloud-us-government"),
    ("china", "cloud-china"),
];
/// Those that are set here and never shown; left empty they keep their value.
const SECRET: [&str; 3] = [
    "microsoft_outlook_client_secret_next",
    "microsoft_outlook_client_certificate",
    "google_gmail_client_secret_next",
];
/// The secrets of the form, by the parameters that keep them.
const KEPT_SECRETS: [(&str, &str); 2] = [
    (
        "microsoft_outlook_client_secret",
        "microsoft_outlook_client_secret",
    ),
    ("google_gmail_client_secret", "google_gmail_client_secret"),
];

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    form: Filled,
    parameters: Parameters,
    redirect_uris: [String; 2],
    domains: Vec<Record>,
    servers: Vec<Record>,
    /// Which secrets end soon, and what to do.
    endings: Vec<String>,
}

/// System parameters in inputs.
struct Parameters {
    lang: Lang,
    values: HashMap<&'static str, String>,
    /// The secrets that have a value.
    stored: HashSet<&'static str>,
    wrong: Option<&'static str>,
}

impl Parameters {
    /// The value of a parameter; empty for a secret.
    fn text(&self, name: &str) -> &str {
        self.values
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    fn has_secret(&self, name: &str) -> bool {
        self.stored.contains(name)
    }

    fn is_wrong(&self, name: &str) -> bool {
        self.wrong == Some(name)
    }

    /// The line below an input; empty for none.
    fn hint(&self, key: &str) -> String {
        self.lang.attribute(key, "hint").unwrap_or_default()
    }

    fn say(&self, key: &str) -> String {
        self.lang.say(key)
    }

    async fn read(visitor: &Visitor) -> Result<Parameters, Error> {
        let records = Records::of(visitor, "ir.config_parameter");
        let search = Search {
            conditions: vec![condition("key", "in", names(&SHOWN))],
            ..Search::default()
        };
        let found = records.list(search, &["key", "value"]).await?;
        let value = |key: &str| {
            let record = found.iter().find(|record| record.text("key") == key);
            record
                .map(|record| record.text("value"))
                .unwrap_or_default()
        };
        let values = SHOWN.iter().map(|key| (*key, value(key))).collect();
        let secrets = SECRET.iter().copied();
        let secrets: Vec<&'static str> = secrets.chain(KEPT_SECRETS.map(|(_, key)| key)).collect();
        let mut stored = HashSet::new();
        for key in secrets {
            let conditions = vec![condition("key", "=", key), condition("value", "!=", false)];
            if records.count(conditions).await? > 0 {
                stored.insert(key);
            }
        }
        Ok(Parameters {
            lang: visitor.lang,
            values,
            stored,
            wrong: None,
        })
    }

    /// The same with what was typed, secrets left out.
    fn typed(mut self, typed: &Fields, problem: &Problem) -> Parameters {
        for key in SHOWN {
            let text = typed.get(key).cloned().unwrap_or_default();
            self.values.insert(key, text);
        }
        self.wrong = problem.field;
        self
    }
}

/// Shows the settings.
pub async fn show(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Settings).await?;
    let settings = Records::of(&visitor, MODEL);
    let asked = vec![names(FORM.fields)];
    let values = one(settings.call("default_get", asked, Map::new()).await?);
    let form = FORM.filled(&values, visitor.lang);
    let parameters = Parameters::read(&visitor).await?;
    settings_page(&visitor, shell.done(&query), form, parameters).await
}

/// Stores the settings.
pub async fn submit(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    match save(&visitor, &fields).await {
        Ok(()) => Ok(see_other("/odoo/settings?done=saved")),
        Err(refusal) => {
            let problem = refusal.shown()?;
            let form = FORM.typed(&fields, visitor.lang).marked(&problem);
            let parameters = Parameters::read(&visitor).await?;
            let parameters = parameters.typed(&fields, &problem);
            let shell = Shell::around(&visitor, Section::Settings).await?;
            settings_page(&visitor, shell.problem(problem), form, parameters).await
        }
    }
}

async fn settings_page(
    visitor: &Visitor,
    shell: Shell,
    form: Filled,
    parameters: Parameters,
) -> Result<HttpResponse> {
    let base_url = parameters.text(BASE_URL).trim_end_matches('/').to_owned();
    let all = || Search {
        order: "sequence, id",
        ..Search::default()
    };
    let domains = Records::of(visitor, alias_domains::MODEL);
    let servers = Records::of(visitor, "ir.mail_server");
    let domain_fields = [
        "name",
        "default_from_email",
        "bounce_email",
        "catchall_email",
    ];
    page(
        shell.status(),
        &SettingsPage {
            shell,
            form,
            redirect_uris: REDIRECTS.map(|path| format!("{base_url}{path}")),
            parameters,
            domains: domains.list(all(), &domain_fields).await?,
            servers: servers.list(all(), &["name"]).await?,
            endings: endings(visitor).await?,
        },
    )
}

async fn endings(visitor: &Visitor) -> Result<Vec<String>> {
    let settings = Records::of(visitor, MODEL);
    let credentials = settings
        .call("postern_credentials", Vec::new(), Map::new())
        .await?;
    let messages = many(credentials).into_iter().map(|one| one.text("message"));
    Ok(messages.filter(|message| !message.is_empty()).collect())
}

async fn save(visitor: &Visitor, typed: &Fields) -> Result<(), Refusal> {
    let lang = visitor.lang;
    let new = parameters_typed(typed, lang)?;
    let settings = Records::of(visitor, MODEL);
    let id = settings.create(FORM.values(typed, lang)?).await?;
    settings.run("execute", id).await?;

    let stored = Parameters::read(visitor).await?;
    let parameters = Records::of(visitor, "ir.config_parameter");
    for (key, value) in new {
        if SHOWN.contains(&key) && stored.text(key) == value {
            continue;
        }
        let value = AnyValue::text_or_false(Some(value).filter(|value| !value.is_empty()));
        let named = map([("value", value)]);
        parameters
            .call("set_param", vec![key.into()], named)
            .await?;
    }
    Ok(())
}

/// What to store as parameters. A secret that was not typed is left as it is.
fn parameters_typed(typed: &Fields, lang: Lang) -> Result<Vec<(&'static str, String)>, Refusal> {
    let text = |name: &str| typed.get(name).map(|text| text.trim()).unwrap_or_default();
    let base_url = web_address(typed, BASE_URL, "setting-base-url", lang)?;
    let endpoint = web_address(typed, ENDPOINT, "setting-endpoint", lang)?;
    if base_url.is_empty() {
        return Err(Refusal::typed(BASE_URL, lang.say("base-url-needed")));
    }
    let freeze = if text(FREEZE).is_empty() { "" } else { "True" };
    let mut values = vec![
        (BASE_URL, base_url),
        (FREEZE, freeze.to_owned()),
        (ENDPOINT, endpoint),
    ];
    for key in &SHOWN[3..] {
        values.push((key, text(key).to_owned()));
    }
    for key in SECRET {
        if !text(key).is_empty() {
            values.push((key, text(key).to_owned()));
        }
    }
    Ok(values)
}

/// An address that was typed, without spaces around it; empty when nothing was typed.
fn web_address(
    typed: &Fields,
    name: &'static str,
    label: &str,
    lang: Lang,
) -> Result<String, Refusal> {
    let text = typed.get(name).map(|text| text.trim()).unwrap_or_default();
    let usable = || {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "https" | "http") && url.has_host()).then_some(())
    };
    if text.is_empty() || usable().is_some() {
        return Ok(text.to_owned());
    }
    let label = lang.say(label);
    let texts = [("label", label.as_str()), ("text", text)];
    Err(Refusal::typed(
        name,
        lang.with_all("not-an-address", &texts),
    ))
}

impl SettingsPage {
    /// Whether mass mailings go out by this server.
    fn is_mass_mailing(&self, id: Id) -> bool {
        self.parameters.text("mass_mailing.mail_server_id") == id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Refusal> {
        let typed = Fields::from([(BASE_URL.to_owned(), text.to_owned())]);
        web_address(&typed, BASE_URL, "setting-base-url", Lang::English)
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
            let refusal = read(text).expect_err("no web address");
            let problem = refusal.shown().expect("shown above the form");
            assert!(problem.message.contains(text), "{problem:?}");
            assert_eq!(problem.field, Some(BASE_URL));
        }
    }

    #[test]
    fn a_secret_that_was_not_typed_is_kept_and_one_that_was_is_stored() {
        let mut typed = Fields::from([(BASE_URL.to_owned(), "https://x.example".to_owned())]);
        typed.insert(SECRET[0].to_owned(), " new ".to_owned());
        let values = parameters_typed(&typed, Lang::English).expect("all of it can be read");
        let of = |key: &str| {
            let found = values.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(of(SECRET[0]), Some("new"));
        assert_eq!(of(SECRET[1]), None);
        assert_eq!(of(FREEZE), Some(""));
    }
}
