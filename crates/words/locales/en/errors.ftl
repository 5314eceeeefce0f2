# What the server says to those who call it, and what it writes down for them.

## What callers are refused.

error-no-user-to-call-as = There is no user with the id { $uid }. login() tells the id of a user.
error-no-such-database = There is no such database here. /web/database/list lists those there are.
error-method-internal = { $name } is internal, like all methods that start with an underscore, and cannot be called from outside.
error-method-for-groups = Only members of { $groups } may call { $method }(). Ask an administrator for the right.
error-key-unknown = The API key is unknown, has expired, or its user was archived.
error-second-factor = This user signs in with a second factor, which is asked for by Odoo only. Use an API key, made in Odoo.
error-database-address = The address of the database must start with "postgres://" or "sqlite://".
error-doctor-no-server = There is no server { $server }. Name one as in ir.mail_server:3 or fetchmail.server:2, or by its name; without a name all are examined.
error-fetch-archived = { $server }: the server is archived, so nothing is fetched from it. Activate it first.
error-fetch-no-handoff = { $server }: nothing is fetched, because mail for records of Odoo's could not be handed on. Make a postern.handoff for this server, with the address of Odoo and an API key.
error-fetch-local = { $server }: a local server has no mailbox to sign in to; mail is handed in by a program on this machine.
error-fetch-renumbered = { $server }: the server has numbered its messages anew; the next run goes on with the new numbers.
error-fetch-busy = { $name }: another process fetches from this mailbox and is not through yet. Try again later.
error-fetch-taken-over = Another process has taken over the mailbox.
error-process-administrators = Only administrators (base.group_system) may say which values or which record a mail gets.
error-mailbox-no-host = { $server }: the mailbox has no server name. Enter one in the form.
error-mailbox-no-port = { $server }: enter the TCP port, usually 993 for IMAP and 995 for POP3 over SSL/TLS.
error-filestore-unknown = The attachment's content is the file { $name } of Odoo's, and Postern was not told where these are: name their folder with --odoo-filestore.
error-filestore-unreadable = The attachment's content is the file { $name } of Odoo's, which cannot be read: { $error }.
error-consent-unneeded = The application uses this mailbox by itself, so nobody has to allow it. Test the connection instead.
error-mailbox-needs-ssl = { $name }: { $label } mailboxes are reached over SSL/TLS only; switch it on.
error-token-no-password = { $name }: { $label } signs in with a token, so the password must stay empty.
error-file-not-base64 = The content of a file must be given as base64 text.
error-file-too-large = The file is larger than 2 GB, which cannot be stored.
error-parameter-secret-short = The parameter { $secret } must be a random text of { $shortest_secret } bytes at least: it signs the sessions.
error-parameter-fixed-name = The parameter { $key } cannot be renamed: the program looks for it by this name.
error-parameter-needed = The parameter { $key } cannot be deleted: the program needs it. Change its value instead.
error-cron-unknown = The job { $id } is none that this server runs. It sends the queue of mails and fetches the mailboxes.
error-server-of-mailings = { $server }: mass mailings go out by this server. Name another one in the parameter { $mass_mailing_server } first, or none.
error-server-needs-starttls = { $name }: { $label } wants the connection encryption "TLS (STARTTLS)".
error-server-needs-user = { $name }: enter the address of the { $label } mailbox as the user name.
error-server-certificate-tls = { $name }: a certificate can only be shown over TLS; choose STARTTLS or SSL/TLS as encryption.
error-server-certificate-both = { $name }: upload both the certificate and its private key.
error-no-address-given = “{ $given }” is no address. Enter one like joe@example.com.
error-declared =
    { $what ->
        [model] A model is
        [field] A field is
        [access] An access right is
       *[rule] A record rule is
    } declared in the program and shown here for information. It can be neither added nor removed.
error-access-external-id = You may not read the record with the external id { $xml_id } ({ $model }).
error-alias-defaults = The default values (alias_defaults) must be a dictionary as Python writes it, like {"{"}'lang': 'en_US'{"}"}.
error-alias-is-bounce = { $address } is the bounce or catchall address of its domain. Choose another name (alias_name).
error-domain-is-alias = { $address } is the address of an alias already, so it cannot be the domain's bounce (bounce_alias) or catchall (catchall_alias) address.
error-domain-invalid = { $name } is no domain. Use letters without accents, digits, dots and hyphens, as in example.com.
error-blacklist-address = { $given } is no email address (email), so it cannot be blacklisted.
error-notification-fixed = Only administrators (base.group_erp_manager) may change { $name } of a notification. Make a new one.
error-handoff-incomplete =
    { $what ->
        [database] { $name }: enter the database of the Odoo that takes the mails.
       *[login] { $name }: enter the login of the Odoo that takes the mails.
    }
error-budget =
    { $what ->
        [connections] { $number } connections make no budget.
        [messages] { $number } messages a minute make no budget.
       *[recipients] { $number } recipients a day make no budget.
    } Enter a number from 1 on, or 0 for no limit.
error-mailbox-not-yours = This is none of your mailboxes. An administrator can make it yours: by its owner, in the server's form.
error-mailbox-off = This mailbox is switched off, or its server signs in without a provider.
error-company-copied = A company cannot be copied. Create a new one.
error-company-parent = The parent company (parent_id) of a company cannot be changed.
error-settings-copied = Settings cannot be copied: there is only one set of them. Create a new form instead.
error-group-loop = The group { $id } would imply itself. Take it out of what it inherits.
error-group-needed = The group { $name } is one the program refers to and cannot be deleted.
error-contact-of-user = The contact belongs to the active user { $login }. Archive the user first.
error-contact-loop = The contact { $id } would be above itself. Choose another related company.
error-contact-needed = The contact belongs to the user { $login } and cannot be deleted. Delete or archive the user first.
error-tag-loop = The tag { $id } would be a part of itself. Choose another parent (parent_id).
error-user-self = You are signed in as this user and cannot archive it. Let another administrator do it.
error-user-company = The company (company_id) of the user { $login } must be one of its companies (company_ids).
error-user-needed = The user { $id } is one the program refers to and cannot be deleted. Archive it instead.
error-groups-of-others = You may only ask about your own groups.
error-password-empty = The new password must not be empty.
error-no-user = There is no user { $uid }; it may have been deleted.
error-user-kinds = The user { $login } would be of two kinds at once. Internal, portal and public exclude each other: keep one of these groups.
error-key-of-others = You may take back your own API keys only. Ask an administrator to take back those of others.
error-key-must-expire = An API key must expire (expiration_date). Choose a duration; only administrators may make keys that never expire.
error-key-too-long = An API key of yours may work for { $days } days at most (expiration_date). Choose a shorter duration, or ask an administrator to raise the limit of your groups.
error-key-internal = Only internal users may make API keys. Ask an administrator for the access rights of an internal user.
error-key-form-gone = The form { $form } for an API key is gone; each makes one key only.
error-key-description = The description (name) of an API key must say what it is for.
error-identity-session = { $method }() asks for the password again, which only works in a web session. Sign in at /web/session/authenticate and call it there.
error-identity-no-session = The identity can only be checked in a web session.
error-identity-password = The password is missing or wrong. Write your password to the form and try again.
error-owner-no-id = postern_owner_id is the id of a user, or false for none.
error-owner-unknown = There is no active user with the id { $id } who could connect the mailbox.
error-expiry-day = The parameter { $key } is { $value }; enter the day on which the client secret expires as year, month and day, such as 2027-01-31.
error-retention-unknown = Nothing is kept by the parameter { $key }. There are: { $names }.
error-retention-days = The parameter { $key } is { $value }; enter a whole number of days up to { $longest }, or 0 to keep all for ever.
error-gmail-by-application = Gmail lets no application use a mailbox by itself. Set the field postern_oauth_grant of the server to "delegated", and connect the mailbox.
error-oauth-incomplete = The { $service } credentials are not complete: enter the client ID and the client secret in the settings first. [{ $code }]
error-oauth-tenant = The parameter microsoft_outlook.tenant is { $tenant }, which is no tenant. Enter the tenant's id or one of its domains as the Entra admin center shows them (Overview), or "organizations", "consumers" or "common".
error-oauth-cloud = The parameter microsoft_outlook.cloud is { $cloud }; it may be "global", "us_government" or "china".
error-oauth-busy = Another process has been renewing the access token of this mailbox for minutes. Try again in a moment.
error-oauth-not-connected = The mailbox is not connected to { $service } yet. Open the server's form, choose "Connect your { $service } account" and sign in as its user. [{ $code }]
error-access-field = You may not { $operation } the field { $field } of { $model }: it is for members of { $groups }.
error-external-id-empty = An external id must not be empty.
error-sum-twice = { $name } is asked for twice in the fields to sum up.
error-sum-unreadable = { $spec } cannot be read. Write what to sum up as a field, "field:function" or "name:function(field)".
error-field-not-base64 = The content of { $field } ({ $model }) is not valid base64 text.
error-export = Only members of the group "Export" (base.group_allow_export) may export records.
error-server-gone = The outgoing mail server of this mail was archived or deleted. Choose another one for it, or none, so that one is found by its sender.
error-no-server = There is no outgoing mail server. Create one, activate one that was archived, or name one in the configuration (smtp_server).
error-server-no-host = { $server }: the SMTP server has no host name. Enter one in the form.
error-port = { $name }: { $port } is no TCP port; ports go from 1 to 65535.
error-test-no-address = There is no address to test with: enter a FROM filter, or an email address for your own user.
error-size-unknown = { $server }: the server does not say how large a mail may be. Enter the limit by hand.
error-session-archived = The user was archived in the meantime.
error-follower-gone = There is no contact { $gone } that could follow; it may have been deleted.
error-unverified-servers = { $parameter }: { $entry } does not name one server. Write HOST or HOST:PORT, as in mail.example.com:465; there are no wildcards.
error-vault-no-keys = { $place } is sealed with the key { $id }, and this Postern has no vault keys: give it the key, or enter the secret anew.
error-vault-unreadable = { $place } cannot be read: { $error }.
error-vault-missing-keys = The database holds secrets sealed with keys that are not among the vault's keys: { $keys }. Give Postern those keys too, after the one that it is to seal with.
error-vault-nothing-to-seal = There are no vault keys to seal with, or this is the database of an Odoo and nobody asked for its secrets to be sealed.
error-no-record-here = There is no record with the number { $id } here. It may have been deleted.
error-not-whole = { $shown } is no whole number, which { $place } must be.
error-parameter-key = The key of a parameter is a text like "web.base.url", not { $given }.
error-pattern = The pattern { $pattern } ends in a backslash, which has nothing left to escape.
error-number-too-large = { $number } is too large for the field { $field } of { $model }, which takes numbers up to { $limit }.
error-no-moment = { $shown } is no moment to compare { $field } with. Write it like 2026-01-31 10:20:30, in UTC.
error-negative-part = { $part } must not be below zero, but is { $number }.
error-negative-search = The { $what } of a search must not be negative.
error-database-value = The database cannot take the value: { $problem }
error-unknown-model = There is no model named { $name }. Models are named like "ir.mail_server".
error-conflict = Another change to the same records was committed first. Please try again.
error-database = The database could not carry out the request. The log of the server tells more.
error-database-full = The database has no room left on its disk, so nothing was changed. Tell an administrator, and try again once there is room.
error-database-out = The database cannot be used at the moment. Please try again in a few seconds.
error-access-model = You may not { $operation } records of "{ $title }" ({ $name }). Members of these groups may: { $groups }.
error-access-nobody = You may not { $operation } records of "{ $title }" ({ $name }). Members of these groups may: none.
error-access-rules = Record rules keep you from the operation "{ $operation }" on "{ $title }" ({ $name }) with the id { $ids }.
error-missing = There is no record { $id } of "{ $title }" ({ $name }); it may have been deleted.
error-field-empty = { $label } ({ $field }) of { $model } must not be empty.
field-named = { $label } ({ $name })
model-named = "{ $title }" ({ $name })
error-create-incomplete = A new record of "{ $title }" ({ $name }) needs a value for: { $fields }.
error-link-gone = The record { $id } of "{ $title }" ({ $name }) cannot be linked: there is none.
error-order = The order { $term } cannot be read. Write fields with an optional direction, like "name desc, id".
error-wrong-password = Wrong login or password.
error-too-many-passwords = Too many wrong passwords came lately. Wait a minute and try again.
error-own-certificate = smtp_ssl_certificate_filename: { $why }.
error-parameter-value = { $key }: { $why }.
error-authorities = The authorities cannot be used: { $why }

## What the database refuses.

constraint-cron-interval = The interval (interval_number) of a job must be 1 or more.
constraint-required = A required value is missing ({ $message }).
constraint-broken-link = Other records refer to this one, or this one refers to a record that does not exist.
constraint-server-certificate = An outgoing server that shows a certificate (smtp_authentication) needs an encryption (smtp_encryption).
constraint-external-id = An external id (name) must not hold spaces.
constraint-rule = A record rule is for reading, writing, creating or deleting (perm_read, perm_write, perm_create, perm_unlink).
constraint-notification = A notification by email or in the inbox (notification_type) needs a recipient (res_partner_id).
constraint-key-duration = The longest time that API keys of a group work (api_key_duration) must not be negative.
constraint-contact-name = A contact needs a name (name), unless it is an address of another type (type).
constraint-inbox = Only internal users get notifications in their inbox (notification_type).
constraint-same-value = There is a record of { $model } with the same value of { $columns } already. Choose another one.
constraint-unknown = The values do not fit together: { $name } does not hold.
constraint-no-such-record = { $field } of { $model } names a record that does not exist. Choose another one.
constraint-still-linked = Records of { $model } refer to this one by { $field }. Change or delete them first.

## The way to a provider and back.

consent-no-refresh-token = { $service } gave no refresh token, so the mailbox would be lost within the hour. Check that the application may request offline access, and connect again.
consent-forbidden = Only administrators (base.group_system) and the owner of a mailbox may connect it.
consent-no-state = The answer carries no readable state. Start again from the server's form.
consent-no-model = The answer names a model that does not exist. Start again from the server's form.
consent-no-record = The answer names a record that cannot be connected to a mailbox.
consent-link = The link was made for another user or record, or it is too old. Start again from the server's form.
consent-unneeded = The application uses this mailbox by itself, so nobody has to allow it. To have a person connect it, set its field postern_oauth_grant to "delegated" first.
oauth-provider-says = { $told } { $provider } says: { $words }
oauth-other-account = The account { $account } was connected, and the user name is { $user }.
oauth-other-account-shared = That is right for a shared mailbox which the account has full access to. Otherwise connect { $user } instead: sign out at the provider first, or use a private window.
confirm-refused = The mailbox is not connected
confirm-providers-words = The provider's own words: { $words }
confirm-back = Back to the mail server
confirm-by-get = Providers send the browser here by GET. Start the sign-in from the mail server's page again.

## Why a mail is not sent.

outbox-stopped = The program stopped while the server was taking this mail, so the server may have accepted it. Look into the sent mails of the mailbox; send it again only if it is not there.
outbox-address-line-break = The address { $text } has a line break in it; write it as one line.
outbox-no-valid-recipient = The mail has no recipient with a valid address. Enter one in "To" or choose contacts that have an email address.
outbox-contact-without-address = The contact { $id } has no email address. Enter one, or take the contact out of the recipients.
outbox-contact-address = { $raw } is no email address. Correct the one of the contact { $id }, or take the contact out of the recipients.
outbox-to-empty = There is no address in "To" (email_to). Enter one.
outbox-to-invalid = There is no valid address in "To" (email_to): { $raw }.
outbox-unwritable = The mail cannot be written as it is: { $error }.
outbox-headers = The additional headers (headers) must be a mapping of names to texts, not { $given }.
outbox-header = The header { $name } must be a text, not { $given }: put it into quotes.
outbox-next-attempt = { $reason } It is tried again by itself (attempt { $attempt }) at { $at } UTC, or when somebody sends it before.
outbox-no-sender = The mail has no sender. Enter one in "From" (email_from), or set a default sender on the email domain.
outbox-sender-line-break = The sender { $written } has a line break in it; write it as one line.
outbox-sender-invalid = { $sender } is no address to send from. Enter a valid one in "From" (email_from), or set a default sender on the email domain.
outbox-given-up = { $reason } It was tried { $attempts } times since { $since } UTC and is given up.
outbox-nobody = The mail has no recipient. Enter an address in "To" (email_to), or choose contacts that have one.

## Secrets in the database.

vault-unknown-key = it is sealed with the key { $id }, which is not among the vault's keys; add that key to them, or enter the secret anew
vault-forged = it is not what was sealed there: it was changed, or copied from another record; enter the secret anew
vault-place = { $table }.{ $column } of record { $record }

## Programs that mail and notices are handed to.

remote-unreachable = { $host } cannot be reached: { $problem }.
remote-busy = { $host } cannot take it now: it answers with HTTP status { $status }.
remote-denied = { $host } refuses the login or the key.
remote-refused = { $host } refuses the mail: { $reason }.
remote-nowhere = { $host } knows no place for the mail: { $reason }.
remote-failed = { $host } failed: { $reason }.
remote-garbled = { $host } answers with something else: { $reason }.
remote-address = The address { $text } cannot be used: { $problem }
remote-address-incomplete = give a complete one, like https://odoo.example.com.
remote-address-credentials = The address must hold no user name and no password; they have fields of their own.
remote-address-no-host = it names no host.
remote-address-unprotected = mail and keys go there, so it must begin with https:// unless it is on this machine.
remote-address-scheme = it must begin with https://.
remote-header = The header { $name } cannot hold { $value }.
remote-forbidden-metadata = { $address } is never connected to: there clouds keep the credentials of their machines.
remote-forbidden-private = { $address } is in a private network, which --private-networks=false closes.

## What an application proves itself by.

credential-secret = client secret of the { $service } application
credential-next-secret = new client secret of the { $service } application
credential-certificate = certificate of the { $service } application
credential-ended = The { $what } ended on { $day }.
credential-ends-today = The { $what } ends today.
credential-ends-tomorrow = The { $what } ends tomorrow, on { $day }.
credential-ends-later = The { $what } ends in { $left } days, on { $day }.

## Mails to administrators.

alert-recovered = The mailbox works again.
alert-works-again = Mail server "{ $name }" works again
alert-needs-attention = Mail server "{ $name }" needs your attention
alert-ends-soon = The { $name } ends soon
alert-has-ended = The { $name } has ended

## What is said of a server.

told-size-noted = The size that the server takes was noted.
told-connection-works = The connection works: the server let us sign in and would take a mail.
told-unverified = The certificate of { $host }:{ $port } is not verified ({ $parameter }): whoever answers there can read and change what is sent.
told-with-warnings = { $done } { $warnings }
info-login = Signs in with a user name and a password. Without a user name it does not sign in at all.
info-certificate = Shows a client certificate instead of signing in with a password.
info-cli = Takes host, port and user from the configuration of the program instead of this form.
info-gmail = Signs in at Google with a token. Connect the account below; the FROM filter should be its address.
info-outlook = Signs in at Microsoft with a token. Connect the account below; the FROM filter should be its address.
info-local = Mail is handed in by a program on this machine; nothing is fetched.
info-fetch-gmail = Fetches from Gmail, signing in with a token. Connect the account below.
info-fetch-outlook = Fetches from Microsoft 365 or outlook.com, signing in with a token. Connect the account below.
pipe-above = The mail server of this machine hands mail in by a pipe into this command:
pipe-below = where FILE holds an API key of the user, and its port is given with --port unless it is 8069.

## Parts.

two-sentences = { $before } { $next }
wire-broken = Something went wrong
wire-bad-request = Bad request
wire-correlation = In the log of the server this is { $correlation }.
back-to-start = Back to the start

## Why a mail is in the quarantine.

quarantine-left = { $why } The message is still in the mailbox.
quarantine-too-large = The message has { $size } bytes; { $limit } are read at most. It is still in the mailbox.
error-internal = { $words }
