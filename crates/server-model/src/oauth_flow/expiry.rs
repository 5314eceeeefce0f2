//! The end of what the application proves itself by: client secrets, whose end an administrator enters with them, and
//! the certificate, which says it itself. The administrators are told 30, 7 and 1 days before, and when it is over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use tokio_util::sync::CancellationToken;
use words::{Text, say};

use super::service::{CERTIFICATE, NEXT_SECRET, SECRET, Service};
use crate::alerts;
use crate::atlas::CREDENTIAL_ENDS;
use crate::backend::Backend;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::retry::in_work;

/// So many days before the end it is told, and once more when it is over.
const WARNINGS: [i64; 3] = [1, 7, 30];
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(3600);

/// Something that an application proves itself by, and that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where the application is registered.
    pub service: Service,
    /// What it is: `client_secret`, `client_secret_next` or `client_certificate`.
    pub name: &'static str,
    /// The last day on which it can be relied on.
    pub ends: NaiveDate,
}

impl Credential {
    /// What a person calls it.
    fn label(&self) -> Text {
        let service = self.service.label();
        match self.name {
            NEXT_SECRET => say!("credential-next-secret", service),
            CERTIFICATE => say!("credential-certificate", service),
            _ => say!("credential-secret", service),
        }
    }

    /// The parameter that holds it.
    pub fn parameter(&self) -> String {
        self.service.column(self.name)
    }

    /// The days that are left; 0 on the last one, below zero when it is over.
    pub fn days_left(&self, now: NaiveDateTime) -> i64 {
        (self.ends - now.date()).num_days()
    }

    /// What is to be told now: the number of days of the warning that is due, 0 when it is over.
    fn due(&self, now: NaiveDateTime) -> Option<i64> {
        match self.days_left(now) {
            left if left < 0 => Some(0),
            left => WARNINGS.into_iter().find(|days| left <= *days),
        }
    }

    /// Whether it is time to do something about it.
    pub fn is_near(&self, now: NaiveDateTime) -> bool {
        self.due(now).is_some()
    }

    /// That it ends, for a person.
    pub fn notice(&self, now: NaiveDateTime) -> Text {
        let (what, day) = (self.label(), self.ends.to_string());
        let end = match self.days_left(now) {
            left if left < 0 => say!("credential-ended", what, day),
            0 => say!("credential-ends-today", what),
            1 => say!("credential-ends-tomorrow", what, day),
            left => say!("credential-ends-later", what, left, day),
        };
        let (remedy, code) = (CREDENTIAL_ENDS.remedy(), CREDENTIAL_ENDS.code);
        say!("atlas-told", what = end, remedy, marks = code)
    }
}

/// The parameter with the end of a client secret.
pub(super) fn parameter(service: Service, secret: &str) -> String {
    format!("{}_expires", service.column(secret))
}

/// Whether this is a parameter with the end of a client secret.
pub fn is_parameter(key: &str) -> bool {
    let services = [Service::Outlook, Service::Gmail];
    let secrets = [SECRET, NEXT_SECRET];
    services.iter().any(|service| {
        secrets
            .iter()
            .any(|secret| parameter(*service, secret) == key)
    })
}

/// Reads the end of a client secret as it is entered, such as `2027-01-31`.
///
/// # Errors
/// [`Error::Validation`] for anything else than a day.
pub fn read_day(key: &str, value: &str) -> Result<NaiveDate> {
    value
        .trim()
        .parse()
        .map_err(|_| Error::Validation(say!("error-expiry-day", %key, ?value)))
}

/// All that is known to end, of both services.
///
/// # Errors
/// When the database fails.
pub async fn credentials(env: &Env) -> Result<Vec<Credential>> {
    let mut found = Vec::new();
    for service in [Service::Outlook, Service::Gmail] {
        for name in [SECRET, NEXT_SECRET] {
            let is_used = service.parameter(env, name).await?.is_some();
            let day = service.parameter(env, &format!("{name}_expires")).await?;
            let day = day.filter(|_| is_used);
            let ends = day.map(|day| read_day(name, &day)).transpose();
            // What an earlier version let in is no reason not to warn of the others.
            found.extend(ends.ok().flatten().map(|ends| Credential {
                service,
                name,
                ends,
            }));
        }
        if let Ok(Some(certificate)) = service.certificate(env).await {
            found.push(Credential {
                service,
                name: CERTIFICATE,
                ends: certificate.not_after().date_naive(),
            });
        }
    }
    Ok(found)
}

/// Looks every hour until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let superuser = Caller::superuser(backend);
    loop {
        if let Err(error) = tell(&superuser).await {
            tracing::warn!(%error, "it could not be looked whether a client secret ends soon");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Tells what is due and was not told yet, by whichever process comes first.
///
/// # Errors
/// When the database fails.
pub async fn tell(superuser: &Caller) -> Result<()> {
    let due = in_work!(superuser, |env| {
        let mut due = Vec::new();
        for credential in credentials(env).await? {
            let Some(days) = credential.due(env.now()) else {
                continue;
            };
            let news = format!("{} {days}", credential.ends);
            if is_news(env, &credential.parameter(), &news).await? {
                due.push((credential.notice(env.now()), credential, days));
            }
        }
        Ok(due)
    })?;
    for (notice, credential, days) in due {
        alerts::ends(superuser, &credential.label(), &notice, days == 0).await;
    }
    Ok(())
}

/// Whether this was not told yet; it counts as told from now on.
async fn is_news(env: &Env, subject: &str, news: &str) -> Result<bool> {
    let mut sql = env.sql("INSERT INTO postern_told (subject, news, told_at) VALUES (");
    sql.bind(subject).push(", ").bind(news);
    sql.push(", ").bind(env.now());
    sql.push(") ON CONFLICT (subject) DO UPDATE SET news = excluded.news, told_at = excluded.told_at WHERE postern_told.news <> excluded.news");
    Ok(env.execute(sql).await?.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(ends: &str) -> Credential {
        Credential {
            service: Service::Outlook,
            name: SECRET,
            ends: ends.parse().expect("a day"),
        }
    }

    #[test]
    fn it_is_told_thirty_seven_and_one_days_before_and_when_it_is_over() {
        let now = "2027-01-31T23:59:00".parse().expect("a moment");
        let cases = [
            ("2027-03-03", None),
            ("2027-03-02", Some(30)),
            ("2027-02-08", Some(30)),
            ("2027-02-07", Some(7)),
            ("2027-02-02", Some(7)),
            ("2027-02-01", Some(1)),
            ("2027-01-31", Some(1)),
            ("2027-01-30", Some(0)),
        ];
        for (ends, due) in cases {
            assert_eq!(secret(ends).due(now), due, "{ends}");
        }
    }

    #[test]
    fn the_notice_says_when_and_what_to_do() {
        let now = "2027-01-31T12:00:00".parse().expect("a moment");
        let notice = |ends| secret(ends).notice(now).to_string();
        assert!(notice("2027-02-07").starts_with(
            "The client secret of the Outlook application ends in 7 days, on 2027-02-07. "
        ));
        assert!(notice("2027-02-01").contains("ends tomorrow"));
        assert!(notice("2027-01-30").contains("ended on 2027-01-30"));
        assert!(notice("2027-02-07").ends_with(" [oauth.credential_ends]"));
    }

    #[test]
    fn a_day_is_read_as_it_is_written_everywhere() {
        assert!(read_day("x", " 2027-01-31 ").is_ok());
        for wrong in ["31.01.2027", "01/31/2027", "2027-13-01", "soon", ""] {
            let error = read_day("x", wrong).expect_err(wrong);
            assert!(error.to_string().contains("2027-01-31"), "{error}");
        }
        assert!(is_parameter("microsoft_outlook_client_secret_next_expires"));
        assert!(!is_parameter("microsoft_outlook_client_secret"));
    }
}
