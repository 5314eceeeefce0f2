//! One's own account: the language, the password, the API keys.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Key, Map, map};

use words::say;

use super::id;
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal, label_of};
use crate::lang::Lang;
use crate::records::{Records, Search, condition, many, one};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const PATH: &str = "/odoo/preferences";

/// What a new API key is for and how long it works.
pub static KEY_FORM: Form = Form {
    model: "res.users.apikeys.description",
    fields: &["name", "duration"],
    secrets: &[],
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    languages: Vec<Language>,
    keys: Vec<ApiKey>,
    key_form: Filled,
    /// A key just made, which is shown this once only; empty otherwise.
    new_key: String,
}

struct Language {
    lang: Lang,
    chosen: bool,
}

struct ApiKey {
    id: Id,
    name: String,
    created: String,
    expires: String,
}

/// Shows the account.
pub async fn show(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Account).await?;
    account_page(&visitor, shell.done(&query), None, String::new()).await
}

async fn account_page(
    visitor: &Visitor,
    shell: Shell,
    typed: Option<Filled>,
    new_key: String,
) -> Result<HttpResponse> {
    let lang = visitor.lang;
    let usual = Fields::from([("duration".to_owned(), "90".to_owned())]);
    let page_ = AccountPage {
        languages: languages(visitor).await?,
        keys: keys(visitor).await?,
        key_form: typed.unwrap_or_else(|| KEY_FORM.typed(&usual, lang)),
        new_key,
        shell,
    };
    page(page_.shell.status(), &page_)
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let outcome = match fields.get("action").map(String::as_str) {
        Some("language") => choose_language(&visitor, &fields)
            .await
            .map(|()| see_other(&format!("{PATH}?done=saved"))),
        Some("password") => change_password(&visitor, &fields)
            .await
            .map(|()| see_other("/web/login?done=password")),
        Some("key") => match make_key(&visitor, &fields).await {
            Ok(key) => {
                let shell = Shell::around(&visitor, Section::Account).await?;
                return account_page(&visitor, shell, None, key).await;
            }
            Err(refusal) => Err(refusal),
        },
        _ => Err(Error::User(say!("no-such-button").for_reader(visitor.lang)).into()),
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(refusal) => {
            let problem = refusal.shown()?;
            let typed = KEY_FORM.typed(&fields, visitor.lang).marked(&problem);
            let typed = Some(typed).filter(|_| fields.contains_key("duration"));
            let shell = Shell::around(&visitor, Section::Account).await?;
            account_page(&visitor, shell.problem(problem), typed, String::new()).await
        }
    }
}

/// Takes an API key back.
pub async fn revoke(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let SignedForm { visitor, fields } = form;
    let keys = Records::of(&visitor, "res.users.apikeys");
    let outcome = match prove_identity(&visitor, &fields, "password").await {
        Ok(()) => keys.run("remove", id).await.map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(answer) if !asks_for_password(&answer) => Ok(see_other(&format!("{PATH}?done=revoked"))),
        Ok(_) => refused(&visitor, wrong_password(visitor.lang, "password")).await,
        Err(refusal) => refused(&visitor, refusal).await,
    }
}

async fn refused(visitor: &Visitor, refusal: Refusal) -> Result<HttpResponse> {
    let problem = refusal.shown()?;
    let shell = Shell::around(visitor, Section::Account).await?;
    account_page(visitor, shell.problem(problem), None, String::new()).await
}

/// The languages that the user can choose: those in use, and for an administrator all that the pages speak.
async fn languages(visitor: &Visitor) -> Result<Vec<Language>, Error> {
    let in_use = in_use(visitor).await?;
    let all = may_activate(visitor).await?;
    Ok(Lang::ALL
        .into_iter()
        .filter(|lang| all || in_use.iter().any(|code| code == lang.code()))
        .map(|lang| Language {
            lang,
            chosen: lang == visitor.lang,
        })
        .collect())
}

async fn in_use(visitor: &Visitor) -> Result<Vec<String>, Error> {
    let languages = Records::of(visitor, "res.lang");
    let found = languages
        .call("get_installed", Vec::new(), Map::new())
        .await?;
    let pairs = found.as_list().unwrap_or_default().iter();
    let codes = pairs.filter_map(|pair| pair.as_list()?.first()?.as_text());
    Ok(codes.map(str::to_owned).collect())
}

async fn may_activate(visitor: &Visitor) -> Result<bool, Error> {
    let users = Records::of(visitor, "res.users");
    let uid = AnyValue::ids(&[visitor.caller.uid()]);
    let asked = vec![uid, "base.group_system".into()];
    let answer = users.call("has_group", asked, Map::new()).await?;
    Ok(!answer.is_falsy())
}

async fn choose_language(visitor: &Visitor, typed: &Fields) -> Result<(), Refusal> {
    let code = typed.get("lang").map(String::as_str).unwrap_or_default();
    let chosen = Lang::ALL.into_iter().find(|lang| lang.code() == code);
    let Some(lang) = chosen else {
        return Err(Refusal::typed("lang", visitor.lang.say("language-unknown")));
    };
    if may_activate(visitor).await? {
        let known = in_use(visitor).await?;
        for wanted in [visitor.lang, lang] {
            // Once there is a choice, it is the user's language that counts and not the browser's.
            if !known.iter().any(|code| code == wanted.code()) {
                activate(visitor, wanted).await?;
            }
        }
    }
    let users = Records::of(visitor, "res.users");
    let values = map([("lang", code.into())]);
    Ok(users.write(visitor.caller.uid(), values).await?)
}

/// Puts a language into use, which only administrators may.
async fn activate(visitor: &Visitor, lang: Lang) -> Result<(), Error> {
    let languages = Records::of(visitor, "res.lang");
    let search = Search {
        conditions: vec![condition("code", "=", lang.code())],
        ..Search::default()
    };
    for language in languages.list(search, &["id"]).await? {
        let values = map([("active", true.into())]);
        languages.write(language.id(), values).await?;
    }
    Ok(())
}

async fn change_password(visitor: &Visitor, typed: &Fields) -> Result<(), Refusal> {
    let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let (old, new) = (text("old_password"), text("new_password"));
    let lang = visitor.lang;
    if new.trim().is_empty() {
        return Err(Refusal::typed("new_password", lang.say("password-empty")));
    }
    if new != text("confirmed_password") {
        let message = lang.say("password-differs");
        return Err(Refusal::typed("confirmed_password", message));
    }
    let users = Records::of(visitor, "res.users");
    let asked = vec![old.into(), new.into()];
    match users.call("change_password", asked, Map::new()).await {
        Ok(_) => Ok(()),
        Err(Error::AccessDenied(_)) => Err(wrong_password(lang, "old_password")),
        Err(error) => Err(error.into()),
    }
}

fn wrong_password(lang: Lang, field: &'static str) -> Refusal {
    Refusal::typed(field, lang.say("password-wrong"))
}

async fn keys(visitor: &Visitor) -> Result<Vec<ApiKey>, Error> {
    let search = Search {
        conditions: vec![condition("user_id", "=", visitor.caller.uid())],
        order: "id desc",
        ..Search::default()
    };
    let fields = ["name", "create_date", "expiration_date"];
    let keys = Records::of(visitor, "res.users.apikeys");
    let found = keys.list(search, &fields).await?;
    Ok(found
        .iter()
        .map(|key| ApiKey {
            id: key.id(),
            name: key.text("name"),
            created: key.text("create_date"),
            expires: key.text("expiration_date"),
        })
        .collect())
}

/// Notes in the session that the user gave the password, if it is the right one.
async fn prove_identity(
    visitor: &Visitor,
    typed: &Fields,
    field: &'static str,
) -> Result<(), Refusal> {
    let given = typed.get(field).map(String::as_str).unwrap_or_default();
    if given.is_empty() {
        return Ok(());
    }
    let checks = Records::of(visitor, "res.users.identitycheck");
    let check = checks.create(Map::new()).await?;
    let values = map([("password", given.into())]);
    Ok(checks.write(check, values).await?)
}

/// Whether a guarded method answered with the form that asks for the password.
fn asks_for_password(answer: &AnyValue) -> bool {
    let model = answer.as_map().and_then(|action| action.get("res_model"));
    model.and_then(AnyValue::as_text) == Some("res.users.identitycheck")
}

/// Makes a key and gives it; this is the only time it can be seen.
async fn make_key(visitor: &Visitor, typed: &Fields) -> Result<String, Refusal> {
    let lang = visitor.lang;
    let values = KEY_FORM.values(typed, lang)?;
    if values.get("name").is_none_or(AnyValue::is_falsy) {
        return Err(Refusal::typed("name", lang.say("key-needs-name")));
    }
    prove_identity(visitor, typed, "key_password").await?;
    let forms = Records::of(visitor, KEY_FORM.model);
    let shown = map([("id", Map::new().into())]);
    let asked = vec![
        AnyValue::List(Vec::new()),
        values.into(),
        AnyValue::Map(shown),
    ];
    let made = many(forms.call("web_save", asked, Map::new()).await?);
    let form = made.first().map(|form| form.id()).unwrap_or_default();
    let answer = forms.run("make_key", form).await?;
    if asks_for_password(&answer) {
        return Err(wrong_password(lang, "key_password"));
    }
    let AnyValue::Map(mut action) = answer else {
        return Err(Error::Internal("A key was made, but not shown.".into()).into());
    };
    let context = action.shift_remove(&Key::Borrowed("context"));
    let key = one(context.unwrap_or_default()).text("default_key");
    Ok(key)
}

impl ApiKey {
    /// Until when it works, in words.
    fn expiry(&self, lang: &Lang) -> String {
        if self.expires.is_empty() {
            let forever = label_of(*lang, KEY_FORM.model, "duration", "0");
            return forever;
        }
        lang.with("key-expires", "date", &self.expires)
    }
}
