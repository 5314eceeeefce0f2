"""Python's own xmlrpc.client, as Odoo's documentation of the external API uses it, and as Odoo's mail gateway does."""

import base64
import email.message
import xmlrpc.client

from job import DOMAIN, LETTER, NAME, NO_DOMAIN, OTHER_NAME, REFUSED, VALUES, job, refused, same

common = xmlrpc.client.ServerProxy(f"{job['url']}/xmlrpc/2/common")
same(common.version()["server_serie"], "18.0", "serie")
same(common.authenticate(job["db"], job["login"], "wrong", {}), False, "a wrong password")
uid = common.authenticate(job["db"], job["login"], job["password"], {})
same(uid, 2, "uid")

models = xmlrpc.client.ServerProxy(f"{job['url']}/xmlrpc/2/object")


def call(model, method, args, kwargs=None):
    return models.execute_kw(job["db"], uid, job["password"], model, method, args, kwargs or {})


same(call("ir.mail_server", "check_access_rights", ["read"], {"raise_exception": False}), True, "rights")
server = call("ir.mail_server", "create", [VALUES])
[row] = call("ir.mail_server", "read", [[server]], {"fields": ["name", "smtp_port", "smtp_user", "active"]})
same((row["name"], row["smtp_port"], row["smtp_user"], row["active"]), (NAME, 2525, False, True), "read")
same(call("ir.mail_server", "search", [DOMAIN]), [server], "search")
same(call("ir.mail_server", "search_count", [NO_DOMAIN]), 0, "search_count")
same(call("ir.mail_server", "write", [[server], {"name": OTHER_NAME}]), True, "write")
same(
    call("ir.mail_server", "search_read", [DOMAIN], {"fields": ["name"], "limit": 5}),
    [{"id": server, "name": OTHER_NAME}],
    "search_read",
)
same(call("ir.mail_server", "fields_get", [], {"attributes": ["type"]})["smtp_port"], {"type": "integer"}, "fields_get")

fault = refused(lambda: call("ir.mail_server", "create", [REFUSED]), xmlrpc.client.Fault, "STARTTLS")
same(fault.faultCode, 2, "code of a UserError")
fault = refused(lambda: call("ir.mail_server", "no_such_method", [[server]]), xmlrpc.client.Fault)
same(fault.faultCode, 1, "code of an error that is nobody's fault")
same(call("ir.mail_server", "unlink", [[server]]), True, "unlink")
same(call("ir.mail_server", "search", [DOMAIN]), [], "search after unlink")

content = bytes(range(256))
attachment = call(
    "ir.attachment", "create", [{"name": "ä.bin", "datas": base64.b64encode(content).decode()}]
)
[row] = call("ir.attachment", "read", [[attachment], ["datas"]])
same(base64.b64decode(row["datas"]), content, "content of the attachment")

mail = call("mail.mail", "create", [{**LETTER, "attachment_ids": [(4, attachment)]}])
# The method gives None, which XML-RPC cannot carry: Odoo answers a fault after its work is done, and so does Postern.
refused(lambda: call("mail.mail", "send", [[mail]]), xmlrpc.client.Fault, "None")
[row] = call("mail.mail", "read", [[mail], ["state", "subject", "failure_reason"]])
same((row["state"], row["subject"], row["failure_reason"]), ("sent", LETTER["subject"], False), "mail")

# A key is as good as the password.
same(common.authenticate(job["db"], job["login"], job["api_key"], {}), 2, "uid by key")
same(models.execute_kw(job["db"], uid, job["api_key"], "res.users", "search_count", [[("id", "=", uid)]]), 1, "by key")

# What a mail server's pipe hands in: the raw message as Binary.
message = email.message.EmailMessage()
message["From"] = "Jürg Ä <juerg@outside.test>"
message["To"] = job["mailbox"]
message["Subject"] = "Anfrage über die Pforte ✓"
message["Message-Id"] = f"<{job['db']}@outside.test>"
message.set_content("Schöne Grüße\n")
message.add_attachment(content, maintype="application", subtype="octet-stream", filename="Größe.bin")
raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
partner = call("mail.thread", "message_process", ["res.partner", xmlrpc.client.Binary(raw)])
[row] = call("res.partner", "read", [[partner], ["name"]])
same(row["name"], str(message["Subject"]), "the record made from the mail")
[row] = call(
    "mail.message",
    "search_read",
    [[("message_id", "=", str(message["Message-Id"]))], ["model", "res_id", "attachment_ids", "email_from"]],
)
same((row["model"], row["res_id"]), ("res.partner", partner), "where the mail was posted")
same("juerg@outside.test" in row["email_from"], True, "its sender")
[row] = call("ir.attachment", "read", [row["attachment_ids"], ["name", "datas"]])
same((row["name"], base64.b64decode(row["datas"])), ("Größe.bin", content), "its attachment")
same(call("mail.thread", "message_process", ["res.partner", xmlrpc.client.Binary(raw)]), False, "the same mail again")
print("done")
