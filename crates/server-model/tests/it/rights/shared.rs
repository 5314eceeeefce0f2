//! What the methods need that many models share, and what each kind of visitor may do with each model: written down by
//! hand after Odoo's access rows and record rules, not read from the declarations that it is held against.

use server_model::value::AnyValue;

use super::subject::Subject;
use crate::support::{dict, list};

/// What a method needs.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// Nothing: everybody may call it, and learns nothing of a record by it.
    Nothing,
    /// This right on the model: `r`, `w`, `c` or `d`.
    Model(char),
    /// This right on the record, which is somebody else's.
    Record(char),
    /// To read the record and to create others.
    Copy,
    /// To read the record, and membership of a group of those who export.
    Export,
}

/// A method, what it needs, and its arguments beside the records.
pub type Shared = (&'static str, Need, fn(&Subject) -> Vec<AnyValue>);

fn nothing(_: &Subject) -> Vec<AnyValue> {
    Vec::new()
}

fn names() -> AnyValue {
    list(["display_name".into()])
}

fn specification() -> AnyValue {
    dict([("display_name", dict([]).into())]).into()
}

/// The methods that every model has, and those of all conversations.
pub const METHODS: &[Shared] = &[
    ("action_archive", Need::Record('w'), nothing),
    ("action_unarchive", Need::Record('w'), nothing),
    ("browse", Need::Nothing, nothing),
    ("check_access", Need::Record('r'), |_| vec!["read".into()]),
    ("check_access_rule", Need::Record('r'), |_| {
        vec!["read".into()]
    }),
    ("check_access_rights", Need::Model('r'), |_| {
        vec!["read".into()]
    }),
    ("copy", Need::Copy, nothing),
    ("create", Need::Model('c'), |subject| {
        vec![subject.values().into()]
    }),
    ("default_get", Need::Nothing, |_| vec![names()]),
    ("exists", Need::Nothing, nothing),
    ("export_data", Need::Export, |_| vec![names()]),
    ("fields_get", Need::Nothing, nothing),
    ("get_external_id", Need::Record('r'), nothing),
    ("get_metadata", Need::Record('r'), nothing),
    ("has_access", Need::Record('r'), |_| vec!["read".into()]),
    ("load", Need::Model('c'), |subject| {
        let values = subject.values();
        // A link is given by the number of its record.
        let column = |name: &str| match name.ends_with("_id") && name != "res_id" {
            true => format!("{name}/.id").into(),
            false => name.into(),
        };
        let names = values.keys().map(|name| column(name)).collect();
        let row = AnyValue::List(values.into_values().collect());
        vec![AnyValue::List(names), list([row])]
    }),
    ("message_post", Need::Record('w'), nothing),
    ("message_subscribe", Need::Record('w'), |_| {
        vec![list([3.into()])]
    }),
    ("message_unsubscribe", Need::Record('w'), |_| {
        vec![list([3.into()])]
    }),
    ("name_create", Need::Model('c'), |subject| {
        vec![subject.name().into()]
    }),
    ("name_search", Need::Model('r'), nothing),
    // On a record the form is filled with what the record holds.
    ("onchange", Need::Record('r'), |_| {
        vec![dict([]).into(), list([]), specification()]
    }),
    ("read", Need::Record('r'), |_| vec![names()]),
    ("read_group", Need::Model('r'), |_| {
        vec![list([]), list([]), list([])]
    }),
    ("search", Need::Model('r'), |_| vec![list([])]),
    ("search_count", Need::Model('r'), |_| vec![list([])]),
    ("search_read", Need::Model('r'), |_| vec![list([]), names()]),
    ("toggle_active", Need::Record('w'), nothing),
    ("unlink", Need::Record('d'), nothing),
    ("web_name_search", Need::Model('r'), |_| {
        vec!["".into(), specification()]
    }),
    ("web_read", Need::Record('r'), |_| vec![specification()]),
    ("web_read_group", Need::Model('r'), |_| {
        vec![list([]), list([]), list([])]
    }),
    ("web_save", Need::Record('w'), |_| {
        vec![dict([]).into(), specification()]
    }),
    ("web_search_read", Need::Model('r'), |_| {
        vec![list([]), specification()]
    }),
    ("write", Need::Record('w'), |_| vec![dict([]).into()]),
];

/// What public, portal and internal users and administrators may do: any of `r`, `w`, `c`, `d`.
pub type Rights = [&'static str; 4];

/// A model, the rights on it, and those on a record of it that is somebody else's.
pub struct Model {
    /// The name.
    pub name: &'static str,
    /// What each may do with records of the model in general.
    pub rights: Rights,
    /// What each may do with the record.
    pub record: Rights,
}

const fn model(name: &'static str, rights: Rights) -> Model {
    Model {
        name,
        rights,
        record: rights,
    }
}

impl Model {
    /// Rules leave less of the rights on a record of somebody else.
    const fn on_record(self, record: Rights) -> Model {
        Model { record, ..self }
    }
}

const ADMINISTRATED: Rights = ["", "", "", "rwcd"];
/// Who works here may look.
const LOOKED_AT: Rights = ["", "", "r", "rwcd"];
const PUBLIC: Rights = ["r", "r", "r", "rwcd"];
const NOBODY: Rights = [""; 4];

/// Every model of the registry.
pub const MODELS: &[Model] = &[
    model("fetchmail.server", ADMINISTRATED),
    model("ir.actions.server", ADMINISTRATED),
    // The file lies on an outgoing mail server.
    model("ir.attachment", ["", "", "rwcd", "rwcd"]).on_record(ADMINISTRATED),
    model("ir.config_parameter", ADMINISTRATED),
    model("ir.cron", ADMINISTRATED),
    model("ir.mail_server", ADMINISTRATED),
    model("ir.model", ADMINISTRATED),
    model("ir.model.access", ADMINISTRATED),
    model("ir.model.data", ADMINISTRATED),
    model("ir.model.fields", ADMINISTRATED),
    model("ir.module.module", ["", "", "", "r"]),
    model("ir.rule", ADMINISTRATED),
    model("mail.alias", LOOKED_AT),
    model("mail.alias.domain", LOOKED_AT),
    model("mail.blacklist", ADMINISTRATED),
    model("mail.followers", LOOKED_AT),
    model("mail.gateway.allowed", ADMINISTRATED),
    model("mail.mail", ADMINISTRATED),
    // The message is on an outgoing mail server.
    model("mail.message", ["r", "rwcd", "rwcd", "rwcd"]).on_record(ADMINISTRATED),
    model("mail.message.subtype", PUBLIC),
    // Nobody changes the notification of another, administrators included.
    model("mail.notification", ["", "r", "rwc", "rwcd"]).on_record(["", "r", "rc", "rcd"]),
    model("mail.thread", NOBODY),
    model("microsoft.outlook.mixin", NOBODY),
    model("postern.audit", ["", "", "", "r"]),
    model("postern.handoff", ADMINISTRATED),
    model("postern.handoff.mail", ["", "", "", "rd"]),
    model("postern.mail.budget", ADMINISTRATED),
    model("postern.mailbox", NOBODY),
    model("postern.quarantine", ["", "", "", "rd"]),
    // Each sees the companies they work for.
    model("res.company", PUBLIC).on_record(ADMINISTRATED),
    model("res.config.settings", ["", "", "", "rwc"]),
    model("res.currency", PUBLIC),
    model("res.groups", LOOKED_AT),
    model("res.lang", PUBLIC),
    model("res.partner", PUBLIC).on_record(LOOKED_AT),
    model("res.partner.category", LOOKED_AT),
    model("res.users", PUBLIC).on_record(LOOKED_AT),
    model("res.users.apikeys", ["", "r", "r", "r"]).on_record(["", "", "", "r"]),
    model("res.users.apikeys.description", ["", "rc", "rc", "rc"]).on_record(NOBODY),
    model("res.users.identitycheck", ["", "rwc", "rwc", "rwc"]).on_record(NOBODY),
];
