"""What every client is to do, so that the programs beside this one differ in their client only.

The job comes by standard input as a JSON object: url, host, port, db, login, password, api_key; mailbox (the sender whose
outgoing server is connected), recipient and subject of a mail.
"""

import json
import sys

job = json.load(sys.stdin)

NAME = "Zürich ✉ 日本 <&> \"quoted\" 'x' \\ end"
OTHER_NAME = NAME + " – geändert"
PORT = 2525

VALUES = {"name": NAME, "smtp_host": "mail.example.test", "smtp_port": PORT, "from_filter": "example.test"}

# Port and name must fit, and the record must not be archived.
DOMAIN = [
    "&",
    ("smtp_port", "=", PORT),
    "&",
    "|",
    ("name", "ilike", "zürich ✉"),
    ("name", "=", "nobody has this name"),
    "!",
    ("active", "=", False),
]
NO_DOMAIN = ["&", ("smtp_port", "=", PORT), "!", ("name", "ilike", "日本")]

# Outlook wants STARTTLS, so that this is refused.
REFUSED = {"name": NAME, "smtp_authentication": "outlook", "smtp_encryption": "none", "smtp_user": job["mailbox"]}

LETTER = {
    "subject": job["subject"],
    "email_from": job["mailbox"],
    "email_to": job["recipient"],
    "body_html": "<p>Grüße von einem Programm ✉</p>",
}


def same(found, wanted, what):
    """Ends the program when a client got something else."""
    if found != wanted:
        sys.exit(f"{what}: {found!r} instead of {wanted!r}")


def refused(call, kind, text=""):
    """The exception of `kind` that `call` has to end with, and whose text has to contain `text`."""
    try:
        answer = call()
    except kind as error:
        if text not in f"{error} {getattr(error, 'faultString', '')}":
            sys.exit(f"{text!r} is not in {error!r}")
        return error
    sys.exit(f"a refusal was expected, not {answer!r}")
