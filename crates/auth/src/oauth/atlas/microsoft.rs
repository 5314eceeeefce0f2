//! What Microsoft Entra answers, by the number after `AADSTS`. Paths are those of the Entra admin center
//! (https://entra.microsoft.com).

use super::{CONFIGURATION, Entry, RECONNECT, TRANSIENT, entry};

pub(super) static ENTRIES: &[&Entry] = &[
    &entry("oauth.wrong_audience", CONFIGURATION)
        .numbers(&[50194, 9002332, 9002331, 9001023, 90130]),
    &entry("oauth.tenant_unknown", CONFIGURATION).numbers(&[90002]),
    &entry("oauth.app_unknown", CONFIGURATION).numbers(&[700016, 700011]),
    &entry("oauth.other_cloud", CONFIGURATION).numbers(&[90038]),
    &entry("oauth.secret_expired", CONFIGURATION).numbers(&[7000222]),
    &entry("oauth.secret_wrong", CONFIGURATION).numbers(&[7000215, 70002]),
    &entry("oauth.certificate_unknown", CONFIGURATION).numbers(&[700027]),
    &entry("oauth.certificate_expired", CONFIGURATION).numbers(&[1000502]),
    &entry("oauth.assertion_untimely", CONFIGURATION).numbers(&[700024]),
    &entry("oauth.secret_missing", CONFIGURATION).numbers(&[7000218]),
    &entry("oauth.secret_unwanted", CONFIGURATION).numbers(&[700025]),
    &entry("oauth.redirect_unregistered", CONFIGURATION)
        .numbers(&[50011, 500112])
        .words(&["redirect_uri_mismatch"]),
    &entry("oauth.consent_missing", RECONNECT).numbers(&[65001]),
    &entry("oauth.consent_declined", RECONNECT).numbers(&[65004]),
    &entry("oauth.admin_consent_needed", CONFIGURATION).numbers(&[90094, 90095]),
    &entry("oauth.permissions_unfit", CONFIGURATION)
        .numbers(&[650056, 650057, 650053, 70011, 28000, 28002, 28003, 700022]),
    &entry("oauth.exchange_missing", CONFIGURATION).numbers(&[500011, 650052]),
    &entry("oauth.grant_expired", RECONNECT).numbers(&[700082, 70008, 50089]),
    &entry("oauth.grant_revoked", RECONNECT).numbers(&[50173]),
    &entry("oauth.sign_in_frequency", RECONNECT).numbers(&[70043]),
    &entry("oauth.mfa_needed", RECONNECT).numbers(&[50076, 50079, 50078, 50074]),
    &entry("oauth.blocked_by_policy", CONFIGURATION).numbers(&[53003, 53000, 530032, 530035]),
    &entry("oauth.user_unassigned", CONFIGURATION).numbers(&[50105]),
    &entry("oauth.app_disabled", CONFIGURATION).numbers(&[7000112, 70001]),
    &entry("oauth.user_disabled", CONFIGURATION).numbers(&[50057]),
    &entry("oauth.user_locked", RECONNECT).numbers(&[50053, 50055]),
    &entry("oauth.wrong_account", RECONNECT).numbers(&[50020, 50034, 500208]),
    &entry("oauth.code_spent", RECONNECT).numbers(&[54005, 501481, 700005]),
    &entry("oauth.client_loop", TRANSIENT).numbers(&[50196]),
];
