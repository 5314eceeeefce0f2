# What goes wrong between us and a mail server or a provider, without what to do about it.

transport-account = { $peer }, { $phase }: { $cause }.
transport-challenge = { $cause }; về token, máy chủ cho biết { $challenge }
transport-told = { $account } { $remedy } [{ $code }]
transport-told-explained = { $account } { $what } { $remedy } [{ $code }]
# With the name of the server in front.
transport-of-server = { $server }: { $problem }

transport-phase-resolve = khi phân giải tên máy chủ
transport-phase-connect = khi kết nối
transport-phase-tls = khi bắt tay TLS
transport-phase-greeting = khi chờ lời chào
transport-phase-capability = khi hỏi các tính năng
transport-phase-auth = khi đăng nhập
transport-phase-body = khi chờ máy chủ trả lời về thư
transport-phase-reset = khi đặt lại phiên
transport-phase-quit = khi kết thúc phiên
transport-phase-select = khi mở hộp thư
transport-phase-search = khi tìm trong hộp thư
transport-phase-fetch = khi lấy một thư
transport-phase-store = khi thay đổi một thư
transport-phase-idle = khi chờ thư mới
transport-phase-list = khi liệt kê thư

transport-lookup = không phân giải được tên máy chủ ({ $why })
transport-no-address = tên máy chủ không có địa chỉ nào
transport-connect = không kết nối được ({ $why })
transport-host-name = đây không phải là tên máy chủ, cũng không phải là địa chỉ IP
transport-forbidden-metadata = không bao giờ kết nối đến { $address }: các dịch vụ đám mây giữ thông tin xác thực của máy ở đó
transport-forbidden-private = { $address } thuộc mạng riêng, đã bị đóng bởi --private-networks=false
transport-timed-out = không có trả lời trong { $seconds } giây
transport-timed-out-soon = không có trả lời trong { $milliseconds } ms
transport-closed = máy chủ đã đóng kết nối
transport-io = kết nối bị ngắt ({ $why })
transport-tls = TLS thất bại ({ $why })
transport-starttls-not-offered = máy chủ không hỗ trợ STARTTLS
transport-starttls-injection = máy chủ gửi nhiều hơn lời đồng ý STARTTLS trước khi bắt tay
transport-refused = máy chủ trả lời: { $reply }
transport-bye = máy chủ kết thúc phiên: { $words }
transport-garbled = không hiểu được câu trả lời của máy chủ ({ $what })
transport-no-mechanism = máy chủ không hỗ trợ { $wanted }; máy chủ chỉ có { $offered }
transport-no-mechanism-at-all = máy chủ không hỗ trợ { $wanted }; máy chủ không có cách đăng nhập nào
transport-token-in-clear = token OAuth chỉ được gửi qua TLS, còn kết nối này không có TLS
transport-too-large = thư quá lớn: { $size } byte, giới hạn là { $limit } byte
transport-too-large-somehow = thư quá lớn: giới hạn là { $limit } byte
transport-smtputf8-not-offered = địa chỉ người gửi có ký tự ngoài ASCII trước dấu @, còn máy chủ không hỗ trợ SMTPUTF8
transport-8bitmime-not-offered = thư có nội dung 8 bit, còn máy chủ không hỗ trợ 8BITMIME
transport-unusable = kết nối không còn dùng được
transport-control-in-user = tên người dùng có ký tự xuống dòng hoặc ký tự điều khiển khác
transport-control-in-password = mật khẩu có ký tự xuống dòng hoặc ký tự điều khiển khác
transport-control-in-token = token truy cập có ký tự xuống dòng hoặc ký tự điều khiển khác
transport-control-in-mailbox = tên hộp thư có ký tự điều khiển
transport-password-as-key = không dùng được mật khẩu làm khóa ({ $why })

address-control = địa chỉ { $address } có ký tự xuống dòng hoặc ký tự điều khiển khác
address-separator = địa chỉ { $address } có dấu cách hoặc dấu ngoặc nhọn nằm ngoài dấu nháy
address-form = { $address } không phải là địa chỉ: cần có tên, dấu @ và tên miền
address-domain = tên miền của địa chỉ { $address } không phải là tên máy chủ hợp lệ
address-no-recipient = không có người nhận

tls-pem-client = chứng chỉ máy khách
tls-pem-authorities = danh sách tổ chức chứng thực bổ sung
tls-pem = không đọc được { $what } dưới dạng chứng chỉ PEM ({ $why })
tls-empty = { $what } không có chứng chỉ nào: cần văn bản PEM có BEGIN CERTIFICATE
tls-key = không đọc được khóa riêng tư của chứng chỉ máy khách: cần một khóa PEM không mã hóa
tls-identity = không dùng được chứng chỉ máy khách cùng khóa riêng tư của nó ({ $why })
tls-roots = không có chứng chỉ tin cậy nào: hãy cài gói của hệ thống (ca-certificates) hoặc chỉ định chứng chỉ khác ({ $why })

compose-field-name = { $name } không thể là tên của trường tiêu đề: hãy dùng ký tự ASCII in được, không có dấu cách và dấu hai chấm
compose-duplicate-field = trường tiêu đề { $name } được ghi hai lần: hãy đặt ở chỗ riêng của nó, không phải trong các tiêu đề bổ sung
compose-line-break = { $place } có ký tự xuống dòng hoặc ký tự NUL; hãy viết trên một dòng
compose-too-long = { $place } quá dài đối với tiêu đề thư: tối đa { $limit } byte
compose-message-id = { $place } phải gồm ký tự ASCII không có dấu cách
compose-address = { $address } trong { $place } không phải là địa chỉ email
compose-domain = không dùng được tên miền của { $address } trong { $place }

oauth-endpoint-unreadable = điểm cuối OAuth { $value } không phải là URL đầy đủ; hãy nhập địa chỉ như https://login.microsoftonline.com/common/oauth2/v2.0/
oauth-endpoint-unprotected = điểm cuối OAuth tại { $host } dùng giao thức { $scheme }; hãy dùng https (http thường chỉ được chấp nhận cho chính máy này, vì mã bí mật của máy khách được gửi đến đó)
oauth-endpoint-with-credentials = URL của điểm cuối OAuth tại { $host } không được chứa tên người dùng hay mật khẩu
oauth-redirect-address = địa chỉ chuyển hướng { $value } không phải là URL đầy đủ; hãy đặt web.base.url thành địa chỉ mà người dùng truy cập máy chủ này, ví dụ https://mail.example.com
oauth-client-id-missing = ID máy khách OAuth để trống; hãy nhập ID của đăng ký ứng dụng trong phần cài đặt
oauth-client-certificate = không dùng được chứng chỉ của ứng dụng: { $why }
oauth-certificate-unreadable = khối CERTIFICATE không chứa chứng chỉ X.509
oauth-certificate-endless = ngày hết hạn của nó không phải là ngày
oauth-certificate-no-rsa = khóa riêng tư không phải là khóa RSA dạng PEM, mà Microsoft không nhận loại khác
oauth-certificate-other-key = khóa riêng tư thuộc về một chứng chỉ khác
oauth-certificate-none = không có chứng chỉ nào; cần một khối bắt đầu bằng -----BEGIN CERTIFICATE-----
oauth-certificate-no-key = không có khóa riêng tư đi kèm; cần một khối bắt đầu bằng -----BEGIN PRIVATE KEY-----
oauth-certificate-encrypted-key = khóa riêng tư đã được mã hóa; hãy bỏ mật khẩu của khóa trước (openssl pkey -in key.pem)
oauth-authorities = không đọc được danh sách tổ chức chứng thực bổ sung dưới dạng chứng chỉ PEM
oauth-no-authorities = danh sách tổ chức chứng thực bổ sung không có chứng chỉ nào; cần các khối bắt đầu bằng -----BEGIN CERTIFICATE-----
oauth-http-client = không khởi động được trình khách HTTPS, thường là vì hệ thống không có tổ chức chứng thực nào; hãy cài gói ca-certificates
