//! The pages a person sees: sign in, settings, the two server lists, the queue and what came in.
//!
//! A request comes in through [`routes`], finds its user and language in `visitor`, and goes on to the
//! room in `pages` that is named after the path. A page reads and writes records through `records` and
//! nothing else, so that the rights of the user hold. What a form offers and how its values are
//! read comes from the model's declaration (`form`). Pages stand in `templates/`, and every word of
//! theirs in the crate `words`, once for each language (`lang`).
//!
//! Nothing here needs JavaScript, and no page loads anything from elsewhere.
//!
//! The application data that [`configure`] relies on: `web::Data<server_model::backend::Backend>`
//! (made with `web::Data::from(backend)`) and, behind a proxy, `web::Data<Settings>`.

mod failure;
mod form;
mod headers;
mod lang;
mod pages;
mod plain_text;
mod records;
mod redirect;
pub mod routes;
mod shell;
mod style;
mod visitor;

pub use routes::configure;
