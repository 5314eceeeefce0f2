//! `/{tenant}/oauth2/v2.0/authorize`: judges the request, asks the person, sends the browser back.

use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use super::fault::{Endpoint, Fault, Played, play};
use super::form::Parameters;
use super::page;
use super::problem::Problem;
use super::scope::{self, Scope};
use super::server::Shared;
use super::state::{Code, State};
use super::tenant::Tenant;

/// A request that is worth asking the person about.
struct Request {
    tenant: Tenant,
    client_id: String,
    redirect_uri: Url,
    /// As it was sent, for the comparison at redemption.
    redirect_text: String,
    scopes: Vec<Scope>,
    state: Option<String>,
    challenge: Option<String>,
}

/// Where a refusal is shown.
enum Refusal {
    /// On a page of the provider, because application or redirect URI are not in order.
    Page(Problem),
    /// At the application, to which this URL leads.
    Redirect(Url),
}

/// GET: the sign-in page.
pub async fn show(
    request: HttpRequest,
    tenant: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let mut state = shared.lock();
    let parameters = Parameters::new(query.into_inner());
    match judge(&state, &tenant, &parameters) {
        Err(refusal) => refuse(&state, refusal),
        Ok(asked) => {
            state.counters.pages += 1;
            page::sign_in(
                request.path(),
                parameters.pairs(),
                &asked.scopes,
                state.users(),
                None,
            )
        }
    }
}

/// POST: the decision. Everything is judged again, for the form holds the request and not a reference to it.
pub async fn decide(
    request: HttpRequest,
    tenant: web::Path<String>,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let parameters = Parameters::new(url::form_urlencoded::parse(&body).into_owned().collect());
    let (asked, fault, now) = {
        let mut state = shared.lock();
        match judge(&state, &tenant, &parameters) {
            Err(refusal) => return refuse(&state, refusal),
            Ok(asked) => (
                asked,
                state.take_fault(Endpoint::Authorize, None),
                state.now(),
            ),
        }
    };
    if let Some(Fault::Aadsts { code, .. }) = fault {
        return see_other(&Problem::aadsts(code).redirect(
            &asked.redirect_uri,
            asked.state.as_deref(),
            now,
        ));
    }
    if let Played::Answer(answer) = play(fault, &request, now).await {
        return answer;
    }
    let mut state = shared.lock();
    if parameters.get(page::DECISION) != Some("yes") {
        state.counters.declines += 1;
        return see_other(&Problem::aadsts(65004).redirect(
            &asked.redirect_uri,
            asked.state.as_deref(),
            now,
        ));
    }
    match sign_in(
        &state,
        &asked,
        parameters.get(page::ACCOUNT).unwrap_or_default(),
    ) {
        Err(problem) => {
            let notice = format!("AADSTS{}: {}", problem.code, problem.text);
            page::sign_in(
                request.path(),
                parameters.pairs(),
                &asked.scopes,
                state.users(),
                Some(&notice),
            )
        }
        Ok(login) => {
            state.counters.consents += 1;
            consent(&mut state, asked, login)
        }
    }
}

fn sign_in(state: &State, asked: &Request, account: &str) -> Result<String, Problem> {
    let Some(user) = state.user(account) else {
        return Err(Problem::aadsts(50034).about(account));
    };
    let Some(known) = state.client(&asked.client_id) else {
        return Err(Problem::aadsts(700016));
    };
    asked.tenant.check_user(user, &known.client.audience)?;
    Ok(user.login.clone())
}

fn consent(state: &mut State, asked: Request, login: String) -> HttpResponse {
    let code = state.issue_code(Code {
        client_id: asked.client_id,
        redirect_uri: asked.redirect_text,
        challenge: asked.challenge,
        login,
        scopes: asked.scopes,
        issued: state.now(),
        redeemed: false,
    });
    let mut target = asked.redirect_uri;
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(given) = asked.state {
        target.query_pairs_mut().append_pair("state", &given);
    }
    target
        .query_pairs_mut()
        .append_pair("session_state", &uuid::Uuid::new_v4().to_string());
    see_other(&target)
}

/// The order matters: nothing is sent to a redirect URI before it is known to belong to the application.
fn judge(state: &State, tenant: &str, parameters: &Parameters) -> Result<Request, Refusal> {
    let (tenant, client_id, redirect_text) =
        judge_application(state, tenant, parameters).map_err(Refusal::Page)?;
    let redirect_uri = Url::parse(&redirect_text)
        .map_err(|_| Refusal::Page(Problem::aadsts(50011).about(&redirect_text)))?;
    let given_state = parameters.get("state").map(str::to_owned);
    let (scopes, challenge) = judge_wishes(parameters).map_err(|problem| {
        Refusal::Redirect(problem.redirect(&redirect_uri, given_state.as_deref(), state.now()))
    })?;
    Ok(Request {
        tenant,
        client_id,
        redirect_uri,
        redirect_text,
        scopes,
        state: given_state,
        challenge,
    })
}

fn judge_application(
    state: &State,
    tenant: &str,
    parameters: &Parameters,
) -> Result<(Tenant, String, String), Problem> {
    let tenant = Tenant::parse(tenant, &state.config.tenants)?;
    let client_id = parameters.require("client_id")?;
    let Some(known) = state.client(client_id) else {
        return Err(Problem::aadsts(700016).about(client_id));
    };
    tenant.check_client(&known.client.audience, client_id)?;
    if known.disabled {
        return Err(Problem::aadsts(7000112).about(client_id));
    }
    let redirect_uri = parameters.require("redirect_uri")?;
    if !known
        .client
        .redirect_uris
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return Err(Problem::aadsts(50011).about(redirect_uri));
    }
    parameters.require("response_type")?;
    parameters.refuse_twice()?;
    Ok((tenant, client_id.to_owned(), redirect_uri.to_owned()))
}

fn judge_wishes(parameters: &Parameters) -> Result<(Vec<Scope>, Option<String>), Problem> {
    let response_type = parameters.require("response_type")?;
    if response_type != "code" {
        return Err(Problem::aadsts(700054).about(response_type));
    }
    if let Some(mode) = parameters
        .get("response_mode")
        .filter(|mode| *mode != "query")
    {
        return Err(Problem::aadsts(70007).about(mode));
    }
    let scopes = scope::parse(parameters.require("scope")?)?;
    match parameters.get("prompt") {
        None | Some("login" | "consent" | "select_account") => {}
        // The double keeps no sessions, so nobody is ever signed in already.
        Some("none") => return Err(Problem::aadsts(50058)),
        Some(other) => return Err(Problem::aadsts(90023).about(format!("prompt={other}"))),
    }
    let challenge = judge_challenge(
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
    )?;
    Ok((scopes, challenge))
}

/// Microsoft also takes `plain`; the double does not, so that a client that falls back to it is noticed.
fn judge_challenge(
    challenge: Option<&str>,
    method: Option<&str>,
) -> Result<Option<String>, Problem> {
    match (challenge, method) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256"))
            if URL_SAFE_NO_PAD
                .decode(challenge)
                .is_ok_and(|hash| hash.len() == 32) =>
        {
            Ok(Some(challenge.to_owned()))
        }
        _ => Err(Problem::aadsts(501491)),
    }
}

fn refuse(state: &State, refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::Page(problem) => page::error(&problem, state.now()),
        Refusal::Redirect(target) => see_other(&target),
    }
}

fn see_other(target: &Url) -> HttpResponse {
    HttpResponse::Found()
        .insert_header(("Location", target.as_str()))
        .insert_header(("Cache-Control", "no-store"))
        .finish()
}
