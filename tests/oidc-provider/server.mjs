// A certified OpenID provider (npm oidc-provider) behind the paths of Microsoft's v2.0 endpoints, for the one test
// that runs the same flow against an implementation that is not ours. State lives in memory; it ends with its parent.
//
// Configured by environment variables:
//   OIDC_PORT                   port on 127.0.0.1, 0 or absent picks a free one
//   OIDC_REDIRECT_URI           the only redirect URI of the client (required)
//   OIDC_CLIENT_ID              default "postern"
//   OIDC_CLIENT_SECRET          default "posternsecret"
//   OIDC_INTROSPECTION_ID       default "dovecot"
//   OIDC_INTROSPECTION_SECRET   default "dovecotsecret"
//   OIDC_ACCESS_TOKEN_SECONDS   default 3600
// Prints one line "ready http://127.0.0.1:PORT" once it answers, and exits when its standard input closes.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const env = (name, fallback) => process.env[name] ?? fallback;

const redirectUri = process.env.OIDC_REDIRECT_URI;
if (!redirectUri) {
  console.error('OIDC_REDIRECT_URI is not set: name the address that the provider shall send the browser back to');
  process.exit(2);
}

// The issuer names the port, so the port has to be known before the provider is built.
const server = createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(Number(env('OIDC_PORT', '0')), '127.0.0.1', resolve);
});
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: env('OIDC_CLIENT_ID', 'postern'),
      client_secret: env('OIDC_CLIENT_SECRET', 'posternsecret'),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      // The mail server: it only asks whether a token is good.
      client_id: env('OIDC_INTROSPECTION_ID', 'dovecot'),
      client_secret: env('OIDC_INTROSPECTION_SECRET', 'dovecotsecret'),
      grant_types: [],
      response_types: [],
      redirect_uris: [],
    },
  ],
  scopes: [
    'openid',
    'offline_access',
    'https://outlook.office.com/IMAP.AccessAsUser.All',
    'https://outlook.office.com/SMTP.Send',
  ],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  pkce: { required: () => false },
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, _client, code) => code.scopes.has('offline_access'),
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
  },
  ttl: {
    AccessToken: Number(env('OIDC_ACCESS_TOKEN_SECONDS', '3600')),
    AuthorizationCode: 60,
    RefreshToken: 86400,
    Grant: 86400,
    Session: 86400,
    Interaction: 600,
  },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  routes: {
    authorization: '/common/oauth2/v2.0/authorize',
    token: '/common/oauth2/v2.0/token',
    introspection: '/token/introspection',
  },
});

// A standard provider drops offline_access without a word unless the request asks for the consent page, while
// Microsoft's needs no prompt parameter for it. Adding the parameter makes this provider take Microsoft's request.
provider.use(async (ctx, next) => {
  if (ctx.path.endsWith('/authorize') && !ctx.query.prompt) {
    ctx.query = { ...ctx.query, prompt: 'consent' };
  }
  await next();
});

server.on('request', provider.callback());

// Whoever started this holds the other end of standard input: when it goes away, also by a kill, so do we.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

console.log(`ready ${issuer}`);
