# What goes wrong between us and a mail server or a provider, without what to do about it.

transport-account = { $peer }, { $phase }: { $cause }.
transport-challenge = { $cause }; about the token it said { $challenge }
transport-told = { $account } { $remedy } [{ $code }]
transport-told-explained = { $account } { $what } { $remedy } [{ $code }]
# With the name of the server in front.
transport-of-server = { $server }: { $problem }

transport-phase-resolve = looking up the host name
transport-phase-connect = connecting
transport-phase-tls = the TLS handshake
transport-phase-greeting = waiting for the greeting
transport-phase-capability = asking for capabilities
transport-phase-auth = signing in
transport-phase-body = waiting for the verdict on the message
transport-phase-reset = resetting the session
transport-phase-quit = the farewell
transport-phase-select = opening the mailbox
transport-phase-search = searching the mailbox
transport-phase-fetch = fetching a message
transport-phase-store = changing a message
transport-phase-idle = waiting for mail
transport-phase-list = listing the messages

transport-lookup = the host name could not be resolved ({ $why })
transport-no-address = the host name has no address
transport-connect = no connection ({ $why })
transport-host-name = this is neither a host name nor an IP address
transport-forbidden-metadata = { $address } is never connected to: there clouds keep the credentials of their machines
transport-forbidden-private = { $address } is in a private network, which --private-networks=false closes
transport-timed-out = no answer within { $seconds } seconds
transport-timed-out-soon = no answer within { $milliseconds } ms
transport-closed = the server closed the connection
transport-io = the connection broke ({ $why })
transport-tls = TLS failed ({ $why })
transport-starttls-not-offered = the server does not offer STARTTLS
transport-starttls-injection = the server sent more than its consent to STARTTLS before the handshake
transport-refused = the server answered: { $reply }
transport-bye = the server ended the session: { $words }
transport-garbled = the server's answer could not be understood ({ $what })
transport-no-mechanism = the server does not offer { $wanted }; it offers { $offered }
transport-no-mechanism-at-all = the server does not offer { $wanted }; it offers no way to sign in
transport-token-in-clear = an OAuth token is only sent over TLS, and this connection has none
transport-too-large = the message is too large: { $size } bytes, limit { $limit } bytes
transport-too-large-somehow = the message is too large: limit { $limit } bytes
transport-smtputf8-not-offered = the sender address has non-ASCII characters before the @, and the server does not offer SMTPUTF8
transport-8bitmime-not-offered = the message has 8-bit content, and the server does not offer 8BITMIME
transport-unusable = the connection is no longer usable
transport-control-in-user = the user name contains a line break or another control character
transport-control-in-password = the password contains a line break or another control character
transport-control-in-token = the access token contains a line break or another control character
transport-control-in-mailbox = the name of the mailbox contains a control character
transport-password-as-key = the password cannot be used as a key ({ $why })

address-control = the address { $address } contains a line break or another control character
address-separator = the address { $address } contains a space or an angle bracket outside of quotes
address-form = { $address } is not an address: a name, an @ and a domain are expected
address-domain = the domain of the address { $address } is not a valid host name
address-no-recipient = there is no recipient

tls-pem-client = client certificate
tls-pem-authorities = text of extra authorities
tls-pem = the { $what } cannot be read as PEM certificates ({ $why })
tls-empty = the { $what } holds no certificate: a PEM text with BEGIN CERTIFICATE is expected
tls-key = the private key of the client certificate cannot be read: an unencrypted PEM key is expected
tls-identity = the client certificate and its private key cannot be used ({ $why })
tls-roots = no trusted certificates: install the system's (ca-certificates) or name some ({ $why })

compose-field-name = { $name } cannot be the name of a header field: use printable ASCII without blanks and colons
compose-duplicate-field = the header field { $name } is given twice: set it in its own place, not among the additional headers
compose-line-break = { $place } has a line break or a NUL character in it; write it as one line
compose-too-long = { $place } is too long for a mail header: at most { $limit } octets are possible
compose-message-id = { $place } must be ASCII without blanks
compose-address = { $address } in { $place } is not an e-mail address
compose-domain = the domain of { $address } in { $place } cannot be used

oauth-endpoint-unreadable = the OAuth endpoint { $value } is not a complete URL; give one like https://login.microsoftonline.com/common/oauth2/v2.0/
oauth-endpoint-unprotected = the OAuth endpoint on { $host } uses the scheme { $scheme }; use https (plain http is accepted only for this machine itself, because the client secret goes there)
oauth-endpoint-with-credentials = the OAuth endpoint on { $host } must not have a user name or password in its URL
oauth-redirect-address = the redirect address { $value } is not a complete URL; set web.base.url to the address users reach this server at, for example https://mail.example.com
oauth-client-id-missing = the OAuth client id is empty; enter the one of your app registration in the settings
oauth-client-certificate = the application's certificate cannot be used: { $why }
oauth-certificate-unreadable = the block CERTIFICATE holds no X.509 certificate
oauth-certificate-endless = its end is no date
oauth-certificate-no-rsa = the private key is no RSA key in PEM, and Microsoft takes no others
oauth-certificate-other-key = the private key belongs to another certificate
oauth-certificate-none = it holds no certificate; expected a block beginning with -----BEGIN CERTIFICATE-----
oauth-certificate-no-key = there is no private key with it; expected a block beginning with -----BEGIN PRIVATE KEY-----
oauth-certificate-encrypted-key = the private key is encrypted; take its password off first (openssl pkey -in key.pem)
oauth-authorities = the additional certificate authorities are not readable as PEM certificates
oauth-no-authorities = the additional certificate authorities hold no certificate; expected blocks beginning with -----BEGIN CERTIFICATE-----
oauth-http-client = the HTTPS client cannot start, most often because the system has no certificate authorities; install the package ca-certificates
