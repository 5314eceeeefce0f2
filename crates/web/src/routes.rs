//! Every path of the pages, one table.

use actix_web::middleware::from_fn;
use actix_web::web::{self, FormConfig, ServiceConfig};

use crate::headers::guard;
use crate::pages::{
    account, alias_domains, audit, fetchmail_server, figures, home, mail_server, mail_servers,
    mails, messages, my_mailboxes, parameters, quarantine, settings, sign_in,
};
use crate::{redirect, style};

/// The largest form that is read, in bytes: a long mail typed by hand, and far less than what
/// would hurt to hold in memory.
const FORM_LIMIT: usize = 1 << 20;

/// Adds the pages to an application that holds `web::Data<server_model::backend::Backend>`.
pub fn configure(config: &mut ServiceConfig) {
    let forms = || FormConfig::default().limit(FORM_LIMIT);
    config
        .service(
            web::resource("/")
                .wrap(from_fn(guard))
                .get(async || redirect::see_other(redirect::HOME)),
        )
        .service(
            web::resource(style::PATH)
                .wrap(from_fn(guard))
                .get(style::serve),
        )
        .service(
            web::resource(style::SCRIPT_PATH)
                .wrap(from_fn(guard))
                .get(style::serve_script),
        )
        .service(
            web::resource(style::ICON_PATH)
                .wrap(from_fn(guard))
                .get(style::serve_icon),
        )
        .service(
            web::resource("/web/login")
                .wrap(from_fn(guard))
                .app_data(forms())
                .get(sign_in::show)
                .post(sign_in::submit),
        )
        .service(
            web::resource("/web/logout")
                .wrap(from_fn(guard))
                .app_data(forms())
                .post(sign_in::sign_out),
        )
        .service(
            web::scope("/odoo")
                .wrap(from_fn(guard))
                .app_data(forms())
                .configure(signed_in),
        );
}

/// What stands under `/odoo`, in Odoo's paths. Each of these asks for a session.
fn signed_in(config: &mut ServiceConfig) {
    config
        .service(web::resource(["", "/"]).get(home::show))
        .service(web::resource("/figures").get(figures::show))
        .configure(own_account)
        .configure(settings_of_all)
        .configure(servers)
        .configure(mail)
        .default_service(web::to(home::unknown));
}

fn own_account(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/preferences")
                .get(account::show)
                .post(account::submit),
        )
        .service(web::resource("/my-mailboxes").get(my_mailboxes::show))
        .service(web::resource(r"/res.users.apikeys/{id:\d+}").post(account::revoke));
}

fn settings_of_all(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/settings")
                .get(settings::show)
                .post(settings::submit),
        )
        .service(
            web::resource("/mail.alias.domain/new")
                .get(alias_domains::new)
                .post(alias_domains::create),
        )
        .service(
            web::resource(r"/mail.alias.domain/{id:\d+}")
                .get(alias_domains::show)
                .post(alias_domains::submit),
        )
        .service(web::resource("/ir.config_parameter").get(parameters::list))
        .service(
            web::resource("/ir.config_parameter/new")
                .get(parameters::new)
                .post(parameters::create),
        )
        .service(
            web::resource(r"/ir.config_parameter/{id:\d+}")
                .get(parameters::show)
                .post(parameters::submit),
        )
        .service(web::resource("/postern.audit").get(audit::list))
        .service(web::resource(r"/postern.audit/{id:\d+}").get(audit::show));
}

fn servers(config: &mut ServiceConfig) {
    config
        .service(web::resource("/ir.mail_server").get(mail_servers::list))
        .service(
            web::resource("/ir.mail_server/new")
                .get(mail_server::new)
                .post(mail_server::create),
        )
        .service(
            web::resource(r"/ir.mail_server/{id:\d+}")
                .get(mail_server::show)
                .post(mail_server::submit),
        )
        .service(web::resource("/fetchmail.server").get(fetchmail_server::list))
        .service(
            web::resource("/fetchmail.server/new")
                .get(fetchmail_server::new)
                .post(fetchmail_server::create),
        )
        .service(
            web::resource(r"/fetchmail.server/{id:\d+}")
                .get(fetchmail_server::show)
                .post(fetchmail_server::submit),
        );
}

fn mail(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/mail.mail")
                .get(mails::list)
                .post(mails::submit_list),
        )
        .service(
            web::resource("/mail.mail/new")
                .get(mails::new)
                .post(mails::create),
        )
        .service(
            web::resource(r"/mail.mail/{id:\d+}")
                .get(mails::show)
                .post(mails::submit),
        )
        .service(web::resource("/mail.message").get(messages::list))
        .service(web::resource(r"/mail.message/{id:\d+}").get(messages::show))
        .service(web::resource("/postern.quarantine").get(quarantine::list))
        .service(
            web::resource(r"/postern.quarantine/{id:\d+}")
                .get(quarantine::show)
                .post(quarantine::submit),
        )
        .service(web::resource(r"/postern.quarantine/{id:\d+}/raw").get(quarantine::raw));
}
