//! Calls of models within a web session: `/web/dataset/call_kw` and `/web/dataset/call_button`.

use actix_web::{HttpRequest, HttpResponse, web};
use server_model::backend::Backend;
use server_model::call::call_kw as call_model;
use server_model::env::Caller;
use server_model::registry;
use server_model::value::{AnyValue, Map};

use crate::caller;
use crate::dispatch::{dispatch, place};
use crate::envelope::{BODY_LIMIT, JsonBody, answer, needed, refuse};
use crate::error::{Error, Result};

/// `/jsonrpc`: the services, each call with its own credentials.
pub async fn jsonrpc(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    answer(body, BODY_LIMIT, "/jsonrpc", async |mut params| {
        let service = needed(&mut params, "service")?;
        let method = needed(&mut params, "method")?;
        let args = match needed(&mut params, "args")? {
            AnyValue::List(args) => args,
            other => {
                return Err(Error::type_error(format!(
                    "\"args\" must be a list, not {}.",
                    other.type_name()
                )));
            }
        };
        tracing::Span::current().record("call", place(&service, &method, &args));
        let address = forwarded::client_address(&request);
        dispatch(&backend, address, &service, &method, args).await
    })
    .await
}

/// `/web/dataset/call_kw[/…]`: calls a method and gives its result. The rest of the path is only a
/// label for people who read logs.
pub async fn call_kw(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    within(&request, body, &backend, async |caller, call| {
        call.run(&caller).await
    })
    .await
}

/// `/web/dataset/call_button[/…]`: calls a method and gives its result when that is an action for
/// the client to carry out, else `False`.
pub async fn call_button(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    within(&request, body, &backend, async |caller, call| {
        Ok(action_or_false(call.run(&caller).await?))
    })
    .await
}

async fn within(
    request: &HttpRequest,
    body: JsonBody,
    backend: &web::Data<Backend>,
    work: impl AsyncFnOnce(Caller, ModelCall) -> Result<AnyValue>,
) -> HttpResponse {
    let path = request.path();
    match caller::required(request, backend).await {
        Ok(caller) => {
            answer(body, BODY_LIMIT, path, async |params| {
                let call = ModelCall::read(params)?;
                let name = format!("{}.{}", call.model, call.method);
                tracing::Span::current().record("call", name);
                work(caller, call).await
            })
            .await
        }
        Err(error) => refuse(body, path, error).await,
    }
}

struct ModelCall {
    model: String,
    method: String,
    args: Vec<AnyValue>,
    kwargs: Map,
}

impl ModelCall {
    fn read(mut params: Map) -> Result<ModelCall> {
        let model = match needed(&mut params, "model")? {
            AnyValue::Text(model) => model,
            other => other.to_python_text(),
        };
        // Odoo looks for the model before it looks at anything else.
        if registry::entry(&model).is_err() {
            return Err(Error::NoSuchModel(model));
        }
        let AnyValue::Text(method) = needed(&mut params, "method")? else {
            return Err(Error::type_error("\"method\" must be a name."));
        };
        let args = match needed(&mut params, "args")? {
            AnyValue::List(args) => args,
            // A text is a sequence of letters to Python, and fails only when the first of them
            // is taken for a domain or an id.
            AnyValue::Text(_) => {
                return Err(Error::assertion("\"args\" must be a list, not a text."));
            }
            other => {
                return Err(Error::type_error(format!(
                    "\"args\" must be a list, not {}.",
                    other.type_name()
                )));
            }
        };
        let kwargs = match needed(&mut params, "kwargs")? {
            AnyValue::Map(kwargs) => kwargs,
            other => {
                return Err(Error::type_error(format!(
                    "\"kwargs\" must be an object, not {}.",
                    other.type_name()
                )));
            }
        };
        Ok(ModelCall {
            model,
            method,
            args,
            kwargs,
        })
    }

    async fn run(self, caller: &Caller) -> Result<AnyValue> {
        Ok(call_model(caller, &self.model, &self.method, self.args, self.kwargs).await?)
    }
}

fn action_or_false(result: AnyValue) -> AnyValue {
    match result {
        AnyValue::Map(action) if action.get("type").is_none_or(|kind| !kind.is_falsy()) => {
            AnyValue::Map(action)
        }
        _ => AnyValue::FALSE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use server_model::value::map;

    #[test]
    fn a_button_gives_actions_and_nothing_else() {
        let action: AnyValue = map([("type", "ir.actions.act_url".into())]).into();
        assert_eq!(action_or_false(action.clone()), action);
        for plain in [
            AnyValue::Null,
            true.into(),
            5.into(),
            "x".into(),
            AnyValue::List(vec![]),
        ] {
            assert_eq!(action_or_false(plain), AnyValue::FALSE);
        }
    }
}
