# What the server says to those who call it, and what it writes down for them.

## What callers are refused.

error-no-user-to-call-as = 没有 ID 为 { $uid } 的用户。login() 可告知用户的 ID。
error-no-such-database = 这里没有该数据库。/web/database/list 列出现有的数据库。
error-method-internal = { $name } 与所有以下划线开头的方法一样是内部方法，不能从外部调用。
error-method-for-groups = 只有 { $groups } 的成员才能调用 { $method }()。请向管理员申请权限。
error-key-unknown = API 密钥不存在、已过期，或其用户已被归档。
error-second-factor = 此用户登录时需要第二重验证，而只有 Odoo 才会询问。请使用在 Odoo 中创建的 API 密钥。
error-database-address = 数据库地址必须以 "postgres://" 或 "sqlite://" 开头。
error-doctor-no-server = 没有服务器 { $server }。请按 ir.mail_server:3 或 fetchmail.server:2 的形式填写，或填写其名称；不填写则检查所有服务器。
error-fetch-archived = { $server }：服务器已归档，因此不从中接收邮件。请先将其启用。
error-fetch-no-handoff = { $server }：未接收任何邮件，因为发往 Odoo 记录的邮件无法转交。请为此服务器创建 postern.handoff，填写 Odoo 的地址和 API 密钥。
error-fetch-local = { $server }：本地服务器没有可登录的邮箱；邮件由本机上的程序递交。
error-fetch-renumbered = { $server }：服务器已对邮件重新编号；下次运行将按新编号继续。
error-fetch-busy = { $name }：另一个进程正在从此邮箱接收邮件，尚未完成。请稍后再试。
error-fetch-taken-over = 另一个进程已接管此邮箱。
error-process-administrators = 只有管理员 (base.group_system) 才能指定邮件对应的值或记录。
error-mailbox-no-host = { $server }：邮箱没有服务器名称。请在表单中输入。
error-mailbox-no-port = { $server }：请输入 TCP 端口，在 SSL/TLS 下 IMAP 通常为 993，POP3 通常为 995。
error-filestore-unknown = 附件的内容是 Odoo 的文件 { $name }，但 Postern 不知道这些文件在哪里：请用 --odoo-filestore 指定其文件夹。
error-filestore-unreadable = 附件的内容是 Odoo 的文件 { $name }，无法读取该文件：{ $error }。
error-consent-unneeded = 应用程序自行使用此邮箱，因此无需任何人授权。请改为测试连接。
error-mailbox-needs-ssl = { $name }：{ $label } 邮箱只能通过 SSL/TLS 访问；请将其启用。
error-token-no-password = { $name }：{ $label } 使用令牌登录，因此密码必须留空。
error-file-not-base64 = 文件内容必须是 base64 文本。
error-file-too-large = 文件大于 2 GB，无法存储。
error-parameter-secret-short = 参数 { $secret } 必须是至少 { $shortest_secret } 字节的随机文本：它用于签署会话。
error-parameter-fixed-name = 参数 { $key } 不能改名：程序按此名称查找它。
error-parameter-needed = 参数 { $key } 不能删除：程序需要它。请改为更改其值。
error-cron-unknown = 作业 { $id } 不是此服务器运行的作业。此服务器发送邮件队列并接收邮箱的邮件。
error-server-of-mailings = { $server }：群发邮件通过此服务器发送。请先在参数 { $mass_mailing_server } 中改填其他服务器，或将其清空。
error-server-needs-starttls = { $name }：{ $label } 要求连接加密为 "TLS (STARTTLS)"。
error-server-needs-user = { $name }：请输入 { $label } 邮箱的地址作为用户名。
error-server-certificate-tls = { $name }：证书只能通过 TLS 出示；请选择 STARTTLS 或 SSL/TLS 加密。
error-server-certificate-both = { $name }：请同时上传证书及其私钥。
error-no-address-given = “{ $given }”不是地址。请输入类似 joe@example.com 的地址。
error-declared =
    { $what ->
        [model] 模型
        [field] 字段
        [access] 访问权限
       *[rule] 记录规则
    }由程序声明，在此仅供查看，不能添加或移除。
error-access-external-id = 您无权读取外部 ID 为 { $xml_id } 的记录（{ $model }）。
error-alias-defaults = 默认值 (alias_defaults) 必须是 Python 写法的字典，例如 {"{"}'lang': 'en_US'{"}"}。
error-alias-is-bounce = { $address } 是其域名的退信地址或全收地址。请另选名称 (alias_name)。
error-domain-is-alias = { $address } 已是某个别名的地址，因此不能作为域名的退信地址 (bounce_alias) 或全收地址 (catchall_alias)。
error-domain-invalid = { $name } 不是域名。请使用不带重音的字母、数字、点和连字符，例如 example.com。
error-blacklist-address = { $given } 不是电子邮件地址 (email)，因此不能列入黑名单。
error-notification-fixed = 只有管理员 (base.group_erp_manager) 才能更改通知的 { $name }。请新建一个。
error-handoff-incomplete =
    { $what ->
        [database] { $name }：请输入接收邮件的 Odoo 的数据库。
       *[login] { $name }：请输入接收邮件的 Odoo 的登录名。
    }
error-budget =
    { $what ->
        [connections] { $number } 个连接不能作为配额。
        [messages] 每分钟 { $number } 封邮件不能作为配额。
       *[recipients] 每天 { $number } 位收件人不能作为配额。
    }请输入 1 或更大的数字，或输入 0 表示不限。
error-mailbox-not-yours = 这不是您的邮箱。管理员可以在服务器表单中通过所有者一项将其分配给您。
error-mailbox-off = 此邮箱已停用，或其服务器不通过提供商登录。
error-company-copied = 公司不能复制。请新建一个。
error-company-parent = 公司的上级公司 (parent_id) 不能更改。
error-settings-copied = 设置不能复制：只有一套设置。请改为新建表单。
error-group-loop = 组 { $id } 将包含其自身。请将其从所继承的组中移除。
error-group-needed = 程序需要用到组 { $name }，因此不能删除。
error-contact-of-user = 此联系人属于活动用户 { $login }。请先归档该用户。
error-contact-loop = 联系人 { $id } 将成为其自身的上级。请另选关联公司。
error-contact-needed = 此联系人属于用户 { $login }，不能删除。请先删除或归档该用户。
error-tag-loop = 标签 { $id } 将成为其自身的一部分。请另选上级 (parent_id)。
error-user-self = 您正以此用户登录，不能将其归档。请由其他管理员操作。
error-user-company = 用户 { $login } 的公司 (company_id) 必须是其所属公司 (company_ids) 之一。
error-user-needed = 程序需要用到用户 { $id }，因此不能删除。请改为归档。
error-groups-of-others = 您只能查询自己的组。
error-password-empty = 新密码不能为空。
error-no-user = 没有用户 { $uid }；可能已被删除。
error-user-kinds = 用户 { $login } 将同时属于两种类型。内部、门户和公共用户互相排斥：请只保留其中一个组。
error-key-of-others = 您只能吊销自己的 API 密钥。请由管理员吊销他人的密钥。
error-key-must-expire = API 密钥必须有截止日期 (expiration_date)。请选择有效期；只有管理员才能创建永不过期的密钥。
error-key-too-long = 您的 API 密钥最长有效期为 { $days } 天 (expiration_date)。请选择更短的有效期，或请管理员提高您所在组的上限。
error-key-internal = 只有内部用户才能创建 API 密钥。请向管理员申请内部用户的访问权限。
error-key-form-gone = 用于创建 API 密钥的表单 { $form } 已不存在；每个表单只能创建一个密钥。
error-key-description = API 密钥的说明 (name) 必须写明其用途。
error-identity-session = { $method }() 会再次询问密码，这只能在网页会话中进行。请在 /web/session/authenticate 登录并在那里调用。
error-identity-no-session = 只能在网页会话中验证身份。
error-identity-password = 密码缺失或错误。请将您的密码写入表单后重试。
error-owner-no-id = postern_owner_id 是用户的 ID，没有则为 false。
error-owner-unknown = 没有 ID 为 { $id } 的活动用户可以连接此邮箱。
error-expiry-day = 参数 { $key } 的值是 { $value }；请按年、月、日输入客户端密钥的过期日期，例如 2027-01-31。
error-retention-unknown = 没有内容按参数 { $key } 保留。可用的参数有：{ $names }。
error-retention-days = 参数 { $key } 的值是 { $value }；请输入不超过 { $longest } 的整数天数，或输入 0 以永久保留。
error-gmail-by-application = Gmail 不允许应用程序自行使用邮箱。请将服务器的 postern_oauth_grant 字段设为 "delegated"，然后连接邮箱。
error-oauth-incomplete = { $service } 的凭据不完整：请先在设置中输入客户端 ID 和客户端密钥。 [{ $code }]
error-oauth-tenant = 参数 microsoft_outlook.tenant 的值是 { $tenant }，这不是租户。请按 Entra 管理中心所示（Overview）输入租户的 ID 或其某个域名，或输入 "organizations"、"consumers" 或 "common"。
error-oauth-cloud = 参数 microsoft_outlook.cloud 的值是 { $cloud }；可以是 "global"、"us_government" 或 "china"。
error-oauth-busy = 另一个进程正在续期此邮箱的访问令牌，已持续数分钟。请稍后再试。
error-oauth-not-connected = 邮箱尚未连接到 { $service }。请打开服务器的表单，选择“连接您的 { $service } 帐户”，并以该邮箱的用户登录。 [{ $code }]
error-access-field = 您无权{ $operation ->
        [read] 读取
        [write] 修改
        [create] 创建
       *[unlink] 删除
    } { $model } 的字段 { $field }：该字段仅供 { $groups } 的成员使用。
error-external-id-empty = 外部 ID 不能为空。
error-sum-twice = 要汇总的字段中 { $name } 出现了两次。
error-sum-unreadable = 无法读取 { $spec }。请将要汇总的内容写成字段、"field:function" 或 "name:function(field)"。
error-field-not-base64 = { $field }（{ $model }）的内容不是有效的 base64 文本。
error-export = 只有“导出”组 (base.group_allow_export) 的成员才能导出记录。
error-server-gone = 此邮件的发送邮件服务器已被归档或删除。请为其另选服务器，或留空以便按发件人查找。
error-no-server = 没有发送邮件服务器。请新建一个、启用已归档的服务器，或在配置中指定一个 (smtp_server)。
error-server-no-host = { $server }：SMTP 服务器没有主机名。请在表单中输入。
error-port = { $name }：{ $port } 不是 TCP 端口；端口范围为 1 到 65535。
error-test-no-address = 没有可用于测试的地址：请输入 FROM 过滤，或为您自己的用户输入电子邮件地址。
error-size-unknown = { $server }：服务器没有说明邮件最大可以多大。请手动输入上限。
error-session-archived = 该用户在此期间已被归档。
error-follower-gone = 没有可关注的联系人 { $gone }；可能已被删除。
error-unverified-servers = { $parameter }：{ $entry } 没有指明一个服务器。请写成 HOST 或 HOST:PORT，例如 mail.example.com:465；不支持通配符。
error-vault-no-keys = { $place } 已用密钥 { $id } 封存，而此 Postern 没有任何保险库密钥：请提供该密钥，或重新输入机密。
error-vault-unreadable = 无法读取 { $place }：{ $error }。
error-vault-missing-keys = 数据库中有些机密是用不在保险库中的密钥封存的：{ $keys }。请将这些密钥也提供给 Postern，放在用于封存的密钥之后。
error-vault-nothing-to-seal = 没有可用于封存的保险库密钥，或者这是 Odoo 的数据库而没有人要求封存其机密。
error-no-record-here = 这里没有编号为 { $id } 的记录。可能已被删除。
error-not-whole = { $shown } 不是整数，而 { $place } 必须是整数。
error-parameter-key = 参数的键是类似 "web.base.url" 的文本，而不是 { $given }。
error-pattern = 模式 { $pattern } 以反斜杠结尾，其后没有可转义的内容。
error-number-too-large = { $number } 对 { $model } 的字段 { $field } 来说太大，该字段最大为 { $limit }。
error-no-moment = { $shown } 不是可与 { $field } 比较的时间。请写成 2026-01-31 10:20:30 的形式，使用 UTC。
error-negative-part = { $part } 不能小于零，但其值为 { $number }。
error-negative-search = 搜索的 { $what } 不能为负数。
error-unknown-model = 没有名为 { $name } 的模型。模型的名称类似 "ir.mail_server"。
error-conflict = 对相同记录的另一项更改已先提交。请重试。
error-database = 数据库无法执行该请求。服务器日志中有更多信息。
error-database-full = 数据库所在磁盘已无剩余空间，因此未作任何更改。请通知管理员，待有空间后重试。
error-database-out = 数据库暂时无法使用。请在几秒钟后重试。
error-access-model = 您无权{ $operation ->
        [read] 读取
        [write] 修改
        [create] 创建
       *[unlink] 删除
    }“{ $title }”({ $name }) 的记录。以下组的成员可以：{ $groups }。
error-access-nobody = 您无权{ $operation ->
        [read] 读取
        [write] 修改
        [create] 创建
       *[unlink] 删除
    }“{ $title }”({ $name }) 的记录。没有任何组可以。
error-access-rules = 记录规则不允许您{ $operation ->
        [read] 读取
        [write] 修改
        [create] 创建
       *[unlink] 删除
    } ID 为 { $ids } 的“{ $title }”({ $name })。
error-missing = “{ $title }”({ $name }) 没有记录 { $id }；可能已被删除。
error-field-empty = { $model } 的 { $label } ({ $field }) 不能为空。
field-named = { $label } ({ $name })
model-named = “{ $title }”({ $name })
error-create-incomplete = “{ $title }”({ $name }) 的新记录需要填写：{ $fields }。
error-link-gone = 无法关联“{ $title }”({ $name }) 的记录 { $id }：该记录不存在。
error-order = 无法读取排序 { $term }。请写出字段，可附带方向，例如 "name desc, id"。
error-wrong-password = 登录名或密码错误。
error-too-many-passwords = 最近输错密码的次数过多。请稍等一分钟再试。
error-own-certificate = smtp_ssl_certificate_filename：{ $why }。
error-parameter-value = { $key }：{ $why }。
error-authorities = 证书颁发机构无法使用：{ $why }

## What the database refuses.

constraint-cron-interval = 作业的间隔 (interval_number) 必须为 1 或更大。
constraint-required = 缺少必填的值（{ $message }）。
constraint-broken-link = 有其他记录引用此记录，或此记录引用了不存在的记录。
constraint-server-certificate = 出示证书 (smtp_authentication) 的发送邮件服务器需要加密 (smtp_encryption)。
constraint-external-id = 外部 ID (name) 不能包含空格。
constraint-rule = 记录规则必须适用于读取、写入、创建或删除 (perm_read、perm_write、perm_create、perm_unlink)。
constraint-notification = 通过电子邮件或收件箱发出的通知 (notification_type) 需要收件人 (res_partner_id)。
constraint-key-duration = 组的 API 密钥最长有效期 (api_key_duration) 不能为负数。
constraint-contact-name = 联系人需要名称 (name)，除非它是其他类型 (type) 的地址。
constraint-inbox = 只有内部用户才能在收件箱中收到通知 (notification_type)。
constraint-same-value = { $model } 已有记录的 { $columns } 与此相同。请另选一个值。
constraint-unknown = 这些值彼此不符：不满足约束 { $name }。
constraint-no-such-record = { $model } 的 { $field } 指向不存在的记录。请另选一个。
constraint-still-linked = { $model } 的记录通过 { $field } 引用此记录。请先更改或删除那些记录。
error-database-value = 数据库无法接受该值：{ $problem }

## The way to a provider and back.

consent-no-refresh-token = { $service } 没有给出刷新令牌，因此邮箱将在一小时内失去连接。请检查应用程序是否可以请求脱机访问，然后重新连接。
consent-forbidden = 只有管理员 (base.group_system) 和邮箱的所有者才能连接它。
consent-no-state = 答复中没有可读的状态。请从服务器的表单重新开始。
consent-no-model = 答复中的模型不存在。请从服务器的表单重新开始。
consent-no-record = 答复中的记录无法连接到邮箱。
consent-link = 该链接是为其他用户或记录创建的，或者已经过期。请从服务器的表单重新开始。
consent-unneeded = 应用程序自行使用此邮箱，因此无需任何人授权。如果要由个人连接，请先将其 postern_oauth_grant 字段设为 "delegated"。
oauth-provider-says = { $told } { $provider } 的说明：{ $words }
oauth-other-account = 已连接的帐户是 { $account }，而用户名是 { $user }。
oauth-other-account-shared = 如果这是该帐户拥有完全访问权限的共享邮箱，则没有问题。否则请改为连接 { $user }：请先在提供商处退出登录，或使用无痕窗口。
confirm-refused = 邮箱未连接
confirm-providers-words = 提供商的原话：{ $words }
confirm-back = 返回邮件服务器
confirm-by-get = 提供商以 GET 方式将浏览器带到此处。请从邮件服务器的页面重新开始登录。

## Why a mail is not sent.

outbox-stopped = 程序在服务器接收此邮件时停止，因此服务器可能已收下该邮件。请查看邮箱的已发送邮件；只有当其中没有该邮件时才重新发送。
outbox-address-line-break = 地址 { $text } 中有换行符；请写成一行。
outbox-no-valid-recipient = 邮件没有地址有效的收件人。请在“收件人”中输入地址，或选择有电子邮件地址的联系人。
outbox-contact-without-address = 联系人 { $id } 没有电子邮件地址。请输入地址，或将该联系人从收件人中移除。
outbox-contact-address = { $raw } 不是电子邮件地址。请更正联系人 { $id } 的地址，或将该联系人从收件人中移除。
outbox-to-empty = “收件人”(email_to) 中没有地址。请输入地址。
outbox-to-invalid = “收件人”(email_to) 中没有有效的地址：{ $raw }。
outbox-unwritable = 邮件无法按现状生成：{ $error }。
outbox-headers = 附加标头 (headers) 必须是名称与文本的对应，而不是 { $given }。
outbox-header = 标头 { $name } 必须是文本，而不是 { $given }：请加上引号。
outbox-next-attempt = { $reason } 将于 { $at } UTC 自动重试（第 { $attempt } 次尝试），或在此之前有人发送时重试。
outbox-no-sender = 邮件没有发件人。请在“发件人”(email_from) 中输入，或在电子邮件域名上设置默认发件人。
outbox-sender-line-break = 发件人 { $written } 中有换行符；请写成一行。
outbox-sender-invalid = { $sender } 不是可用于发送的地址。请在“发件人”(email_from) 中输入有效地址，或在电子邮件域名上设置默认发件人。
outbox-given-up = { $reason } 自 { $since } UTC 起已尝试 { $attempts } 次，现已放弃。
outbox-nobody = 邮件没有收件人。请在“收件人”(email_to) 中输入地址，或选择有地址的联系人。

## Secrets in the database.

vault-unknown-key = 它是用密钥 { $id } 封存的，而该密钥不在保险库的密钥中；请添加该密钥，或重新输入机密
vault-forged = 它不是当时封存的内容：它已被更改，或是从其他记录复制而来；请重新输入机密
vault-place = 记录 { $record } 的 { $table }.{ $column }

## Programs that mail and notices are handed to.

remote-unreachable = 无法访问 { $host }：{ $problem }。
remote-busy = { $host } 现在无法接收：其答复的 HTTP 状态为 { $status }。
remote-denied = { $host } 拒绝了登录名或密钥。
remote-refused = { $host } 拒绝了邮件：{ $reason }。
remote-nowhere = { $host } 不知道邮件该放在哪里：{ $reason }。
remote-failed = { $host } 出错：{ $reason }。
remote-garbled = { $host } 的答复不符合预期：{ $reason }。
remote-address = 地址 { $text } 无法使用：{ $problem }
remote-address-incomplete = 请输入完整的地址，例如 https://odoo.example.com。
remote-address-credentials = 地址中不得包含用户名和密码；它们有各自的字段。
remote-address-no-host = 其中没有主机名。
remote-address-unprotected = 邮件和密钥会发送到那里，因此必须以 https:// 开头，除非在本机上。
remote-address-scheme = 必须以 https:// 开头。
remote-header = 标头 { $name } 不能包含 { $value }。
remote-forbidden-metadata = 绝不连接 { $address }：云服务在那里保存机器的凭据。
remote-forbidden-private = { $address } 位于专用网络中，已被 --private-networks=false 禁止。

## What an application proves itself by.

credential-secret = { $service } 应用程序的客户端密钥
credential-next-secret = { $service } 应用程序的新客户端密钥
credential-certificate = { $service } 应用程序的证书
credential-ended = { $what }已于 { $day } 到期。
credential-ends-today = { $what }今天到期。
credential-ends-tomorrow = { $what }明天（{ $day }）到期。
credential-ends-later = { $what }将在 { $left } 天后（{ $day }）到期。

## Mails to administrators.

alert-recovered = 邮箱已恢复正常。
alert-works-again = 邮件服务器“{ $name }”已恢复正常
alert-needs-attention = 邮件服务器“{ $name }”需要您处理
alert-ends-soon = { $name }即将到期
alert-has-ended = { $name }已到期

## What is said of a server.

info-login = 使用用户名和密码登录。没有用户名则不登录。
info-certificate = 出示客户端证书，而不用密码登录。
info-cli = 主机、端口和用户取自程序的配置，而不是此表单。
info-gmail = 使用令牌在 Google 登录。请在下方连接帐户；FROM 过滤应为该帐户的地址。
info-outlook = 使用令牌在 Microsoft 登录。请在下方连接帐户；FROM 过滤应为该帐户的地址。
info-local = 邮件由本机上的程序递交；不接收任何邮件。
info-fetch-gmail = 从 Gmail 接收邮件，使用令牌登录。请在下方连接帐户。
info-fetch-outlook = 从 Microsoft 365 或 outlook.com 接收邮件，使用令牌登录。请在下方连接帐户。
pipe-above = 本机的邮件服务器通过管道将邮件递交给以下命令：
pipe-below = 其中 FILE 存有用户的 API 密钥；如果端口不是 8069，请用 --port 指定。
told-size-noted = 已记下服务器接受的大小。
told-connection-works = 连接正常：服务器允许登录，并愿意接收邮件。
told-unverified = 未验证 { $host }:{ $port } 的证书 ({ $parameter })：在那里应答的任何人都可以读取和更改所发送的内容。
told-with-warnings = { $done }{ $warnings }

## Parts.

two-sentences = { $before }{ $next }
wire-broken = 出现错误
wire-bad-request = 错误的请求
wire-correlation = 服务器日志中的编号：{ $correlation }。
back-to-start = 返回起始页

## Why a mail is in the quarantine.

quarantine-left = { $why } 邮件仍在邮箱中。
quarantine-too-large = 邮件为 { $size } 字节；最多读取 { $limit } 字节。邮件仍在邮箱中。
error-internal = 程序内部错误：{ $words }
