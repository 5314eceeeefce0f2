# Labels of fields that no page shows, by the name of the field.
field-access_token = Mã bảo mật
field-active = Đang hoạt động
field-attach = Giữ tệp đính kèm
field-create_date = Ngày tạo
field-create_uid = Người tạo
field-date = Ngày
field-display_name = Tên hiển thị
field-id = ID
field-name = Tên
field-write_date = Cập nhật lần cuối vào
field-write_uid = Người cập nhật lần cuối
