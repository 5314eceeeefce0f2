//! What the application proves itself by, in whose name it asks, and where.

use serde_json::json;
use tests::identity::HOME_TENANT;
use tests::lab::Database;
use tests::steps;

use crate::world::{CERTIFICATE, INCOMING, OUTGOING, SECRET, World, certificate};

async fn known_by_certificate(database: Database) {
    let Some(mut world) = World::start(database).await else {
        return;
    };
    let (both, alone) = certificate(None);
    world.client.certificates.push(alone);
    world.client.secrets.clear();
    world.register().await;
    let admin = &world.admin;
    admin.set_param(SECRET, "").await.unwrap();
    admin.set_param(CERTIFICATE, &both).await.unwrap();

    let server = world.outgoing().await;
    world.connect(OUTGOING, server, &world.mailbox).await;
    world.test(server).await.expect("connected by certificate");
    world.expire(server).await;
    world.test(server).await.expect("renewed by certificate");
    let requests = world.lab.identity.control.token_requests().await.unwrap();
    let ours: Vec<_> = requests
        .iter()
        .filter(|request| request.client_id.as_ref() == Some(&world.client.id))
        .collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert!(ours.iter().all(|request| request.client_secret.is_none()));

    // Another certificate, which the provider does not know: said so, and a secret beside it goes on.
    let (unknown, _) = certificate(None);
    admin.set_param(CERTIFICATE, &unknown).await.unwrap();
    world.expire(server).await;
    let refused = world.test(server).await.expect_err("not registered");
    assert!(refused.contains("[oauth.certificate_unknown"), "{refused}");
    assert!(refused.contains("Upload the certificate"), "{refused}");
    world.client.secrets.push("a secret to fall back on".into());
    world.register().await;
    admin
        .set_param(SECRET, "a secret to fall back on")
        .await
        .unwrap();
    world.test(server).await.expect("the secret");
    assert!(!world.postern.log().contains("a secret to fall back on"));
    assert!(!world.postern.log().contains("PRIVATE KEY"));

    let nonsense = admin.set_param(CERTIFICATE, "no PEM").await;
    let refused = nonsense.expect_err("refused").refusal().message;
    assert!(refused.contains("BEGIN CERTIFICATE"), "{refused}");
}

on_both!(
    known_by_certificate,
    an_application_is_known_by_a_certificate_on_sqlite,
    an_application_is_known_by_a_certificate_on_postgresql
);

async fn in_its_own_name(database: Database) {
    let Some(mut world) = World::start(database).await else {
        return;
    };
    let by_itself = json!({"postern_oauth_grant": "application"});
    let outgoing = world.outgoing().await;
    let incoming = world.incoming().await;
    for (model, server) in [(OUTGOING, outgoing), (INCOMING, incoming)] {
        world
            .admin
            .write(model, server, by_itself.clone())
            .await
            .unwrap();
        // Nobody is asked for consent.
        assert_eq!(
            world.field(model, server, "microsoft_outlook_uri").await,
            false
        );
        assert_eq!(
            world.field(model, server, "postern_oauth_state").await,
            "none"
        );
    }
    // The endpoint for all tenants gives no such token.
    let refused = world.test(outgoing).await.expect_err("no tenant");
    assert!(refused.contains("[oauth.tenant_missing]"), "{refused}");
    let endpoint = world
        .lab
        .identity
        .endpoint
        .replace("/common/", &format!("/{HOME_TENANT}/"));
    assert_ne!(endpoint, world.lab.identity.endpoint);
    let set = world
        .admin
        .set_param("microsoft_outlook.endpoint", &endpoint);
    set.await.unwrap();
    // Nobody has opened the mailbox to the application yet.
    world.test(outgoing).await.expect_err("no role");
    world.client.mailbox = Some(world.mailbox.clone());
    world.register().await;

    world.expire(outgoing).await;
    world.test(outgoing).await.expect("the application sends");
    let mail = json!({
        "subject": "From the application",
        "body_html": "<p>x</p>",
        "email_from": world.mailbox,
        "email_to": world.mailbox,
    });
    steps::send_mail(&world.admin, mail).await.unwrap();
    let inbox = world.lab.read_inbox(&world.mailbox).unwrap();
    assert_eq!(inbox.len(), 1, "sent");
    let raw = b"From: kim@client.example\r\nSubject: For the application\r\n\r\nx\r\n";
    world.lab.deliver(&world.mailbox, raw).unwrap();
    world
        .admin
        .button(INCOMING, "button_confirm_login", incoming)
        .await
        .unwrap();
    world
        .admin
        .button(INCOMING, "fetch_mail", incoming)
        .await
        .unwrap();
    let found = world
        .admin
        .call(
            "mail.message",
            "search_count",
            json!([[["subject", "=", "For the application"]]]),
        )
        .await
        .unwrap();
    assert_eq!(found, 1);
    for (model, server) in [(OUTGOING, outgoing), (INCOMING, incoming)] {
        assert_eq!(
            world.field(model, server, "postern_oauth_state").await,
            "connected"
        );
        let token = world.field(model, server, "microsoft_outlook_refresh_token");
        assert_eq!(token.await, false);
    }
    // A token that the server turns down is replaced, and back to consent the token is forgotten.
    world.expire(outgoing).await;
    world.test(outgoing).await.expect("another token");
    let consent = json!({"postern_oauth_grant": "delegated"});
    world
        .admin
        .write(OUTGOING, outgoing, consent)
        .await
        .unwrap();
    assert_eq!(
        world.field(OUTGOING, outgoing, "postern_oauth_state").await,
        "none"
    );
    let wrong = json!({"postern_oauth_grant": "somehow"});
    world
        .admin
        .write(OUTGOING, outgoing, wrong)
        .await
        .expect_err("no such way");
}

on_both!(
    in_its_own_name,
    an_application_uses_a_mailbox_in_its_own_name_on_sqlite,
    an_application_uses_a_mailbox_in_its_own_name_on_postgresql
);

/// Where Postern sends people, and what it asks for there, by each of the settings for that.
async fn endpoints(database: Database) {
    let Some(world) = World::start(database).await else {
        return;
    };
    let outgoing = world.outgoing().await;
    let incoming = world.incoming().await;
    let set = async |tenant: &str, cloud: &str| {
        let admin = &world.admin;
        admin
            .set_param("microsoft_outlook.endpoint", "")
            .await
            .unwrap();
        admin
            .set_param("microsoft_outlook.tenant", tenant)
            .await
            .unwrap();
        admin
            .set_param("microsoft_outlook.cloud", cloud)
            .await
            .unwrap();
    };
    let asked = async |model, server| {
        let url = steps::consent_address(&world.admin, model, server)
            .await
            .unwrap();
        let host = url.host_str().unwrap_or_default().to_owned();
        (
            format!("{host}{}", url.path()),
            steps::parameter(&url, "scope"),
        )
    };
    let cases = [
        (
            "",
            "",
            "login.microsoftonline.com/common",
            "outlook.office.com",
        ),
        (
            "consumers",
            "",
            "login.microsoftonline.com/consumers",
            "outlook.office.com",
        ),
        (
            "contoso.example",
            "global",
            "login.microsoftonline.com/contoso.example",
            "outlook.office.com",
        ),
        (
            "t-1",
            "us_government",
            "login.microsoftonline.us/t-1",
            "outlook.office365.us",
        ),
        (
            "",
            "china",
            "login.partner.microsoftonline.cn/common",
            "partner.outlook.cn",
        ),
    ];
    for (tenant, cloud, base, exchange) in cases {
        set(tenant, cloud).await;
        let address = format!("{base}/oauth2/v2.0/authorize");
        let scope = |permission| format!("offline_access https://{exchange}/{permission}");
        assert_eq!(
            asked(OUTGOING, outgoing).await,
            (address.clone(), scope("SMTP.Send"))
        );
        assert_eq!(
            asked(INCOMING, incoming).await,
            (address, scope("IMAP.AccessAsUser.All"))
        );
    }
    for (tenant, cloud, named) in [
        ("a/b", "", "microsoft_outlook.tenant"),
        ("", "mars", "microsoft_outlook.cloud"),
    ] {
        set(tenant, cloud).await;
        let arguments = json!([[outgoing]]);
        let opened = world
            .admin
            .call(OUTGOING, "open_microsoft_outlook_uri", arguments);
        let refused = opened.await.expect_err(named).refusal().message;
        assert!(refused.contains(named), "{refused}");
    }
}

on_both!(
    endpoints,
    each_tenant_and_cloud_has_its_endpoint_on_sqlite,
    each_tenant_and_cloud_has_its_endpoint_on_postgresql
);
