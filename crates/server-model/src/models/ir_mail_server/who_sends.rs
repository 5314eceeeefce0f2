//! Who would send this: which server the FROM filters choose for an address, and for whom none is meant.

use words::say;

use crate::doctor;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::access;
use crate::outbox::choose::{Carrier, Defaults, Directory};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, map};

/// `{server_id, server, email_from, covered}` for a mail from the address `email_from`: the server (its id
/// is false for that of the configuration, its name where there is none at all), the sender that the mail
/// goes out under, and whether a server is meant for the address itself.
pub(super) async fn who_sends(mut call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    access::check_model(env, call.model, Operation::Read).await?;
    let given = call.args.take_text("email_from")?.unwrap_or_default();
    let address = mail::address::email_normalize(&given)
        .ok_or_else(|| Error::User(say!("error-no-address-given", %given)))?;
    let directory = Directory::load(env).await?;
    let choice = directory.session_for(Some(&address), &Defaults::default());
    let own_host = env.backend().own_server().host.as_deref();
    let server = match &choice.carrier {
        Carrier::Server(server) => Some(server.name.as_str()),
        Carrier::Own => own_host,
    };
    Ok(map([
        (
            "server_id",
            choice.carrier.id().map_or(AnyValue::FALSE, Id::into),
        ),
        ("server", AnyValue::text_or_false(server.map(str::to_owned))),
        (
            "email_from",
            AnyValue::text_or_false(choice.smtp_from.clone()),
        ),
        (
            "covered",
            (server.is_some() && directory.covers(&address)).into(),
        ),
    ])
    .into())
}

/// `{senders, stand_in}`: the addresses of the people who work here, of the companies and for notifications
/// that no server is meant for, and the address that their mails go out under instead; false where none can.
pub(super) async fn uncovered(call: Call<'_>) -> Result<AnyValue> {
    let env: &Env = call.env;
    access::check_model(env, call.model, Operation::Read).await?;
    let directory = Directory::load(env).await?;
    let (senders, stand_in) = doctor::uncovered_senders(env, &directory).await?;
    let senders = senders.into_iter().map(AnyValue::from).collect::<Vec<_>>();
    Ok(map([
        ("senders", senders.into()),
        ("stand_in", AnyValue::text_or_false(stand_in)),
    ])
    .into())
}
