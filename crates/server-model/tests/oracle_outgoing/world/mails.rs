//! The mails of a row, with the files and the contacts that they name.

use super::*;

impl World<'_> {
    /// Makes a mail, the `number`th of the row.
    pub async fn make_mail(&mut self, told: &Value, number: usize) -> Id {
        let optional = |name: &str, usual: Option<&str>| match told.get(name) {
            None => usual.map_or(AnyValue::FALSE, AnyValue::from),
            Some(value) => text(value).map_or(AnyValue::FALSE, AnyValue::from),
        };
        let recipients: Vec<Id> = items(told, "recipients")
            .map(|key| self.partner(text(key).expect("a key")))
            .collect();
        let mut message: Vec<(&'static str, AnyValue)> = vec![
            (
                "email_from",
                optional("email_from", Some("\"Ana\" <ana@corp.example>")),
            ),
            ("subject", "Hello".into()),
            ("message_id", format!("<mail{number}@corp.example>").into()),
        ];
        if told.get("reply_to").is_some() {
            message.push(("reply_to", optional("reply_to", None)));
        }
        if let Some(name) = text(&told["alias_domain"]) {
            message.push(("record_alias_domain_id", self.domains[name].into()));
        }
        if let Some(name) = text(&told["server"]) {
            message.push(("mail_server_id", self.server(name).into()));
        }
        if let Some(key) = text(&told["record"]) {
            message.push(("model", "res.partner".into()));
            message.push(("res_id", self.partner(key).into()));
        }
        let mut files = Vec::new();
        for file in items(told, "attachments") {
            let size = file["size"]
                .as_u64()
                .and_then(|size| usize::try_from(size).ok());
            let content = "x".repeat(size.expect("a size"));
            let mut values = vec![
                ("name", text(&file["name"]).expect("a name").into()),
                ("raw", content.into()),
            ];
            if let Some(key) = text(&file["owner"]) {
                values.push(("res_model", "res.partner".into()));
                values.push(("res_id", self.partner(key).into()));
            }
            files.push(self.create("ir.attachment", values).await);
        }
        if !files.is_empty() {
            message.push(("attachment_ids", set(&files)));
        }
        let mut mail: Vec<(&'static str, AnyValue)> = vec![
            ("body_html", optional("body_html", Some("<p>Hello</p>"))),
            ("recipient_ids", set(&recipients)),
            ("auto_delete", (told["auto_delete"] == json!(true)).into()),
        ];
        for name in [
            "email_to",
            "email_cc",
            "headers",
            "references",
            "scheduled_date",
        ] {
            mail.push((name, optional(name, None)));
        }
        if told["is_notification"] == json!(true) {
            message.push(("reply_to", "r@corp.example".into()));
            let message = self.create("mail.message", message).await;
            mail.push(("mail_message_id", message.into()));
            mail.push(("is_notification", true.into()));
            let id = self.create("mail.mail", mail).await;
            for partner in recipients {
                let values = vec![
                    ("mail_message_id", message.into()),
                    ("mail_mail_id", id.into()),
                    ("res_partner_id", partner.into()),
                    ("notification_type", "email".into()),
                    ("notification_status", "ready".into()),
                ];
                self.create("mail.notification", values).await;
            }
            return id;
        }
        mail.extend(message);
        let id = self.create("mail.mail", mail).await;
        if let Some(state) = text(&told["state"]) {
            self.base
                .run(&format!(
                    "UPDATE mail_mail SET state = '{state}' WHERE id = {id}"
                ))
                .await;
        }
        id
    }
}

fn set(ids: &[Id]) -> AnyValue {
    let ids = ids.iter().copied().map(AnyValue::from).collect();
    AnyValue::List(vec![AnyValue::List(vec![
        6.into(),
        0.into(),
        AnyValue::List(ids),
    ])])
}
