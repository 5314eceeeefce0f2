//! The methods that only one model has, or has in its own way, and who may call them on a record of somebody else.

use server_model::value::AnyValue;

use super::subject::Subject;

/// Whether public, portal and internal users and administrators may.
pub type Who = [bool; 4];

const EVERYBODY: Who = [true; 4];
const USERS: Who = [false, true, true, true];
const INTERNAL: Who = [false, false, true, true];
const ADMINISTRATORS: Who = [false, false, false, true];
const NOBODY: Who = [false; 4];

/// A model, its method, who may call it, and its arguments beside the records.
pub type Own = (
    &'static str,
    &'static str,
    Who,
    fn(&Subject) -> Vec<AnyValue>,
);

fn nothing(_: &Subject) -> Vec<AnyValue> {
    Vec::new()
}

/// Every method that stands in a model's own table, where its row in the table of shared methods does not say it all.
pub const METHODS: &[Own] = &[
    (
        "fetchmail.server",
        "button_confirm_login",
        ADMINISTRATORS,
        nothing,
    ),
    ("fetchmail.server", "fetch_mail", ADMINISTRATORS, nothing),
    (
        "fetchmail.server",
        "postern_doctor",
        ADMINISTRATORS,
        nothing,
    ),
    (
        "fetchmail.server",
        "open_google_gmail_uri",
        ADMINISTRATORS,
        nothing,
    ),
    (
        "fetchmail.server",
        "open_microsoft_outlook_uri",
        ADMINISTRATORS,
        nothing,
    ),
    ("fetchmail.server", "set_draft", ADMINISTRATORS, nothing),
    ("ir.config_parameter", "get_param", ADMINISTRATORS, |_| {
        vec!["database.secret".into()]
    }),
    ("ir.config_parameter", "set_param", ADMINISTRATORS, |_| {
        vec!["x".into(), "y".into()]
    }),
    ("ir.cron", "method_direct_trigger", ADMINISTRATORS, nothing),
    (
        "ir.mail_server",
        "action_retrieve_max_email_size",
        ADMINISTRATORS,
        nothing,
    ),
    (
        "ir.mail_server",
        "open_google_gmail_uri",
        ADMINISTRATORS,
        nothing,
    ),
    (
        "ir.mail_server",
        "open_microsoft_outlook_uri",
        ADMINISTRATORS,
        nothing,
    ),
    ("ir.mail_server", "postern_doctor", ADMINISTRATORS, nothing),
    ("ir.mail_server", "postern_glance", ADMINISTRATORS, nothing),
    (
        "ir.mail_server",
        "postern_uncovered_senders",
        ADMINISTRATORS,
        nothing,
    ),
    (
        "ir.mail_server",
        "postern_who_sends",
        ADMINISTRATORS,
        |_| vec!["joe@example.com".into()],
    ),
    (
        "ir.mail_server",
        "test_smtp_connection",
        ADMINISTRATORS,
        nothing,
    ),
    // It looks through the name to a group, which those who work here may read.
    ("ir.model.data", "check_object_reference", INTERNAL, |_| {
        vec!["base".into(), "group_system".into(), true.into()]
    }),
    ("mail.mail", "action_retry", ADMINISTRATORS, nothing),
    ("mail.mail", "cancel", ADMINISTRATORS, nothing),
    ("mail.mail", "mark_outgoing", ADMINISTRATORS, nothing),
    ("mail.mail", "postern_story", ADMINISTRATORS, nothing),
    ("mail.mail", "process_email_queue", ADMINISTRATORS, nothing),
    ("mail.mail", "send", ADMINISTRATORS, nothing),
    // These three touch nothing but marks of the caller's own.
    ("mail.message", "mark_all_as_read", EVERYBODY, nothing),
    ("mail.message", "set_message_done", EVERYBODY, nothing),
    ("mail.message", "unstar_all", EVERYBODY, nothing),
    (
        "mail.message",
        "toggle_message_starred",
        ADMINISTRATORS,
        nothing,
    ),
    ("mail.thread", "message_process", INTERNAL, |_| {
        vec![AnyValue::FALSE, "From: a@example.com\n\nx".into()]
    }),
    ("postern.handoff.mail", "discard", ADMINISTRATORS, nothing),
    ("postern.handoff.mail", "retry", ADMINISTRATORS, nothing),
    ("postern.quarantine", "discard", ADMINISTRATORS, nothing),
    ("postern.quarantine", "replay", ADMINISTRATORS, nothing),
    // Closing the form does nothing, and copying it is refused as senseless, whoever asks.
    ("res.config.settings", "cancel", EVERYBODY, nothing),
    ("postern.mailbox", "mine", INTERNAL, nothing),
    // Not even administrators, to whom the mailbox does not belong; they have the server's form.
    ("postern.mailbox", "open_uri", NOBODY, |subject| {
        vec!["ir.mail_server".into(), subject.server()]
    }),
    ("res.config.settings", "copy", EVERYBODY, nothing),
    ("res.config.settings", "execute", ADMINISTRATORS, nothing),
    ("res.config.settings", "get_values", ADMINISTRATORS, nothing),
    (
        "res.config.settings",
        "postern_credentials",
        ADMINISTRATORS,
        nothing,
    ),
    ("res.config.settings", "set_values", ADMINISTRATORS, nothing),
    ("res.lang", "get_installed", EVERYBODY, nothing),
    ("res.partner", "address_get", INTERNAL, nothing),
    // The address is known, but only who may see its contact learns of it; others would have to make one.
    ("res.partner", "find_or_create", INTERNAL, |_| {
        vec!["admin@example.com".into()]
    }),
    // It is about the caller's own password, which is not this one.
    ("res.users", "change_password", NOBODY, |_| {
        vec!["wrong".into(), "new".into()]
    }),
    ("res.users", "context_get", EVERYBODY, nothing),
    ("res.users", "has_group", INTERNAL, |_| {
        vec!["base.group_system".into()]
    }),
    // It tells the web client to load its page again.
    ("res.users", "preference_save", EVERYBODY, nothing),
    ("res.users.apikeys", "remove", ADMINISTRATORS, nothing),
    (
        "res.users.apikeys.description",
        "create",
        USERS,
        |subject| vec![subject.values().into()],
    ),
    ("res.users.apikeys.description", "make_key", NOBODY, nothing),
    ("res.users.identitycheck", "run_check", NOBODY, nothing),
];
