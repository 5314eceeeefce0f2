//! The control API: one list of orders, given as methods of [`Identity`](super::Identity) or over HTTP.
//!
//! `POST /control/orders` takes one [`Order`] as JSON (`{"order": "revoke_grants", "login": "…"}`), `GET
//! /control/requests` and `GET /control/counters` are for people with curl. All want the header `x-control-key`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Error;
use super::config::{Client, Rotation, User};
use super::fault::FaultOrder;
use super::server::Shared;
use super::state::State;

/// The header that carries the control key.
pub const KEY_HEADER: &str = "x-control-key";

/// One thing to be done to the double.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Registers an application, in place of one with the same id.
    AddClient(Client),
    /// Registers one more redirect URI.
    AddRedirectUri {
        /// The application.
        client_id: String,
        /// The URI, exactly as it will be sent.
        uri: String,
    },
    /// Adds a client secret beside those that exist.
    AddSecret {
        /// The application.
        client_id: String,
        /// The secret's value.
        secret: String,
    },
    /// Lets a client secret expire (AADSTS7000222).
    ExpireSecret {
        /// The application.
        client_id: String,
        /// The secret's value.
        secret: String,
    },
    /// Switches an application off (AADSTS7000112) or on.
    DisableClient {
        /// The application.
        client_id: String,
        /// Off or on.
        disabled: bool,
    },
    /// Adds an account, in place of one with the same login.
    AddUser(User),
    /// Switches an account off (AADSTS50057) or on.
    DisableUser {
        /// The account.
        login: String,
        /// Off or on.
        disabled: bool,
    },
    /// Queues a fault behind those that wait.
    QueueFault(FaultOrder),
    /// Forgets the faults that wait.
    ClearFaults,
    /// Sets how long access tokens given out from now on are good.
    SetAccessTokenLifetime {
        /// In seconds.
        seconds: u64,
    },
    /// Sets what happens to used refresh tokens.
    SetRotation {
        /// The rule.
        rotation: Rotation,
    },
    /// Puts the double's clock ahead.
    AdvanceClock {
        /// By how many seconds more.
        seconds: u64,
    },
    /// Ends all grants of an account (AADSTS50173) and voids its access tokens.
    RevokeGrants {
        /// The account.
        login: String,
    },
    /// Voids the access tokens of an account; its refresh tokens stay good.
    ExpireAccessTokens {
        /// The account.
        login: String,
    },
    /// Makes an access token without a flow; answers its text.
    MintAccessToken {
        /// The account it is for.
        login: String,
        /// The application it was given to.
        client_id: String,
        /// Scopes of one resource.
        scope: String,
    },
    /// Answers the token requests seen.
    TokenRequests,
    /// Forgets the token requests seen.
    ForgetTokenRequests,
    /// Answers the counters.
    Counters,
}

/// Carries out an order.
///
/// # Errors
/// When the order names an application, an account or a scope that does not exist.
pub fn apply(state: &mut State, order: Order) -> Result<Value, Error> {
    match order {
        Order::AddClient(client) => state.add_client(client),
        Order::AddRedirectUri { client_id, uri } => {
            state.client_mut(&client_id)?.client.redirect_uris.push(uri);
        }
        Order::AddSecret { client_id, secret } => {
            state.client_mut(&client_id)?.client.secrets.push(secret)
        }
        Order::ExpireSecret { client_id, secret } => {
            state.client_mut(&client_id)?.expired_secrets.push(secret)
        }
        Order::DisableClient {
            client_id,
            disabled,
        } => state.client_mut(&client_id)?.disabled = disabled,
        Order::AddUser(user) => state.add_user(user),
        Order::DisableUser { login, disabled } => state.disable_user(&login, disabled)?,
        Order::QueueFault(fault) => state.faults.queue(fault),
        Order::ClearFaults => state.faults.clear(),
        Order::SetAccessTokenLifetime { seconds } => {
            state.config.access_token_lifetime = Duration::from_secs(seconds);
        }
        Order::SetRotation { rotation } => state.config.rotation = rotation,
        Order::AdvanceClock { seconds } => state.advance_clock(Duration::from_secs(seconds)),
        Order::RevokeGrants { login } => state.revoke_grants(&login)?,
        Order::ExpireAccessTokens { login } => state.expire_access_tokens(&login)?,
        Order::MintAccessToken {
            login,
            client_id,
            scope,
        } => {
            return Ok(json!(state.mint_access_token(&login, &client_id, &scope)?));
        }
        Order::TokenRequests => return Ok(json!(state.seen)),
        Order::ForgetTokenRequests => state.forget_seen(),
        Order::Counters => return Ok(json!(state.counters)),
    }
    Ok(Value::Null)
}

/// `POST /control/orders`.
pub async fn take_order(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    if !allowed(&request, &shared) {
        return forbidden();
    }
    match serde_json::from_slice::<Order>(&body) {
        Err(error) => {
            HttpResponse::BadRequest().json(json!({"error": format!("no such order: {error}")}))
        }
        Ok(order) => answer(&shared, order),
    }
}

/// `GET /control/requests`.
pub async fn requests(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    if allowed(&request, &shared) {
        answer(&shared, Order::TokenRequests)
    } else {
        forbidden()
    }
}

/// `GET /control/counters`.
pub async fn counters(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    if allowed(&request, &shared) {
        answer(&shared, Order::Counters)
    } else {
        forbidden()
    }
}

fn answer(shared: &Shared, order: Order) -> HttpResponse {
    match apply(&mut shared.lock(), order) {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => HttpResponse::NotFound().json(json!({"error": error.to_string()})),
    }
}

fn allowed(request: &HttpRequest, shared: &Shared) -> bool {
    request
        .headers()
        .get(KEY_HEADER)
        .is_some_and(|key| key.as_bytes() == shared.control_key.as_bytes())
}

fn forbidden() -> HttpResponse {
    HttpResponse::Forbidden()
        .json(json!({"error": format!("the header {KEY_HEADER} does not hold the control key")}))
}
