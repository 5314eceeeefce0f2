# What the server says to those who call it, and what it writes down for them.

## What callers are refused.

error-no-user-to-call-as = Không có người dùng với id { $uid }. login() cho biết id của một người dùng.
error-no-such-database = Ở đây không có cơ sở dữ liệu đó. /web/database/list liệt kê các cơ sở dữ liệu hiện có.
error-method-internal = { $name } là phương thức nội bộ, như mọi phương thức bắt đầu bằng dấu gạch dưới, và không thể gọi từ bên ngoài.
error-method-for-groups = Chỉ thành viên của { $groups } được gọi { $method }(). Hãy xin quản trị viên cấp quyền.
error-key-unknown = Khóa API không tồn tại, đã hết hạn, hoặc người dùng của khóa đã bị lưu trữ.
error-second-factor = Người dùng này đăng nhập với yếu tố xác thực thứ hai, chỉ Odoo mới hỏi. Hãy dùng khóa API được tạo trong Odoo.
error-database-address = Địa chỉ cơ sở dữ liệu phải bắt đầu bằng "postgres://" hoặc "sqlite://".
error-doctor-no-server = Không có máy chủ { $server }. Hãy ghi như ir.mail_server:3 hoặc fetchmail.server:2, hoặc ghi tên máy chủ; nếu không ghi, tất cả máy chủ được kiểm tra.
error-fetch-archived = { $server }: máy chủ đã được lưu trữ nên không lấy thư về. Hãy kích hoạt lại trước.
error-fetch-no-handoff = { $server }: không lấy thư về, vì không thể chuyển tiếp thư cho các bản ghi của Odoo. Hãy tạo một postern.handoff cho máy chủ này, với địa chỉ của Odoo và một khóa API.
error-fetch-local = { $server }: máy chủ cục bộ không có hộp thư để đăng nhập; thư do một chương trình trên máy này đưa vào.
error-fetch-renumbered = { $server }: máy chủ đã đánh số lại các thư; lần chạy sau sẽ tiếp tục với số mới.
error-fetch-busy = { $name }: một tiến trình khác đang lấy thư từ hộp thư này và chưa xong. Hãy thử lại sau.
error-fetch-taken-over = Một tiến trình khác đã tiếp quản hộp thư.
error-process-administrators = Chỉ quản trị viên (base.group_system) được chỉ định giá trị hoặc bản ghi cho một thư.
error-mailbox-no-host = { $server }: hộp thư chưa có tên máy chủ. Hãy nhập tên máy chủ trong biểu mẫu.
error-mailbox-no-port = { $server }: hãy nhập cổng TCP, thường là 993 cho IMAP và 995 cho POP3 qua SSL/TLS.
error-filestore-unknown = Nội dung của tệp đính kèm là tệp { $name } của Odoo, nhưng Postern chưa được cho biết các tệp này ở đâu: hãy chỉ định thư mục bằng --odoo-filestore.
error-filestore-unreadable = Nội dung của tệp đính kèm là tệp { $name } của Odoo, và không đọc được tệp này: { $error }.
error-consent-unneeded = Ứng dụng tự sử dụng hộp thư này nên không ai cần cho phép. Thay vào đó, hãy kiểm tra kết nối.
error-mailbox-needs-ssl = { $name }: hộp thư { $label } chỉ truy cập được qua SSL/TLS; hãy bật SSL/TLS.
error-token-no-password = { $name }: { $label } đăng nhập bằng token nên mật khẩu phải để trống.
error-file-not-base64 = Nội dung của tệp phải là văn bản base64.
error-file-too-large = Tệp lớn hơn 2 GB nên không thể lưu.
error-parameter-secret-short = Tham số { $secret } phải là một chuỗi ngẫu nhiên dài ít nhất { $shortest_secret } byte: tham số này dùng để ký các phiên.
error-parameter-fixed-name = Không thể đổi tên tham số { $key }: chương trình tìm tham số theo tên này.
error-parameter-needed = Không thể xóa tham số { $key }: chương trình cần tham số này. Hãy thay đổi giá trị của nó.
error-cron-unknown = Máy chủ này không chạy công việc { $id }. Máy chủ gửi hàng đợi thư và lấy thư từ các hộp thư.
error-server-of-mailings = { $server }: thư gửi hàng loạt đi qua máy chủ này. Trước hết hãy ghi máy chủ khác, hoặc để trống, trong tham số { $mass_mailing_server }.
error-server-needs-starttls = { $name }: { $label } yêu cầu mã hóa kết nối "TLS (STARTTLS)".
error-server-needs-user = { $name }: hãy nhập địa chỉ hộp thư { $label } làm tên người dùng.
error-server-certificate-tls = { $name }: chỉ có thể trình chứng chỉ qua TLS; hãy chọn mã hóa STARTTLS hoặc SSL/TLS.
error-server-certificate-both = { $name }: hãy tải lên cả chứng chỉ và khóa riêng tư của nó.
error-no-address-given = “{ $given }” không phải là địa chỉ. Hãy nhập một địa chỉ như joe@example.com.
error-declared =
    { $what ->
        [model] Mô hình
        [field] Trường
        [access] Quyền truy cập
       *[rule] Quy tắc bản ghi
    } được khai báo trong chương trình và hiển thị ở đây để tham khảo. Không thể thêm hoặc xóa.
error-access-external-id = Bạn không được đọc bản ghi có ID bên ngoài { $xml_id } ({ $model }).
error-alias-defaults = Giá trị mặc định (alias_defaults) phải là một từ điển theo cách viết của Python, như {"{"}'lang': 'en_US'{"}"}.
error-alias-is-bounce = { $address } là địa chỉ thư trả lại hoặc địa chỉ nhận tất cả của tên miền. Hãy chọn tên khác (alias_name).
error-domain-is-alias = { $address } đã là địa chỉ của một bí danh nên không thể là địa chỉ thư trả lại (bounce_alias) hay địa chỉ nhận tất cả (catchall_alias) của tên miền.
error-domain-invalid = { $name } không phải là tên miền. Hãy dùng chữ cái không dấu, chữ số, dấu chấm và dấu gạch nối, như example.com.
error-blacklist-address = { $given } không phải là địa chỉ email (email) nên không thể đưa vào danh sách chặn.
error-notification-fixed = Chỉ quản trị viên (base.group_erp_manager) được thay đổi { $name } của một thông báo. Hãy tạo thông báo mới.
error-handoff-incomplete =
    { $what ->
        [database] { $name }: hãy nhập cơ sở dữ liệu của Odoo nhận thư.
       *[login] { $name }: hãy nhập tên đăng nhập của Odoo nhận thư.
    }
error-budget =
    { $what ->
        [connections] { $number } kết nối không phải là hạn mức.
        [messages] { $number } thư mỗi phút không phải là hạn mức.
       *[recipients] { $number } người nhận mỗi ngày không phải là hạn mức.
    } Hãy nhập số từ 1 trở lên, hoặc 0 để không giới hạn.
error-mailbox-not-yours = Đây không phải là hộp thư của bạn. Quản trị viên có thể giao cho bạn bằng mục chủ sở hữu trong biểu mẫu của máy chủ.
error-mailbox-off = Hộp thư này đã tắt, hoặc máy chủ của nó đăng nhập không qua nhà cung cấp.
error-company-copied = Không thể sao chép công ty. Hãy tạo công ty mới.
error-company-parent = Không thể thay đổi công ty mẹ (parent_id) của một công ty.
error-settings-copied = Không thể sao chép phần cài đặt: chỉ có một bộ cài đặt. Hãy tạo biểu mẫu mới.
error-group-loop = Nhóm { $id } sẽ bao hàm chính nó. Hãy bỏ nhóm này khỏi các nhóm được kế thừa.
error-group-needed = Chương trình cần nhóm { $name } nên không thể xóa nhóm này.
error-contact-of-user = Liên hệ này thuộc về người dùng đang hoạt động { $login }. Hãy lưu trữ người dùng trước.
error-contact-loop = Liên hệ { $id } sẽ ở trên chính nó. Hãy chọn công ty liên quan khác.
error-contact-needed = Liên hệ này thuộc về người dùng { $login } nên không thể xóa. Hãy xóa hoặc lưu trữ người dùng trước.
error-tag-loop = Thẻ { $id } sẽ là một phần của chính nó. Hãy chọn thẻ cha khác (parent_id).
error-user-self = Bạn đang đăng nhập bằng người dùng này nên không thể lưu trữ. Hãy nhờ một quản trị viên khác.
error-user-company = Công ty (company_id) của người dùng { $login } phải là một trong các công ty của người dùng đó (company_ids).
error-user-needed = Chương trình cần người dùng { $id } nên không thể xóa. Thay vào đó, hãy lưu trữ.
error-groups-of-others = Bạn chỉ được hỏi về các nhóm của chính mình.
error-password-empty = Mật khẩu mới không được để trống.
error-no-user = Không có người dùng { $uid }; có thể người dùng này đã bị xóa.
error-user-kinds = Người dùng { $login } sẽ thuộc hai loại cùng lúc. Nội bộ, cổng thông tin và công khai loại trừ nhau: chỉ giữ một trong các nhóm này.
error-key-of-others = Bạn chỉ có thể thu hồi khóa API của chính mình. Hãy nhờ quản trị viên thu hồi khóa của người khác.
error-key-must-expire = Khóa API phải có thời hạn (expiration_date). Hãy chọn thời hạn; chỉ quản trị viên được tạo khóa không hết hạn.
error-key-too-long = Khóa API của bạn chỉ có hiệu lực tối đa { $days } ngày (expiration_date). Hãy chọn thời hạn ngắn hơn, hoặc nhờ quản trị viên nâng giới hạn cho các nhóm của bạn.
error-key-internal = Chỉ người dùng nội bộ được tạo khóa API. Hãy xin quản trị viên cấp quyền người dùng nội bộ.
error-key-form-gone = Biểu mẫu { $form } để tạo khóa API không còn nữa; mỗi biểu mẫu chỉ tạo một khóa.
error-key-description = Mô tả (name) của khóa API phải cho biết khóa dùng để làm gì.
error-identity-session = { $method }() hỏi lại mật khẩu, điều này chỉ làm được trong phiên web. Hãy đăng nhập tại /web/session/authenticate và gọi ở đó.
error-identity-no-session = Chỉ có thể xác minh danh tính trong phiên web.
error-identity-password = Mật khẩu bị thiếu hoặc không đúng. Hãy ghi mật khẩu của bạn vào biểu mẫu rồi thử lại.
error-owner-no-id = postern_owner_id là id của một người dùng, hoặc false nếu không có ai.
error-owner-unknown = Không có người dùng đang hoạt động nào với id { $id } để kết nối hộp thư.
error-expiry-day = Tham số { $key } là { $value }; hãy nhập ngày mã bí mật của máy khách hết hạn theo thứ tự năm, tháng, ngày, ví dụ 2027-01-31.
error-retention-unknown = Không có gì được lưu giữ theo tham số { $key }. Có các tham số: { $names }.
error-retention-days = Tham số { $key } là { $value }; hãy nhập một số ngày nguyên tối đa { $longest }, hoặc 0 để giữ mãi mãi.
error-gmail-by-application = Gmail không cho ứng dụng nào tự sử dụng hộp thư. Hãy đặt trường postern_oauth_grant của máy chủ thành "delegated" và kết nối hộp thư.
error-oauth-incomplete = Thông tin xác thực { $service } chưa đầy đủ: trước hết hãy nhập ID máy khách và mã bí mật của máy khách trong phần cài đặt. [{ $code }]
error-oauth-tenant = Tham số microsoft_outlook.tenant là { $tenant }, không phải là đối tượng thuê. Hãy nhập ID của đối tượng thuê hoặc một tên miền của nó như trong trung tâm quản trị Entra (Overview), hoặc "organizations", "consumers" hay "common".
error-oauth-cloud = Tham số microsoft_outlook.cloud là { $cloud }; giá trị có thể là "global", "us_government" hoặc "china".
error-oauth-busy = Một tiến trình khác đang gia hạn token truy cập của hộp thư này, và việc đó đã kéo dài nhiều phút. Hãy thử lại sau giây lát.
error-oauth-not-connected = Hộp thư chưa được kết nối với { $service }. Hãy mở biểu mẫu của máy chủ, chọn "Kết nối tài khoản { $service } của bạn" và đăng nhập bằng tài khoản của hộp thư. [{ $code }]
error-access-field = Bạn không được { $operation ->
        [read] đọc
        [write] sửa
        [create] tạo
       *[unlink] xóa
    } trường { $field } của { $model }: trường này dành cho thành viên của { $groups }.
error-external-id-empty = ID bên ngoài không được để trống.
error-sum-twice = { $name } được yêu cầu hai lần trong các trường cần tổng hợp.
error-sum-unreadable = Không đọc được { $spec }. Hãy ghi giá trị cần tổng hợp dưới dạng trường, "field:function" hoặc "name:function(field)".
error-field-not-base64 = Nội dung của { $field } ({ $model }) không phải là văn bản base64 hợp lệ.
error-export = Chỉ thành viên của nhóm "Xuất" (base.group_allow_export) được xuất bản ghi.
error-server-gone = Máy chủ thư đi của thư này đã bị lưu trữ hoặc xóa. Hãy chọn máy chủ khác cho thư, hoặc để trống để máy chủ được tìm theo người gửi.
error-no-server = Không có máy chủ thư đi nào. Hãy tạo máy chủ, kích hoạt lại máy chủ đã lưu trữ, hoặc ghi một máy chủ trong cấu hình (smtp_server).
error-server-no-host = { $server }: máy chủ SMTP chưa có tên máy chủ. Hãy nhập tên trong biểu mẫu.
error-port = { $name }: { $port } không phải là cổng TCP; cổng có giá trị từ 1 đến 65535.
error-test-no-address = Không có địa chỉ để kiểm tra: hãy nhập bộ lọc FROM, hoặc địa chỉ email cho người dùng của bạn.
error-size-unknown = { $server }: máy chủ không cho biết thư được lớn đến đâu. Hãy tự nhập giới hạn.
error-session-archived = Trong lúc đó người dùng đã bị lưu trữ.
error-follower-gone = Không có liên hệ { $gone } để theo dõi; có thể liên hệ này đã bị xóa.
error-unverified-servers = { $parameter }: { $entry } không chỉ rõ một máy chủ. Hãy ghi HOST hoặc HOST:PORT, như mail.example.com:465; không dùng ký tự đại diện.
error-vault-no-keys = { $place } được niêm phong bằng khóa { $id }, mà Postern này không có khóa nào: hãy đưa khóa đó cho Postern, hoặc nhập lại bí mật.
error-vault-unreadable = Không đọc được { $place }: { $error }.
error-vault-missing-keys = Cơ sở dữ liệu có các bí mật được niêm phong bằng khóa không nằm trong kho khóa: { $keys }. Hãy đưa cả những khóa đó cho Postern, sau khóa dùng để niêm phong.
error-vault-nothing-to-seal = Không có khóa nào để niêm phong, hoặc đây là cơ sở dữ liệu của một Odoo và không ai yêu cầu niêm phong các bí mật của nó.
error-no-record-here = Ở đây không có bản ghi số { $id }. Có thể bản ghi đã bị xóa.
error-not-whole = { $shown } không phải là số nguyên, mà { $place } phải là số nguyên.
error-parameter-key = Khóa của tham số là một chuỗi như "web.base.url", không phải { $given }.
error-pattern = Mẫu { $pattern } kết thúc bằng dấu gạch chéo ngược, sau đó không còn gì để thoát.
error-number-too-large = { $number } quá lớn đối với trường { $field } của { $model }, trường này nhận số đến { $limit }.
error-no-moment = { $shown } không phải là thời điểm để so sánh với { $field }. Hãy viết như 2026-01-31 10:20:30, theo giờ UTC.
error-negative-part = { $part } không được nhỏ hơn 0, nhưng lại là { $number }.
error-negative-search = { $what } của phép tìm kiếm không được âm.
error-unknown-model = Không có mô hình nào tên { $name }. Mô hình có tên như "ir.mail_server".
error-conflict = Một thay đổi khác trên cùng các bản ghi đã được lưu trước. Vui lòng thử lại.
error-database = Cơ sở dữ liệu không thực hiện được yêu cầu. Nhật ký của máy chủ cho biết thêm.
error-database-full = Ổ đĩa của cơ sở dữ liệu đã hết chỗ, nên không có gì được thay đổi. Hãy báo cho quản trị viên và thử lại khi đã có chỗ trống.
error-database-out = Hiện không thể sử dụng cơ sở dữ liệu. Vui lòng thử lại sau vài giây.
error-access-model = Bạn không được { $operation ->
        [read] đọc
        [write] sửa
        [create] tạo
       *[unlink] xóa
    } bản ghi của "{ $title }" ({ $name }). Thành viên các nhóm sau được phép: { $groups }.
error-access-nobody = Bạn không được { $operation ->
        [read] đọc
        [write] sửa
        [create] tạo
       *[unlink] xóa
    } bản ghi của "{ $title }" ({ $name }). Không nhóm nào được phép.
error-access-rules = Quy tắc bản ghi không cho bạn { $operation ->
        [read] đọc
        [write] sửa
        [create] tạo
       *[unlink] xóa
    } "{ $title }" ({ $name }) với id { $ids }.
error-missing = Không có bản ghi { $id } của "{ $title }" ({ $name }); có thể bản ghi đã bị xóa.
error-field-empty = { $label } ({ $field }) của { $model } không được để trống.
field-named = { $label } ({ $name })
model-named = "{ $title }" ({ $name })
error-create-incomplete = Bản ghi mới của "{ $title }" ({ $name }) cần có giá trị cho: { $fields }.
error-link-gone = Không thể liên kết bản ghi { $id } của "{ $title }" ({ $name }): bản ghi không tồn tại.
error-order = Không đọc được thứ tự { $term }. Hãy ghi các trường kèm hướng sắp xếp nếu cần, như "name desc, id".
error-wrong-password = Tên đăng nhập hoặc mật khẩu không đúng.
error-too-many-passwords = Gần đây có quá nhiều lần nhập sai mật khẩu. Hãy chờ một phút rồi thử lại.
error-own-certificate = smtp_ssl_certificate_filename: { $why }.
error-parameter-value = { $key }: { $why }.
error-authorities = Không dùng được danh sách tổ chức chứng thực: { $why }

## What the database refuses.

constraint-cron-interval = Khoảng thời gian (interval_number) của một công việc phải từ 1 trở lên.
constraint-required = Thiếu một giá trị bắt buộc ({ $message }).
constraint-broken-link = Có bản ghi khác tham chiếu đến bản ghi này, hoặc bản ghi này tham chiếu đến một bản ghi không tồn tại.
constraint-server-certificate = Máy chủ thư đi trình chứng chỉ (smtp_authentication) cần có mã hóa (smtp_encryption).
constraint-external-id = ID bên ngoài (name) không được chứa dấu cách.
constraint-rule = Quy tắc bản ghi phải áp dụng cho việc đọc, sửa, tạo hoặc xóa (perm_read, perm_write, perm_create, perm_unlink).
constraint-notification = Thông báo qua email hoặc trong hộp thông báo (notification_type) cần có người nhận (res_partner_id).
constraint-key-duration = Thời hạn dài nhất của khóa API trong một nhóm (api_key_duration) không được âm.
constraint-contact-name = Liên hệ cần có tên (name), trừ khi đó là địa chỉ thuộc loại khác (type).
constraint-inbox = Chỉ người dùng nội bộ nhận thông báo trong hộp thông báo (notification_type).
constraint-same-value = Đã có bản ghi của { $model } với cùng giá trị { $columns }. Hãy chọn giá trị khác.
constraint-unknown = Các giá trị không phù hợp với nhau: ràng buộc { $name } không thỏa.
constraint-no-such-record = { $field } của { $model } chỉ đến một bản ghi không tồn tại. Hãy chọn bản ghi khác.
constraint-still-linked = Có bản ghi của { $model } tham chiếu đến bản ghi này qua { $field }. Hãy thay đổi hoặc xóa chúng trước.
error-database-value = Cơ sở dữ liệu không nhận giá trị này: { $problem }

## The way to a provider and back.

consent-no-refresh-token = { $service } không cấp token làm mới, nên chỉ trong vòng một giờ hộp thư sẽ mất kết nối. Hãy kiểm tra xem ứng dụng có được yêu cầu quyền truy cập ngoại tuyến hay không, rồi kết nối lại.
consent-forbidden = Chỉ quản trị viên (base.group_system) và chủ sở hữu của hộp thư được kết nối hộp thư đó.
consent-no-state = Câu trả lời không kèm trạng thái đọc được. Hãy bắt đầu lại từ biểu mẫu của máy chủ.
consent-no-model = Câu trả lời chỉ đến một mô hình không tồn tại. Hãy bắt đầu lại từ biểu mẫu của máy chủ.
consent-no-record = Câu trả lời chỉ đến một bản ghi không thể kết nối với hộp thư.
consent-link = Liên kết được tạo cho người dùng hoặc bản ghi khác, hoặc đã quá cũ. Hãy bắt đầu lại từ biểu mẫu của máy chủ.
consent-unneeded = Ứng dụng tự sử dụng hộp thư này nên không ai cần cho phép. Để một người kết nối hộp thư, trước hết hãy đặt trường postern_oauth_grant thành "delegated".
oauth-provider-says = { $told } { $provider } cho biết: { $words }
oauth-other-account = Tài khoản { $account } đã được kết nối, còn tên người dùng là { $user }.
oauth-other-account-shared = Điều này đúng với hộp thư dùng chung mà tài khoản có toàn quyền truy cập. Nếu không, hãy kết nối { $user }: trước hết đăng xuất khỏi nhà cung cấp, hoặc dùng cửa sổ riêng tư.
confirm-refused = Hộp thư chưa được kết nối
confirm-providers-words = Nguyên văn của nhà cung cấp: { $words }
confirm-back = Trở lại máy chủ thư
confirm-by-get = Nhà cung cấp chuyển trình duyệt đến đây bằng GET. Hãy bắt đầu đăng nhập lại từ trang của máy chủ thư.

## Why a mail is not sent.

outbox-stopped = Chương trình dừng lại trong lúc máy chủ đang nhận thư này, nên có thể máy chủ đã nhận thư. Hãy xem trong thư đã gửi của hộp thư; chỉ gửi lại nếu không có thư ở đó.
outbox-address-line-break = Địa chỉ { $text } có ký tự xuống dòng; hãy viết trên một dòng.
outbox-no-valid-recipient = Thư không có người nhận nào có địa chỉ hợp lệ. Hãy nhập địa chỉ vào "Đến" hoặc chọn liên hệ có địa chỉ email.
outbox-contact-without-address = Liên hệ { $id } không có địa chỉ email. Hãy nhập địa chỉ, hoặc bỏ liên hệ khỏi danh sách người nhận.
outbox-contact-address = { $raw } không phải là địa chỉ email. Hãy sửa địa chỉ của liên hệ { $id }, hoặc bỏ liên hệ khỏi danh sách người nhận.
outbox-to-empty = Không có địa chỉ nào trong "Đến" (email_to). Hãy nhập địa chỉ.
outbox-to-invalid = Không có địa chỉ hợp lệ nào trong "Đến" (email_to): { $raw }.
outbox-unwritable = Không thể viết thư như hiện tại: { $error }.
outbox-headers = Các tiêu đề bổ sung (headers) phải ghép tên với văn bản, không phải { $given }.
outbox-header = Tiêu đề { $name } phải là văn bản, không phải { $given }: hãy đặt trong dấu nháy.
outbox-next-attempt = { $reason } Thư sẽ tự động được thử lại (lần thử { $attempt }) vào lúc { $at } UTC, hoặc khi có người gửi trước đó.
outbox-no-sender = Thư không có người gửi. Hãy nhập người gửi vào "Từ" (email_from), hoặc đặt người gửi mặc định cho tên miền email.
outbox-sender-line-break = Người gửi { $written } có ký tự xuống dòng; hãy viết trên một dòng.
outbox-sender-invalid = { $sender } không phải là địa chỉ để gửi thư. Hãy nhập địa chỉ hợp lệ vào "Từ" (email_from), hoặc đặt người gửi mặc định cho tên miền email.
outbox-given-up = { $reason } Thư đã được thử { $attempts } lần kể từ { $since } UTC và không được thử nữa.
outbox-nobody = Thư không có người nhận. Hãy nhập địa chỉ vào "Đến" (email_to), hoặc chọn liên hệ có địa chỉ.

## Secrets in the database.

vault-unknown-key = giá trị được niêm phong bằng khóa { $id }, không có trong kho khóa; hãy thêm khóa đó, hoặc nhập lại bí mật
vault-forged = đây không phải là giá trị đã được niêm phong ở đó: nó đã bị thay đổi, hoặc được chép từ bản ghi khác; hãy nhập lại bí mật
vault-place = { $table }.{ $column } của bản ghi { $record }

## Programs that mail and notices are handed to.

remote-unreachable = Không truy cập được { $host }: { $problem }.
remote-busy = { $host } hiện không nhận được: máy chủ trả lời với trạng thái HTTP { $status }.
remote-denied = { $host } từ chối tên đăng nhập hoặc khóa.
remote-refused = { $host } từ chối thư: { $reason }.
remote-nowhere = { $host } không có chỗ cho thư: { $reason }.
remote-failed = { $host } gặp lỗi: { $reason }.
remote-garbled = { $host } trả lời không đúng: { $reason }.
remote-address = Không dùng được địa chỉ { $text }: { $problem }
remote-address-incomplete = hãy nhập địa chỉ đầy đủ, như https://odoo.example.com.
remote-address-credentials = Địa chỉ không được chứa tên người dùng và mật khẩu; chúng có trường riêng.
remote-address-no-host = địa chỉ không có tên máy chủ.
remote-address-unprotected = thư và khóa được gửi đến đó, nên địa chỉ phải bắt đầu bằng https:// trừ khi ở chính máy này.
remote-address-scheme = địa chỉ phải bắt đầu bằng https://.
remote-header = Tiêu đề { $name } không thể chứa { $value }.
remote-forbidden-metadata = Không bao giờ kết nối đến { $address }: các dịch vụ đám mây giữ thông tin xác thực của máy ở đó.
remote-forbidden-private = { $address } thuộc mạng riêng, đã bị đóng bởi --private-networks=false.

## What an application proves itself by.

credential-secret = mã bí mật của máy khách của ứng dụng { $service }
credential-next-secret = mã bí mật mới của máy khách của ứng dụng { $service }
credential-certificate = chứng chỉ của ứng dụng { $service }
credential-ended = Thời hạn của { $what } đã kết thúc ngày { $day }.
credential-ends-today = Thời hạn của { $what } kết thúc hôm nay.
credential-ends-tomorrow = Thời hạn của { $what } kết thúc ngày mai, { $day }.
credential-ends-later = Thời hạn của { $what } kết thúc sau { $left } ngày nữa, vào { $day }.

## Mails to administrators.

alert-recovered = Hộp thư hoạt động trở lại.
alert-works-again = Máy chủ thư "{ $name }" hoạt động trở lại
alert-needs-attention = Máy chủ thư "{ $name }" cần bạn xử lý
alert-ends-soon = Sắp hết hạn: { $name }
alert-has-ended = Đã hết hạn: { $name }

## What is said of a server.

info-login = Đăng nhập bằng tên người dùng và mật khẩu. Nếu không có tên người dùng thì không đăng nhập.
info-certificate = Trình chứng chỉ máy khách thay cho đăng nhập bằng mật khẩu.
info-cli = Lấy máy chủ, cổng và người dùng từ cấu hình của chương trình thay cho biểu mẫu này.
info-gmail = Đăng nhập tại Google bằng token. Hãy kết nối tài khoản bên dưới; bộ lọc FROM nên là địa chỉ của tài khoản.
info-outlook = Đăng nhập tại Microsoft bằng token. Hãy kết nối tài khoản bên dưới; bộ lọc FROM nên là địa chỉ của tài khoản.
info-local = Thư do một chương trình trên máy này đưa vào; không lấy thư từ đâu cả.
info-fetch-gmail = Lấy thư từ Gmail, đăng nhập bằng token. Hãy kết nối tài khoản bên dưới.
info-fetch-outlook = Lấy thư từ Microsoft 365 hoặc outlook.com, đăng nhập bằng token. Hãy kết nối tài khoản bên dưới.
pipe-above = Máy chủ thư của máy này đưa thư vào lệnh sau qua một đường ống:
pipe-below = trong đó FILE chứa khóa API của người dùng, và cổng được chỉ định bằng --port nếu khác 8069.
told-size-noted = Đã ghi lại kích thước thư mà máy chủ nhận.
told-connection-works = Kết nối hoạt động: máy chủ cho đăng nhập và sẵn sàng nhận thư.
told-unverified = Chứng chỉ của { $host }:{ $port } không được kiểm tra ({ $parameter }): bất kỳ ai trả lời ở đó đều có thể đọc và sửa những gì được gửi.
told-with-warnings = { $done } { $warnings }

## Parts.

two-sentences = { $before } { $next }
wire-broken = Đã xảy ra lỗi
wire-bad-request = Yêu cầu không hợp lệ
wire-correlation = Mã trong nhật ký của máy chủ: { $correlation }.
back-to-start = Trở lại trang bắt đầu

## Why a mail is in the quarantine.

quarantine-left = { $why } Thư vẫn còn trong hộp thư.
quarantine-too-large = Thư có { $size } byte; chỉ đọc tối đa { $limit } byte. Thư vẫn còn trong hộp thư.
error-internal = Lỗi bên trong chương trình: { $words }
