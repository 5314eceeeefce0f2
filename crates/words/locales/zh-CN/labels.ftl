# Labels of fields that no page shows, by the name of the field.
field-access_token = 安全令牌
field-active = 启用
field-attach = 保留附件
field-create_date = 创建时间
field-create_uid = 创建人
field-date = 日期
field-display_name = 显示名称
field-id = ID
field-name = 名称
field-write_date = 最后更新时间
field-write_uid = 最后更新人
