# The two lists of servers and their forms.
add-outlook = Add for Outlook
add-gmail = Add for Gmail
add-other = Add another kind
no-outgoing = There is none yet, so no mail can go out.
no-incoming = There is none yet, so no mail comes in.
outgoing-caption = Outgoing mail servers in the order in which they are tried
new-outgoing = New outgoing mail server
new-incoming = New incoming mail server
column-name = Name
column-account = Account
column-server = Server
column-senders = For senders
column-state = State
column-queue = Queue
column-budget = Budget
column-fetched = Last fetched
any-sender = any
archived = Archived
confirmed = Confirmed
not-confirmed = Not Confirmed
state-in-use = In use
certificate-unverified = Certificate not verified
paused-until = left alone until { $time } UTC
no-limit = no limit
budget-minute = { $used } of { $limit } messages this minute
budget-day = { $used } of { $limit } recipients today
budget-connections = { $count ->
    [one] { $count } connection
   *[other] { $count } connections
}
budget-hint = How much may go through this server. 0 means no limit. Outlook has 3 connections, 30 messages a minute and 10,000 recipients a day unless you say otherwise.
save-budget = Save the budget
fetched-at = Last fetched at { $time } UTC.
part-account = Account
part-server = Server
part-use = Use
no-password-outlook = No password is needed: you sign in at Microsoft once this is saved.
no-password-gmail = No password is needed: you sign in at Google once this is saved.
test-connection = Test Connection
test-and-confirm = Test & Confirm
fetch-now = Fetch Now
reset-confirmation = Reset Confirmation
examine = Examine step by step
detect-size = Detect max size
archive = Archive
unarchive = Unarchive

# The account at the provider.
outlook-account = Outlook account
gmail-account = Gmail account
token-valid-outlook = Outlook Token Valid
token-valid-gmail = Gmail Token Valid
connected = Postern may sign in for this account.
connect-outlook = Connect your Outlook account
connect-gmail = Connect your Gmail account
connect-outlook-how = Sign in at Microsoft as the account named below and allow the access. You come back here afterwards.
connect-gmail-how = Sign in at Google as the account named below and allow the access. You come back here afterwards.
connect-again = Connect again
connect-again-hint = Needed only when the access was withdrawn, or for another account.
save-first = Save your changes first: the link leads away from this page.
outlook-unconfigured = Microsoft does not know this installation yet. Enter the client ID and the client secret of the application in the settings first.
gmail-unconfigured = Google does not know this installation yet. Enter the client ID and the client secret of the application in the settings first.
no-consent-address = There is no sign-in address for this record. Check the addresses in the settings.
to-the-settings = Go to the settings

# What the doctor found.
findings = What was found
what-to-do = What to do:
finding-ok = Works
finding-failed = Fails
finding-skipped = Left out

# Who would send this?
who-sends = Who would send this?
who-sends-from = Sender's address
find-out = Find out
nobody-sends = There is no server that could send it.
sender-covered = A server is meant for this address
sender-not-covered = No server is meant for this address
goes-out-under = Goes out under
senders-uncovered = No FROM filter covers { $senders }, and no default sender stands in for them: their mails may be refused. Name these addresses or their domain at a server, or set up the default From.
senders-replaced = No FROM filter covers { $senders }. Their mails go out under { $address }, with the sender's name.
connected-account = Connected account: { $account }
application-itself = The application uses this mailbox by itself, so nobody has to sign in. Test the connection instead.
nobody = Nobody
