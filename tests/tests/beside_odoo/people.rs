//! Who may come in, and what they may do.

use std::time::Duration;

use serde_json::json;
use tests::odoo::{EMPLOYEE, EMPLOYEE_KEY, EXPIRED_KEY, PORTAL};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn odoos_users_come_in_by_what_odoo_knows_of_them_and_may_do_what_their_groups_allow() {
    let world = World::adopted();
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    assert_eq!(admin.uid(), 2);
    let servers = admin
        .call(
            "ir.mail_server",
            "search_read",
            json!([[["active", "in", [true, false]]], ["name", "smtp_pass"]]),
        )
        .await
        .unwrap();
    assert_eq!(servers[1]["smtp_pass"], "open as Odoo keeps it");

    let marc = postern.sign_in(EMPLOYEE.0, EMPLOYEE.1).await.unwrap();
    let refusal = marc
        .call("ir.mail_server", "search_read", json!([[], ["name"]]))
        .await
        .unwrap_err()
        .refusal();
    assert_eq!(refusal.name, "odoo.exceptions.AccessError");
    let values = json!({"body": "By me", "model": "res.partner", "res_id": 9});
    let message = marc.create("mail.message", values).await.unwrap();
    assert_eq!(
        world.sql(&format!(
            "SELECT author_id, create_uid FROM mail_message WHERE id = {message}"
        )),
        "7|6"
    );
    let joel = postern.sign_in(PORTAL.0, PORTAL.1).await.unwrap();
    assert!(
        joel.call("ir.config_parameter", "get_param", json!(["database.uuid"]))
            .await
            .is_err()
    );
    assert!(postern.sign_in(EMPLOYEE.0, "something else").await.is_err());

    let whoami = |credentials: (i64, &'static str)| {
        let marc = marc.clone();
        async move {
            marc.execute_kw(
                credentials,
                "res.users",
                "read",
                json!([[6], ["login"]]),
                json!({}),
            )
            .await
        }
    };
    assert_eq!(whoami((6, EMPLOYEE_KEY)).await.unwrap()[0]["login"], "marc");
    assert!(whoami((2, EMPLOYEE_KEY)).await.is_err(), "somebody else's");
    assert!(whoami((2, EXPIRED_KEY)).await.is_err());

    // Odoo asks such a user for a second factor, which no password may get around.
    world.sql("UPDATE res_users SET totp_secret = 'JBSWY3DPEHPK3PXP' WHERE id = 6");
    assert!(postern.sign_in(EMPLOYEE.0, EMPLOYEE.1).await.is_err());
    assert!(whoami((6, EMPLOYEE.1)).await.is_err());
    assert!(whoami((6, EMPLOYEE_KEY)).await.is_ok());

    // Whoever loses a group in Odoo has lost it here.
    world.sql("DELETE FROM res_groups_users_rel WHERE uid = 2 AND gid = 4");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(
        admin
            .call("ir.mail_server", "search_count", json!([[]]))
            .await
            .is_err()
    );
}
