"""OdooRPC: a session by JSON-RPC, and records as objects."""

import odoorpc
import odoorpc.error

from job import DOMAIN, LETTER, NAME, NO_DOMAIN, OTHER_NAME, REFUSED, VALUES, job, refused, same

odoo = odoorpc.ODOO(job["host"], port=job["port"])
same(odoo.version, "18.0", "version")
same(odoo.db.list(), [job["db"]], "databases")
refused(lambda: odoo.login(job["db"], job["login"], "wrong"), odoorpc.error.RPCError)
odoo.login(job["db"], job["login"], job["password"])
same(odoo.env.uid, 2, "uid")
same(odoo.env.user.login, job["login"], "login")
same(odoo.env.db, job["db"], "db")

Server = odoo.env["ir.mail_server"]
server = Server.create(VALUES)
record = Server.browse(server)
same((record.name, record.smtp_port, record.smtp_user, record.active), (NAME, 2525, False, True), "browse")
same(Server.search(DOMAIN), [server], "search")
same(Server.search_count(NO_DOMAIN), 0, "search_count")
record.name = OTHER_NAME
same(Server.search_read(DOMAIN, ["name"]), [{"id": server, "name": OTHER_NAME}], "assignment and search_read")
same(Server.write([server], {"sequence": 77}), True, "write")
same(Server.read([server], ["sequence"]), [{"id": server, "sequence": 77}], "read")

error = refused(lambda: Server.create(REFUSED), odoorpc.error.RPCError, "STARTTLS")
same(error.info["data"]["name"], "odoo.exceptions.UserError", "name of the error")
same(Server.unlink([server]), True, "unlink")
same(Server.search(DOMAIN), [], "search after unlink")
error = refused(lambda: Server.search([("no_such_field", "=", 1)]), odoorpc.error.RPCError, "no_such_field")
same(error.info["data"]["name"], "builtins.ValueError", "name of the error")

Mail = odoo.env["mail.mail"]
mail = Mail.create(LETTER)
Mail.send([mail])
row = Mail.browse(mail)
same((row.state, row.subject, row.mail_message_id.message_type), ("sent", LETTER["subject"], "email_outgoing"), "mail")
odoo.logout()
print("done")
