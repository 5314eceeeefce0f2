//! What Microsoft Entra answers, by the number after `AADSTS`. Paths are those of the Entra admin center
//! (https://entra.microsoft.com).

use super::general::CONNECT_AGAIN;
use super::{CONFIGURATION, Entry, RECONNECT, TRANSIENT, entry};

pub(super) static ENTRIES: &[&Entry] = &[
    &entry(
        "oauth.wrong_audience",
        CONFIGURATION,
        "The endpoint does not fit the accounts the app is registered for.",
        "Put the tenant id (or \"organizations\") in place of \"common\" in the endpoint, or \
         let the app registration accept accounts of any organization (Entra admin center > App \
         registrations > the app > Authentication > Supported account types).",
    )
    .numbers(&[50194, 9002332, 9002331, 9001023, 90130]),
    &entry(
        "oauth.tenant_unknown",
        CONFIGURATION,
        "Microsoft knows no tenant of the name or id that stands in the endpoint.",
        "Copy the tenant id from the Entra admin center (Overview) into the endpoint; national \
         clouds have endpoints of their own.",
    )
    .numbers(&[90002]),
    &entry(
        "oauth.app_unknown",
        CONFIGURATION,
        "Microsoft does not know this app in this tenant.",
        "Compare the client id and the tenant in the endpoint with the app registration (Entra \
         admin center > App registrations > the app > Overview).",
    )
    .numbers(&[700016, 700011]),
    &entry(
        "oauth.other_cloud",
        CONFIGURATION,
        "The tenant lives in another one of Microsoft's clouds.",
        "Enter the endpoint of that cloud: login.microsoftonline.us for the US Government, \
         login.partner.microsoftonline.cn for China.",
    )
    .numbers(&[90038]),
    &entry(
        "oauth.secret_expired",
        CONFIGURATION,
        "The client secret has expired.",
        "Create a new client secret in the app registration (Entra admin center > App \
         registrations > the app > Certificates & secrets) and enter its value in the settings.",
    )
    .numbers(&[7000222]),
    &entry(
        "oauth.secret_wrong",
        CONFIGURATION,
        "The client secret is wrong.",
        "Enter the secret's Value in the settings, not its Secret ID; if the value is no \
         longer shown, create a new secret (Entra admin center > App registrations > the app > \
         Certificates & secrets).",
    )
    .numbers(&[7000215, 70002]),
    &entry(
        "oauth.certificate_unknown",
        CONFIGURATION,
        "Microsoft does not accept the signature of the app's certificate.",
        "Upload the certificate that stands in the settings to the app registration (Entra admin center > App \
         registrations > the app > Certificates & secrets > Certificates).",
    )
    .numbers(&[700027]),
    &entry(
        "oauth.certificate_expired",
        CONFIGURATION,
        "The app's certificate has expired or is not valid yet.",
        "Make a new certificate, upload it to the app registration (Entra admin center > App registrations > the app \
         > Certificates & secrets > Certificates), and enter it with its private key in the settings.",
    )
    .numbers(&[1000502]),
    &entry(
        "oauth.assertion_untimely",
        CONFIGURATION,
        "Microsoft finds our signed statement too old or not valid yet.",
        "Set the clock of this server right.",
    )
    .numbers(&[700024]),
    &entry(
        "oauth.secret_missing",
        CONFIGURATION,
        "The app requires a client secret and none was sent.",
        "Create a client secret in the app registration (Certificates & secrets) and enter its \
         value in the settings.",
    )
    .numbers(&[7000218]),
    &entry(
        "oauth.secret_unwanted",
        CONFIGURATION,
        "The app is registered as a public client, which must not send a secret.",
        "Empty the client secret in the settings, or register the address under the platform \
         \"Web\" (Entra admin center > App registrations > the app > Authentication).",
    )
    .numbers(&[700025]),
    &entry(
        "oauth.redirect_unregistered",
        CONFIGURATION,
        "The redirect address sent is not registered for the app.",
        "Register exactly the redirect address shown in the settings (https or http, host, \
         port and path count) under App registrations > the app > Authentication > Web, or \
         correct web.base.url.",
    )
    .numbers(&[50011, 500112])
    .words(&["redirect_uri_mismatch"]),
    &entry(
        "oauth.consent_missing",
        RECONNECT,
        "Nobody has consented to the app's use of this mailbox yet.",
        "Connect the mailbox again and accept the permissions; if your organization does not \
         let users consent, an administrator has to grant them for the app.",
    )
    .numbers(&[65001]),
    &entry(
        "oauth.consent_declined",
        RECONNECT,
        "The permissions were declined at sign-in.",
        "Connect the mailbox again and accept the permissions.",
    )
    .numbers(&[65004]),
    &entry(
        "oauth.admin_consent_needed",
        CONFIGURATION,
        "The permissions need the consent of an administrator of the organization.",
        "Ask an administrator of the Microsoft tenant to grant it (Entra admin center > \
         Enterprise applications > the app > Permissions > Grant admin consent, or \
         https://login.microsoftonline.com/{tenant}/adminconsent?client_id={client id}), then \
         connect the mailbox again.",
    )
    .numbers(&[90094, 90095]),
    &entry(
        "oauth.permissions_unfit",
        CONFIGURATION,
        "The permissions asked for do not fit those of the app registration.",
        "Add the delegated permissions SMTP.Send and IMAP.AccessAsUser.All of Office 365 \
         Exchange Online (and offline_access) to the app (Entra admin center > App \
         registrations > the app > API permissions).",
    )
    .numbers(&[650056, 650057, 650053, 70011, 28000, 28002, 28003, 700022]),
    &entry(
        "oauth.exchange_missing",
        CONFIGURATION,
        "The organization has no Exchange Online, or no licence for it.",
        "Check that the tenant has an Exchange Online licence and that the endpoint is that \
         of the mailbox's tenant.",
    )
    .numbers(&[500011, 650052]),
    &entry(
        "oauth.grant_expired",
        RECONNECT,
        "The permission has expired: it was not used for too long.",
        CONNECT_AGAIN,
    )
    .numbers(&[700082, 70008, 50089]),
    &entry(
        "oauth.grant_revoked",
        RECONNECT,
        "The permission was revoked, as happens when a password is reset or an administrator ends \
         the account's sessions.",
        CONNECT_AGAIN,
    )
    .numbers(&[50173]),
    &entry(
        "oauth.sign_in_frequency",
        RECONNECT,
        "A policy of the organization wants the account to sign in again after some time.",
        "Connect the mailbox again; so that it need not be repeated, ask an administrator to \
         except this app from the sign-in frequency (Entra admin center > Conditional Access).",
    )
    .numbers(&[70043]),
    &entry(
        "oauth.mfa_needed",
        RECONNECT,
        "Microsoft requires multi-factor authentication for this account.",
        "Connect the mailbox again and complete the additional sign-in step.",
    )
    .numbers(&[50076, 50079, 50078, 50074]),
    &entry(
        "oauth.blocked_by_policy",
        CONFIGURATION,
        "A Conditional Access policy or the security defaults of the organization block the \
         sign-in.",
        "Ask an administrator of the Microsoft tenant to look at the sign-in log (Entra admin \
         center > Sign-in logs > the entry > Conditional Access) and to allow this app, then \
         connect the mailbox again.",
    )
    .numbers(&[53003, 53000, 530032, 530035]),
    &entry(
        "oauth.user_unassigned",
        CONFIGURATION,
        "The app is limited to assigned users, and this account is not one of them.",
        "Assign the account to the enterprise application in the Microsoft tenant (Entra admin \
         center > Enterprise applications > the app > Users and groups).",
    )
    .numbers(&[50105]),
    &entry(
        "oauth.app_disabled",
        CONFIGURATION,
        "The app is disabled or not present in the organization.",
        "Enable the enterprise application in the Microsoft tenant (Entra admin center > \
         Enterprise applications > the app > Properties), or correct the client id.",
    )
    .numbers(&[7000112, 70001]),
    &entry(
        "oauth.user_disabled",
        CONFIGURATION,
        "The account is disabled.",
        "Enable the account in the Microsoft tenant (Entra admin center > Users), or connect \
         another mailbox.",
    )
    .numbers(&[50057]),
    &entry(
        "oauth.user_locked",
        RECONNECT,
        "The account is locked after too many failed sign-ins, or its password has expired.",
        "Sign in to the account in a browser and do what is asked there, then connect the \
         mailbox again.",
    )
    .numbers(&[50053, 50055]),
    &entry(
        "oauth.wrong_account",
        RECONNECT,
        "The account used does not belong to this organization, or is of another kind.",
        "Connect again and choose the mailbox's own account (a private window avoids the \
         wrong one being chosen by itself).",
    )
    .numbers(&[50020, 50034, 500208]),
    &entry(
        "oauth.code_spent",
        RECONNECT,
        "The sign-in's code was used already, belongs to another tenant or to another sign-in.",
        "Start the connection again from the mail server's form, and open the link once.",
    )
    .numbers(&[54005, 501481, 700005]),
    &entry(
        "oauth.client_loop",
        TRANSIENT,
        "Microsoft sees the same request too often and pauses us.",
        "Nothing needs to be done: it is tried again later.",
    )
    .numbers(&[50196]),
];
