//! `res.users.identitycheck`: asks for the password once more before something that matters.
//!
//! A guarded method called in a web session whose user has not given the password lately answers
//! with an action that opens this form. Writing the password to the form checks it, `run_check`
//! then carries out the call that had to wait. Odoo keeps the typed password in the form's row
//! until then; here it is never stored: the session remembers that it was right.

use chrono::{NaiveDateTime, TimeDelta};
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use server_model_derive::OdooFields;

use words::say;

use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{access, convert, create};
use crate::prepared;
use crate::registry::entry;
use crate::schema::{self, Call, Operation, Rule, Run, Selection, access, method, model};
use crate::sessions;
use crate::value::{AnyValue, Id, Ids, Key, Map, map};

const AUTH_METHOD: Selection = &[("password", "Password")];

/// How long after the password was given it is not asked for again, as in Odoo.
const FRESH: TimeDelta = TimeDelta::minutes(10);

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_users_identitycheck")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(hidden)]
    pub request: Option<String>,
    /// How the caller proves who it is.
    #[odoo(label = "Auth Method", selection = AUTH_METHOD, default = "password")]
    pub auth_method: Option<String>,
    /// The password of the user who is signed in. It is checked when it is written, never stored
    /// and never shown.
    #[odoo(label = "Password", no_copy)]
    pub password: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const NAME: &str = "res.users.identitycheck";

pub const MODEL: schema::Model = model(NAME, "Password Check Wizard", "res_users_identitycheck")
    .transient()
    .rec_name("")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_portal", "rwc"),
        access("base.group_user", "rwc"),
    ])
    .rules(&[Rule {
        groups: &[],
        operations: "rwcd",
        domain_force: "[('create_uid', '=', user.id)]",
        domain: |env| async move { Ok(Domain::eq("create_uid", env.uid())) }.boxed(),
    }])
    .methods(&[method("run_check", &[], |call| run_check(call).boxed())])
    .hooks(schema::Hooks {
        prepare: Some(prepared::own_password),
        before_create: Some(|_, values| drop_password(values).boxed()),
        before_write: Some(|env, _, values| check_password(env, values).boxed()),
        ..model("", "", "").hooks
    });

/// A call that waits for the password.
#[derive(Serialize, Deserialize)]
struct Waiting {
    model: String,
    method: String,
    ids: Ids,
}

/// Asks whether the caller has given the password lately; if not, keeps the call and gives the
/// action that opens the form, to be answered instead.
///
/// # Errors
/// [`Error::User`] outside of a web session, where nobody could answer the form.
pub async fn guard(call: &Call<'_>, method: &str) -> Result<Option<AnyValue>> {
    let env = call.env;
    let Some(checked) = sessions::identity_checked_at(env).await? else {
        return Err(Error::User(say!("error-identity-session", %method)));
    };
    if checked.is_some_and(|at| env.now() - at < FRESH) {
        return Ok(None);
    }
    let waiting = Waiting {
        model: call.model.name().to_owned(),
        method: method.to_owned(),
        ids: call.ids.clone(),
    };
    let form = create::record(env, entry(NAME)?, Map::new()).await?;
    let mut sql = env.sql("UPDATE res_users_identitycheck SET request = ");
    sql.bind(serde_json::to_string(&waiting).map_err(unreadable)?)
        .push(" WHERE id = ")
        .bind(form);
    env.execute(sql).await?;
    Ok(Some(open(form)))
}

/// The action with which a client opens the form.
fn open(form: Id) -> AnyValue {
    map([
        ("type", "ir.actions.act_window".into()),
        ("res_model", NAME.into()),
        ("res_id", form.into()),
        ("name", "Security Control".into()),
        ("target", "new".into()),
        ("views", form_view()),
    ])
    .into()
}

/// `views` of an action that shows the model's form.
pub fn form_view() -> AnyValue {
    AnyValue::List(vec![AnyValue::List(vec![AnyValue::FALSE, "form".into()])])
}

async fn drop_password(values: &mut Map) -> Result<()> {
    values.shift_remove("password");
    Ok(())
}

async fn check_password(env: &Env, values: &mut Map) -> Result<()> {
    let Some(AnyValue::Text(given)) = values.shift_remove("password") else {
        return Ok(());
    };
    let known = env.prepared().verdict(&SecretString::from(given));
    let right = known.ok_or_else(|| {
        Error::Internal("The password of an identity check was not looked at in time.".into())
    })?;
    if !right {
        let uid = env.uid();
        tracing::info!(uid, "a wrong password was given at an identity check");
    }
    sessions::note_identity(env, right).await?;
    values.insert(Key::Borrowed("password"), AnyValue::FALSE);
    Ok(())
}

/// Carries out the call that waited, now that the password was given.
async fn run_check(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    access::check_records(env, call.model, &call.ids, Operation::Read).await?;
    let [form] = call.ids.as_slice() else {
        return Err(Error::Value(say!(
            "error-call-one-form",
            method = "run_check",
            count = call.ids.len()
        )));
    };
    let Some(checked) = sessions::identity_checked_at(env).await? else {
        return Err(Error::User(say!("error-identity-no-session")));
    };
    if checked.is_none_or(|at| env.now() - at >= FRESH) {
        return Err(Error::User(say!("error-identity-password")));
    }
    let waiting = waiting(env, *form).await?;
    let model = entry(&waiting.model)?;
    let method = model.methods.get(waiting.method.as_str());
    let Some(Run::Inside(run)) = method.map(|method| method.run) else {
        return Err(Error::Assertion(say!("error-identity-call-gone")));
    };
    run(Call {
        env,
        model,
        ids: waiting.ids,
        args: schema::Args::default(),
    })
    .await
}

async fn waiting(env: &Env, form: Id) -> Result<Waiting> {
    let mut sql = env.sql("SELECT request FROM res_users_identitycheck WHERE id = ");
    sql.bind(form);
    let request = match env.row(sql).await? {
        Some(row) => convert::get::<String>(&row, 0)?,
        None => None,
    };
    let request = request.ok_or_else(|| Error::Assertion(say!("error-identity-nothing-waits")))?;
    serde_json::from_str(&request).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Internal(format!("A waiting call could not be kept or read: {error}"))
}
