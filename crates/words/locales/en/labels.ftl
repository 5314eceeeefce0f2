# Labels of fields that no page shows, by the name of the field.
field-access_token = Security Token
field-active = Active
field-attach = Keep Attachments
field-create_date = Created on
field-create_uid = Created by
field-date = Date
field-display_name = Display Name
field-id = ID
field-name = Name
field-write_date = Last Updated on
field-write_uid = Last Updated by
