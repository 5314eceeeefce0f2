# What goes wrong between us and a mail server or a provider, without what to do about it.

transport-account = { $peer }，{ $phase }：{ $cause }。
transport-challenge = { $cause }；关于令牌，服务器说 { $challenge }
transport-told = { $account }{ $remedy } [{ $code }]
transport-told-explained = { $account }{ $what }{ $remedy } [{ $code }]
# With the name of the server in front.
transport-of-server = { $server }：{ $problem }

transport-phase-resolve = 解析主机名时
transport-phase-connect = 连接时
transport-phase-tls = TLS 握手时
transport-phase-greeting = 等待问候时
transport-phase-capability = 查询功能时
transport-phase-auth = 登录时
transport-phase-body = 等待服务器对邮件的答复时
transport-phase-reset = 重置会话时
transport-phase-quit = 结束会话时
transport-phase-select = 打开邮箱时
transport-phase-search = 搜索邮箱时
transport-phase-fetch = 接收邮件时
transport-phase-store = 更改邮件时
transport-phase-idle = 等待新邮件时
transport-phase-list = 列出邮件时

transport-lookup = 无法解析主机名（{ $why }）
transport-no-address = 该主机名没有地址
transport-connect = 无法连接（{ $why }）
transport-host-name = 这既不是主机名，也不是 IP 地址
transport-forbidden-metadata = 绝不连接 { $address }：云服务在那里保存机器的凭据
transport-forbidden-private = { $address } 位于专用网络中，已被 --private-networks=false 禁止
transport-timed-out = { $seconds } 秒内没有答复
transport-timed-out-soon = { $milliseconds } 毫秒内没有答复
transport-closed = 服务器关闭了连接
transport-io = 连接中断（{ $why }）
transport-tls = TLS 失败（{ $why }）
transport-starttls-not-offered = 服务器不支持 STARTTLS
transport-starttls-injection = 服务器在握手之前除了同意 STARTTLS 之外还发送了其他内容
transport-refused = 服务器答复：{ $reply }
transport-bye = 服务器结束了会话：{ $words }
transport-garbled = 无法理解服务器的答复（{ $what }）
transport-no-mechanism = 服务器不支持 { $wanted }，只支持 { $offered }
transport-no-mechanism-at-all = 服务器不支持 { $wanted }，也不支持任何登录方式
transport-token-in-clear = OAuth 令牌只通过 TLS 发送，而此连接没有 TLS
transport-too-large = 邮件过大：{ $size } 字节，上限为 { $limit } 字节
transport-too-large-somehow = 邮件过大：上限为 { $limit } 字节
transport-smtputf8-not-offered = 发件人地址的 @ 之前含有非 ASCII 字符，而服务器不支持 SMTPUTF8
transport-8bitmime-not-offered = 邮件含有 8 位内容，而服务器不支持 8BITMIME
transport-unusable = 连接已不可用
transport-control-in-user = 用户名含有换行符或其他控制字符
transport-control-in-password = 密码含有换行符或其他控制字符
transport-control-in-token = 访问令牌含有换行符或其他控制字符
transport-control-in-mailbox = 邮箱名称含有控制字符
transport-password-as-key = 密码无法用作密钥（{ $why }）

address-control = 地址 { $address } 含有换行符或其他控制字符
address-separator = 地址 { $address } 在引号之外含有空格或尖括号
address-form = { $address } 不是地址：应由名称、@ 和域名组成
address-domain = 地址 { $address } 的域名不是有效的主机名
address-no-recipient = 没有收件人

tls-pem-client = 客户端证书
tls-pem-authorities = 附加的证书颁发机构文本
tls-pem = 无法将{ $what }读取为 PEM 证书（{ $why }）
tls-empty = { $what }中没有证书：应为含有 BEGIN CERTIFICATE 的 PEM 文本
tls-key = 无法读取客户端证书的私钥：应为未加密的 PEM 密钥
tls-identity = 客户端证书及其私钥无法使用（{ $why }）
tls-roots = 没有受信任的证书：请安装系统的证书（ca-certificates）或另行指定（{ $why }）

compose-field-name = { $name } 不能作为标头字段的名称：请使用可打印的 ASCII 字符，不含空格和冒号
compose-duplicate-field = 标头字段 { $name } 出现了两次：请在它自己的位置设置，不要放在附加标头中
compose-line-break = { $place } 含有换行符或 NUL 字符；请写成一行
compose-too-long = { $place } 对邮件标头来说太长：最多 { $limit } 字节
compose-message-id = { $place } 必须是不含空格的 ASCII 字符
compose-address = { $place } 中的 { $address } 不是电子邮件地址
compose-domain = { $place } 中 { $address } 的域名无法使用

oauth-endpoint-unreadable = OAuth 终结点 { $value } 不是完整的 URL；请输入类似 https://login.microsoftonline.com/common/oauth2/v2.0/ 的地址
oauth-endpoint-unprotected = { $host } 上的 OAuth 终结点使用 { $scheme } 协议；请使用 https（客户端密钥会发送到那里，因此只有本机才允许使用普通 http）
oauth-endpoint-with-credentials = { $host } 上的 OAuth 终结点的 URL 中不得包含用户名或密码
oauth-redirect-address = 重定向地址 { $value } 不是完整的 URL；请将 web.base.url 设置为用户访问此服务器的地址，例如 https://mail.example.com
oauth-client-id-missing = OAuth 客户端 ID 为空；请在设置中输入应用注册的客户端 ID
oauth-client-certificate = 应用程序的证书无法使用：{ $why }
oauth-certificate-unreadable = CERTIFICATE 块中没有 X.509 证书
oauth-certificate-endless = 其截止日期不是日期
oauth-certificate-no-rsa = 私钥不是 PEM 格式的 RSA 密钥，而 Microsoft 不接受其他类型
oauth-certificate-other-key = 私钥属于另一个证书
oauth-certificate-none = 没有证书；应有以 -----BEGIN CERTIFICATE----- 开头的块
oauth-certificate-no-key = 没有随附的私钥；应有以 -----BEGIN PRIVATE KEY----- 开头的块
oauth-certificate-encrypted-key = 私钥已加密；请先去除其密码（openssl pkey -in key.pem）
oauth-authorities = 无法将附加的证书颁发机构读取为 PEM 证书
oauth-no-authorities = 附加的证书颁发机构中没有证书；应有以 -----BEGIN CERTIFICATE----- 开头的块
oauth-http-client = HTTPS 客户端无法启动，通常是因为系统没有证书颁发机构；请安装 ca-certificates 软件包
