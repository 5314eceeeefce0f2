# What stands around every page.
skip = Skip to the content
title-error = Error:
nav-main = Main
outgoing-servers = Outgoing Mail Servers
incoming-servers = Incoming Mail Servers
sent-mail = Sent mail
received-mail = Received mail
settings = Settings
my-account = My account
sign-out = Sign out
did-not-work = That did not work.
to-the-field = Go to the field
needed = needed
save = Save
delete = Delete
delete-ask = Delete this for good?
copy = Copy
copied = Copied
all = All
none = None
never = never
search = Search
newer = Newer
older = Older
list-part = Page { $count }
list-parts = Pages of the list
times-in-utc = Times are in UTC.
attempts = Attempts
secret-stored = One is stored; it is never shown. Leave this empty to keep it.
secret-missing = None is stored yet. Once saved it is never shown again.
not-a-number = “{ $label }” must be a number, not “{ $text }”.
no-such-button = This page has no such button.
size-bytes = { $count ->
    [one] { $count } byte
   *[other] { $count } bytes
}
contacts = { $count ->
    [one] { $count } contact
   *[other] { $count } contacts
}

# What was just done.
done-created = The server was added. Now connect or test it below.
done-saved = Saved.
done-tested = Saved, and the connection works: the server would take mail from this account. No mail was sent.
done-confirmed = Saved, and signing in to the mailbox works. New mail is fetched from now on.
done-fetched = The mailbox was looked through. What was new is under “Received mail”.
done-reset = The server is not confirmed any more. Nothing is fetched until you test and confirm it again.
done-archived = Archived: the server is kept, but not used any more.
done-restored = The server is in use again.
done-deleted = Deleted.
done-revoked = The key was revoked. It opens nothing any more.
done-replayed = The mail was taken in.
done-kept = The mail still cannot be taken in. The reason is below.
done-discarded = The mail was discarded.
done-retried = What had failed is in the queue again.
done-measured = The server said how large a mail may be. The size is in the form below.
done-password = Your password was changed. Sign in with the new one.

# Signing in.
sign-in = Sign in
sign-in-first = Sign in first.
login = Login
password = Password
not-signed-in = You are not signed in.

# When a page cannot be shown.
to-the-start = Go to the start page
failure-forbidden = You may not see or do this
failure-missing = This is not here
failure-broken = Something broke on our side
failure-busy = Too busy just now
failure-impossible = This cannot be done
form-forged = The page you came from was open for too long, or you signed in again in the meantime. Nothing was changed. Go back, reload the page and try once more.
form-unreadable = What the form sent cannot be read: { $why }
page-missing = There is no page at { $path }.
page-broken = The page could not be put together. The log of the server tells more.
record-missing = There is no record with the number { $id }.

# One's own account.
language = Language
language-of-pages = Language of the pages
language-unknown = The pages do not speak this language. Choose one from the list.
change-password = Change password
change-password-hint = This ends all your sessions, this one included; afterwards you sign in again.
old-password = Password until now
new-password = New password
confirmed-password = New password once more
own-password = Your password
password-empty = The new password must not be empty.
password-differs = The new password was not typed the same twice.
password-wrong = The password is wrong. Nothing was changed.
api-keys = API Keys
api-key = API key
api-keys-hint = A key stands in for your password when a program calls Postern. Give each program a key of its own, so that you can revoke one without the others.
new-api-key = New API Key
make-key = Make the key
key-ready = The key is ready
key-once = Copy it now: it is shown this once only.
key-use = Programs use it in place of the password.
key-needs-name = Say what the key is for, so that you can tell it from others later.
key-made = made { $date } UTC
key-expires = works until { $date } UTC
revoke = Revoke
my-mailboxes = My mailboxes
my-mailboxes-hint = Mailboxes that an administrator has made yours. Connect each by signing in as its user; nobody needs your password for it.
no-mailboxes = No mailbox is yours yet. An administrator can make one yours: in the form of a mail server, under “Owner”.
mailbox-unready = It cannot be connected yet: the credentials of the application are missing, or nobody has to sign in for it. Ask an administrator.
