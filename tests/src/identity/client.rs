//! The typed client of the control API, for processes that know the double only by its address and key.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;
use super::config::{Client, Rotation, User};
use super::control::{KEY_HEADER, Order};
use super::fault::FaultOrder;
use super::seen::{Counters, TokenRequest};

/// Address and key of a running double. Serialisable, to be handed on in the lab's description of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// As in `http://127.0.0.1:1234`, without a slash at the end.
    pub base_url: String,
    /// The control key.
    pub key: String,
}

/// Every method fails with [`Error::Http`] when the double cannot be reached and with [`Error::Refused`] when it
/// refuses, as for a wrong key or an unknown application or account.
impl Control {
    /// Gives any order and reads its answer.
    pub async fn order<T: DeserializeOwned>(&self, order: Order) -> Result<T, Error> {
        let answer = reqwest::Client::new()
            .post(format!("{}/control/orders", self.base_url))
            .header(KEY_HEADER, &self.key)
            .json(&order)
            .send()
            .await?;
        if answer.status().is_success() {
            return Ok(answer.json().await?);
        }
        let status = answer.status();
        let body: Value = answer.json().await?;
        let reason = body
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or(status.as_str())
            .to_owned();
        Err(Error::Refused(reason))
    }

    /// Registers an application, in place of one with the same id.
    pub async fn add_client(&self, client: Client) -> Result<(), Error> {
        self.order(Order::AddClient(client)).await
    }

    /// Registers one more redirect URI.
    pub async fn add_redirect_uri(&self, client_id: &str, uri: &str) -> Result<(), Error> {
        self.order(Order::AddRedirectUri {
            client_id: client_id.to_owned(),
            uri: uri.to_owned(),
        })
        .await
    }

    /// Adds a client secret beside those that exist.
    pub async fn add_secret(&self, client_id: &str, secret: &str) -> Result<(), Error> {
        self.order(Order::AddSecret {
            client_id: client_id.to_owned(),
            secret: secret.to_owned(),
        })
        .await
    }

    /// Lets a client secret expire (AADSTS7000222).
    pub async fn expire_secret(&self, client_id: &str, secret: &str) -> Result<(), Error> {
        self.order(Order::ExpireSecret {
            client_id: client_id.to_owned(),
            secret: secret.to_owned(),
        })
        .await
    }

    /// Switches an application off (AADSTS7000112) or on.
    pub async fn disable_client(&self, client_id: &str, disabled: bool) -> Result<(), Error> {
        self.order(Order::DisableClient {
            client_id: client_id.to_owned(),
            disabled,
        })
        .await
    }

    /// Adds an account, in place of one with the same login.
    pub async fn add_user(&self, user: User) -> Result<(), Error> {
        self.order(Order::AddUser(user)).await
    }

    /// Switches an account off (AADSTS50057) or on.
    pub async fn disable_user(&self, login: &str, disabled: bool) -> Result<(), Error> {
        self.order(Order::DisableUser {
            login: login.to_owned(),
            disabled,
        })
        .await
    }

    /// Queues a fault behind those that wait.
    pub async fn queue_fault(&self, fault: FaultOrder) -> Result<(), Error> {
        self.order(Order::QueueFault(fault)).await
    }

    /// Forgets the faults that wait.
    pub async fn clear_faults(&self) -> Result<(), Error> {
        self.order(Order::ClearFaults).await
    }

    /// Sets how long access tokens given out from now on are good.
    pub async fn set_access_token_lifetime(&self, seconds: u64) -> Result<(), Error> {
        self.order(Order::SetAccessTokenLifetime { seconds }).await
    }

    /// Sets what happens to used refresh tokens.
    pub async fn set_rotation(&self, rotation: Rotation) -> Result<(), Error> {
        self.order(Order::SetRotation { rotation }).await
    }

    /// Puts the double's clock ahead, for all who use it.
    pub async fn advance_clock(&self, seconds: u64) -> Result<(), Error> {
        self.order(Order::AdvanceClock { seconds }).await
    }

    /// Ends all grants of an account (AADSTS50173) and voids its access tokens.
    pub async fn revoke_grants(&self, login: &str) -> Result<(), Error> {
        self.order(Order::RevokeGrants {
            login: login.to_owned(),
        })
        .await
    }

    /// Voids the access tokens of an account; its refresh tokens stay good.
    pub async fn expire_access_tokens(&self, login: &str) -> Result<(), Error> {
        self.order(Order::ExpireAccessTokens {
            login: login.to_owned(),
        })
        .await
    }

    /// Makes an access token without a flow.
    pub async fn mint_access_token(
        &self,
        login: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<String, Error> {
        let (login, client_id, scope) = (login.to_owned(), client_id.to_owned(), scope.to_owned());
        self.order(Order::MintAccessToken {
            login,
            client_id,
            scope,
        })
        .await
    }

    /// The token requests seen, oldest first.
    pub async fn token_requests(&self) -> Result<Vec<TokenRequest>, Error> {
        self.order(Order::TokenRequests).await
    }

    /// Forgets the token requests seen.
    pub async fn forget_token_requests(&self) -> Result<(), Error> {
        self.order(Order::ForgetTokenRequests).await
    }

    /// How often things happened.
    pub async fn counters(&self) -> Result<Counters, Error> {
        self.order(Order::Counters).await
    }
}
