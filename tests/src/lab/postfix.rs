//! A private Postfix: a relay that accepts everything local, and submission with authentication.

use std::{
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use nix::sys::signal::Signal;

use super::{
    certificates::Certificates,
    error::{Doing, LabError},
    packages,
    ports::{self, Reserved},
    privilege::account,
    process::{Server, greets},
    scratch::{Scratch, write_file},
    watchdog::Watchdog,
};

/// The domain whose mail is delivered into Dovecot's mailboxes, any local part.
pub const DOMAIN: &str = "example.test";

/// Recipients that are answered badly, for the tests of refusal: address and reply.
pub const REFUSED: [(&str, &str); 3] = [
    ("nobody@example.test", "550 5.1.1 no such mailbox here"),
    (
        "full@example.test",
        "452 4.2.2 the mailbox is full, try again later",
    ),
    ("banned@example.test", "554 5.7.1 not welcome"),
];

/// What distinguishes one Postfix of the lab from another.
#[derive(Clone, Debug)]
pub struct PostfixOptions {
    /// Names its files within the scratch directory.
    pub name: String,
    /// LMTP port of the Dovecot that stores the mail.
    pub lmtp: u16,
    /// Unix socket of that Dovecot's login service.
    pub auth_socket: PathBuf,
}

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    server: Server,
    /// SMTP without authentication, TLS on request.
    pub smtp: u16,
    /// Submission: STARTTLS and authentication required (RFC 6409).
    pub submission: u16,
    /// Submission within TLS (RFC 8314).
    pub submissions: u16,
}

impl Postfix {
    /// Writes its configuration and starts it; needs root.
    pub fn start(
        options: &PostfixOptions,
        scratch: &Scratch,
        certificates: &Certificates,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, LabError> {
        let home = scratch.directory(&options.name)?;
        let configuration = scratch.directory(&format!("{}/conf", options.name))?;
        // The queue belongs to root and has to be there; the data directory belongs to postfix.
        scratch.directory(&format!("{}/queue", options.name))?;
        let data = scratch.directory(&format!("{}/data", options.name))?;
        let user = account(&["postfix"])?;
        chown(&data, Some(user.uid), Some(user.gid))
            .doing(format_args!("giving {} away", data.display()))?;

        let ports: [Reserved; 3] = [ports::reserve()?, ports::reserve()?, ports::reserve()?];
        let [smtp, submission, submissions] = ports.each_ref().map(Reserved::number);
        write_file(
            &configuration.join("main.cf"),
            &main_cf(options, scratch.path(), &home, certificates),
            false,
        )?;
        write_file(
            &configuration.join("master.cf"),
            &master_cf(smtp, submission, submissions),
            false,
        )?;

        drop(ports);
        let program = packages::program("postfix").unwrap_or_else(|| PathBuf::from("postfix"));
        let mut command = Command::new(program);
        command
            .arg("-c")
            .arg(&configuration)
            .arg("start-fg")
            .current_dir(&home);
        let mut server = Server::start(
            "Postfix",
            command,
            &home.join("maillog"),
            Signal::SIGTERM,
            watchdog,
        )?;
        server.leads_to(home.join("queue/pid/master.pid"));
        server.wait_until(|| greets(smtp, "220") && greets(submission, "220"))?;
        Ok(Self {
            server,
            smtp,
            submission,
            submissions,
        })
    }

    /// Begins to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        self.server.ask_to_stop();
    }
}

fn main_cf(
    options: &PostfixOptions,
    scratch: &Path,
    home: &Path,
    certificates: &Certificates,
) -> String {
    let refused: String = REFUSED
        .iter()
        .map(|(address, reply)| format!("{{ {address} = {reply} }} "))
        .collect();
    format!(
        "compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/maillog
maillog_file_prefixes = {scratch}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.{DOMAIN}
mydestination =
mynetworks = 127.0.0.1/32
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = error:the lab sends no mail outside
transport_maps = inline:{{ {{ discard.test = discard: }} }}
smtpd_recipient_restrictions = check_recipient_access inline:{{ {refused}}}
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
# Refusals are answered at once; production would slow a guesser down.
smtpd_error_sleep_time = 0
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_CAfile = {authority}
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth_socket}
",
        home = home.display(),
        scratch = scratch.display(),
        lmtp = options.lmtp,
        certificate = certificates.server.display(),
        key = certificates.server_key.display(),
        authority = certificates.authority.display(),
        auth_socket = options.auth_socket.display(),
    )
}

/// Postfix's own services without chroot, which would hide the scratch directory from them.
fn master_cf(smtp: u16, submission: u16, submissions: u16) -> String {
    format!(
        "# service type private unpriv chroot wakeup maxproc command
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_tls_auth_only=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{submissions} inet n - n - - smtpd
  -o syslog_name=postfix/submissions
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_ask_ccert=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,permit_tls_all_clientcerts,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    )
}
