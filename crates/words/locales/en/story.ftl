# The story of a mail and of its server.
own-server = The server of the configuration
history = Attempts
outcome-sent = Sent
outcome-later = Tried again
outcome-failed = Failed
outcome-doubt = Unknown
history-next = Next attempt at { $time } UTC.
column-last-success = Last success
sent-at = A mail went out by it last at { $time } UTC.
