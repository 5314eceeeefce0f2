# The story of a mail and of its server.
own-server = 配置中的服务器
history = 尝试记录
outcome-sent = 已发送
outcome-later = 将重试
outcome-failed = 失败
outcome-doubt = 不确定
history-next = 下次尝试：{ $time } UTC。
column-last-success = 上次成功
sent-at = 上次通过它发出邮件的时间：{ $time } UTC。
