# The story of a mail and of its server.
own-server = Máy chủ trong cấu hình
history = Các lần thử
outcome-sent = Đã gửi
outcome-later = Sẽ thử lại
outcome-failed = Không thành công
outcome-doubt = Chưa rõ
history-next = Lần thử tiếp theo lúc { $time } UTC.
column-last-success = Lần gửi thành công gần nhất
sent-at = Lần gần nhất gửi thư qua máy chủ này: { $time } UTC.
