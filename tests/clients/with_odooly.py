"""Odooly: by the web client's routes, and by /jsonrpc."""

import odooly

from job import DOMAIN, LETTER, NAME, NO_DOMAIN, OTHER_NAME, REFUSED, VALUES, job, refused, same

for path in ["", "/jsonrpc"]:
    refused(lambda: odooly.Client(job["url"] + path, job["db"], job["login"], "wrong"), odooly.Error)
    client = odooly.Client(job["url"] + path, job["db"], job["login"], job["password"])
    env = client.env
    same((env.uid, env.user.login, env.db_name), (2, job["login"], job["db"]), "user")
    same(client.version_info, 18.0, "version")
    same("ir.mail_server" in env.models("mail"), True, "models")
    same("mail" in env.modules(installed=True)["installed"], True, "modules")

    Server = env["ir.mail_server"]
    server = Server.create(VALUES)
    same((server.name, server.smtp_port, server.active), (NAME, 2525, True), "create")
    same(Server.search(list(DOMAIN)).ids, [server.id], "search")
    same(Server.search_count(list(NO_DOMAIN)), 0, "search_count")
    server.name = OTHER_NAME
    same(Server.read(["smtp_port = 2525", "name ilike geändert"], "name"), [OTHER_NAME], "read by a domain in words")
    same(server.copy({"name": "copy"}).unlink(), True, "copy and unlink")
    error = refused(lambda: Server.create(REFUSED), odooly.ServerError)
    same(error.args[0]["data"]["name"], "odoo.exceptions.UserError", "name of the error")
    same(env.user.has_group("base.group_system"), True, "group")
    same(server.unlink(), True, "unlink")
    same(Server.search(list(DOMAIN)).ids, [], "search after unlink")

    mail = env["mail.mail"].create(LETTER)
    mail.send()
    mail.refresh()
    same((mail.state, mail.subject), ("sent", LETTER["subject"]), "mail")
print("done")
