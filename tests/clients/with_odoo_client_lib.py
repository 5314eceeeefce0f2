"""odoo-client-lib, over its three protocols: XML-RPC by the old path, JSON-RPC, and /json/2 with an API key."""

import xmlrpc.client

import odoolib
from odoolib.tools import AuthenticationError, JsonRPCException

from job import DOMAIN, LETTER, NAME, NO_DOMAIN, OTHER_NAME, REFUSED, VALUES, job, refused, same

for protocol, kind in [("xmlrpc", xmlrpc.client.Fault), ("jsonrpc", JsonRPCException)]:

    def connect(password):
        return odoolib.get_connection(
            hostname=job["host"],
            protocol=protocol,
            port=job["port"],
            database=job["db"],
            login=job["login"],
            password=password,
        )

    refused(lambda: connect("wrong").check_login(), AuthenticationError)
    connection = connect(job["password"])
    connection.check_login()
    same(connection.user_id, 2, "uid")
    same(connection.get_user_context()["lang"], "en_US", "context")

    servers = connection.get_model("ir.mail_server")
    server = servers.create(VALUES)
    row = servers.read(server, ["name", "smtp_port"])
    if isinstance(row, list):
        [row] = row
    same((row["name"], row["smtp_port"]), (NAME, 2525), "read")
    same(servers.search(DOMAIN), [server], "search")
    same(servers.search_count(NO_DOMAIN), 0, "search_count")
    same(servers.write([server], {"name": OTHER_NAME}), True, "write")
    same(servers.search_read(DOMAIN, ["name"]), [{"id": server, "name": OTHER_NAME}], "search_read")
    refused(lambda: servers.create(REFUSED), kind)
    same(servers.unlink([server]), True, "unlink")
    same(servers.search(DOMAIN), [], "search after unlink")

    mails = connection.get_model("mail.mail")
    mail = mails.create(LETTER)
    if protocol == "xmlrpc":
        # Nothing comes back, which XML-RPC cannot carry; the work is done all the same.
        refused(lambda: mails.send([mail]), kind, "None")
    else:
        same(mails.send([mail]), False, "what this client makes of nothing")
    [row] = mails.read([mail], ["state", "subject"])
    same((row["state"], row["subject"]), ("sent", LETTER["subject"]), "mail")


def connect(key):
    return odoolib.get_connection(
        hostname=job["host"], protocol="json2", port=job["port"], database=job["db"], password=key
    )


same(connect("0" * 40).check_login(), False, "a wrong key")
connection = connect(job["api_key"])
same(connection.check_login(), True, "the key")
same(connection.get_user_context()["uid"], 2, "uid")
servers = connection.get_model("ir.mail_server")
[server] = servers.create(vals_list=[VALUES])
row = servers.read(ids=[server], fields=["name", "smtp_port"])
same((row["name"], row["smtp_port"]), (NAME, 2525), "read")
same(servers.search(domain=DOMAIN), [server], "search")
same(servers.search_count(domain=NO_DOMAIN), 0, "search_count")
same(servers.write(ids=[server], vals={"name": OTHER_NAME}), True, "write")
same(servers.search_read(domain=DOMAIN, fields=["name"]), [{"id": server, "name": OTHER_NAME}], "search_read")
refused(lambda: servers.create(vals_list=[REFUSED]), ValueError, "STARTTLS")
same(servers.unlink(ids=[server]), True, "unlink")
mails = connection.get_model("mail.mail")
[mail] = mails.create(vals_list=[LETTER])
same(mails.send(ids=[mail]), None, "send")
row = mails.read(ids=[mail], fields=["state", "subject"])
same((row["state"], row["subject"]), ("sent", LETTER["subject"]), "mail")
print("done")
