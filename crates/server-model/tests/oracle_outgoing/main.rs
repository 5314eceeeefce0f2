//! Outgoing mail against the recorded answers of Odoo 18: the choice of server and sender, what a letter says, and
//! what becomes of mails.

#[path = "../../../mail/tests/oracle/mod.rs"]
mod oracle;

mod build_email;
mod find_mail_server;
mod header;
mod letter;
mod mail_mail_send;
mod prepare_email;
mod scripted;
mod tree;
mod world;
