//! The service from its first to its last second: open, migrate, serve, stop.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, middleware, web};
use migrations::Home;
use migrations::sea_orm::DatabaseTransaction;
use secrecy::ExposeSecret;
use server_model::backend::Backend;
use server_model::database::Intent;
use server_model::home::Filestore;
use server_model::outbox::own_server::Encryption;
use server_model::start::{self, Destinations, FirstStart, OwnServer, Reach, StartSettings};
use server_model::unverified::Unverified;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::banner::{self, Banner, Password};
use crate::beside_odoo;
use crate::config::{Config, OwnServerSettings, Place, Protection};
use crate::error::Error;
use crate::farewell;
use crate::files::{self, OdooFilestore};
use crate::metrics;
use crate::pace;
use crate::password;
use crate::progress::Progress;
use crate::requests;
use crate::signals::StopSignals;
use crate::supervisor;
use crate::trace_context;
use crate::vault;

/// How long a connection may be idle: longer than proxies keep theirs (nginx a minute), so that none sends a request
/// into a connection that is just being closed.
const KEPT_ALIVE: Duration = Duration::from_secs(75);
/// How long a stop waits for jobs: a mail on its way out is finished rather than left in doubt.
const JOBS_PATIENCE: Duration = Duration::from_secs(20);
/// How long a stop waits for requests.
const REQUESTS_PATIENCE: Duration = Duration::from_secs(10);
/// How long a stop waits for the connections to the database.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the service until it is told to stop.
///
/// # Errors
/// If it cannot start, if the HTTP server breaks, or if it is told to stop twice.
pub async fn run(config: Config, progress: &Progress) -> Result<(), Error> {
    let mut signals = StopSignals::listen().map_err(Error::Runtime)?;
    // First of all, so that a second Postern on the same address changes nothing.
    let listener = bind("--listen", config.listen)?;
    let for_figures = config
        .metrics_listen
        .map(|address| bind("--metrics-listen", address));
    let for_figures = for_figures.transpose()?;
    let address = listener.local_addr().map_err(Error::Runtime)?;
    let backend = tokio::select! {
        backend = open(&config, progress) => backend?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped before the start was complete");
            return Ok(());
        }
    };
    // From here to the banner without a look at the signals: a password that was generated and
    // stored has to be shown.
    let password = install(&config, &backend).await?;
    vault::seal(&config, &backend, progress).await?;
    let unverified = unverified(&config, &backend).await?;
    // Before the jobs, so that nothing happens uncounted.
    let figures = for_figures.map(|listener| metrics::serve(&backend, listener));
    if let Some(figures) = figures.transpose()? {
        tokio::spawn(figures);
    }
    let jobs = Jobs::start(&config, &backend);
    seed_random_numbers();
    let server = serve(&config, &backend, listener)?;
    let handle = server.handle();
    let mut server = tokio::spawn(server);
    greet(&config, &backend, address, &password, &unverified);
    supervisor::ready();
    tokio::spawn(supervisor::keep_watch(address));

    let name = tokio::select! {
        name = signals.next() => name,
        ended = &mut server => {
            let error = ended.map_err(io::Error::other).and_then(|outcome| outcome).err();
            return Err(Error::Serve(error.unwrap_or_else(|| io::Error::other("without a reason"))));
        }
    };
    tracing::info!(signal = name, "stopping");
    supervisor::stopping();
    tokio::select! {
        () = stop(jobs, config.drain, &handle, &backend) => {
            tracing::info!("stopped");
            Ok(())
        }
        _ = signals.next() => Err(Error::Impatient),
    }
}

/// Gathers what random numbers grow from. It takes a tenth of a second of reckoning, once in a program's
/// life, for which the first connection with TLS would wait, and all that come in meanwhile.
fn seed_random_numbers() {
    if let Some(provider) = rustls::crypto::CryptoProvider::get_default() {
        // Nobody waits for it, and whoever needs a number before waits only for the rest.
        let _ = std::thread::spawn(|| provider.secure_random.fill(&mut [0; 1]));
    }
}

fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).map_err(|error| Error::Listen {
        flag,
        address,
        problem: match error.kind() {
            io::ErrorKind::AddrInUse => "something listens there already. Stop it, or choose \
                another address or port (port 0 takes a free one)."
                .into(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address. Take one of its \
                own, 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses."
                .into(),
            io::ErrorKind::PermissionDenied => "the system does not allow it. Ports below 1024 \
                are for privileged programs: choose a higher one, such as 8069."
                .into(),
            _ => format!("nothing can listen there ({error})."),
        },
    })?;
    pace::limit_unread(&listener);
    Ok(listener)
}

/// Opens the database and brings it up to date.
///
/// # Errors
/// When it cannot be opened or changed.
async fn open(config: &Config, progress: &Progress) -> Result<Arc<Backend>, Error> {
    if let Place::File(path) = config.database.place() {
        files::make_private(path).map_err(|source| Error::DatabaseFile {
            path: files::absolute(path).display().to_string(),
            source,
        })?;
    }
    let backend = connect(config).await?;
    refuse_odoos(config, &backend).await?;
    let place = || banner::described(config.database.place());
    let unchanged = |source| Error::Migrate {
        place: place(),
        source,
    };
    let transaction = begin(config, &backend, Intent::Work).await?;
    let bar = OnceLock::new();
    let passed = |done, steps| {
        let begin = || progress.begin("Bringing the database up to date", Some(steps));
        bar.get_or_init(begin).reach(done, steps);
    };
    let steps = migrations::migrate_within(&transaction, &passed)
        .await
        .map_err(unchanged)?;
    transaction.commit().await.map_err(unchanged)?;
    drop(bar);
    if !steps.is_empty() {
        tracing::info!(?steps, "the database was brought up to date");
    }
    Ok(backend)
}

/// Begins a transaction of the start.
async fn begin(
    config: &Config,
    backend: &Backend,
    intent: Intent,
) -> Result<DatabaseTransaction, Error> {
    let begun = backend.database().begin(intent).await;
    begun.map_err(|source| Error::Install {
        place: banner::described(config.database.place()),
        source,
    })
}

/// An Odoo's database is not one to begin working in by mistake.
async fn refuse_odoos(config: &Config, backend: &Backend) -> Result<(), Error> {
    let place = || banner::described(config.database.place());
    let transaction = begin(config, backend, Intent::Read).await?;
    let home = migrations::home(&transaction).await;
    match home.map_err(|source| Error::Migrate {
        place: place(),
        source,
    })? {
        Home::Odoo => Err(Error::NotAdopted { place: place() }),
        Home::Own | Home::Adopted => Ok(()),
    }
}

/// Opens the database of a service that may be running, and changes nothing in it.
///
/// # Errors
/// If it cannot be opened, or is not that of this version.
pub async fn open_existing(config: &Config) -> Result<Arc<Backend>, Error> {
    let place = || banner::described(config.database.place());
    // SQLite would make the file.
    if let Place::File(path) = config.database.place()
        && !path.exists()
    {
        return Err(Error::NotSetUp { place: place() });
    }
    let backend = connect(config).await?;
    refuse_odoos(config, &backend).await?;
    let transaction = begin(config, &backend, Intent::Read).await?;
    let is_current = migrations::is_current(&transaction)
        .await
        .map_err(|source| Error::Migrate {
            place: place(),
            source,
        })?;
    drop(transaction);
    if is_current {
        Ok(backend)
    } else {
        Err(Error::NotSetUp { place: place() })
    }
}

/// Opens the database, whatever it is.
///
/// # Errors
/// When it cannot be opened.
pub async fn connect(config: &Config) -> Result<Arc<Backend>, Error> {
    let settings = StartSettings {
        database_url: config.database.expose().to_owned(),
        connections: config.db_connections,
        reach: if config.db_pooler {
            Reach::ThroughPooler
        } else {
            Reach::Directly
        },
        extra_roots_pem: config.tls_ca.as_ref().map(|file| file.pem.clone()),
        own_server: own_server(&config.own_server).map_err(Error::OwnServer)?,
        destinations: Destinations::new(config.private_networks),
        vault_keys: config.vault_keys.clone(),
        seals_odoos: config.seal_odoo_secrets,
        filestore: config
            .odoo_filestore
            .clone()
            .map(|folder| Arc::new(OdooFilestore(folder)) as Arc<dyn Filestore>),
    };
    let threads = u32::try_from(config.workers).unwrap_or(u32::MAX);
    let backend = start::open_for_threads(settings, threads).await;
    let backend = backend.map_err(|source| Error::Open {
        place: banner::described(config.database.place()),
        remedy: remedy(config, &source),
        source,
    })?;
    if let Some(file) = &config.tls_ca {
        tracing::info!(file = %file.path.display(), certificates = file.count, "trusting private authorities");
    }
    Ok(backend)
}

/// What to look at when the database cannot be opened.
fn remedy(config: &Config, error: &server_model::error::Error) -> &'static str {
    use std::error::Error as _;
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    match config.database.place() {
        // What pgbouncer says to settings that a session would have to keep.
        Place::Server(_) if said.contains("unsupported startup parameter") => {
            "A pooler is in between: give Postern --db-pooler, or the address of PostgreSQL itself."
        }
        Place::Server(_) => {
            "The server has to run there and to know the database, the user and the password."
        }
        Place::File(_) => {
            "It has to be an SQLite file of a Postern, or none yet, that may be written."
        }
        Place::Memory => "There has to be memory for it.",
    }
}

/// The outgoing server of the configuration, in the words of the program.
fn own_server(settings: &OwnServerSettings) -> Result<OwnServer, server_model::error::Error> {
    let own = OwnServer {
        host: settings.server.clone(),
        port: settings.port,
        encryption: match settings.protection {
            Protection::None => Encryption::None,
            Protection::StartTls => Encryption::StartTls,
            Protection::Tls => Encryption::Tls,
        },
        user: settings.user.clone(),
        password: settings.password.clone(),
        identity: None,
        email_from: settings.email_from.clone(),
        from_filter: settings.from_filter.clone(),
    };
    match &settings.identity {
        Some(pair) => own.with_identity(&pair.certificate, &pair.key),
        None => Ok(own),
    }
}

/// The administrator's password, for the banner.
enum FirstPassword {
    Generated(secrecy::SecretString),
    Given,
    Kept,
}

async fn install(config: &Config, backend: &Arc<Backend>) -> Result<FirstPassword, Error> {
    let (password, outcome) = match &config.admin_password {
        Some(password) => (password.clone(), FirstPassword::Given),
        None => {
            let password = password::generate().map_err(Error::Runtime)?;
            (password.clone(), FirstPassword::Generated(password))
        }
    };
    match start::install(backend, &password).await {
        Ok(FirstStart::Fresh) => Ok(outcome),
        Ok(FirstStart::Existing) => Ok(FirstPassword::Kept),
        Err(source) => Err(Error::Install {
            place: banner::described(config.database.place()),
            source,
        }),
    }
}

/// The mail servers whose certificates are taken as they are.
async fn unverified(config: &Config, backend: &Arc<Backend>) -> Result<Vec<String>, Error> {
    let found = Unverified::of(backend).await;
    let list = found
        .map_err(|source| Error::Install {
            place: banner::described(config.database.place()),
            source,
        })?
        .list();
    if !list.is_empty() {
        tracing::warn!(servers = ?list, "the certificates of these mail servers are not verified");
    }
    Ok(list)
}

fn serve(config: &Config, backend: &Arc<Backend>, listener: TcpListener) -> Result<Server, Error> {
    let backend = web::Data::from(Arc::clone(backend));
    let trusted = web::Data::new(config.trust_forwarded.clone());
    let is_traced = config.otlp_endpoint.is_some();
    let server = HttpServer::new(move || {
        // Runs once in each thread that serves requests.
        backend.database().settle();
        App::new()
            .app_data(backend.clone())
            .app_data(trusted.clone())
            .wrap(middleware::Condition::new(
                is_traced,
                middleware::from_fn(trace_context::take_over),
            ))
            .wrap(middleware::from_fn(pace::keep))
            .wrap(middleware::from_fn(farewell::hang_up))
            .wrap(middleware::from_fn(requests::log))
            // The pages first: what neither knows is answered by the last one.
            .configure(::web::routes::configure)
            .configure(rpc::routes::configure)
    })
    .workers(config.workers)
    .keep_alive(KEPT_ALIVE)
    // The signals are ours: the jobs have to stop, too.
    .disable_signals()
    .shutdown_timeout(REQUESTS_PATIENCE.as_secs())
    .listen(listener)
    .map_err(Error::Serve)?;
    Ok(server.run())
}

fn greet(
    config: &Config,
    backend: &Backend,
    address: SocketAddr,
    password: &FirstPassword,
    unverified: &[String],
) {
    let banner = Banner {
        address,
        database: backend.database().name(),
        place: config.database.place(),
        password: match password {
            FirstPassword::Generated(password) => Password::Generated(password.expose_secret()),
            FirstPassword::Given => Password::Given,
            FirstPassword::Kept => Password::Kept,
        },
        jobs: config.jobs,
        unverified,
    };
    let mut output = io::stdout().lock();
    if let Err(error) = write!(output, "{banner}").and_then(|()| output.flush()) {
        tracing::warn!(%error, "what a start has to say could not be written to standard output");
    }
    tracing::info!(%address, database = backend.database().name(), jobs = config.jobs, "listening");
}

/// The background work, and the way to end it.
struct Jobs {
    end: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Jobs {
    fn start(config: &Config, backend: &Arc<Backend>) -> Jobs {
        let end = CancellationToken::new();
        let running = config.jobs.then(|| {
            let (backend, end) = (Arc::clone(backend), end.clone());
            tokio::spawn(async move {
                let beside = beside_odoo::run(Arc::clone(&backend), end.clone());
                tokio::join!(server_model::jobs::run(backend, end), beside);
            })
        });
        Jobs { end, running }
    }

    async fn stop(self) {
        self.end.cancel();
        let Some(running) = self.running else { return };
        match timeout(JOBS_PATIENCE, running).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the jobs ended by a defect"),
            Err(_) => tracing::warn!(
                seconds = JOBS_PATIENCE.as_secs(),
                "jobs were still running and are given up; what they claimed is taken up later"
            ),
        }
    }
}

/// Ends everything in the order in which it depends on each other.
async fn stop(jobs: Jobs, drain: Duration, handle: &ServerHandle, backend: &Backend) {
    // Calls are answered meanwhile: whoever asks whether this one is ready goes elsewhere.
    backend.begin_to_stop();
    // The jobs before the workers: a connection of the pool lives on the event loop of the thread
    // that opened it, and a worker's ends with the worker.
    tokio::join!(jobs.stop(), sleep(drain));
    handle.stop(true).await;
    let database = backend.database().clone();
    if timeout(DATABASE_PATIENCE, database.close()).await.is_err() {
        tracing::warn!("the connections to the database did not close in time");
    }
}
