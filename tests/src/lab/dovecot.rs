//! A private Dovecot: IMAP, POP3, LMTP, and the login service that Postfix asks.

use std::{os::unix::fs::chown, path::PathBuf, process::Command, sync::Arc};

use nix::sys::signal::Signal;

use super::{
    certificates::Certificates,
    error::{Doing, LabError},
    packages,
    ports::{self, Reserved},
    process::{Server, greets, run},
    scratch::{Scratch, write_file},
    watchdog::Watchdog,
};

/// The password of every mailbox for PLAIN and LOGIN.
pub const PASSWORD: &str = "secret";

/// Owner of all mailboxes; a bare number, nobody on the machine needs to have it.
const MAIL_OWNER: u32 = 5000;

/// What distinguishes one Dovecot of the lab from another.
#[derive(Clone, Debug)]
pub struct DovecotOptions {
    /// Names its files within the scratch directory.
    pub name: String,
    /// Where XOAUTH2 and OAUTHBEARER tokens are introspected (RFC 7662, by POST), with the
    /// credentials in the URL; the answer's `sub` has to be the mailbox's address.
    pub introspection_url: String,
}

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    server: Server,
    /// IMAP, with STARTTLS.
    pub imap: u16,
    /// IMAP within TLS.
    pub imaps: u16,
    /// POP3, with STLS.
    pub pop3: u16,
    /// POP3 within TLS.
    pub pop3s: u16,
    /// LMTP (RFC 2033), plain.
    pub lmtp: u16,
    /// Unix socket of the login service, for Postfix.
    pub auth_socket: PathBuf,
}

impl Dovecot {
    /// Writes its configuration and starts it; needs root.
    pub fn start(
        options: &DovecotOptions,
        scratch: &Scratch,
        certificates: &Certificates,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, LabError> {
        let home = scratch.directory(&options.name)?;
        let mail = scratch.directory(&format!("{}/mail", options.name))?;
        chown(&mail, Some(MAIL_OWNER), Some(MAIL_OWNER))
            .doing(format_args!("giving {} away", mail.display()))?;

        let ports: [Reserved; 5] = [
            ports::reserve()?,
            ports::reserve()?,
            ports::reserve()?,
            ports::reserve()?,
            ports::reserve()?,
        ];
        let [imap, imaps, pop3, pop3s, lmtp] = ports.each_ref().map(Reserved::number);
        let auth_socket = home.join("auth-postfix");
        let program = packages::program("dovecot").unwrap_or_else(|| PathBuf::from("dovecot"));
        let version = Version::of(&run(Command::new(&program).arg("--version"))?);

        let mut configuration = match version {
            Version::Classic => classic(&home.display().to_string(), options),
            Version::Since24 => since_24(&home.display().to_string(), options),
        };
        let listen = match version {
            Version::Classic => "address",
            Version::Since24 => "listen",
        };
        configuration.push_str(&services(listen, [imap, imaps, pop3, pop3s, lmtp]));
        configuration = configuration
            .replace("@auth_socket@", &auth_socket.display().to_string())
            .replace("@certificate@", &certificates.server.display().to_string())
            .replace("@key@", &certificates.server_key.display().to_string());
        let file = home.join("dovecot.conf");
        // The introspection URL carries the provider's password for Dovecot.
        write_file(&file, &configuration, true)?;
        if version == Version::Classic {
            write_file(
                &home.join("oauth2.conf.ext"),
                &introspection(options, ""),
                true,
            )?;
        }

        drop(ports);
        let mut command = Command::new(&program);
        command.arg("-F").arg("-c").arg(&file).current_dir(&home);
        let mut server = Server::start(
            "Dovecot",
            command,
            &home.join("log"),
            Signal::SIGTERM,
            watchdog,
        )?;
        server.wait_until(|| {
            greets(imap, "* OK") && greets(pop3, "+OK") && greets(lmtp, "220") && {
                auth_socket.exists()
            }
        })?;
        Ok(Self {
            server,
            imap,
            imaps,
            pop3,
            pop3s,
            lmtp,
            auth_socket,
        })
    }

    /// Begins to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        self.server.ask_to_stop();
    }
}

/// The configuration's language changed with 2.4 (Debian 13); 2.3 is in Debian 12 and Ubuntu 24.04.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Classic,
    Since24,
}

impl Version {
    /// Reads `2.3.19.1 (9b53102964)` or `2.4.1-4 (7d8c0e5759)`.
    fn of(answer: &str) -> Self {
        let mut numbers = answer
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|part| part.parse::<u32>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(2), Some(minor)) if minor < 4 => Self::Classic,
            _ => Self::Since24,
        }
    }
}

/// The `oauth2` settings, which have the same names in both languages.
fn introspection(options: &DovecotOptions, indent: &str) -> String {
    [
        "introspection_mode = post".to_owned(),
        format!("introspection_url = {}", options.introspection_url),
        "force_introspection = yes".to_owned(),
        "username_attribute = sub".to_owned(),
        "active_attribute = active".to_owned(),
        "active_value = true".to_owned(),
    ]
    .map(|line| format!("{indent}{line}\n"))
    .concat()
}

fn classic(home: &str, options: &DovecotOptions) -> String {
    format!(
        "{common}
protocols = imap pop3 lmtp
ssl_cert = <@certificate@
ssl_key = <@key@
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
# sdbox, because a maildir rescans a large folder for every flag that is set.
mail_location = sdbox:{home}/mail/%u
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {home}/oauth2.conf.ext
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={MAIL_OWNER} gid={MAIL_OWNER} home={home}/mail/%u allow_all_users=yes
}}
",
        common = common(home, options),
    )
}

fn since_24(home: &str, options: &DovecotOptions) -> String {
    format!(
        "dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
{common}
protocols {{
  imap = yes
  pop3 = yes
  lmtp = yes
}}
ssl_server_cert_file = @certificate@
ssl_server_key_file = @key@
auth_allow_cleartext = yes
auth_mechanisms {{
  plain = yes
  login = yes
  xoauth2 = yes
  oauthbearer = yes
}}
mail_driver = sdbox
mail_path = {home}/mail/%{{user}}
namespace inbox {{
  inbox = yes
}}
oauth2 {{
{introspection}}}
passdb static {{
  password = {PASSWORD}
}}
userdb static {{
  allow_all_users = yes
  fields {{
    uid = {MAIL_OWNER}
    gid = {MAIL_OWNER}
    home = {home}/mail/%{{user}}
  }}
}}
",
        common = common(home, options),
        introspection = introspection(options, "  "),
    )
}

fn common(home: &str, options: &DovecotOptions) -> String {
    format!(
        "base_dir = {home}/run
state_dir = {home}/state
instance_name = {name}
log_path = {home}/log
auth_verbose = yes
listen = 127.0.0.1
ssl = yes
# A refused login is answered at once; production would slow a guesser down.
auth_failure_delay = 0
mail_uid = {MAIL_OWNER}
mail_gid = {MAIL_OWNER}
first_valid_uid = {MAIL_OWNER}
first_valid_gid = {MAIL_OWNER}
mail_max_userip_connections = 100",
        name = options.name,
    )
}

fn services(listen: &str, [imap, imaps, pop3, pop3s, lmtp]: [u16; 5]) -> String {
    format!(
        "service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    {listen} = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  unix_listener @auth_socket@ {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
# Without this listener nobody counts failed logins, so that the tests of refusal do not make the
# next valid login wait.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn the_language_of_the_configuration_follows_the_version() {
        assert_eq!(Version::of("2.3.19.1 (9b53102964)\n"), Version::Classic);
        assert_eq!(Version::of("2.3.21 (47349e2482)\n"), Version::Classic);
        assert_eq!(Version::of("2.4.1-4 (7d8c0e5759)\n"), Version::Since24);
    }
}
