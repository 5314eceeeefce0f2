//! nginx and Caddy with https in front of Posterns, set up by the very files that `docs/deploy` gives as examples.

use std::{
    fs::{read_to_string, write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use nix::{sys::signal::Signal, unistd::Uid};

use super::{
    certificates::Certificates,
    error::{Doing, LabError},
    packages, ports,
    process::Server,
    scratch::Scratch,
    watchdog::Watchdog,
};

/// The name under which the site behind a proxy is known.
pub const SITE: &str = "mail.example.test";

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx, by `docs/deploy/nginx.conf`.
    Nginx,
    /// Caddy, by `docs/deploy/Caddyfile`.
    Caddy,
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    _server: Server,
    port: u16,
    authority: PathBuf,
}

impl Proxy {
    /// Starts one before these Posterns.
    pub fn start(
        kind: Kind,
        scratch: &Scratch,
        watchdog: &Arc<Watchdog>,
        upstreams: [SocketAddr; 2],
    ) -> Result<Self, LabError> {
        let (plain, secure) = (ports::reserve()?, ports::reserve()?);
        let home = scratch.directory("proxy")?;
        let place = Place {
            home: &home,
            plain: plain.number(),
            secure: secure.number(),
            upstreams,
        };
        let (command, authority) = match kind {
            Kind::Nginx => nginx(&place, &Certificates::create(scratch)?)?,
            Kind::Caddy => caddy(&place)?,
        };
        let port = place.secure;
        drop((plain, secure));
        let name = match kind {
            Kind::Nginx => "nginx",
            Kind::Caddy => "caddy",
        };
        let log = home.join("log");
        let mut server = Server::start(name, command, &log, Signal::SIGTERM, watchdog)?;
        server.wait_until(|| {
            authority.exists() && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        Ok(Self {
            _server: server,
            port,
            authority,
        })
    }

    /// Where it speaks TLS, on the loopback.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The authority that its certificate is by.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.authority
    }
}

struct Place<'a> {
    home: &'a Path,
    plain: u16,
    secure: u16,
    upstreams: [SocketAddr; 2],
}

/// The file of that name, as it is documented.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/deploy")
        .join(name)
}

/// The example with what it leaves to its reader: names, ports and certificates.
fn nginx(place: &Place<'_>, certificates: &Certificates) -> Result<(Command, PathBuf), LabError> {
    let program = packages::required("nginx")?;
    let path = example("nginx.conf");
    let mut text = read_to_string(&path).doing(format_args!("reading {}", path.display()))?;
    let [one, other] = place.upstreams;
    let fill = [
        ("server 127.0.0.1:8069 ", format!("server {one} ")),
        ("# server 127.0.0.1:8070 ", format!("server {other} ")),
        ("listen 80;", format!("listen 127.0.0.1:{};", place.plain)),
        ("listen 443 ", format!("listen 127.0.0.1:{} ", place.secure)),
        ("mail.example.com;", format!("{SITE};")),
        (
            "/etc/ssl/mail.example.com/fullchain.pem",
            certificates.server.display().to_string(),
        ),
        (
            "/etc/ssl/mail.example.com/privkey.pem",
            certificates.server_key.display().to_string(),
        ),
    ];
    for (blank, filled) in fill {
        assert!(text.contains(blank), "no {blank:?} in {}", path.display());
        text = text.replace(blank, &filled);
    }
    let site = place.home.join("site.conf");
    write(&site, text).doing(format_args!("writing {}", site.display()))?;
    let user = if Uid::effective().is_root() {
        "user root;\n"
    } else {
        ""
    };
    let mut settings = format!(
        "{user}daemon off;\nerror_log stderr;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        settings += &format!("{kind}_temp_path {kind};\n");
    }
    settings += "include site.conf;\n}\n";
    let file = place.home.join("nginx.conf");
    write(&file, settings).doing(format_args!("writing {}", file.display()))?;
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(place.home)
        .arg("-c")
        .arg(&file)
        .args(["-e", "stderr"]);
    Ok((command, certificates.authority.clone()))
}

/// The example as it is: its blanks are variables. Certificates come from Caddy itself, not from the net.
fn caddy(place: &Place<'_>) -> Result<(Command, PathBuf), LabError> {
    let program = packages::required("caddy")?;
    let settings = format!(
        "{{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port {}\n\thttps_port {}\n}}\nimport {}\n",
        place.plain,
        place.secure,
        example("Caddyfile").display()
    );
    let file = place.home.join("Caddyfile");
    write(&file, settings).doing(format_args!("writing {}", file.display()))?;
    let upstreams = place.upstreams.map(|address| address.to_string());
    let mut command = Command::new(program);
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("POSTERN_SITE", SITE)
        .env("POSTERN_UPSTREAMS", upstreams.join(" "))
        .env("XDG_DATA_HOME", place.home)
        .env("XDG_CONFIG_HOME", place.home);
    let authority = place.home.join("caddy/pki/authorities/local/root.crt");
    Ok((command, authority))
}
