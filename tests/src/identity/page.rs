//! The pages of the double: plain HTML that a person can use in a browser and a script can read.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};

use super::config::User;
use super::problem::{Problem, Trace};
use super::scope::Scope;

/// The names of the form's own fields, beside which it repeats the parameters of the request.
pub const ACCOUNT: &str = "account";
/// Holds `yes` or `no`.
pub const DECISION: &str = "decision";

/// Sign-in and consent in one form, which posts the whole request back together with account and decision.
pub fn sign_in(
    action: &str,
    parameters: &[(String, String)],
    scopes: &[Scope],
    users: &[User],
    notice: Option<&str>,
) -> HttpResponse {
    let value = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let hidden: String = parameters
        .iter()
        .filter(|(name, _)| name != ACCOUNT && name != DECISION)
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
                escape(name),
                escape(value)
            )
        })
        .collect();
    let asked: String = scopes
        .iter()
        .map(|scope| format!("<li>{}</li>\n", escape(&scope.name)))
        .collect();
    let known: String = users
        .iter()
        .map(|user| format!("<option value=\"{}\"></option>", escape(&user.login)))
        .collect();
    let notice = notice.map_or_else(String::new, |text| {
        format!("<p class=\"notice\">{}</p>\n", escape(text))
    });
    let account = if value(ACCOUNT).is_empty() {
        value("login_hint")
    } else {
        value(ACCOUNT)
    };
    let body = format!(
        "{notice}<p>The application <b>{client}</b> asks to use your account for:</p>\n<ul>\n{asked}</ul>\n\
         <form method=\"post\" action=\"{action}\">\n{hidden}\
         <p><label>Account <input type=\"text\" name=\"{ACCOUNT}\" value=\"{account}\" list=\"known\" size=\"40\" \
         autofocus required></label><datalist id=\"known\">{known}</datalist></p>\n\
         <p>No password is asked for: this provider exists for trials and tests only.</p>\n\
         <p><button type=\"submit\" name=\"{DECISION}\" value=\"yes\">Yes, allow</button>\n\
         <button type=\"submit\" name=\"{DECISION}\" value=\"no\">No, decline</button></p>\n</form>\n",
        client = escape(value("client_id")),
        action = escape(action),
        account = escape(account),
    );
    page(StatusCode::OK, "Sign in", &body)
}

/// A refusal that must not be sent to the redirect URI, because the request is not trusted enough to name one.
pub fn error(problem: &Problem, now: DateTime<Utc>) -> HttpResponse {
    let body = format!(
        "<p class=\"notice\">Sorry, the sign-in cannot go on.</p>\n<p id=\"error\">{}</p>\n",
        escape(&problem.description(&Trace::new(now)))
    );
    page(StatusCode::BAD_REQUEST, "Sign-in error", &body)
}

fn page(status: StatusCode, title: &str, body: &str) -> HttpResponse {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\
         body{{font-family:sans-serif;max-width:36em;margin:3em auto}}.notice{{color:#a00}}button{{padding:.5em 1em}}\
         </style></head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    );
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .body(html)
}

/// Makes text safe between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
