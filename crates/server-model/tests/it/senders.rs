//! The set-ups of the Outlook guide: which server sends whose mail, and what the reader sees.

use chrono::Utc;
use mail::parse::decode_header;
use server_model::database::Intent;
use server_model::error::Error;
use server_model::files;
use server_model::outbox::choose::Directory;
use server_model::outbox::letters::{self, Draft};
use server_model::value::{AnyValue, Id, Map};

use crate::people;
use crate::support::{Client, dict, list, on_each_database};

/// What a mail looks like on its way out.
#[derive(Debug, PartialEq)]
struct Seen {
    server: Option<Id>,
    envelope: String,
    from: String,
    reply_to: String,
}

impl Seen {
    fn by(server: Option<Id>, envelope: &str, from: &str) -> Seen {
        Seen {
            server,
            envelope: envelope.to_owned(),
            from: from.to_owned(),
            reply_to: "My Company <catchall@example.com>".to_owned(),
        }
    }
}

struct Setup<'c> {
    client: &'c Client,
}

impl Setup<'_> {
    /// A company with the domain of the guide: mails that nobody may send go out as
    /// `notifications@example.com`.
    async fn new(client: &Client) -> Setup<'_> {
        let domain = dict([
            ("name", "example.com".into()),
            ("default_from", "notifications".into()),
        ]);
        client.create("mail.alias.domain", domain).await;
        Setup { client }
    }

    async fn server(&self, name: &str, from_filter: &str, sequence: i64) -> Id {
        let values = dict([
            ("name", name.into()),
            ("smtp_host", "smtp.office365.com".into()),
            ("from_filter", from_filter.into()),
            ("sequence", sequence.into()),
        ]);
        let made = self.client.create("ir.mail_server", values).await;
        made.as_id().expect("an id")
    }

    async fn mail(&self, email_from: &str, more: Map) -> Id {
        let mut values = dict([
            ("email_from", email_from.into()),
            ("email_to", "kim@client.example".into()),
            ("subject", "Hello".into()),
            ("body_html", "<p>Hello</p>".into()),
        ]);
        values.extend(more);
        let made = self.client.create("mail.mail", values).await;
        made.as_id().expect("an id")
    }

    async fn read(&self, ids: &[Id]) -> (Directory, Vec<Draft>) {
        let env = self.client.caller().begin(Intent::Write).await;
        let env = env.expect("a transaction");
        let directory = Directory::load(&env).await.expect("servers and domains");
        let drafts = letters::read_many(&env, &directory, ids).await;
        let drafts = drafts.expect("the mails");
        env.commit().await.expect("the transaction ends");
        (directory, drafts)
    }

    async fn seen(&self, email_from: &str, more: Map) -> Seen {
        let id = self.mail(email_from, more).await;
        let (directory, drafts) = self.read(&[id]).await;
        let groups = letters::split(drafts, &directory);
        let [group] = groups.as_slice() else {
            panic!("one mail goes out in one session");
        };
        let choice = group.choice.as_ref().expect("a server");
        let [draft] = group.drafts.as_slice() else {
            panic!("one mail was written");
        };
        let letters = letters::compose_all(draft, &directory, choice, Utc::now());
        let [letter] = letters.as_slice() else {
            panic!("there is one recipient");
        };
        let letter = letter.outcome.as_ref().expect("it can be written");
        assert_eq!(letter.recipients, ["kim@client.example"]);
        Seen {
            server: choice.carrier.id(),
            envelope: letter.envelope_from.clone(),
            from: decode_header(&letter.bytes, "from", ","),
            reply_to: decode_header(&letter.bytes, "reply-to", ","),
        }
    }
}

#[tokio::test]
async fn one_notifications_mailbox_sends_for_everybody_under_their_names() {
    on_each_database(async |client| {
        let setup = Setup::new(&client).await;
        let notifications = "notifications@example.com";
        let mailbox = setup.server("Outlook", notifications, 10).await;
        for (from, name) in [
            ("\"John Doe\" <john@example.com>", "John Doe"),
            ("jane@example.com", "jane"),
            ("\"Kim\" <kim@client.example>", "Kim"),
        ] {
            assert_eq!(
                setup.seen(from, Map::new()).await,
                // The mailbox may send as itself only, so bounces come back to it as well.
                Seen::by(
                    Some(mailbox),
                    notifications,
                    &format!("{name} <{notifications}>")
                ),
                "{from}"
            );
        }
        assert_eq!(
            setup.seen(notifications, Map::new()).await,
            Seen::by(Some(mailbox), notifications, notifications)
        );
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_for_each_user_sends_their_own_mail_and_notifications_send_the_rest() {
    on_each_database(async |client| {
        let setup = Setup::new(&client).await;
        let notifications = "notifications@example.com";
        let rest = setup.server("Notifications", notifications, 1).await;
        let john = setup.server("John", "john@example.com", 5).await;
        let jane = setup.server("Jane", "jane@example.com", 5).await;
        for (from, server, envelope, shown) in [
            (
                "\"John Doe\" <john@example.com>",
                john,
                "john@example.com",
                "John Doe <john@example.com>",
            ),
            (
                "\"Jane\" <JANE@Example.com>",
                jane,
                "JANE@Example.com",
                "Jane <JANE@Example.com>",
            ),
            (
                "\"Max\" <max@example.com>",
                rest,
                notifications,
                "Max <notifications@example.com>",
            ),
        ] {
            assert_eq!(
                setup.seen(from, Map::new()).await,
                Seen::by(Some(server), envelope, shown),
                "{from}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_mass_mailing_server_without_a_filter_sends_what_names_it_and_nothing_else() {
    on_each_database(async |client| {
        let setup = Setup::new(&client).await;
        let mass = setup.server("Mass mailing", "", 1).await;
        let own = setup.server("Office", "example.com", 5).await;
        let john = "\"John Doe\" <john@example.com>";
        let shown = "John Doe <john@example.com>";
        // The office server fits, so it sends, though the other comes first and takes everybody.
        assert_eq!(
            setup.seen(john, Map::new()).await,
            Seen::by(Some(own), "bounce@example.com", shown)
        );
        let by_mass = dict([("mail_server_id", mass.into())]);
        assert_eq!(
            setup.seen(john, by_mass).await,
            Seen::by(Some(mass), "bounce@example.com", shown)
        );
        // A letter to a list says how to leave it; the settings name the server for such.
        let to_list = || {
            let headers = "{'List-Unsubscribe': '<https://example.com/leave>'}";
            dict([("headers", headers.into())])
        };
        assert_eq!(setup.seen(john, to_list()).await.server, Some(own));
        let named = vec![
            "mass_mailing.mail_server_id".into(),
            mass.to_string().into(),
        ];
        client.call("ir.config_parameter", "set_param", named).await;
        assert_eq!(setup.seen(john, to_list()).await.server, Some(mass));
        assert_eq!(setup.seen(john, Map::new()).await.server, Some(own));
        for (method, mut args) in [
            ("write", vec![dict([("active", false.into())]).into()]),
            ("unlink", vec![]),
        ] {
            args.insert(0, AnyValue::ids(&[mass]));
            let refused = client.try_call("ir.mail_server", method, args).await;
            let refused = refused.expect_err("the settings name it").to_string();
            assert!(refused.contains("Mass mailing"), "{refused}");
        }
        let archived = dict([("active", false.into())]).into();
        let args = vec![AnyValue::ids(&[own]), archived];
        client.call("ir.mail_server", "write", args).await;
        let again = dict([("active", true.into())]).into();
        let args = vec![AnyValue::ids(&[own]), again];
        client.call("ir.mail_server", "write", args).await;

        // Somebody whom no server is for: the default sender's server, under the default address.
        assert_eq!(
            setup.seen("\"Kim\" <kim@client.example>", Map::new()).await,
            Seen::by(
                Some(own),
                "bounce@example.com",
                "Kim <notifications@example.com>"
            )
        );
    })
    .await;
}

#[tokio::test]
async fn a_database_without_alias_domains_is_read_by_its_old_parameters() {
    on_each_database(async |client| {
        let setup = Setup { client: &client };
        for (key, value) in [
            ("mail.default.from", "notifications"),
            ("mail.catchall.domain", "example.com"),
            ("mail.bounce.alias", "bounce"),
        ] {
            let args = vec![key.into(), value.into()];
            client.call("ir.config_parameter", "set_param", args).await;
        }
        let mailbox = setup
            .server("Outlook", "notifications@example.com", 10)
            .await;
        let seen = setup
            .seen("\"John Doe\" <john@example.com>", Map::new())
            .await;
        assert_eq!(seen.server, Some(mailbox));
        assert_eq!(seen.from, "John Doe <notifications@example.com>");
    })
    .await;
}

#[tokio::test]
async fn many_mails_are_read_with_their_contacts_and_files_by_a_few_statements() {
    on_each_database(async |client| {
        let setup = Setup::new(&client).await;
        let contact = |name: &'static str, email: &'static str| {
            client.create(
                "res.partner",
                dict([("name", name.into()), ("email", email.into())]),
            )
        };
        let (kim, lee) = (
            contact("Kim", "KIM@client.example").await,
            contact("Lee", "").await,
        );
        let file = |name: &'static str| {
            client.create(
                "ir.attachment",
                dict([("name", name.into()), ("raw", name.into())]),
            )
        };
        let (first, second) = (file("a.txt").await, file("b.txt").await);
        let set = |ids: &[&AnyValue]| {
            let ids = ids.iter().map(|id| (*id).clone()).collect();
            list([list([6.into(), 0.into(), AnyValue::List(ids)])])
        };
        let mut ids = Vec::new();
        for (contacts, files) in [
            (vec![&lee, &kim], vec![&second, &first]),
            (vec![], vec![]),
            (vec![&kim], vec![&first]),
        ] {
            let more = dict([
                ("recipient_ids", set(&contacts)),
                ("attachment_ids", set(&files)),
            ]);
            ids.push(setup.mail("john@example.com", more).await);
        }
        ids.reverse();
        ids.push(Id::MAX);
        let (_, drafts) = setup.read(&ids).await;
        let told: Vec<_> = drafts
            .iter()
            .map(|draft| {
                let names: Vec<_> = draft
                    .contacts
                    .iter()
                    .map(|contact| contact.name.as_str())
                    .collect();
                let files: Vec<_> = draft
                    .attachments
                    .iter()
                    .map(|file| (file.name.clone().unwrap_or_default(), file.bytes.clone()))
                    .collect();
                (draft.id(), names.join(","), files)
            })
            .collect();
        let (a, b) = (
            ("a.txt".to_owned(), b"a.txt".to_vec()),
            ("b.txt".to_owned(), b"b.txt".to_vec()),
        );
        assert_eq!(
            told,
            [
                (ids[0], "Kim".to_owned(), vec![a.clone()]),
                (ids[1], String::new(), vec![]),
                (ids[2], "Kim,Lee".to_owned(), vec![a, b]),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_that_the_server_does_not_take_becomes_a_link_that_opens_without_signing_in() {
    on_each_database(async |client| {
        let setup = Setup::new(&client).await;
        let args = vec!["web.base.url".into(), "https://postern.example".into()];
        client.call("ir.config_parameter", "set_param", args).await;
        let office = setup.server("Office", "example.com", 10).await;
        let small = dict([("max_email_size", 0.001.into())]);
        let args = vec![AnyValue::ids(&[office]), small.into()];
        client.call("ir.mail_server", "write", args).await;
        let record = client
            .create("res.partner", dict([("name", "Kim".into())]))
            .await;
        let content = "x".repeat(2000);
        let owned = dict([
            ("name", "<plan>.txt".into()),
            ("raw", content.as_str().into()),
            ("res_model", "res.partner".into()),
            ("res_id", record),
        ]);
        let owned = client.create("ir.attachment", owned).await;
        let loose = dict([("name", "note.txt".into()), ("raw", "note".into())]);
        let loose = client.create("ir.attachment", loose).await;
        let files = list([list([6.into(), 0.into(), list([owned.clone(), loose])])]);
        let mail = setup
            .mail("john@example.com", dict([("attachment_ids", files)]))
            .await;
        let (_, drafts) = setup.read(&[mail]).await;
        let [draft] = drafts.as_slice() else {
            panic!("one mail was written");
        };
        // What is on no record could not be fetched, so it comes along whatever its size.
        let names: Vec<_> = draft.attachments.iter().map(|file| &file.name).collect();
        assert_eq!(names, [&Some("note.txt".to_owned())]);
        let [link] = draft.links.as_slice() else {
            panic!("one file is too large");
        };
        let html = draft.html();
        assert!(html.contains("&lt;plan&gt;.txt</a>"), "{html}");
        let id = owned.as_id().expect("an id");
        let address =
            format!("https://postern.example/web/content/{id}?download=true&access_token=");
        let token = link
            .url
            .strip_prefix(&address)
            .expect("the address of the file");

        let backend = client.caller().backend();
        let opened = async |token: Option<&str>| {
            let found = files::content(backend, None, id, token).await;
            found.expect("an answer").map(|file| file.bytes)
        };
        assert_eq!(opened(Some(token)).await, Some(content.into_bytes()));
        let (short, other) = (token.get(..20), "0".repeat(token.len()));
        for wrong in [None, Some(""), short, Some(other.as_str())] {
            assert_eq!(opened(wrong).await, None, "{wrong:?}");
        }
        // Another mail about the same file has the same link.
        let again = setup.read(&[mail]).await.1;
        assert_eq!(again.first().map(|draft| &draft.links), Some(&draft.links));
    })
    .await;
}

#[tokio::test]
async fn only_administrators_leave_certificates_unverified_and_see_where() {
    on_each_database(async |client| {
        let parameter = "postern.tls_unverified_servers";
        let plain = people::user(&client, "plain", "group_user").await;
        let args = vec![parameter.into(), "mail.lab.example".into()];
        let model = "ir.config_parameter";
        let refused = people::call_as(&client, &plain, model, "set_param", args.clone()).await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
        let shown = |told: AnyValue| {
            let fields = told.as_map().expect("fields");
            fields.contains_key("postern_tls_warning")
        };
        let model = "ir.mail_server";
        assert!(shown(client.call(model, "fields_get", vec![]).await));
        let told = people::call_as(&client, &plain, model, "fields_get", vec![]).await;
        assert!(!shown(told.expect("the fields that everybody sees")));

        // Nobody says so by default, and no list of everything can be written.
        let known = client
            .call("ir.config_parameter", "get_param", vec![parameter.into()])
            .await;
        assert_eq!(known, AnyValue::FALSE);
        let wildcard = vec![parameter.into(), "*.lab.example".into()];
        let refused = client
            .try_call("ir.config_parameter", "set_param", wildcard)
            .await;
        assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
        client.call("ir.config_parameter", "set_param", args).await;
    })
    .await;
}
