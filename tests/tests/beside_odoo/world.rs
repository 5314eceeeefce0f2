//! An adopted database, and what tests do with it from Odoo's side.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::lab::{Described, postern_binary};
use tests::odoo::{OdooDatabase, STORED_FILE};
use tests::postern::{Options, Postern};

/// Far more than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// An adopted database, and a folder of files as Odoo keeps it.
pub struct World {
    pub lab: Described,
    pub odoo: OdooDatabase,
    pub filestore: PathBuf,
}

impl World {
    pub fn adopted() -> World {
        let world = World::before_adoption();
        world.postern_does("adopt", true);
        world
    }

    /// The same before Postern knows of it. Its queue leaves mails to nobody, so that tests need not wait.
    pub fn before_adoption() -> World {
        let lab = Described::from_env();
        let odoo = OdooDatabase::create(&lab).unwrap();
        let filestore = std::env::temp_dir().join(odoo.name());
        let file = filestore.join(STORED_FILE.0);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, STORED_FILE.1).unwrap();
        let world = World {
            lab,
            odoo,
            filestore,
        };
        world.sql(
            "INSERT INTO ir_config_parameter (key, value) VALUES ('postern.outbox.grace_seconds', '0'), \
             ('postern.outbox.retry_seconds', '2')",
        );
        world
    }

    /// Runs `postern adopt` or `postern release`.
    pub fn postern_does(&self, word: &str, succeeds: bool) -> String {
        let output = Command::new(postern_binary())
            .arg(word)
            .env_clear()
            .env("POSTERN_DATABASE_URL", self.odoo.url())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), succeeds, "{said}");
        said
    }

    pub fn sql(&self, sql: &str) -> String {
        self.odoo.run(sql).unwrap()
    }

    pub fn options(&self) -> Options {
        Options::in_existing(self.odoo.url()).with(
            "POSTERN_ODOO_FILESTORE",
            self.filestore.display().to_string(),
        )
    }

    pub fn start(&self, options: &Options) -> Postern {
        Postern::start(&self.lab, options).unwrap()
    }

    /// Waits until the query answers so.
    #[track_caller]
    pub fn wait_for(&self, sql: &str, wanted: &str) {
        let begin = Instant::now();
        loop {
            let found = self.sql(sql);
            if found == wanted {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{sql}: {found:?} instead of {wanted:?}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The outgoing server is one that needs no sign-in.
    pub fn send_by(&self, port: u16) {
        self.sql(&format!(
            "UPDATE ir_mail_server SET smtp_host = '127.0.0.1', smtp_port = {port}, smtp_user = NULL, smtp_pass = NULL, active = TRUE WHERE id = 2"
        ));
    }

    /// A mail as Odoo queues it; gives its id.
    pub fn queue(&self, subject: &str, to: &str) -> String {
        self.sql(&format!(
            "WITH message AS (INSERT INTO mail_message (subject, message_type, email_from, message_id, body, date, author_id, is_internal, reply_to_force_new, email_add_signature, create_uid, write_uid, create_date, write_date) \
             VALUES ('{subject}', 'email_outgoing', '\"Mitchell Admin\" <admin@example.com>', '<{subject}.odoo@example.com>', '<p>Hello</p>', now() AT TIME ZONE 'utc', 3, FALSE, FALSE, TRUE, 2, 2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') RETURNING id) \
             INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, headers, is_notification, auto_delete, create_uid, write_uid, create_date, write_date) \
             SELECT id, 'outgoing', '{to}', '<p>Hello</p>', '{{}}', FALSE, FALSE, 2, 2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc' FROM message RETURNING id"
        ))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.filestore).ok();
    }
}
