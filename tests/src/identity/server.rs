//! The double's thread, its listener and its routes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use super::control;
use super::fault::keep_wire;
use super::state::State;
use super::{authorize, token};

/// What the handlers share with the owner.
pub struct Shared {
    state: Mutex<State>,
    /// Protects `/control/…`.
    pub control_key: String,
}

impl Shared {
    /// A memory for the handlers and the owner.
    pub fn new(state: State, control_key: String) -> Self {
        Self {
            state: Mutex::new(state),
            control_key,
        }
    }

    /// The memory. A test that panicked while it held the lock does not spoil it for the others.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running listener; dropped, it stops and its thread ends.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds in the caller's thread, so that a taken port is the caller's error, and serves in its own.
    pub fn start(listen: SocketAddr, shared: web::Data<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let (tell, told) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("identity".to_owned())
            .spawn(move || actix_web::rt::System::new().block_on(serve(listener, shared, tell)))?;
        let handle = told
            .recv()
            .map_err(|_| io::Error::other("the identity provider's thread ended at its start"))??;
        Ok(Self {
            address,
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The order goes out with the call; the future only waits, and the thread is waited for instead.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed by it already.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    shared: web::Data<Shared>,
    tell: mpsc::Sender<io::Result<ServerHandle>>,
) {
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes))
        .workers(1)
        .disable_signals()
        .on_connect(keep_wire)
        .listen(listener)
        .map(HttpServer::run);
    match server {
        Err(error) => drop(tell.send(Err(error))),
        Ok(server) => {
            drop(tell.send(Ok(server.handle())));
            if let Err(error) = server.await {
                tracing::error!(%error, "the identity provider stopped");
            }
        }
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/{tenant}/oauth2/v2.0/authorize")
                .route(web::get().to(authorize::show))
                .route(web::post().to(authorize::decide)),
        )
        .service(
            web::resource("/{tenant}/oauth2/v2.0/token")
                .route(web::post().to(token::exchange))
                .default_service(web::route().to(token::wrong_method)),
        )
        .route("/introspect", web::post().to(token::introspect))
        .route("/control/orders", web::post().to(control::take_order))
        .route("/control/requests", web::get().to(control::requests))
        .route("/control/counters", web::get().to(control::counters));
}
