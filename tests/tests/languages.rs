//! What Postern says to people over RPC, in the language of the call: refusals, the test of a connection, the doctor, the
//! atlas, what a provider said, the page after a refused consent, and the names of fields; on both databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use reqwest::header::ACCEPT_LANGUAGE;
use serde_json::{Value, json};
use tests::lab::{Database, Described};
use tests::postern::{Options, Postern};
use tests::rpc_client::{Refusal, Rpc};
use tests::steps;

const OUTGOING: &str = "ir.mail_server";
const VIETNAMESE: &str = "vi_VN";
const CHINESE: &str = "zh_CN";

/// The same in three languages.
type Words = [&'static str; 3];

/// The languages of the calls, as `context.lang` has them.
const LANGUAGES: [&str; 3] = ["en_US", VIETNAMESE, CHINESE];

fn context(lang: &str) -> Value {
    json!({"context": {"lang": lang}})
}

async fn refused(rpc: &Rpc, lang: &str, model: &str, method: &str, args: Value) -> Refusal {
    let answer = rpc.call_kw(model, method, args, context(lang)).await;
    answer.unwrap_err().refusal()
}

/// The call is refused in each language with its own words and with the same exception.
async fn refuses(rpc: &Rpc, (model, method, args): (&str, &str, Value), name: &str, words: Words) {
    for (lang, words) in LANGUAGES.iter().zip(words) {
        let refusal = refused(rpc, lang, model, method, args.clone()).await;
        assert_eq!(refusal.name, name, "{refusal:?}");
        assert!(refusal.message.contains(words), "{lang}: {refusal:?}");
    }
}

/// A server at which nobody listens.
fn nowhere(lab: &Described) -> Value {
    json!({
        "name": "Nowhere", "smtp_authentication": "login", "smtp_encryption": "none",
        "smtp_host": lab.host, "smtp_port": 1, "from_filter": "joe@example.com",
    })
}

async fn refusals(admin: &Rpc) {
    let missing = "odoo.exceptions.MissingError";
    refuses(
        admin,
        (OUTGOING, "copy", json!([[987_654]])),
        missing,
        [
            "There is no record 987654 of \"Outgoing mail server\" (ir.mail_server)",
            "Không có bản ghi 987654 của \"Máy chủ thư đi\" (ir.mail_server)",
            "“发送邮件服务器”(ir.mail_server) 没有记录 987654",
        ],
    )
    .await;
    refuses(
        admin,
        ("no.such", "read", json!([[1]])),
        "werkzeug.exceptions.NotFound",
        ["There is no model"; 3],
    )
    .await;
    refuses(
        admin,
        (OUTGOING, "create", json!([{"smtp_host": "x"}])),
        "odoo.exceptions.ValidationError",
        [
            "needs a value for: Name (name)",
            "cần có giá trị cho: Tên (name)",
            "需要填写：名称 (name)",
        ],
    )
    .await;
    let token = json!([{
        "name": "Office", "smtp_authentication": "outlook", "smtp_encryption": "starttls",
        "smtp_user": "joe@example.com", "smtp_pass": "secret", "smtp_host": "x",
    }]);
    refuses(
        admin,
        (OUTGOING, "create", token),
        "odoo.exceptions.UserError",
        [
            "signs in with a token, so the password must stay empty",
            "đăng nhập bằng token nên mật khẩu phải để trống",
            "使用令牌登录，因此密码必须留空",
        ],
    )
    .await;
    refuses(
        admin,
        (
            "ir.config_parameter",
            "create",
            json!([{"key": "web.base.url", "value": "x"}]),
        ),
        "odoo.exceptions.ValidationError",
        [
            "with the same value of \"key\"",
            "với cùng giá trị \"key\"",
            "\"key\" 与此相同",
        ],
    )
    .await;
    refuses(
        admin,
        (OUTGOING, "_secret", json!([])),
        "odoo.exceptions.AccessError",
        ["is internal", "là phương thức nội bộ", "是内部方法"],
    )
    .await;
    // Mistakes of a program have the names of Odoo's Python, and its programmer reads too.
    refuses(
        admin,
        (OUTGOING, "read", json!([[1], ["no_field"]])),
        "builtins.ValueError",
        ["There is no field", "Không có trường", "没有字段"],
    )
    .await;
    // A language that is not spoken here.
    let refusal = refused(admin, "fr_FR", OUTGOING, "copy", json!([[987_654]])).await;
    assert!(
        refusal.message.contains("There is no record"),
        "{refusal:?}"
    );
}

/// Of somebody without a language in the call, the user's own counts.
async fn the_users_own(postern: &Postern, admin: &Rpc) {
    let values = json!({
        "name": "Ann", "login": "ann", "password": "another-long-password", "lang": VIETNAMESE,
        "email": "ann@example.com",
    });
    let code = json!([[["code", "in", [VIETNAMESE, CHINESE]]], ["code"]]);
    let known = admin.call_kw(
        "res.lang",
        "search_read",
        code,
        json!({"context": {"active_test": false}}),
    );
    for lang in known.await.unwrap().as_array().unwrap() {
        admin
            .write(
                "res.lang",
                lang["id"].as_i64().unwrap(),
                json!({"active": true}),
            )
            .await
            .unwrap();
    }
    admin.create("res.users", values).await.unwrap();
    let ann = postern
        .sign_in("ann", "another-long-password")
        .await
        .unwrap();
    let refusal = ann
        .call(OUTGOING, "search", json!([[]]))
        .await
        .unwrap_err()
        .refusal();
    assert_eq!(refusal.name, "odoo.exceptions.AccessError");
    assert!(
        refusal
            .message
            .contains("Bạn không được đọc bản ghi của \"Máy chủ thư đi\""),
        "{refusal:?}"
    );
    let refusal = refused(&ann, CHINESE, OUTGOING, "search", json!([[]])).await;
    assert!(
        refusal.message.contains("您无权读取“发送邮件服务器”"),
        "{refusal:?}"
    );
    // And over the wire that asks for a password with each call.
    let with_password = (ann.uid(), "another-long-password");
    let answer = ann.execute_kw(with_password, OUTGOING, "search", json!([[]]), json!({}));
    let refusal = answer.await.unwrap_err().refusal();
    assert!(
        refusal.message.starts_with("Bạn không được đọc"),
        "{refusal:?}"
    );
}

/// The test of a connection, and the doctor with the atlas' explanations and remedies.
async fn connections(lab: &Described, admin: &Rpc) {
    let server = admin.create(OUTGOING, nowhere(lab)).await.unwrap();
    refuses(
        admin,
        (OUTGOING, "test_smtp_connection", json!([[server]])),
        "odoo.exceptions.UserError",
        [
            "connecting: no connection (",
            "khi kết nối: không kết nối được (",
            "连接时：无法连接（",
        ],
    )
    .await;
    let found: Words = [
        "The machine answers, but takes no connection at this port.",
        "Máy trả lời nhưng không nhận kết nối ở cổng này.",
        "该机器有响应，但不接受此端口上的连接。",
    ];
    let remedy: Words = [
        "Nothing listens there: check the port",
        "Không có gì lắng nghe ở đó",
        "那里没有程序在侦听",
    ];
    for (at, lang) in LANGUAGES.iter().enumerate() {
        let args = json!([[server]]);
        let checks = admin
            .call_kw(OUTGOING, "postern_doctor", args, context(lang))
            .await
            .unwrap();
        let checks = checks.as_array().unwrap();
        let failed = checks
            .iter()
            .find(|one| one["check"] == "connection")
            .unwrap();
        assert_eq!(failed["code"], "network.connection_refused");
        assert!(
            failed["message"].as_str().unwrap().contains(found[at]),
            "{failed}"
        );
        assert!(
            failed["remedy"].as_str().unwrap().starts_with(remedy[at]),
            "{failed}"
        );
        let skipped = checks
            .iter()
            .find(|one| one["check"] == "smtp_auth")
            .unwrap();
        let why = ["There is no connection.", "Không có kết nối.", "没有连接。"][at];
        assert_eq!(skipped["message"], why);
    }
    // What works says so, and warns of a certificate that nobody verifies.
    let mailbox = steps::new_account(lab, "languages").await.unwrap();
    let values = json!({
        "name": "Office", "smtp_authentication": "login", "smtp_encryption": "starttls",
        "smtp_host": lab.host, "smtp_port": lab.mail.submission, "smtp_user": mailbox,
        "smtp_pass": lab.password, "from_filter": mailbox,
    });
    let office = admin.create(OUTGOING, values).await.unwrap();
    admin
        .set_param("postern.tls_unverified_servers", &lab.host)
        .await
        .unwrap();
    let words: [Words; 3] = [
        [
            "The connection works",
            "is not verified",
            "Signs in with a user name",
        ],
        [
            "Kết nối hoạt động",
            "không được kiểm tra",
            "Đăng nhập bằng tên người dùng",
        ],
        ["连接正常", "未验证", "使用用户名和密码登录"],
    ];
    for (lang, [works, warning, info]) in LANGUAGES.iter().zip(words) {
        let args = json!([[office]]);
        let told = admin
            .call_kw(OUTGOING, "test_smtp_connection", args, context(lang))
            .await
            .unwrap();
        let told = told["params"]["message"].as_str().unwrap();
        assert!(told.contains(works) && told.contains(warning), "{told}");
        let fields = json!([
            [office],
            ["postern_tls_warning", "smtp_authentication_info"]
        ]);
        let read = admin
            .call_kw(OUTGOING, "read", fields, context(lang))
            .await
            .unwrap();
        assert!(
            read[0]["postern_tls_warning"]
                .as_str()
                .unwrap()
                .contains(warning),
            "{read}"
        );
        assert!(
            read[0]["smtp_authentication_info"]
                .as_str()
                .unwrap()
                .contains(info),
            "{read}"
        );
    }
    admin
        .set_param("postern.tls_unverified_servers", "")
        .await
        .unwrap();
}

async fn names_of_fields(admin: &Rpc) {
    let words: [Words; 3] = [
        [
            "Authenticate with",
            "Outlook OAuth Authentication",
            "Created on",
        ],
        ["Xác thực bằng", "Xác thực OAuth Outlook", "Ngày tạo"],
        ["认证方式", "Outlook OAuth 认证", "创建时间"],
    ];
    for (lang, [label, outlook, created]) in LANGUAGES.iter().zip(words) {
        let fields = json!([["smtp_authentication", "create_date"]]);
        let told = admin
            .call_kw(OUTGOING, "fields_get", fields, context(lang))
            .await
            .unwrap();
        let field = &told["smtp_authentication"];
        assert_eq!(field["string"], label);
        let choices = field["selection"].as_array().unwrap();
        assert!(
            choices.contains(&json!(["outlook", outlook])),
            "{choices:?}"
        );
        assert_eq!(told["create_date"]["string"], created);
    }
}

/// The page after a consent that was refused, in the language of whoever started it, else of the browser.
async fn refused_consent(admin: &Rpc) {
    let path = "/microsoft_outlook/confirm?error=access_denied&error_description=no";
    let page = async |lang: &str| {
        let request = admin.request(reqwest::Method::GET, path);
        let answer = request.header(ACCEPT_LANGUAGE, lang).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let html = page("zh-CN").await;
    assert!(
        html.contains("<html lang=\"zh-CN\">") && html.contains("邮箱未连接"),
        "{html}"
    );
    assert!(
        html.contains("登录时访问被拒绝。") && html.contains("[oauth.access_denied"),
        "{html}"
    );
    let html = page("fr").await;
    assert!(html.contains("The mailbox is not connected"), "{html}");
}

/// What is kept of a failure is told in the language of whoever reads it, and where Odoo keeps a text, of whoever wrote
/// the mail.
async fn stored(admin: &Rpc) {
    let uid = admin.uid();
    admin
        .write("res.users", uid, json!({"lang": VIETNAMESE}))
        .await
        .unwrap();
    let values = json!({"subject": "x", "body_html": "<p>x</p>", "email_from": "joe@example.com"});
    let mail = admin.create("mail.mail", values).await.unwrap();
    admin
        .call("mail.mail", "send", json!([[mail]]))
        .await
        .unwrap();
    let read = admin
        .read("mail.mail", mail, &["state", "failure_reason"])
        .await
        .unwrap();
    let reason = read["failure_reason"].as_str().unwrap();
    assert!(reason.starts_with("Thư không có người nhận."), "{read}");
    admin
        .write("res.users", uid, json!({"lang": "en_US"}))
        .await
        .unwrap();
}

async fn everything(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    refusals(&admin).await;
    refused_consent(&admin).await;
    connections(&lab, &admin).await;
    names_of_fields(&admin).await;
    the_users_own(&postern, &admin).await;
    stored(&admin).await;
    // The log stays English.
    let log = postern.log();
    assert!(
        !log.contains("Không có bản ghi") && !log.contains("没有记录"),
        "{log}"
    );
}

#[tokio::test]
async fn people_are_told_in_their_language_on_sqlite() {
    everything(Database::Sqlite).await;
}

#[tokio::test]
async fn people_are_told_in_their_language_on_postgresql() {
    everything(Database::Postgres).await;
}
