# The start page, with the steps from an empty installation to mail going out and coming in.
start = Start
where-things-stand = Where things stand
steps-to-go = { $steps } steps lead from an empty installation to mail going out and coming in. You are at step { $step }.
all-is-well = Mail goes out and comes in.
see-why = See why
mails-failed = { $count ->
    [one] { $count } mail could not be delivered.
   *[other] { $count } mails could not be delivered.
}
mails-quarantined = { $count ->
    [one] { $count } received mail could not be taken in.
   *[other] { $count } received mails could not be taken in.
}
figures = Figures
figure-waiting = waiting
figure-sent = sent
figure-failed = failed
figure-received = received
for-users = Servers and settings are for administrators. You may read this:
step-done = Done
step-open = Not yet
step-not-needed = Not needed for accounts with a password
what-to-click = What to click
guide-steps = The steps of the set-up
guide-azure = In the Azure portal
guide-azure-hint = These steps let Postern sign in at Microsoft. Mailboxes with a username and a password do not need them: go on with step 6.
guide-register = Register an application
click-portal = Open the portal and sign in with an account that administers your Microsoft 365, or with a personal Microsoft account.
click-entra = Open “Microsoft Entra ID” (once called Azure Active Directory).
click-registration = Click “Add” at the top, then “App registration”.
click-name = Enter a name that you recognise, such as “Postern”.
click-accounts = Under “Supported account types” choose “Accounts in any organizational directory (Any Microsoft Entra ID directory - Multitenant) and personal Microsoft accounts”.
click-redirect = Under “Redirect URI” choose the platform “Web” and enter this address:
click-redirect-hint = It must be the same to the letter. Other addresses can be added later under “Authentication”.
click-register = Click “Register”.
guide-permissions = Permit reading and sending
click-permissions = Click “API permissions” on the left, then “Add a permission”.
click-graph = Choose “Microsoft Graph” among the Microsoft APIs that are used most, then “Delegated permissions”.
click-delegated = Look for each of these, tick it and click “Add permissions”:
click-user-read = “User.Read” is there already and may stay.
guide-users = Assign users and groups
click-managed = Go back to “Overview”. In the table “Essentials” click the link beside “Managed application in local directory”, the last one on the right.
click-users = Click “Users and groups” on the left, then “Add user/group”.
click-select-users = Under “Users” or “Users and groups” click “None Selected”, choose those whose mailboxes are to be used here, and click “Select”. Personal accounts know users only.
click-assign = Click “Assign”.
guide-credentials = Create credentials
click-client-id = On “Overview” copy the “Application (client) ID” and keep it for step 5.
click-secrets = Click “Certificates & secrets” on the left, then “New client secret”.
click-expiry = Enter a description such as “Postern”, choose the furthest date under “Expires”, and note that date: when the secret expires, a new one is needed. Click “Add”.
click-value = Copy what stands under “Value” at once; it is hidden when you leave the page. The “Secret ID” is not needed.
guide-here = In Postern
step-settings = Tick “Custom Email Servers”, enter the client ID and the client secret, and save.
step-outgoing = Add the mailbox that mail goes out from, connect its account, and test the connection.
step-incoming = Add the mailbox that mail comes in to, connect its account, then test and confirm.
step-send = Write a first mail and see what becomes of it.
step-receive = Answer it from outside; the answer shows up here.
some-not-connected = { $some } of { $all } not connected
some-confirmed = { $some } of { $all } confirmed
some-ready = { $count } ready
some-sent = { $count } sent
some-received = { $count } received
